//! The red button: every model paused, full automation back to asking, what waits and what is unsent cancelled, open
//! orders cancelled.
//!
//! The flag goes up first, in memory and in its own durable place, so that nothing is sent any more even while another
//! writer holds the database. Orders that rest at an exchange are cancelled before anything is recorded: a cancel only
//! takes risk away, and what it did is learned by asking. Recording follows; until it is complete the flag stays up,
//! across restarts.

use crate::domain::ids::TraderId;
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::trader::{Trader, TradingState};
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::ports::stop_switch::{StopOrder, StopSwitchError};
use crate::ports::store::{AuditEntry, Changes, CommitError, StoreError};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;
use crate::services::run_cycle::told;
use crate::services::settle::cancel_waiting;
use crate::services::submit_order::{cancel, cancel_unrecorded};
use futures_util::future::join_all;
use std::time::Duration;

/// How long the caller waits for the database; the stop holds all the same, and recording goes on in the background.
const RECORD_WITHIN: Duration = Duration::from_secs(3);

/// How long exchanges may take to cancel before anything is recorded; recording cancels what is left.
const CANCEL_WITHIN: Duration = Duration::from_secs(3);

/// One stopped model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedModel {
    /// Which.
    pub id: TraderId,
    /// Its name.
    pub name: String,
    /// Its automation level before.
    pub previous: AutomationLevel,
}

/// What the stop did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Every model.
    pub stopped: Vec<StoppedModel>,
    /// Orders cancelled or denied.
    pub cancelled_orders: usize,
    /// Decisions cancelled.
    pub cancelled_decisions: usize,
    /// Whether everything is in the database already.
    pub recorded: bool,
}

/// Stops everything.
///
/// # Errors
/// When the flag could not be made durable; it holds in this process all the same.
pub async fn stop_all(desk: &Desk, by: &str, reason: &str) -> Result<StopReport, StopSwitchError> {
    let order = StopOrder { by: by.to_owned(), at: desk.clock.now(), reason: reason.to_owned() };
    let raised = desk.stop.raise(&order).await;
    crate::observe::emergency_stop(by, reason);
    desk.live.publish(Topic::Health, None, None);
    let recording = async {
        let _one_at_a_time = desk.stop_recording.lock().await;
        record(desk, &order).await
    };
    let cancelling = tokio::time::timeout(CANCEL_WITHIN, cancel_at_exchanges(desk));
    let (recorded, _) = tokio::join!(tokio::time::timeout(RECORD_WITHIN, recording), cancelling);
    let report = match recorded {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => {
            crate::observe::store_failed("recording the emergency stop", &error);
            unrecorded(desk).await
        }
        Err(_) => unrecorded(desk).await,
    };
    raised?;
    Ok(report)
}

/// Cancels what rests at exchanges, each order on its own, without waiting for the database's writer.
async fn cancel_at_exchanges(desk: &Desk) {
    let Ok(open) = desk.store.open_orders(None).await else { return };
    let resting = open.iter().filter(|order| order.intent.venue != VenueKind::Simulation && is_cancellable(order));
    join_all(resting.map(|order| cancel_unrecorded(desk, order))).await;
}

fn is_cancellable(order: &Order) -> bool {
    matches!(order.status(), OrderStatus::Accepted | OrderStatus::PartiallyFilled | OrderStatus::PendingCancel)
}

/// Every model is stopped by the flag, whatever the database says.
async fn unrecorded(desk: &Desk) -> StopReport {
    let traders = desk.store.traders(false).await.unwrap_or_default();
    StopReport { stopped: traders.iter().map(stopped).collect(), ..StopReport::default() }
}

fn stopped(trader: &Trader) -> StoppedModel {
    StoppedModel { id: trader.id, name: trader.name.clone(), previous: trader.axes.automation_level }
}

