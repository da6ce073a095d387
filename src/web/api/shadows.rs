//! Candidates that follow a model on paper, as JSON.

use super::reasks::{WouldBeRow, decisions_of};
use super::wire::{any_model, list, model, number, read_page, time};
use crate::domain::ids::{ProviderId, ShadowId, TraderId};
use crate::domain::paper_account::PaperFill;
use crate::domain::shadow::{Progress, SHADOWS_LISTED_MAX, Shadow, ShadowStep};
use crate::domain::trader::{MODEL_NAME_MAX, NAME_MAX};
use crate::ports::language_model::TEMPLATE_MAX_BYTES;
use crate::ports::store::Page;
use crate::services::desk::Desk;
use crate::services::shadows::{self, NewShadow, ShadowError};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, JsonInput, QueryInput};
use crate::web::show::sentence;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::Number;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A candidate and how it has done beside the model that it follows.
#[derive(Serialize, ToSchema)]
pub struct ShadowRow {
    /// Its id.
    pub id: i64,
    /// The model that it follows.
    pub model_id: i64,
    /// Its name.
    pub name: String,
    /// Who is asked.
    pub provider_id: i64,
    /// Which of its models.
    pub model_name: String,
    /// Whether its prompts have a template of their own.
    pub has_own_template: bool,
    /// `active` or `stopped`.
    pub status: &'static str,
    /// Who started it.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// When it was ended.
    pub stopped_at: Option<String>,
    /// How it has done; null before the first record.
    pub progress: Option<ProgressRow>,
}

/// How a candidate has done since its first record.
#[derive(Serialize, ToSchema)]
pub struct ProgressRow {
    /// Records that it was shown.
    pub records: u32,
    /// Those to which it gave no answer.
    pub unanswered: u32,
    /// Records that it did not see, because it was too slow or they could not be read.
    pub skipped: u32,
    /// What its account on paper began with: the model's equity at the first record.
    pub start: String,
    /// What it is worth now, at the prices of the last record.
    pub equity: String,
    /// In percent.
    #[schema(value_type = f64)]
    pub return_pct: Number,
    /// The deepest fall below its highest, in percent.
    #[schema(value_type = f64)]
    pub max_drawdown_pct: Number,
    /// The same of the model, at the same moments.
    pub model: LeaderRow,
    /// Round trips that are over.
    pub trades: u32,
    /// Those that brought something after fees.
    pub wins: u32,
    /// Coins for which both gave a usable answer.
    pub compared: u32,
    /// Those in which both wanted the same.
    pub agreed: u32,
    /// Its wishes that the rules refused.
    pub denied: u32,
    /// Its answers that could not be used.
    pub unusable: u32,
    /// What asking it cost, in US dollars.
    pub cost: String,
    /// Its calls that are missing in the cost, because nobody said what tokens cost.
    pub unpriced_calls: u32,
    /// Why it ended by itself.
    pub ended: Option<String>,
}

/// The model that is followed, over the same records.
#[derive(Serialize, ToSchema)]
pub struct LeaderRow {
    /// Equity at the last record.
    pub equity: String,
    /// In percent.
    #[schema(value_type = f64)]
    pub return_pct: Number,
    /// The deepest fall below its highest, in percent.
    #[schema(value_type = f64)]
    pub max_drawdown_pct: Number,
    /// What asking it cost, in US dollars.
    pub cost: String,
    /// Its calls that are missing in the cost, because nobody said what tokens cost.
    pub unpriced_calls: u32,
}

/// One record, as a candidate answered it.
#[derive(Serialize, ToSchema)]
pub struct StepRow {
    /// From 1.
    pub number: u32,
    /// The model's cycle.
    pub cycle_id: i64,
    /// Market time of the record.
    pub market_at: String,
    /// When it was answered.
    pub at: String,
    /// The candidate's equity.
    pub equity: String,
    /// The model's equity at that moment.
    pub model_equity: String,
    /// What was bought and sold on paper.
    pub fills: Vec<PaperFillRow>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// The record of its own answer.
    pub bundle: Option<String>,
    /// In US dollars.
    pub cost: Option<String>,
}

