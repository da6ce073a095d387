//! Decisions: what waits, what was, and a person's word on it.

use super::decision_row::{DecisionRow, rules};
use super::execution;
use super::wire::{list, model_filter, read_model_id, read_page, time};
use crate::domain::decision::{DecisionStatus, REASON_MAX};
use crate::domain::ids::DecisionId;
use crate::domain::money::{Price, Quantity};
use crate::ports::store::{DecisionFilter, DecisionTab};
use crate::services::decide::{self, ApproveRequest, DecideError, Modifications};
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, JsonInput, QueryInput};
use crate::web::show::sentence;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Hex digits of a digest.
const DIGEST_CHARS: usize = 64;
/// The highest leverage that is looked at; the model's own limit is a risk rule.
const LEVERAGE_MAX: i64 = 1_000;
/// The words of `?status=`.
pub const STATUSES: &[&str] = &[
    "model_error",
    "no_action",
    "denied",
    "displayed",
    "pending",
    "approved",
    "ordered",
    "rejected",
    "expired",
    "superseded",
    "cancelled",
];

/// A decision with everything that happened to it.
#[derive(Serialize, ToSchema)]
pub struct DecisionDetail {
    /// The row.
    #[serde(flatten)]
    pub decision: DecisionRow,
    /// The cycle that made it.
    pub cycle_id: i64,
    /// `simulation`, `testnet` or `mainnet`.
    pub book: &'static str,
    /// `advisor` or `external`.
    pub source: &'static str,
    /// `market` or `protected`.
    pub order_style: &'static str,
    /// The hard cap of a protected order.
    pub worst_price: Option<String>,
    /// Whether a person changed the terms.
    pub edited: bool,
    /// Its history, oldest first.
    pub events: Vec<DecisionHistory>,
}

/// One line of a decision's history.
#[derive(Serialize, ToSchema)]
pub struct DecisionHistory {
    /// For example `asked`, `edited`, `approved`.
    pub event: String,
    /// The version it led to.
    pub version: i64,
    /// Who.
    pub by: String,
    /// In words.
    pub detail: String,
    /// When.
    pub at: String,
}

/// The answer to a rejection or a request for approval.
#[derive(Serialize, ToSchema)]
pub struct DecisionDone {
    /// Always true.
    pub success: bool,
    /// The decision as it is now.
    pub decision: DecisionRow,
}

/// `GET /api/pending-decisions`
///
/// # Errors
/// 404 for an unknown model, 422 for a bad query.
pub async fn pending(desk: Data<Desk>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let model_id = read_model_id(&mut query);
    page_of(
        &desk,
        query,
        model_id,
        DecisionFilter { status: Some(DecisionStatus::Pending), ..DecisionFilter::default() },
    )
    .await
}

/// `GET /api/decision-history`
///
/// # Errors
/// 404 for an unknown model, 422 for a bad query.
pub async fn history(desk: Data<Desk>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let model_id = read_model_id(&mut query);
    let filter = query.word("status", STATUSES, |word| match word {
        "approved" => Some(DecisionFilter { tab: Some(DecisionTab::Approved), ..DecisionFilter::default() }),
        word => DecisionStatus::parse(word)
            .map(|status| DecisionFilter { status: Some(status), ..DecisionFilter::default() }),
    });
    page_of(&desk, query, model_id, filter.unwrap_or_default()).await
}

async fn page_of(
    desk: &Desk,
    mut query: QueryInput,
    model_id: Option<i64>,
    filter: DecisionFilter,
) -> Result<HttpResponse, AppError> {
    let page = read_page(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let filter = DecisionFilter { trader_id: model_filter(desk, model_id).await?, ..filter };
    let decisions = desk.store.decisions(filter, page).await?;
    let mut rows = Vec::with_capacity(decisions.len());
    for decision in &decisions {
        rows.push(DecisionRow::read(desk, decision).await?);
    }
    Ok(list(&rows, page, rows.last().map(|row| row.id)))
}

/// `GET /api/decisions/{id}`
///
/// # Errors
/// 404.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let id = DecisionId(*id);
    let decision = desk.store.decision(id).await?.ok_or_else(|| AppError::not_found("decision"))?;
    let events = desk.store.decision_events(id).await?;
    let history = events.into_iter().map(|(event, record)| DecisionHistory {
        event,
        version: record.version,
        by: record.actor,
        detail: record.detail,
        at: time(record.at),
    });
    let row = DecisionRow::read(&desk, &decision).await?;
    Ok(HttpResponse::Ok().json(DecisionDetail {
        decision: row,
        cycle_id: decision.cycle_id.0,
        book: decision.venue.as_str(),
        source: decision.source.as_str(),
        order_style: decision.order_style.as_str(),
        worst_price: decision.worst_price.map(|price| price.to_string()),
        edited: decision.edited,
        events: history.collect(),
    }))
}

/// `POST /api/pending-decisions/{id}/approve`: waits for the order, up to 15 s.
///
/// # Errors
/// 404, 409, 410, 422, 428; with the decision as it is wherever there is one.
pub async fn approve(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    mut input: JsonInput,
) -> Result<HttpResponse, AppError> {
    let version = input.integer("version", 0..=i64::MAX);
    let digest = input.text("digest", DIGEST_CHARS);
    let modified = input.boolean("modified");
    let modifications = read_modifications(&mut input);
    match (modified, &modifications) {
        (Some(true), None) => input.fail("modifications", "is required when modified is true"),
        (Some(false), Some(_)) => input.fail("modified", "must be true when there are modifications"),
        _ => {}
    }
    input.refuse_unknown();
    input.0.finish()?;
    let id = DecisionId(*id);
    let request = ApproveRequest { id, version, digest, modifications, by: ctx.actor.name() };
    match decide::approve(&desk, &request).await {
        Ok((_, order)) => execution::answer(&desk, order).await,
        Err(error) => Err(refused(&desk, id, error).await),
    }
}