/// Finishes a stop that could not be recorded at once: after a busy database, or a crash. A worker calls this.
///
/// # Errors
/// When the database still does not answer; the flag stays up.
pub async fn finish(desk: &Desk) -> Result<Option<StopReport>, StoreError> {
    if desk.stop.in_force().await.is_none() {
        return Ok(None);
    }
    let _one_at_a_time = desk.stop_recording.lock().await;
    // Whoever pulled the stop may have recorded it while we waited.
    match desk.stop.in_force().await {
        None => Ok(None),
        Some(order) => record(desk, &order).await.map(Some),
    }
}

async fn record(desk: &Desk, order: &StopOrder) -> Result<StopReport, StoreError> {
    let mut report = StopReport::default();
    for trader in desk.store.traders(false).await? {
        report.stopped.push(stopped(&trader));
        stop_one(desk, trader.id, order, &mut report).await?;
    }
    for open in desk.store.open_orders(None).await? {
        if is_cancellable(&open) {
            match cancel(desk, open.id, &order.by).await {
                Ok(_) => report.cancelled_orders += 1,
                Err(error) => crate::observe::order_failed(open.id, &error),
            }
        }
    }
    tell(desk, order, &report).await?;
    match desk.stop.lower().await {
        Ok(()) => report.recorded = true,
        Err(error) => crate::observe::stop_switch_failed(&error),
    }
    for topic in [Topic::Model, Topic::Decision, Topic::Order, Topic::Incident, Topic::Health] {
        desk.live.publish(topic, None, None);
    }
    Ok(report)
}

async fn stop_one(desk: &Desk, id: TraderId, order: &StopOrder, report: &mut StopReport) -> Result<(), StoreError> {
    let at = desk.clock.now();
    for _ in 0..COMMIT_ATTEMPTS {
        let Some(before) = desk.store.trader(id).await? else { return Ok(()) };
        let mut trader = before.clone();
        if trader.axes.automation_level == AutomationLevel::FullyAutomated {
            trader.axes.automation_level = AutomationLevel::SemiAutomated;
        }
        if trader.is_active() {
            let reason = if order.reason.is_empty() {
                "emergency stop".to_owned()
            } else {
                format!("emergency stop: {}", order.reason)
            };
            trader.state = TradingState::Paused { by: order.by.clone(), reason, at: order.at };
        }
        let mut changes = Changes::default();
        let settled = cancel_waiting(desk, &mut changes, id, &order.by, "emergency stop", at).await?;
        if trader != before {
            trader.version += 1;
            changes.updated_traders.push((trader, before.version));
        }
        match desk.store.commit(changes).await {
            Ok(()) => {
                report.cancelled_decisions += settled.decisions;
                report.cancelled_orders += settled.orders;
                return Ok(());
            }
            Err(error) if is_conflict(&error) => {}
            Err(CommitError::Store(error)) => return Err(error),
            Err(error) => return Err(StoreError::Database { action: "stopping a model", source: Box::new(error) }),
        }
    }
    Err(StoreError::Database { action: "stopping a model", source: format!("model {id} kept changing").into() })
}

async fn tell(desk: &Desk, order: &StopOrder, report: &StopReport) -> Result<(), StoreError> {
    let at = desk.clock.now();
    let words = if order.reason.is_empty() { String::new() } else { format!(" Reason: {}", order.reason) };
    let incident = NewIncident {
        kind: IncidentKind::EmergencyStopAll,
        severity: Severity::Critical,
        trader_id: None,
        title: format!("Emergency stop by {}", order.by),
        detail: format!(
            "{} models paused, {} decisions and {} orders cancelled.{words}",
            report.stopped.len(),
            report.cancelled_decisions,
            report.cancelled_orders
        ),
        fingerprint: order.at.0.to_string(),
        at,
    };
    let changes = Changes {
        notifications: vec![told(&incident)],
        audit: vec![AuditEntry {
            at,
            actor: order.by.clone(),
            action: "emergency_stop",
            subject: "all models".to_owned(),
            detail: incident.detail.clone(),
        }],
        incidents: vec![incident],
        ..Changes::default()
    };
    match desk.store.commit(changes).await {
        Ok(()) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
        Err(error) => Err(StoreError::Database { action: "reporting the emergency stop", source: Box::new(error) }),
    }
}
