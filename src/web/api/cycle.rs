//! A cycle on demand, with decisions sent in or the model's own.

use super::execution::Execution;
use super::given::read_given;
use super::wire::{environment, model};
use crate::domain::access::TokenScope;
use crate::domain::cycle::{Cycle, CycleTrigger};
use crate::domain::decision::Decision;
use crate::domain::ids::{CycleId, TraderId};
use crate::services::desk::Desk;
use crate::services::read::{CycleAnswer, CycleState, ExecutedCoin, cycle_answer};
use crate::services::run_cycle::{self, CycleError, CycleRequest};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, JsonInput};
use crate::web::show::sentence;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use serde::Serialize;
use std::time::Duration;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use utoipa::ToSchema;

/// How long a cycle that is neither running nor done may take to become either.
const HANDOVER_WAIT: Duration = Duration::from_secs(5);
/// How often it is looked whether it has begun.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A cycle under way in this process.
type CycleTask = JoinHandle<Result<CycleId, CycleError>>;

/// A cycle, coin by coin.
#[derive(Serialize, ToSchema)]
pub struct CycleRow {
    /// Its id.
    pub cycle_id: i64,
    /// `simulation` or `live`.
    pub environment: &'static str,
    /// The level under which it ran.
    pub automation: &'static str,
    /// Orders that were filled, at least in part, or still rest.
    pub executed: Vec<Execution>,
    /// Decisions that wait for approval.
    pub pending: Vec<WaitingCoin>,
    /// Decisions that are only shown.
    pub displayed: Vec<WaitingCoin>,
    /// Hold, denied and unusable ones.
    pub skipped: Vec<SkippedRow>,
    /// Orders that ended without a fill.
    pub failed: Vec<Execution>,
    /// Remarks as stable words, for example `market_data_ignored`.
    pub warnings: Vec<String>,
}

/// A decision that waits or is shown.
#[derive(Serialize, ToSchema)]
pub struct WaitingCoin {
    /// The decision.
    pub decision_id: i64,
    /// The coin.
    pub coin: String,
    /// What is wanted.
    pub signal: Option<&'static str>,
    /// Base quantity on the venue's grid.
    pub quantity: Option<String>,
}

/// A coin that led to nothing.
#[derive(Serialize, ToSchema)]
pub struct SkippedRow {
    /// The coin.
    pub coin: String,
    /// What was wanted; null when it was unreadable.
    pub signal: Option<&'static str>,
    /// `hold`, `model_error`, or the first rule that refused.
    pub code: String,
    /// For a person.
    pub message: String,
    /// All reasons.
    pub reasons: Vec<String>,
}

/// A cycle that is not done yet, or failed.
#[derive(Serialize, ToSchema)]
pub struct CycleProgress {
    /// Its id.
    pub cycle_id: i64,
    /// `running` or `failed`.
    pub status: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `POST /api/models/{id}/cycle`: waits up to 30 s, then answers 202 with the id to ask for.
///
/// # Errors
/// 403, 404, 409, 422, 503.
pub async fn run(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, input: JsonInput) -> Result<HttpResponse, AppError> {
    let propose_only = ctx.actor.scope() == Some(TokenScope::Propose);
    cycle(desk, ctx, *id, input.0, propose_only).await
}

/// The same for an agent: it never does more than propose, whatever its token may.
///
/// # Errors
/// As for [`run`].
pub async fn propose(desk: Data<Desk>, ctx: Ctx, id: i64, input: Input) -> Result<HttpResponse, AppError> {
    cycle(desk, ctx, id, input, true).await
}

async fn cycle(
    desk: Data<Desk>,
    ctx: Ctx,
    id: i64,
    mut input: Input,
    propose_only: bool,
) -> Result<HttpResponse, AppError> {
    let given = read_given(&mut input);
    input.refuse_unknown();
    input.finish()?;
    let trader_id = model(&desk, id).await?.id;
    if propose_only && given.decisions.is_none() {
        let message = "A token of scope propose may only send decisions; this asks the model for its own.";
        return Err(AppError::forbidden("forbidden", message));
    }
    let request = CycleRequest {
        trader_id,
        trigger: CycleTrigger::Api,
        decisions: given.decisions,
        prices: given.prices,
        propose_only,
        actor: ctx.actor.name(),
    };
    let deadline = Instant::now() + desk.policy.patience.cycle;
    let worker = desk.clone();
    // A task of its own: a caller who hangs up must not leave a cycle half done.
    let mut task = desk.background.spawn(async move { run_cycle::run(&worker, request).await });
    let outcome = match tokio::time::timeout_at(deadline, &mut task).await {
        Ok(outcome) => outcome,
        Err(_) => match running_or_done(&desk, trader_id, &mut task).await? {
            Handover::Running(cycle) => return Ok(accepted(cycle)),
            Handover::Done(outcome) => outcome,
        },
    };
    let cycle = outcome.map_err(|panic| AppError::internal(&panic))?.map_err(cycle_error)?;
    let left = deadline.saturating_duration_since(Instant::now());
    match cycle_answer(&desk, Some(trader_id), cycle, left).await? {
        CycleState::Done(answer) if answer.is_settled => Ok(HttpResponse::Ok().json(row(&desk, answer).await?)),
        CycleState::Failed(cycle) => Ok(HttpResponse::Ok().json(failed(&cycle))),
        CycleState::Done(_) | CycleState::Running(_) | CycleState::Unknown => Ok(accepted(cycle)),
    }
}

/// `GET /api/cycles/{id}`
///
/// # Errors
/// 404.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    Ok(match cycle_answer(&desk, None, CycleId(*id), Duration::ZERO).await? {
        CycleState::Unknown => return Err(AppError::not_found("cycle")),
        CycleState::Running(id) => {
            HttpResponse::Ok().json(CycleProgress { cycle_id: id.0, status: "running", error: None })
        }
        CycleState::Failed(cycle) => HttpResponse::Ok().json(failed(&cycle)),
        CycleState::Done(answer) => HttpResponse::Ok().json(row(&desk, answer).await?),
    })
}

