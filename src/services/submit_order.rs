//! From the outbox to the venue, once: last checks -> `Submitted` committed -> sent -> outcome committed.
//!
//! After an ambiguous attempt there is never another one: the order is `Unknown`, and only questions leave it.

use crate::domain::ids::OrderId;
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::notification::{NewNotification, NotificationKind};
use crate::domain::order::{Order, OrderEvent, OrderStatus};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::ports::store::{Changes, CommitError, JournalError, Lease, OrderEventRecord, StoreError, journal_submit};
use crate::ports::venue::{CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue};
use crate::services::apply_fill::{ApplyError, apply_report, side_verb};
use crate::services::cycle_parts::{MarketView, Scene, relevant_coins};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;
use crate::services::run_cycle::told;
use crate::services::settle::deny_order;
use std::sync::Arc;

/// Orders taken from the outbox at once; the rest waits for the next round, which follows at once.
pub const OUTBOX_BATCH: u32 = 32;
/// Attempts of an order that was proven not accepted; then it is denied.
const ATTEMPTS_MAX: u32 = 3;

/// Why an order could not be worked on. The order stays as it is and is looked at again.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// No such order.
    #[error("order {0} does not exist")]
    NotFound(OrderId),
    /// Its state does not allow what was asked.
    #[error("order {id} is {status} and cannot be cancelled")]
    NotCancellable {
        /// Which order.
        id: OrderId,
        /// Where it stands.
        status: OrderStatus,
    },
    /// The venue refused or did not answer.
    #[error("the venue did not cancel order {id}: {why}")]
    Venue {
        /// Which order.
        id: OrderId,
        /// The venue's words.
        why: String,
    },
    /// The report could not be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The attempt could not be journaled.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The commit did not happen.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends what waits in the outbox, oldest first, and returns how many orders were worked on.
///
/// # Errors
/// When the outbox cannot be read. A failure of one order is logged and does not stop the others.
pub async fn submit_due(desk: &Desk, sender: &Lease) -> Result<usize, StoreError> {
    let due = desk.store.outbox(OUTBOX_BATCH).await?;
    let count = due.len();
    for order in due {
        let id = order.id;
        match submit_one(desk, sender, order).await {
            Ok(()) => {}
            // Another process or a cancel was first.
            Err(SubmitError::Journal(JournalError::Commit(CommitError::Conflict(_)))) => {}
            Err(error) => crate::observe::order_failed(id, &error),
        }
        desk.live.publish(Topic::Order, Some(id.0), None);
    }
    Ok(count)
}

async fn submit_one(desk: &Desk, sender: &Lease, order: Order) -> Result<(), SubmitError> {
    let trader = desk.store.trader(order.intent.trader_id).await?.ok_or(SubmitError::NotFound(order.id))?;
    if let Some(reason) = refusal(desk, &trader, &order).await? {
        return deny(desk, &trader, order, &reason).await;
    }
    let Some(setting) = Setting::of(desk, &trader, &order).await else {
        return deny(desk, &trader, order, "the venue is not configured").await;
    };
    let journaled = journal_submit(desk.store.as_ref(), order, desk.clock.now(), sender).await?;
    crate::observe::order_sent(journaled.order());
    let outcome = setting.venue.submit(&journaled, setting.context(&trader)).await;
    let order = journaled.into_order();
    match outcome {
        SubmitOutcome::Accepted(report) => {
            apply_report(desk, order.id, &report).await?;
        }
        SubmitOutcome::Rejected { code, message } => {
            let detail = format!("{code}: {message}");
            end(desk, &trader, order, OrderEvent::Reject { code, message }, &detail).await?;
        }
        SubmitOutcome::NotAccepted { why, .. } => end(desk, &trader, order, OrderEvent::NotAccepted, &why).await?,
        SubmitOutcome::Ambiguous { why } => lose(desk, &trader, order, &why).await?,
    }
    Ok(())
}