fn read_modifications(input: &mut Input) -> Option<Modifications> {
    let mut fields = Input::from_json(input.object("modifications")?);
    let modifications = Modifications {
        quantity: fields.optional("quantity", Quantity::parse),
        leverage: fields.integer("leverage", 1..=LEVERAGE_MAX).and_then(|leverage| u32::try_from(leverage).ok()),
        profit_target: removable(&mut fields, "profit_target"),
        stop_loss: removable(&mut fields, "stop_loss"),
    };
    fields.refuse_unknown();
    for (name, why) in fields.errors() {
        input.fail(format!("modifications.{name}"), why.clone());
    }
    (modifications != Modifications::default()).then_some(modifications)
}

/// Null takes a stop or target away; leaving it out keeps it.
fn removable(fields: &mut Input, name: &str) -> Option<Option<Price>> {
    if !fields.was_sent(name) {
        return None;
    }
    match fields.raw(name) {
        None => Some(None),
        Some(_) => fields.optional(name, Price::parse).map(Some),
    }
}

/// `POST /api/pending-decisions/{id}/reject`
///
/// # Errors
/// 404, 409, 410, 422.
pub async fn reject(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let reason = input.text("reason", REASON_MAX).unwrap_or_default();
    let version = input.integer("version", 0..=i64::MAX);
    input.refuse_unknown();
    input.0.finish()?;
    let id = DecisionId(*id);
    match decide::reject(&desk, id, version, &reason, &ctx.actor.name()).await {
        Ok(decision) => done(&desk, &decision).await,
        Err(error) => Err(refused(&desk, id, error).await),
    }
}

/// `POST /api/decisions/{id}/request-approval`: a displayed decision is re-checked and waits for approval.
///
/// # Errors
/// 404, 409, 410, 422.
pub async fn request_approval(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    mut input: JsonInput,
) -> Result<HttpResponse, AppError> {
    input.refuse_unknown();
    input.0.finish()?;
    let id = DecisionId(*id);
    match decide::request_approval(&desk, id, &ctx.actor.name()).await {
        Ok(decision) => done(&desk, &decision).await,
        Err(error) => Err(refused(&desk, id, error).await),
    }
}

async fn done(desk: &Desk, decision: &crate::domain::decision::Decision) -> Result<HttpResponse, AppError> {
    let decision = DecisionRow::read(desk, decision).await?;
    Ok(HttpResponse::Ok().json(DecisionDone { success: true, decision }))
}

/// A refusal with the row as it truly is: whoever comes second learns what happened.
async fn refused(desk: &Desk, id: DecisionId, error: DecideError) -> AppError {
    let sentence = sentence(&error.to_string());
    let (refusal, row) = match error {
        DecideError::NotFound(_) => return AppError::not_found("decision"),
        DecideError::Store(error) => return error.into(),
        DecideError::Invalid { field, rule } => {
            return AppError::invalid([(format!("modifications.{field}"), rule)].into());
        }
        DecideError::AlreadyDecided(row) => (AppError::conflict("already_decided", sentence), Some(row)),
        DecideError::Expired(row) => (AppError::gone("expired", sentence), Some(row)),
        DecideError::TermsChanged(row) => (AppError::conflict("terms_changed", sentence), Some(row)),
        DecideError::TermsRequired(row) => (AppError::precondition_required("terms_required", sentence), Some(row)),
        DecideError::PriceDrift { decision, old, new, bps } => {
            let drift = json!({
                "quoted": old.to_string(), "now": new.to_string(), "bps": Value::Number(super::wire::percent(bps)),
            });
            (AppError::conflict("price_drift", sentence).with_extra("drift", drift), Some(decision))
        }
        DecideError::RiskDenied { decision, report } => {
            let denied = AppError::unprocessable("risk_denied", sentence);
            (with_json(denied, "rules", &rules(&report)), Some(decision))
        }
        DecideError::StalePrice(row) => (AppError::conflict("stale_price", sentence), Some(row)),
        DecideError::Live { decision, refusal } => (AppError::live(&refusal), Some(decision)),
        DecideError::Paused(row) => (AppError::conflict("model_paused", sentence), Some(row)),
        DecideError::Stopped(row) => (AppError::conflict("emergency_stop", sentence), Some(row)),
        DecideError::Contended => {
            let row = desk.store.decision(id).await.ok().flatten().map(Box::new);
            (AppError::conflict("contended", sentence), row)
        }
    };
    match row {
        Some(decision) => match DecisionRow::read(desk, &decision).await {
            Ok(row) => with_json(refusal, "decision", &row),
            Err(error) => error.into(),
        },
        None => refusal,
    }
}

/// Puts a value beside the error.
pub fn with_json(error: AppError, name: &str, value: &impl Serialize) -> AppError {
    match serde_json::to_value(value) {
        Ok(value) => error.with_extra(name, value),
        Err(failed) => AppError::internal(&failed),
    }
}