/// What a slow cycle is when the caller stops waiting for its end.
enum Handover {
    Running(CycleId),
    Done(Result<Result<CycleId, CycleError>, JoinError>),
}

/// Looks until the cycle runs or is done.
async fn running_or_done(desk: &Desk, trader: TraderId, task: &mut CycleTask) -> Result<Handover, AppError> {
    let deadline = Instant::now() + HANDOVER_WAIT;
    loop {
        if let Some(cycle) = running(desk, trader).await? {
            return Ok(Handover::Running(cycle));
        }
        match tokio::time::timeout(LOOK_EVERY, &mut *task).await {
            Ok(outcome) => return Ok(Handover::Done(outcome)),
            Err(_) if Instant::now() < deadline => {}
            Err(_) => return Err(AppError::unavailable("unavailable", "The cycle has not begun yet.")),
        }
    }
}

async fn running(desk: &Desk, trader: TraderId) -> Result<Option<CycleId>, AppError> {
    let running = desk.store.running_cycles(desk.clock.now()).await?;
    Ok(running.into_iter().find(|(owner, _)| *owner == trader).map(|(_, cycle)| cycle))
}

fn accepted(cycle: CycleId) -> HttpResponse {
    HttpResponse::build(StatusCode::ACCEPTED).json(CycleProgress { cycle_id: cycle.0, status: "running", error: None })
}

fn failed(cycle: &Cycle) -> CycleProgress {
    CycleProgress { cycle_id: cycle.id.0, status: "failed", error: cycle.error.clone() }
}

async fn row(desk: &Desk, answer: CycleAnswer) -> Result<CycleRow, AppError> {
    let skipped = answer.skipped.into_iter().map(|coin| SkippedRow {
        coin: coin.decision.coin.to_string(),
        signal: coin.decision.signal.map(|signal| signal.as_str()),
        code: coin.code,
        message: coin.message,
        reasons: coin.reasons,
    });
    Ok(CycleRow {
        cycle_id: answer.cycle.id.0,
        environment: environment(answer.cycle.venue).as_str(),
        automation: answer.cycle.automation.as_str(),
        executed: executions(desk, &answer.executed).await?,
        pending: answer.pending.iter().map(waiting).collect(),
        displayed: answer.displayed.iter().map(waiting).collect(),
        skipped: skipped.collect(),
        failed: executions(desk, &answer.failed).await?,
        warnings: answer.cycle.warnings,
    })
}

async fn executions(desk: &Desk, coins: &[ExecutedCoin]) -> Result<Vec<Execution>, AppError> {
    let mut rows = Vec::with_capacity(coins.len());
    for coin in coins {
        rows.push(Execution::read(desk, &coin.order).await?);
    }
    Ok(rows)
}

fn waiting(decision: &Decision) -> WaitingCoin {
    WaitingCoin {
        decision_id: decision.id.0,
        coin: decision.coin.to_string(),
        signal: decision.signal.map(|signal| signal.as_str()),
        quantity: decision.quantity.map(|quantity| quantity.to_string()),
    }
}

fn cycle_error(error: CycleError) -> AppError {
    let words = sentence(&error.to_string());
    match error {
        CycleError::NotFound(_) => AppError::not_found("model"),
        CycleError::Running | CycleError::NotDue => AppError::conflict("cycle_running", words),
        CycleError::Paused { .. } => AppError::conflict("model_paused", words),
        CycleError::Stopped => AppError::conflict("emergency_stop", words),
        CycleError::Live(refusal) => AppError::live(&refusal),
        CycleError::AutoPaused(_) => AppError::conflict("auto_paused", words),
        CycleError::UnknownAdvisor(_) => AppError::conflict("unknown_model", words),
        CycleError::Overtaken(_) => AppError::conflict("cycle_abandoned", words),
        CycleError::StaleMarketData(_) => AppError::unavailable("stale_market_data", words),
        CycleError::Market(_) => AppError::unavailable("market_unavailable", words),
        CycleError::Advisor(_) | CycleError::Consult(_) => AppError::unavailable("advisor_failed", words),
        CycleError::Store(error) => error.into(),
    }
}
