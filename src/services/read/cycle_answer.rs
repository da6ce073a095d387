//! What became of a cycle, coin by coin: executed, pending, displayed, skipped or failed.

use super::wait::wait_for_order;
use crate::domain::cycle::{Cycle, CycleOutcome};
use crate::domain::decision::{Decision, DecisionState, DecisionStatus};
use crate::domain::ids::{CycleId, TraderId};
use crate::domain::order::Order;
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
use std::time::Duration;

/// Where a cycle stands.
#[derive(Clone, Debug)]
pub enum CycleState {
    /// Nobody knows it.
    Unknown,
    /// It runs.
    Running(CycleId),
    /// It failed; the cycle says why.
    Failed(Cycle),
    /// It is done.
    Done(CycleAnswer),
}

/// A coin whose order was executed, or failed to be.
#[derive(Clone, Debug)]
pub struct ExecutedCoin {
    /// The decision.
    pub decision: Decision,
    /// Its order as it stands.
    pub order: Order,
}

/// A coin that led to nothing, and why.
#[derive(Clone, Debug)]
pub struct SkippedCoin {
    /// The decision.
    pub decision: Decision,
    /// Stable word: `hold`, `model_error`, or the first rule that refused.
    pub code: String,
    /// For a person.
    pub message: String,
    /// All reasons.
    pub reasons: Vec<String>,
}

/// A cycle, coin by coin.
#[derive(Clone, Debug)]
pub struct CycleAnswer {
    /// The run.
    pub cycle: Cycle,
    /// Orders that were filled, at least in part, or still rest.
    pub executed: Vec<ExecutedCoin>,
    /// Decisions that wait for approval.
    pub pending: Vec<Decision>,
    /// Decisions that are only shown.
    pub displayed: Vec<Decision>,
    /// Hold, denied and unusable ones.
    pub skipped: Vec<SkippedCoin>,
    /// Orders that ended without a fill.
    pub failed: Vec<ExecutedCoin>,
    /// Whether every order came to rest in time.
    pub is_settled: bool,
}

/// Reads a cycle, waiting up to `within` for its orders to come to rest.
///
/// # Errors
/// When the store fails.
pub async fn cycle_answer(
    desk: &Desk,
    trader: Option<TraderId>,
    id: CycleId,
    within: Duration,
) -> Result<CycleState, StoreError> {
    let mut cycle = desk.store.cycle(id).await?;
    if cycle.is_none() {
        let running = desk.store.running_cycles(desk.clock.now()).await?;
        if running.iter().any(|(owner, cycle)| *cycle == id && trader.is_none_or(|trader| trader == *owner)) {
            return Ok(CycleState::Running(id));
        }
        // It may have ended between the two questions.
        cycle = desk.store.cycle(id).await?;
    }
    let Some(cycle) = cycle else { return Ok(CycleState::Unknown) };
    if cycle.outcome == CycleOutcome::Failed {
        return Ok(CycleState::Failed(cycle));
    }
    let deadline = tokio::time::Instant::now() + within;
    let mut answer = CycleAnswer {
        cycle,
        executed: Vec::new(),
        pending: Vec::new(),
        displayed: Vec::new(),
        skipped: Vec::new(),
        failed: Vec::new(),
        is_settled: true,
    };
    for decision in desk.store.decisions_of_cycle(id).await? {
        match (&decision.state, decision.status()) {
            (DecisionState::Ordered { order, .. }, _) => {
                let left = deadline.saturating_duration_since(tokio::time::Instant::now());
                if let Some(order) = wait_for_order(desk, *order, left).await? {
                    answer.take_order(decision, order);
                }
            }
            (_, DecisionStatus::Pending) => answer.pending.push(decision),
            (_, DecisionStatus::Displayed) => answer.displayed.push(decision),
            _ => answer.skipped.push(skipped(decision)),
        }
    }
    Ok(CycleState::Done(answer))
}

impl CycleAnswer {
    fn take_order(&mut self, decision: Decision, order: Order) {
        let open = order.status().is_open();
        self.is_settled &= !open || !order.filled.is_zero();
        let list = if open || !order.filled.is_zero() { &mut self.executed } else { &mut self.failed };
        list.push(ExecutedCoin { decision, order });
    }
}

fn skipped(decision: Decision) -> SkippedCoin {
    let reasons: Vec<String> = decision.risk.denials().map(|rule| format!("{}: {}", rule.rule, rule.message)).collect();
    let (code, message) = match &decision.state {
        DecisionState::NoAction => ("hold".to_owned(), "the model holds".to_owned()),
        DecisionState::ModelError { why } => ("model_error".to_owned(), why.clone()),
        DecisionState::Denied { .. } => {
            let first = decision.risk.denials().next();
            let code = first.map_or("denied", |rule| rule.rule.as_str());
            (code.to_owned(), reasons.join("; "))
        }
        _ => (decision.status().as_str().to_owned(), format!("the decision is {} now", decision.status())),
    };
    SkippedCoin { decision, code, message, reasons }
}
