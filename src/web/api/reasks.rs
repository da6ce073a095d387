//! A cycle's question, put to another language model or in other words. Nothing is decided by it.

use super::wire::time;
use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, ProviderId};
use crate::domain::reask::{Reask, ReaskState, ReaskTemplate};
use crate::domain::trader::MODEL_NAME_MAX;
use crate::ports::bundle::RulingRecord;
use crate::services::desk::Desk;
use crate::services::reask::{self, ReaskError, ReaskRequest};
use crate::services::replay_bundle::{ReplayError, answer_text, load, order_text};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, JsonInput};
use crate::web::show::sentence;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Another answer to a cycle's question.
#[derive(Serialize, ToSchema)]
pub struct ReaskRow {
    /// Its id.
    pub id: i64,
    /// The cycle whose question it is.
    pub cycle_id: i64,
    /// Who is asked.
    pub provider_id: i64,
    /// Which of its models.
    pub model_name: String,
    /// In which words: `recorded`, `current` or `default`.
    pub template: &'static str,
    /// `asking`, `answered`, `failed` or `lost`.
    pub status: &'static str,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// The record of the answer.
    pub bundle: Option<String>,
    /// What would have been decided, coin by coin; empty when the record has been removed.
    pub decisions: Vec<WouldBeRow>,
}

/// What would have been decided for one coin.
#[derive(Serialize, ToSchema)]
pub struct WouldBeRow {
    /// The coin.
    pub coin: String,
    /// What was answered, in a few words.
    pub answer: String,
    /// `passed`, `denied`, `hold` or `unusable`.
    pub ruling: &'static str,
    /// The order it would be, in a few words.
    pub order: Option<String>,
    /// Why not, in words.
    pub reason: Option<String>,
}

/// `POST /api/cycles/{id}/ask`: waits up to 30 s, then answers 202.
///
/// # Errors
/// 404, 409, 410, 422.
pub async fn ask(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let given = read_given(&mut input, CycleId(*id), &ctx);
    input.refuse_unknown();
    let request = input.0.done(given)?;
    let reask = put(&desk, request).await?;
    let status = if reask.finished_at.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(HttpResponse::build(status).json(row(&desk, &reask).await?))
}

/// `GET /api/cycles/{id}/answers`: the newest first.
///
/// # Errors
/// 404.
pub async fn index(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let cycle = desk.store.cycle(CycleId(*id)).await?.ok_or_else(|| AppError::not_found("cycle"))?;
    let mut rows = Vec::new();
    for reask in desk.store.reasks(cycle.id).await? {
        rows.push(row(&desk, &reask).await?);
    }
    Ok(HttpResponse::Ok().json(rows))
}

/// Reads who is to be asked, and in which words.
pub(in crate::web) fn read_given(input: &mut Input, cycle: CycleId, ctx: &Ctx) -> Option<ReaskRequest> {
    let provider = input.required("provider_id", |text| text.parse::<i64>().map_err(|_| "must be a number"));
    let model_name = input.required_text("model_name", MODEL_NAME_MAX);
    let words: Vec<&str> = ReaskTemplate::ALL.iter().map(|word| word.as_str()).collect();
    let template = input.word("template", &words, ReaskTemplate::parse).unwrap_or(ReaskTemplate::Recorded);
    let provider_id = ProviderId(provider?);
    Some(ReaskRequest { cycle, provider_id, model_name, template, actor: ctx.actor.name() })
}

/// Puts a question and waits for the answer for as long as a cycle is waited for. Whoever hangs up leaves nothing half
/// done.
pub(in crate::web) async fn put(desk: &Data<Desk>, request: ReaskRequest) -> Result<Reask, AppError> {
    let begun = reask::begin(desk, request).await.map_err(reask_error)?;
    let (asking, worker) = (begun.reask.clone(), desk.clone());
    let task = desk.background.spawn(async move { reask::finish(&worker, begun).await });
    match tokio::time::timeout(desk.policy.patience.cycle, task).await {
        Ok(ended) => ended.map_err(|panic| AppError::internal(&panic))?.map_err(reask_error),
        Err(_) => Ok(asking),
    }
}

