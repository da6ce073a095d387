//! Questions beside a model's cycles (re-asks and shadows): their turn where a budget is set, and their bill when nothing
//! else came of them.

use crate::domain::ai_cost::Budget;
use crate::domain::ids::TraderId;
use crate::observe;
use crate::ports::store::{Changes, CommitError, Lease, StoreError};
use crate::services::consult::Transcript;
use crate::services::desk::Desk;
use crate::services::lease_keeper::{LEASE_MS, until_lost};
use crate::services::run_cycle::told;
use rust_decimal::Decimal;
use std::time::Duration;
use tokio::time::timeout;

/// The longest wait of a person's question for its turn.
pub const TURN_WAIT: Duration = Duration::from_secs(600);
/// How often it is looked for: more often than shadows look, so that a person goes first.
const TURN_LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a bill is written before it is given up.
const BILL_ATTEMPTS: u32 = 4;
/// The pause before the second attempt; it doubles.
const BILL_PAUSE: Duration = Duration::from_millis(500);

/// The right to put a question beside the cycles of one model. Where a budget is set there is one at a time, so that
/// each question is on the bill before the next one looks at what is left.
#[derive(Debug)]
pub struct Turn(Option<Lease>);

impl Turn {
    /// A turn; none while another question of the same model has it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take(desk: &Desk, trader: TraderId) -> Result<Option<Self>, StoreError> {
        let today = desk.store.trader(trader).await?;
        let has_budget =
            today.is_some_and(|trader| !Budget::of(&trader.settings, Decimal::ZERO, Decimal::ZERO).is_empty());
        if !has_budget {
            return Ok(Some(Self(None)));
        }
        let now = desk.clock.now();
        let name = format!("ai aside:{trader}");
        let lease = desk.store.acquire_lease(&name, &desk.process, now, now.plus_ms(LEASE_MS), None).await?;
        Ok(lease.map(|lease| Self(Some(lease))))
    }

    /// A turn as soon as one is free; none when that takes longer than [`TURN_WAIT`], or than the process lasts.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn wait(desk: &Desk, trader: TraderId) -> Result<Option<Self>, StoreError> {
        let taken = async {
            loop {
                if let Some(turn) = Self::take(desk, trader).await? {
                    return Ok(Some(turn));
                }
                tokio::time::sleep(TURN_LOOK_EVERY).await;
            }
        };
        let ends = async {
            match &desk.ai {
                Some(ai) => ai.closing.begun().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            taken = timeout(TURN_WAIT, taken) => taken.unwrap_or(Ok(None)),
            () = ends => Ok(None),
        }
    }

    /// Keeps the turn during work.
    pub async fn during<T>(&self, desk: &Desk, work: impl Future<Output = T>) -> T {
        let Some(lease) = &self.0 else { return work.await };
        // Only a process that was stopped for longer than the lease loses it. What it has asked by then is paid for, so
        // it is not given up.
        let kept = async {
            until_lost(desk, lease).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            done = work => done,
            () = kept => unreachable!("it never ends"),
        }
    }

    /// Lets the next one have it.
    pub async fn end(self, desk: &Desk) {
        let Some(lease) = self.0 else { return };
        if let Err(error) = desk.store.release_lease(&lease).await {
            observe::store_failed("releasing the turn of a question", &error);
        }
    }
}

/// Writes down what was asked although nothing else of it could be kept: it was paid for, and budgets count it.
pub async fn put_on_bill(desk: &Desk, transcript: &Transcript) {
    let (ai_calls, incidents) = (transcript.calls(), transcript.warnings());
    let Some(trader) = ai_calls.first().map(|call| call.trader_id) else { return };
    let tells = match desk.store.trader(trader).await {
        Ok(trader) => trader.is_none_or(|trader| trader.settings.notify_errors),
        Err(_) => true,
    };
    let notifications = if tells { incidents.iter().map(told).collect() } else { Vec::new() };
    let bill = Changes { ai_calls, incidents, notifications, ..Changes::default() };
    // What could not be written is in the log.
    let _ = commit_patiently(desk, "the bill of a question", bill).await;
}

/// Commits what must not be lost for a moment's trouble of the store; each failure is in the log. A connection that is
/// lost during the commit leaves it unknown whether it happened: a bill may then be written twice, and never not at all.
///
/// # Errors
/// The last one.
pub async fn commit_patiently(desk: &Desk, what: &'static str, changes: Changes) -> Result<(), CommitError> {
    let mut pause = BILL_PAUSE;
    let mut attempt = 1;
    loop {
        let Err(error) = desk.store.commit(changes.clone()).await else { return Ok(()) };
        observe::commit_failed(what, &error);
        // Only trouble of the store passes.
        if attempt == BILL_ATTEMPTS || !matches!(error, CommitError::Store(_)) {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
        (attempt, pause) = (attempt + 1, pause * 2);
    }
}