/// The last look before bytes leave: stop, time, terms, trader, and the risk rules on current data.
async fn refusal(desk: &Desk, trader: &Trader, order: &Order) -> Result<Option<String>, StoreError> {
    if let Some(stop) = desk.stop.in_force().await {
        return Ok(Some(format!("the emergency stop by {} is in force", stop.by)));
    }
    if order.intent.terms().digest() != order.digest {
        crate::observe::digest_mismatch(order);
        return Ok(Some("the order differs from the terms that were approved".to_owned()));
    }
    if order.attempts >= ATTEMPTS_MAX {
        return Ok(Some(format!("{ATTEMPTS_MAX} attempts were not accepted")));
    }
    if !order.intent.purpose.is_entry() {
        return Ok(None);
    }
    if order.send_before.is_some_and(|limit| desk.clock.now() > limit) {
        return Ok(Some("it could not be sent in time".to_owned()));
    }
    if !trader.is_active() {
        return Ok(Some("the model is paused".to_owned()));
    }
    if trader.axes.venue_kind() != order.intent.venue {
        return Ok(Some("the model trades elsewhere now".to_owned()));
    }
    risk_refusal(desk, trader, order).await
}

async fn risk_refusal(desk: &Desk, trader: &Trader, order: &Order) -> Result<Option<String>, StoreError> {
    let Some(market) = desk.markets.of(order.intent.venue) else {
        return Ok(Some("the venue is not configured".to_owned()));
    };
    let day = market.now().day_start();
    let Some(view) = desk.store.book_view(order.intent.book_id, day).await? else {
        return Ok(Some("the account is gone".to_owned()));
    };
    let market = match MarketView::read(desk, market.as_ref(), trader, relevant_coins(trader, &view)).await {
        Ok(market) => market,
        Err(error) => return Ok(Some(error.to_string())),
    };
    let scene = Scene::new(trader, &view, &market, order.decision_id(), Some(order.id));
    // The order itself is among today's entries already.
    let others = view.entries_today.saturating_sub(1);
    Ok(scene.check(order.intent.clone(), others).err().map(|report| report.reasons()))
}