/// What a refusal of the service is to the outside.
pub(in crate::web) fn reask_error(error: ReaskError) -> AppError {
    let message = sentence(&error.to_string());
    match error {
        ReaskError::NotFound(_) => AppError::not_found("cycle"),
        ReaskError::Record(error) => record_error(error),
        ReaskError::NoQuestion => AppError::conflict("no_question", message),
        ReaskError::TooOften => AppError::conflict("asked_too_often", message),
        ReaskError::TooMany => AppError::conflict("too_many_questions", message),
        ReaskError::NotConnected => AppError::unavailable("not_connected", message),
        ReaskError::Asking(_) => AppError::conflict("already_asking", message),
        ReaskError::NoProvider(_) => {
            AppError::invalid(BTreeMap::from([("provider_id".to_owned(), "does not exist".to_owned())]))
        }
        ReaskError::BadModelName => AppError::invalid(BTreeMap::from([("model_name".to_owned(), error.to_string())])),
        ReaskError::Commit(error) => AppError::internal(&error),
        ReaskError::Store(error) => error.into(),
    }
}

/// What a record that cannot be used is to the outside.
fn record_error(error: ReplayError) -> AppError {
    let message = sentence(&error.to_string());
    match error {
        ReplayError::Gone(_) => AppError::gone("record_removed", message),
        ReplayError::NothingJudged => AppError::conflict("nothing_judged", message),
        ReplayError::NotConnected => AppError::unavailable("not_connected", message),
        ReplayError::Bundle(_) => AppError::conflict("record_damaged", message),
        ReplayError::Store(error) => error.into(),
    }
}

/// Where a question stands, as a word.
pub(in crate::web) const fn state_word(state: ReaskState) -> &'static str {
    match state {
        ReaskState::Asking => "asking",
        ReaskState::Answered => "answered",
        ReaskState::Failed => "failed",
        ReaskState::Lost => "lost",
    }
}

/// What would have been decided, coin by coin; nothing when the record of the answer cannot be read any more.
pub(in crate::web) async fn decisions_of(desk: &Desk, hash: Option<&Digest>) -> Result<Vec<WouldBeRow>, AppError> {
    let Some(hash) = hash else { return Ok(Vec::new()) };
    match load(desk, hash).await {
        Ok(bundle) => {
            let pairs = bundle.answers.iter().zip(&bundle.rulings);
            Ok(pairs.map(|(answer, ruling)| would_be(answer_text(answer), ruling)).collect())
        }
        Err(ReplayError::Store(error)) => Err(error.into()),
        Err(_) => Ok(Vec::new()),
    }
}

async fn row(desk: &Desk, reask: &Reask) -> Result<ReaskRow, AppError> {
    Ok(ReaskRow {
        id: reask.id.0,
        cycle_id: reask.cycle_id.0,
        provider_id: reask.provider_id.0,
        model_name: reask.model_name.clone(),
        template: reask.template.as_str(),
        status: state_word(reask.state(desk.clock.now())),
        asked_by: reask.asked_by.clone(),
        asked_at: time(reask.asked_at),
        finished_at: reask.finished_at.map(time),
        error: reask.error.clone(),
        bundle: reask.bundle.as_ref().map(ToString::to_string),
        decisions: decisions_of(desk, reask.bundle.as_ref()).await?,
    })
}

fn would_be(answer: String, ruling: &RulingRecord) -> WouldBeRow {
    WouldBeRow {
        coin: ruling.coin.to_string(),
        answer,
        ruling: ruling.word.as_str(),
        order: ruling.intent.as_ref().map(|intent| order_text(Some(intent))),
        reason: Some(why_not(ruling)).filter(|why| !why.is_empty()),
    }
}

/// Why nothing would have come of it, in words; empty when something would.
pub(in crate::web) fn why_not(ruling: &RulingRecord) -> String {
    if ruling.why.is_empty() { ruling.report.reasons() } else { ruling.why.clone() }
}
