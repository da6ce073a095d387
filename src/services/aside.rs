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
    commit_patiently(desk, "the bill of a question", bill).await;
}

/// Commits what must not be lost for a moment's trouble of the store. Returns whether it is written; what is given up is
/// in the log.
pub async fn commit_patiently(desk: &Desk, what: &'static str, changes: Changes) -> bool {
    let mut pause = BILL_PAUSE;
    for attempt in 1..=BILL_ATTEMPTS {
        match desk.store.commit(changes.clone()).await {
            Ok(()) => return true,
            Err(error) => {
                observe::commit_failed(what, &error);
                // Only trouble of the store passes.
                if !matches!(error, CommitError::Store(_)) {
                    return false;
                }
            }
        }
        if attempt < BILL_ATTEMPTS {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
    false
}
