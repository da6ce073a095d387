//! From the outbox to the venue, once: last checks -> `Submitted` committed -> sent -> outcome committed.
//!
//! After an ambiguous attempt there is never another one: the order is `Unknown`, and only questions leave it.

mod cancel;
mod follow;

pub use cancel::{cancel, cancel_unrecorded};
pub use follow::follow_up;
pub(crate) use follow::query_one;

use crate::domain::account::AccountName;
use crate::domain::ids::OrderId;
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::notification::{NewNotification, NotificationKind};
use crate::domain::order::{Order, OrderEvent, OrderStatus};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::VenueKind;
use crate::ports::exchange::ExchangeError;
use crate::ports::store::{Changes, CommitError, JournalError, Lease, OrderEventRecord, StoreError, journal_submit};
use crate::ports::venue::{OrderContext, SubmitOutcome, Venue, VenueAnswer};
use crate::services::apply_fill::{ApplyError, apply_report, side_verb};
use crate::services::cycle_parts::{MarketView, Scene, relevant_coins};
use crate::services::desk::{Desk, is_conflict};
use crate::services::live::{self, AccountView, Balances, Errand, LiveRefusal};
use crate::services::live_feed::Topic;
use crate::services::reconcile;
use crate::services::run_cycle::told;
use crate::services::settle::deny_order;
use std::sync::Arc;

/// Orders taken from the outbox at once, beside those that are held back; the rest waits for the next round, which
/// follows at once.
pub const OUTBOX_BATCH: u32 = 32;
/// Attempts of an order that was proven not accepted: once more, then it is denied. One with which nothing left is none.
const ATTEMPTS_MAX: u32 = 2;

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

/// Orders of one account, oldest first. Accounts are sent side by side: one that does not answer delays no other.
pub type Lane = (AccountName, Vec<Order>);

/// What waits in the outbox and may be sent now, by account.
///
/// # Errors
/// When the outbox cannot be read.
pub async fn due(desk: &Desk) -> Result<Vec<Lane>, StoreError> {
    let now = desk.clock.now();
    // Orders that are held back do not stand in the way of those behind them.
    let held = u32::try_from(desk.postponed.count()).unwrap_or(u32::MAX);
    let waiting = desk.store.outbox(OUTBOX_BATCH.saturating_add(held)).await?;
    desk.postponed.keep(now, |id| waiting.iter().any(|order| order.id == id));
    Ok(lanes(waiting.into_iter().filter(|order| !desk.postponed.holds(order.id, now))))
}

fn lanes(orders: impl Iterator<Item = Order>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for order in orders {
        match lanes.iter_mut().find(|(account, _)| *account == order.intent.account) {
            Some((_, lane)) => lane.push(order),
            None => lanes.push((order.intent.account.clone(), vec![order])),
        }
    }
    lanes
}

/// Sends what waits in the outbox, one account after the other, and returns how many orders were worked on.
///
/// # Errors
/// When the outbox cannot be read. A failure of one order is logged and does not stop the others.
pub async fn submit_due(desk: &Desk, sender: &Lease) -> Result<usize, StoreError> {
    let mut count = 0;
    for (_, orders) in due(desk).await? {
        count += orders.len();
        submit_lane(desk, sender, orders).await;
    }
    Ok(count)
}

/// Sends the orders of one account, one after the other.
pub async fn submit_lane(desk: &Desk, sender: &Lease, orders: Vec<Order>) {
    for order in orders {
        let id = order.id;
        match submit_one(desk, sender, order).await {
            Ok(()) => {}
            // Another process or a cancel was first.
            Err(SubmitError::Journal(JournalError::Commit(CommitError::Conflict(_)))) => {}
            Err(error) => crate::observe::order_failed(id, &error),
        }
        desk.live.publish(Topic::Order, Some(id.0), None);
    }
}