/// One record in full.
#[derive(Serialize, ToSchema)]
pub struct StepDetailRow {
    /// The record as it stands in the list.
    pub step: StepRow,
    /// What was decided on paper, coin by coin; empty without an answer, and when its record has been removed.
    pub decisions: Vec<WouldBeRow>,
}

/// A fill on paper.
#[derive(Serialize, ToSchema)]
pub struct PaperFillRow {
    /// The coin.
    pub coin: String,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// Base quantity.
    pub quantity: String,
    /// Quote units for one base unit, slippage included.
    pub price: String,
    /// In quote.
    pub fee: String,
    /// `decision`, `stop loss`, `profit target`, `liquidation` or `not followed any more`.
    pub why: String,
}

/// `GET /api/models/{id}/shadows`: the newest first.
///
/// # Errors
/// 404.
pub async fn index(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = any_model(&desk, *id).await?;
    let rows: Vec<ShadowRow> = desk.store.shadows(trader.id, SHADOWS_LISTED_MAX).await?.iter().map(row).collect();
    Ok(HttpResponse::Ok().json(rows))
}

/// `POST /api/models/{id}/shadows`
///
/// # Errors
/// 404, 409, 422.
pub async fn create(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *id).await?;
    let given = read_given(&mut input, trader.id, &ctx);
    input.refuse_unknown();
    let new = input.0.done(given)?;
    let shadow = shadows::start(&desk, new).await.map_err(shadow_error)?;
    Ok(HttpResponse::Created().json(row(&shadow)))
}

/// `GET /api/shadows/{id}`
///
/// # Errors
/// 404.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    Ok(HttpResponse::Ok().json(row(&known(&desk, *id).await?)))
}