async fn deny(desk: &Desk, trader: &Trader, mut order: Order, reason: &str) -> Result<(), SubmitError> {
    let at = desk.clock.now();
    let mut changes = Changes::default();
    if !deny_order(&mut changes, &mut order, reason, at) {
        return Ok(());
    }
    if trader.settings.notify_trades {
        changes.notifications.push(failed(trader, &order, reason, at));
    }
    match desk.store.commit(changes).await {
        Ok(()) => crate::observe::order_denied(&order, reason),
        Err(error) if is_conflict(&error) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// An order that ended, or returned to the outbox, without a report.
async fn end(
    desk: &Desk,
    trader: &Trader,
    mut order: Order,
    event: OrderEvent,
    detail: &str,
) -> Result<(), SubmitError> {
    let (at, expected, name, attempt) = (desk.clock.now(), order.version, event.name(), order.attempts);
    let rejected = matches!(event, OrderEvent::Reject { .. });
    order.apply(event, at).map_err(JournalError::from)?;
    let mut changes = Changes {
        updated_orders: vec![(order.clone(), expected)],
        order_events: vec![OrderEventRecord { order_id: order.id, name, detail: detail.to_owned(), at }],
        attempt_outcomes: vec![(order.id, attempt, detail.to_owned())],
        ..Changes::default()
    };
    if rejected {
        changes.incidents.push(NewIncident {
            kind: IncidentKind::TradeRejected,
            severity: Severity::High,
            trader_id: Some(trader.id),
            title: format!(
                "{}: the venue refused {} {} {}",
                trader.name,
                side_verb(order.intent.purpose),
                order.intent.quantity,
                order.intent.coin
            ),
            detail: detail.to_owned(),
            fingerprint: format!("{} {}", order.intent.coin, detail.split(':').next().unwrap_or_default()),
            at,
        });
        if trader.settings.notify_trades {
            changes.notifications.push(failed(trader, &order, detail, at));
        }
    }
    desk.store.commit(changes).await?;
    Ok(())
}

/// The reply was lost: never shown as failed, never sent again.
async fn lose(desk: &Desk, trader: &Trader, mut order: Order, why: &str) -> Result<(), SubmitError> {
    let (at, expected, attempt) = (desk.clock.now(), order.version, order.attempts);
    order.apply(OrderEvent::Lose { why: why.to_owned() }, at).map_err(JournalError::from)?;
    let incident = unknown_incident(trader, &order, why, at);
    let changes = Changes {
        updated_orders: vec![(order.clone(), expected)],
        order_events: vec![OrderEventRecord { order_id: order.id, name: "lose", detail: why.to_owned(), at }],
        attempt_outcomes: vec![(order.id, attempt, format!("outcome unknown: {why}"))],
        notifications: vec![told(&incident)],
        incidents: vec![incident],
        ..Changes::default()
    };
    desk.store.commit(changes).await?;
    crate::observe::order_unknown(&order, why);
    desk.live.publish(Topic::Incident, None, Some(trader.id));
    Ok(())
}

pub(crate) fn unknown_incident(trader: &Trader, order: &Order, why: &str, at: Timestamp) -> NewIncident {
    NewIncident {
        kind: IncidentKind::OrderOutcomeUnknown,
        severity: Severity::High,
        trader_id: Some(trader.id),
        title: format!("{}: the outcome of order {} is unknown", trader.name, order.id),
        detail: format!(
            "{why}. It counts as {} until the venue tells.",
            if order.intent.purpose.is_entry() { "filled" } else { "not filled" }
        ),
        fingerprint: format!("order {}", order.id),
        at,
    }
}

pub(crate) fn failed(trader: &Trader, order: &Order, reason: &str, at: Timestamp) -> NewNotification {
    NewNotification {
        kind: NotificationKind::OrderFailed,
        severity: Severity::Medium,
        title: format!(
            "Order not executed: {} {} {}",
            side_verb(order.intent.purpose),
            order.intent.quantity,
            order.intent.coin
        ),
        body: format!("{}: {reason}.", trader.name),
        trader_id: Some(trader.id),
        decision_id: order.decision_id(),
        at,
    }
}

/// What a venue needs to work on an order.
struct Setting {
    venue: Arc<dyn Venue>,
    instrument: crate::domain::instrument::Instrument,
    given_quote: Option<crate::domain::market::Quote>,
}

impl Setting {
    async fn of(desk: &Desk, trader: &Trader, order: &Order) -> Option<Self> {
        let venue = desk.venues.find(order.intent.venue)?;
        let market = desk.markets.of(order.intent.venue)?;
        let instruments = market.instruments().await.ok()?;
        let instrument = instruments.of_symbol(&order.intent.symbol)?.clone();
        let age = trader.settings.max_price_age_seconds;
        let given_quote = desk.given_quotes.fresh(trader.id, &order.intent.coin, market.now(), age);
        Some(Self { venue, instrument, given_quote })
    }

    const fn context<'a>(&'a self, trader: &'a Trader) -> OrderContext<'a> {
        OrderContext { settings: &trader.settings, instrument: &self.instrument, given_quote: self.given_quote }
    }
}

/// Asks the venue about every order that is under way: resting ones may have been filled, unknown ones may be told.
/// An order whose sender died while it was being sent becomes unknown first.
///
/// # Errors
/// When the open orders cannot be read. A failure of one order is logged and does not stop the others.
pub async fn follow_up(desk: &Desk) -> Result<usize, StoreError> {
    let mut touched = 0;
    for order in desk.store.open_orders(None).await? {
        let id = order.id;
        let result = match order.status() {
            OrderStatus::Initialized => continue,
            OrderStatus::Submitted => adopt_orphan(desk, order).await,
            _ => query_one(desk, order).await,
        };
        match result {
            Ok(changed) => touched += usize::from(changed),
            Err(SubmitError::Commit(error)) if is_conflict(&error) => {}
            Err(error) => crate::observe::order_failed(id, &error),
        }
    }
    Ok(touched)
}

/// A living sender's order is its own business; a dead one's is unknown.
async fn adopt_orphan(desk: &Desk, order: Order) -> Result<bool, SubmitError> {
    let attempts = desk.store.attempts(order.id).await?;
    let Some(last) = attempts.last() else { return Ok(false) };
    let lease = desk.store.lease(&last.attempt.sender).await?;
    let alive = lease.is_some_and(|lease| lease.epoch == last.attempt.epoch && lease.until > desk.clock.now());
    if alive {
        return Ok(false);
    }
    let trader = desk.store.trader(order.intent.trader_id).await?.ok_or(SubmitError::NotFound(order.id))?;
    lose(desk, &trader, order, "its sender stopped before the answer was recorded").await?;
    Ok(true)
}

pub(crate) async fn query_one(desk: &Desk, order: Order) -> Result<bool, SubmitError> {
    let trader = desk.store.trader(order.intent.trader_id).await?.ok_or(SubmitError::NotFound(order.id))?;
    let Some(setting) = Setting::of(desk, &trader, &order).await else { return Ok(false) };
    let was_unknown = order.status() == OrderStatus::Unknown;
    match setting.venue.query(&order, setting.context(&trader)).await {
        QueryOutcome::Found(report) => {
            let before = order.version;
            let now = apply_report(desk, order.id, &report).await?;
            if was_unknown {
                recover(desk, &trader, &now, "the venue told what became of it").await?;
            }
            Ok(now.version != before)
        }
        QueryOutcome::NotFound { is_final: true } if was_unknown => {
            let incident = unknown_incident(&trader, &order, "", desk.clock.now());
            end(desk, &trader, order, OrderEvent::ProveAbsent, "proven absent").await?;
            desk.store
                .commit(Changes {
                    recovered: vec![(incident, "it never reached the venue".to_owned())],
                    ..Changes::default()
                })
                .await?;
            Ok(true)
        }
        QueryOutcome::NotFound { .. } | QueryOutcome::Unavailable { .. } => Ok(false),
    }
}

async fn recover(desk: &Desk, trader: &Trader, order: &Order, note: &str) -> Result<(), SubmitError> {
    let incident = unknown_incident(trader, order, "", desk.clock.now());
    desk.store.commit(Changes { recovered: vec![(incident, note.to_owned())], ..Changes::default() }).await?;
    Ok(())
}

/// Cancels what is left of an order, for a person or the stop.
///
/// # Errors
/// [`SubmitError::NotCancellable`] when it is final, being sent or unknown; [`SubmitError::Venue`] when the venue refused.
pub async fn cancel(desk: &Desk, id: OrderId, by: &str) -> Result<Order, SubmitError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let order = desk.store.order(id).await?.ok_or(SubmitError::NotFound(id))?;
        let trader = desk.store.trader(order.intent.trader_id).await?.ok_or(SubmitError::NotFound(id))?;
        let result = match order.status() {
            OrderStatus::Initialized => {
                deny(desk, &trader, order, &format!("cancelled by {by} before it was sent")).await
            }
            OrderStatus::Accepted | OrderStatus::PartiallyFilled => cancel_at_venue(desk, &trader, order, by).await,
            OrderStatus::PendingCancel => ask_venue_to_cancel(desk, &trader, &order).await,
            status => return Err(SubmitError::NotCancellable { id, status }),
        };
        match result {
            Ok(()) => {}
            Err(SubmitError::Commit(error)) if is_conflict(&error) => continue,
            Err(error) => return Err(error),
        }
        let now = desk.store.order(id).await?.ok_or(SubmitError::NotFound(id))?;
        if now.status() != OrderStatus::Initialized {
            desk.live.publish(Topic::Order, Some(id.0), Some(trader.id));
            return Ok(now);
        }
    }
    Err(ApplyError::Contended(id).into())
}