async fn submit_one(desk: &Desk, sender: &Lease, order: Order) -> Result<(), SubmitError> {
    let trader = desk.store.trader(order.intent.trader_id).await?.ok_or(SubmitError::NotFound(order.id))?;
    match last_look(desk, &trader, &order).await? {
        Look::Send(setting) => send(desk, sender, &trader, order, &setting).await,
        Look::Refuse(reason) => deny(desk, &trader, order, &reason).await,
        Look::Later(why) => {
            crate::observe::order_postponed(&order, &why);
            desk.postponed.put(&order, desk.clock.now(), 0);
            Ok(())
        }
    }
}

async fn send(
    desk: &Desk,
    sender: &Lease,
    trader: &Trader,
    order: Order,
    setting: &Setting,
) -> Result<(), SubmitError> {
    let journaled = journal_submit(desk.store.as_ref(), order, desk.clock.now(), sender).await?;
    crate::observe::order_sent(journaled.order());
    let outcome = setting.venue.submit(&journaled, setting.context(trader)).await;
    let order = journaled.into_order();
    match outcome {
        SubmitOutcome::Accepted(report) => {
            if let Err(error) = apply_report(desk, order.id, &report).await {
                // The venue has it and our books do not: nobody else asks about an order whose sender is alive.
                lose(desk, trader, order, &format!("it was accepted, and that could not be recorded: {error}")).await?;
            }
        }
        SubmitOutcome::Rejected { code, message, raw } => {
            let detail = format!("{code}: {message}");
            let answer = VenueAnswer::of(&raw);
            end(desk, trader, order, OrderEvent::Reject { code, message }, &detail, answer).await?;
        }
        SubmitOutcome::NotSent { why, retry_after_ms } => {
            desk.postponed.put(&order, desk.clock.now(), retry_after_ms);
            withdraw(desk, order, &why).await?;
        }
        SubmitOutcome::NotAccepted { why, retry_after_ms } => {
            desk.postponed.put(&order, desk.clock.now(), retry_after_ms);
            end(desk, trader, order, OrderEvent::NotAccepted, &why, None).await?;
        }
        SubmitOutcome::Ambiguous { why } => lose(desk, trader, order, &why).await?,
    }
    Ok(())
}

/// What the last look before bytes leave decides.
enum Look {
    /// Go.
    Send(Box<Setting>),
    /// Never.
    Refuse(String),
    /// Not now: the exchange could not be asked, or its account is not reconciled yet. Nothing was sent, and it is looked
    /// at again until its time is over.
    Later(String),
}

/// The last look before bytes leave: stop, time, terms, trader, account, and the risk rules on current data.
async fn last_look(desk: &Desk, trader: &Trader, order: &Order) -> Result<Look, StoreError> {
    if let Some(reason) = refusal(desk, trader, order).await? {
        return Ok(Look::Refuse(reason));
    }
    let is_entry = order.intent.purpose.is_entry();
    let (errand, balances) = if is_entry { (Errand::Enter, Balances::Skip) } else { (Errand::Exit, Balances::Read) };
    let book = (order.intent.book_id, order.intent.venue);
    let account = match AccountView::read(desk, trader, book, errand, balances).await {
        Ok(account) => account,
        Err(LiveRefusal::Store(error)) => return Err(error),
        Err(LiveRefusal::Exchange(error)) => return Ok(Look::Later(error.to_string())),
        Err(refusal) => return Ok(Look::Refuse(refusal.to_string())),
    };
    if account.name != order.intent.account {
        return Ok(Look::Refuse("the credentials changed since its terms were fixed".to_owned()));
    }
    // After a restart: what was journaled before it waits for the reconciliation, as the scheduler does.
    if is_entry && !reconcile::may_run(desk, trader.id, order.intent.venue).await? {
        return Ok(Look::Later("the account was not reconciled yet".to_owned()));
    }
    if let Some(look) = risk_refusal(desk, trader, order, &account).await? {
        return Ok(look);
    }
    match Setting::of(desk, trader, order, errand).await {
        Ok(setting) => Ok(Look::Send(Box::new(setting))),
        Err(LiveRefusal::Store(error)) => Err(error),
        Err(LiveRefusal::Exchange(error)) => Ok(Look::Later(error.to_string())),
        Err(refusal) => Ok(Look::Refuse(refusal.to_string())),
    }
}