/// `GET /api/shadows/{id}/steps`: the newest first.
///
/// # Errors
/// 404, 422.
pub async fn steps(desk: Data<Desk>, id: Path<i64>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let page = read_page(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let shadow = known(&desk, *id).await?;
    let rows: Vec<StepRow> = desk.store.shadow_steps(shadow.id, page).await?.iter().map(step_row).collect();
    Ok(list(&rows, page, rows.last().map(|row| i64::from(row.number))))
}

/// `GET /api/shadows/{id}/steps/{number}`: with what was decided, coin by coin.
///
/// # Errors
/// 404.
pub async fn step(desk: Data<Desk>, path: Path<(i64, u32)>) -> Result<HttpResponse, AppError> {
    let shadow = known(&desk, path.0).await?;
    let step = known_step(&desk, &shadow, path.1).await?;
    let decisions = decisions_of(&desk, step.bundle.as_ref()).await?;
    Ok(HttpResponse::Ok().json(StepDetailRow { step: step_row(&step), decisions }))
}

/// `POST /api/shadows/{id}/stop`
///
/// # Errors
/// 404, 409.
pub async fn stop(desk: Data<Desk>, ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let shadow = shadows::stop(&desk, ShadowId(*id), &ctx.actor.name()).await.map_err(shadow_error)?;
    Ok(HttpResponse::Ok().json(row(&shadow)))
}

/// Reads a candidate that somebody wants to try.
pub(in crate::web) fn read_given(input: &mut Input, trader_id: TraderId, ctx: &Ctx) -> Option<NewShadow> {
    let name = input.required_text("name", NAME_MAX);
    let provider = input.required("provider_id", |text| text.parse::<i64>().map_err(|_| "must be a number"));
    let model_name = input.required_text("model_name", MODEL_NAME_MAX);
    let template = input.text("template", TEMPLATE_MAX_BYTES).filter(|text| !text.trim().is_empty());
    if template.as_ref().is_some_and(|text| text.len() > TEMPLATE_MAX_BYTES) {
        input.fail("template", format!("must have at most {TEMPLATE_MAX_BYTES} bytes"));
    }
    let provider_id = ProviderId(provider?);
    Some(NewShadow { trader_id, name, provider_id, model_name, template, actor: ctx.actor.name() })
}

/// What a refusal of the service is to the outside.
pub(in crate::web) fn shadow_error(error: ShadowError) -> AppError {
    let message = sentence(&error.to_string());
    let field = |name: &str, why: String| AppError::invalid(BTreeMap::from([(name.to_owned(), why)]));
    match error {
        ShadowError::NoTrader(_) => AppError::not_found("model"),
        ShadowError::NotFound(_) => AppError::not_found("shadow"),
        ShadowError::Name(error) => field("name", error.to_string()),
        ShadowError::NameTaken => AppError::conflict("duplicate_name", "Another shadow of this model has this name.")
            .with_field("name", error.to_string()),
        ShadowError::NoProvider => field("provider_id", error.to_string()),
        ShadowError::BadModelName => field("model_name", error.to_string()),
        ShadowError::Template(error) => field("template", error.to_string()),
        ShadowError::TooMany => AppError::conflict("too_many_shadows", message),
        ShadowError::Contended => AppError::conflict("changed_meanwhile", message),
        ShadowError::Changed => AppError::conflict("shadow_changed", message),
        ShadowError::Store(error) => error.into(),
    }
}

/// A shadow that exists.
pub(in crate::web) async fn known(desk: &Desk, id: i64) -> Result<Shadow, AppError> {
    desk.store.shadow(ShadowId(id)).await?.ok_or_else(|| AppError::not_found("shadow"))
}

/// A record that a shadow has answered.
pub(in crate::web) async fn known_step(desk: &Desk, shadow: &Shadow, number: u32) -> Result<ShadowStep, AppError> {
    let page = Page { before: Some(i64::from(number) + 1), ..Page::first(1) };
    let found = desk.store.shadow_steps(shadow.id, page).await?.pop().filter(|step| step.number == number);
    found.ok_or_else(|| AppError::not_found("record"))
}

fn row(shadow: &Shadow) -> ShadowRow {
    ShadowRow {
        id: shadow.id.0,
        model_id: shadow.trader_id.0,
        name: shadow.name.clone(),
        provider_id: shadow.provider_id.0,
        model_name: shadow.model_name.clone(),
        has_own_template: shadow.template.is_some(),
        status: if shadow.is_active() { "active" } else { "stopped" },
        created_by: shadow.created_by.clone(),
        created_at: time(shadow.created_at),
        stopped_at: shadow.stopped_at.map(time),
        progress: shadow.progress.as_ref().map(progress_row),
    }
}

fn progress_row(progress: &Progress) -> ProgressRow {
    let account = &progress.account;
    ProgressRow {
        records: progress.steps,
        unanswered: progress.failed,
        skipped: progress.skipped,
        start: account.book.initial_capital.to_string(),
        equity: account.equity().to_string(),
        return_pct: number(progress.return_pct()),
        max_drawdown_pct: number(account.drawdown_pct),
        model: LeaderRow {
            equity: progress.leader_equity.to_string(),
            return_pct: number(progress.leader_return_pct()),
            max_drawdown_pct: number(progress.leader_drawdown_pct),
            cost: progress.leader_cost.normalize().to_string(),
            unpriced_calls: progress.leader_unpriced_calls,
        },
        trades: account.trades,
        wins: account.wins,
        compared: progress.compared,
        agreed: progress.agreed,
        denied: progress.denied,
        unusable: progress.unusable,
        cost: progress.cost.normalize().to_string(),
        unpriced_calls: progress.unpriced_calls,
        ended: progress.ended.clone(),
    }
}

fn step_row(step: &ShadowStep) -> StepRow {
    StepRow {
        number: step.number,
        cycle_id: step.cycle_id.0,
        market_at: time(step.market_at),
        at: time(step.at),
        equity: step.equity.to_string(),
        model_equity: step.leader_equity.to_string(),
        fills: step.fills.iter().map(fill_row).collect(),
        error: step.error.clone(),
        bundle: step.bundle.as_ref().map(ToString::to_string),
        cost: step.cost.map(|cost| cost.normalize().to_string()),
    }
}

fn fill_row(fill: &PaperFill) -> PaperFillRow {
    PaperFillRow {
        coin: fill.coin.to_string(),
        side: fill.purpose.side().as_str(),
        quantity: fill.quantity.to_string(),
        price: fill.price.to_string(),
        fee: fill.fee.to_string(),
        why: fill.why.clone(),
    }
}