async fn cancel_at_venue(desk: &Desk, trader: &Trader, mut order: Order, by: &str) -> Result<(), SubmitError> {
    let (at, expected) = (desk.clock.now(), order.version);
    order.apply(OrderEvent::RequestCancel, at).map_err(JournalError::from)?;
    let changes = Changes {
        updated_orders: vec![(order.clone(), expected)],
        order_events: vec![OrderEventRecord {
            order_id: order.id,
            name: "request_cancel",
            detail: format!("by {by}"),
            at,
        }],
        ..Changes::default()
    };
    desk.store.commit(changes).await?;
    ask_venue_to_cancel(desk, trader, &order).await
}

async fn ask_venue_to_cancel(desk: &Desk, trader: &Trader, order: &Order) -> Result<(), SubmitError> {
    let unavailable = |why: &str| SubmitError::Venue { id: order.id, why: why.to_owned() };
    let setting = Setting::of(desk, trader, order).await.ok_or_else(|| unavailable("it is not configured"))?;
    match setting.venue.cancel(order, setting.context(trader)).await {
        CancelOutcome::Canceled(report) => {
            apply_report(desk, order.id, &report).await?;
            Ok(())
        }
        CancelOutcome::Refused { .. } => {
            // Too late, most likely: what it became is the venue's to tell.
            query_one(desk, order.clone()).await?;
            Ok(())
        }
        CancelOutcome::Unavailable { why } => Err(unavailable(&why)),
    }
}