/// What needs no exchange to know.
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
    Ok(None)
}

/// The rules once more. An exit in simulation was judged when it was journaled and nothing can have made it worse; one
/// at an exchange is held against what is really free there.
async fn risk_refusal(
    desk: &Desk,
    trader: &Trader,
    order: &Order,
    account: &AccountView,
) -> Result<Option<Look>, StoreError> {
    let refuse = |reason: &str| Ok(Some(Look::Refuse(reason.to_owned())));
    let is_exit = !order.intent.purpose.is_entry();
    if is_exit && order.intent.venue == VenueKind::Simulation {
        return Ok(None);
    }
    let Some(market) = desk.markets.of(order.intent.venue) else {
        return refuse("the venue is not configured");
    };
    let day = market.now().day_start();
    let Some(view) = desk.store.book_view(order.intent.book_id, day).await? else {
        return refuse("the account is gone");
    };
    let market = match MarketView::read(desk, market.as_ref(), trader, relevant_coins(trader, &view)).await {
        Ok(market) => market,
        // Nothing is lost because prices cannot be read for a moment: an entry has a time limit of its own.
        Err(error) => return Ok(Some(Look::Later(error.to_string()))),
    };
    let scene = Scene::new(trader, &view, &market, account, order.decision_id(), Some(order.id));
    // The order itself is among today's entries already.
    let others = view.entries_today.saturating_sub(1);
    Ok(scene.check(order.intent.clone(), others).err().map(|report| Look::Refuse(report.reasons())))
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
    answer: Option<VenueAnswer>,
) -> Result<(), SubmitError> {
    let (at, expected, name, attempt) = (desk.clock.now(), order.version, event.name(), order.attempts);
    let rejected = matches!(event, OrderEvent::Reject { .. });
    order.apply(event, at).map_err(JournalError::from)?;
    let mut changes = Changes {
        updated_orders: vec![(order.clone(), expected)],
        order_events: vec![OrderEventRecord { order_id: order.id, name, detail: detail.to_owned(), at }],
        attempt_outcomes: vec![(order.id, attempt, detail.to_owned())],
        venue_answers: answer.map(|answer| (order.id, answer)).into_iter().collect(),
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

/// Nothing left: the order waits as before, and the attempt was none. How often that happens is up to the order's time
/// and to the pauses between.
async fn withdraw(desk: &Desk, mut order: Order, why: &str) -> Result<(), SubmitError> {
    let (at, expected, attempt) = (desk.clock.now(), order.version, order.attempts);
    order.apply(OrderEvent::NotSent, at).map_err(JournalError::from)?;
    let changes = Changes {
        updated_orders: vec![(order.clone(), expected)],
        withdrawn_attempts: vec![(order.id, attempt)],
        order_events: vec![OrderEventRecord { order_id: order.id, name: "not_sent", detail: why.to_owned(), at }],
        ..Changes::default()
    };
    desk.store.commit(changes).await?;
    crate::observe::order_postponed(&order, why);
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
    async fn of(desk: &Desk, trader: &Trader, order: &Order, errand: Errand) -> Result<Self, LiveRefusal> {
        let kind = order.intent.venue;
        let venue = live::venue(desk, trader, kind, errand).await?;
        let market = desk.markets.of(kind).ok_or_else(|| LiveRefusal::no_market(kind))?;
        let instruments = market.instruments().await.map_err(|error| ExchangeError::Unreachable(error.to_string()))?;
        let instrument = instruments.of_symbol(&order.intent.symbol).cloned();
        let instrument = instrument.ok_or_else(|| LiveRefusal::delisted(kind, &order.intent.symbol))?;
        let age = trader.settings.max_price_age_seconds;
        let given = desk.given_quotes.fresh(trader.id, &order.intent.coin, market.now(), age);
        Ok(Self { venue, instrument, given_quote: given.filter(|_| kind == VenueKind::Simulation) })
    }

    const fn context<'a>(&'a self, trader: &'a Trader) -> OrderContext<'a> {
        OrderContext { settings: &trader.settings, instrument: &self.instrument, given_quote: self.given_quote }
    }
}
