//! Orders whose outcome is unknown: asked about by a schedule until the exchange tells, or until absence is proven.
//!
//! Nothing here sends an order. A few orders are asked for by name; many of one account and market are looked up in its
//! lists, so that a thousand of them cost a handful of calls.

mod lists;

use crate::domain::absence::{Look, Missing, Probe, ProbeAnswer, Verdict, last_probe, next_probe, note, verdict};
use crate::domain::credential::AccountFingerprint;
use crate::domain::ids::OrderId;
use crate::domain::market::Symbol;
use crate::domain::order::{Order, OrderEvent, OrderState, OrderStatus};
use crate::domain::time::{HOUR_MS, Timestamp};
use crate::domain::venue_kind::VenueKind;
use crate::ports::exchange::{Connection, ExchangeAccount, ExchangeError};
use crate::ports::store::{Changes, CommitError, OrderEventRecord, OrderProbe, StoreError};
use crate::ports::venue::{OrderContext, QueryOutcome, VenueReport};
use crate::services::apply_fill::{ApplyError, apply_report};
use crate::services::desk::{Desk, is_conflict};
use crate::services::live_feed::Topic;
use crate::services::reconcile::connections;
use crate::services::settle::SELF;
use crate::services::submit_order::{failed, query_one, unknown_incident};
use lists::{Listed, Lists};
use std::collections::BTreeMap;
use std::sync::Arc;

/// From so many orders of one account and market on, its lists are read instead of asking for each.
const LISTED_FROM: usize = 4;
/// Lists give a day at most: orders further apart than this are looked up separately.
const LISTS_SPAN_MS: i64 = 20 * HOUR_MS;

/// Why an order was not asked about.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No such order.
    #[error("order {0} does not exist")]
    NotFound(OrderId),
    /// Its outcome is not unknown.
    #[error("order {id} is {status}: there is nothing to ask")]
    NotUnknown {
        /// Which order.
        id: OrderId,
        /// Where it stands.
        status: OrderStatus,
    },
    /// What the exchange told could not be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The commit did not happen.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An order of unknown outcome with the evidence about it.
#[derive(Clone, Debug)]
pub struct UnknownOrder {
    /// The order.
    pub order: Order,
    /// Wall-clock time of the attempt whose reply was lost.
    pub sent_at: Timestamp,
    /// What was seen instead of a reply.
    pub why: String,
    /// What the exchange answered since.
    pub probes: Vec<Probe>,
}

impl UnknownOrder {
    fn of(order: Order, probes: Vec<Probe>) -> Option<Self> {
        let OrderState::Unknown { sent_at, why } = &order.state else { return None };
        Some(Self { sent_at: *sent_at, why: why.clone(), probes, order })
    }

    /// When it is asked about next. An order is not changed while its outcome is unknown, so its last change is the
    /// moment at which the reply was given up.
    pub fn next_probe(&self) -> Timestamp {
        next_probe(self.order.updated_at, last_probe(&self.probes))
    }

    /// What is missing before absence is proven; `None` when nothing is.
    pub fn missing(&self) -> Option<Missing> {
        match verdict(self.sent_at, &self.probes) {
            Verdict::Absent => None,
            Verdict::Open(missing) => Some(missing),
        }
    }
}

/// Every order whose outcome is unknown, at whatever venue, oldest first.
///
/// # Errors
/// When the store fails.
pub async fn unknown_orders(desk: &Desk) -> Result<Vec<UnknownOrder>, StoreError> {
    let mut orders = desk.store.open_orders(None).await?;
    orders.retain(|order| order.status() == OrderStatus::Unknown);
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let mut probes = desk.store.probes(&ids).await?;
    let case = |order: Order| {
        let probes = probes.remove(&order.id).unwrap_or_default();
        UnknownOrder::of(order, probes)
    };
    Ok(orders.into_iter().filter_map(case).collect())
}

/// Asks about every order at an exchange whose outcome is unknown and whose next probe is due. Returns how many are
/// known now.
///
/// # Errors
/// When the store fails. What goes wrong with one order is logged and does not stop the others.
pub async fn resolve_due(desk: &Desk) -> Result<usize, StoreError> {
    let now = desk.clock.now();
    let mut due = unknown_orders(desk).await?;
    due.retain(|case| case.order.intent.venue != VenueKind::Simulation && case.next_probe() <= now);
    if due.is_empty() {
        return Ok(0);
    }
    let connections = connections(desk).await?;
    let mut groups: BTreeMap<(AccountFingerprint, Symbol), Vec<UnknownOrder>> = BTreeMap::new();
    let mut opened: BTreeMap<AccountFingerprint, Arc<dyn ExchangeAccount>> = BTreeMap::new();
    for mut case in due {
        match account_of(&connections, &case.order) {
            Ok((fingerprint, account)) => {
                opened.insert(fingerprint.clone(), account);
                groups.entry((fingerprint, case.order.intent.symbol.clone())).or_default().push(case);
            }
            Err(why) => {
                let look = Look { answer: ProbeAnswer::NoAnswer, detail: why, at: now, venue_at: None };
                if let Err(error) = record(desk, vec![(&mut case, vec![look])], SELF).await {
                    crate::observe::order_failed(case.order.id, &error);
                }
            }
        }
    }
    let mut known = 0;
    for ((fingerprint, symbol), cases) in groups {
        // Every group was made together with its account.
        let Some(account) = opened.get(&fingerprint) else { continue };
        known += resolve_group(desk, account.as_ref(), &symbol, cases).await;
    }
    Ok(known)
}

/// Asks about one order now, for a person. Whether that counts as an answer of its own is up to the rules of absence.
///
/// # Errors
/// [`ResolveError::NotUnknown`] when its outcome is known or it is being sent.
pub async fn probe_now(desk: &Desk, id: OrderId, by: &str) -> Result<Order, ResolveError> {
    let order = desk.store.order(id).await?.ok_or(ResolveError::NotFound(id))?;
    let status = order.status();
    let probes = desk.store.probes(&[id]).await?.remove(&id).unwrap_or_default();
    let Some(mut case) = UnknownOrder::of(order, probes) else { return Err(ResolveError::NotUnknown { id, status }) };
    if case.order.intent.venue == VenueKind::Simulation {
        if let Err(error) = query_one(desk, case.order).await {
            crate::observe::order_failed(id, &error);
        }
    } else {
        match account_of(&connections(desk).await?, &case.order) {
            Ok((_, account)) => {
                resolve_one(desk, account.as_ref(), &mut case, by).await?;
            }
            Err(why) => {
                let look = Look { answer: ProbeAnswer::NoAnswer, detail: why, at: desk.clock.now(), venue_at: None };
                record(desk, vec![(&mut case, vec![look])], by).await?;
            }
        }
    }
    desk.store.order(id).await?.ok_or(ResolveError::NotFound(id))
}

/// The account that the order went to, or why it cannot be asked.
fn account_of(
    connections: &[Connection],
    order: &Order,
) -> Result<(AccountFingerprint, Arc<dyn ExchangeAccount>), String> {
    let mine = |found: &&Connection| found.trader_id == order.intent.trader_id && found.venue == order.intent.venue;
    let found = connections.iter().find(mine).ok_or_else(|| "there are no keys for its account".to_owned())?;
    match &found.account {
        Ok(account) => Ok((found.fingerprint.clone(), Arc::clone(account))),
        Err(error) => Err(error.to_string()),
    }
}

async fn resolve_group(
    desk: &Desk,
    account: &dyn ExchangeAccount,
    symbol: &Symbol,
    mut cases: Vec<UnknownOrder>,
) -> usize {
    if cases.len() < LISTED_FROM {
        let mut known = 0;
        for case in &mut cases {
            match resolve_one(desk, account, case, SELF).await {
                Ok(is_known) => known += usize::from(is_known),
                Err(error) => crate::observe::order_failed(case.order.id, &error),
            }
        }
        return known;
    }
    cases.sort_by_key(|case| case.sent_at);
    let mut known = 0;
    while !cases.is_empty() {
        let last = cases[0].sent_at.plus_ms(LISTS_SPAN_MS);
        let rest = cases.split_off(cases.partition_point(|case| case.sent_at <= last));
        match resolve_listed(desk, account, symbol, cases).await {
            Ok(count) => known += count,
            Err(error) => crate::observe::account_failed(account.fingerprint(), &error),
        }
        cases = rest;
    }
    known
}

/// Asks for one order by its name, and reads the lists when they are all that is missing.
async fn resolve_one(
    desk: &Desk,
    account: &dyn ExchangeAccount,
    case: &mut UnknownOrder,
    by: &str,
) -> Result<bool, ResolveError> {
    // The exchange's time before the question: the answer is not older than that.
    let venue_at = account.time().await.ok();
    let (answer, detail) = match ask_exchange(desk, account, &case.order).await? {
        QueryOutcome::Found(report) => return adopt_or_note(desk, case, &report, by).await,
        QueryOutcome::NotFound { .. } => (ProbeAnswer::NotFound, "no such order".to_owned()),
        QueryOutcome::Unavailable { why } => (ProbeAnswer::NoAnswer, why),
    };
    let look = Look { answer, detail, at: desk.clock.now(), venue_at };
    record(desk, vec![(&mut *case, vec![look])], by).await?;
    let lists_only = |missing: &Missing| missing.lists && !missing.last_answer && missing.answers == 0;
    if case.missing().is_some_and(|missing| lists_only(&missing)) {
        let symbol = case.order.intent.symbol.clone();
        let lists = Lists::read(desk, account, &symbol, case.sent_at, case.sent_at).await;
        let (look, report) = look_in(desk, account, lists.as_ref(), case).await?;
        if let Some(report) = report {
            return adopt_or_note(desk, case, &report, by).await;
        }
        record(desk, vec![(&mut *case, vec![look])], by).await?;
    }
    end_if_absent(desk, case).await
}

/// Looks many orders of one market up in its lists: a list that does not have an order has answered about it.
async fn resolve_listed(
    desk: &Desk,
    account: &dyn ExchangeAccount,
    symbol: &Symbol,
    mut cases: Vec<UnknownOrder>,
) -> Result<usize, ResolveError> {
    let (Some(first), Some(last)) = (cases.first(), cases.last()) else { return Ok(0) };
    let lists = Lists::read(desk, account, symbol, first.sent_at, last.sent_at).await;
    let (mut looks, mut reports) = (Vec::new(), Vec::new());
    for case in &mut cases {
        let (look, report) = look_in(desk, account, lists.as_ref(), case).await?;
        match report {
            Some(report) => reports.push((case, report)),
            None => looks.push((case, look)),
        }
    }
    let entries = looks.into_iter().map(|(case, look)| {
        // A list that does not have the order has answered about it.
        let detail = "not among its orders".to_owned();
        let answer = Look { answer: ProbeAnswer::NotFound, detail, ..look.clone() };
        let looks = if look.answer == ProbeAnswer::NotListed { vec![answer, look] } else { vec![look] };
        (case, looks)
    });
    record(desk, entries.collect(), SELF).await?;
    let mut known = 0;
    for (case, report) in reports {
        match adopt_or_note(desk, case, &report, SELF).await {
            Ok(is_known) => known += usize::from(is_known),
            Err(error) => crate::observe::order_failed(case.order.id, &error),
        }
    }
    for case in &cases {
        known += usize::from(end_if_absent(desk, case).await?);
    }
    Ok(known)
}

/// What the lists say about one order: an answer, or the report to adopt.
async fn look_in(
    desk: &Desk,
    account: &dyn ExchangeAccount,
    lists: Result<&Lists, &ExchangeError>,
    case: &UnknownOrder,
) -> Result<(Look, Option<VenueReport>), StoreError> {
    let now = desk.clock.now();
    let look = |answer, detail: &str, venue_at| Look { answer, detail: detail.to_owned(), at: now, venue_at };
    let lists = match lists {
        Ok(lists) => lists,
        Err(error) => return Ok((look(ProbeAnswer::NoAnswer, &error.to_string(), None), None)),
    };
    let unsure = |why: &str| look(ProbeAnswer::Unsure, why, lists.venue_at);
    Ok(match lists.find(&case.order, case.sent_at) {
        Listed::Whole(report) => (unsure("found"), Some(report)),
        // The list has it, but not all of its trades: the order itself is asked for.
        Listed::Part => match ask_exchange(desk, account, &case.order).await? {
            QueryOutcome::Found(report) => (unsure("found"), Some(report)),
            _ => (unsure("a list shows it, but the order itself was not told"), None),
        },
        Listed::Maybe(why) => (unsure(why), None),
        Listed::No => (look(ProbeAnswer::NotListed, "", lists.venue_at), None),
    })
}

/// Asks an exchange for one order of ours.
pub(crate) async fn ask_exchange(
    desk: &Desk,
    account: &dyn ExchangeAccount,
    order: &Order,
) -> Result<QueryOutcome, StoreError> {
    let unavailable = |why: &str| Ok(QueryOutcome::Unavailable { why: why.to_owned() });
    let Some(trader) = desk.store.trader(order.intent.trader_id).await? else {
        return unavailable("its model is gone");
    };
    let Some(market) = desk.markets.of(order.intent.venue) else { return unavailable("the venue is not configured") };
    let Ok(instruments) = market.instruments().await else { return unavailable("the venue's markets are not known") };
    let Some(instrument) = instruments.of_symbol(&order.intent.symbol) else {
        return unavailable("the venue does not name its market any more");
    };
    let context = OrderContext { settings: &trader.settings, instrument, given_quote: None };
    Ok(account.query(order, context).await)
}

/// Adopts what was found. What cannot be booked is an answer like any other: it is noted, and the order is asked about
/// again by the schedule, at its growing pauses, instead of at once.
async fn adopt_or_note(
    desk: &Desk,
    case: &mut UnknownOrder,
    report: &VenueReport,
    by: &str,
) -> Result<bool, ResolveError> {
    let adopted = adopt(desk, &case.order, report).await;
    let detail = match &adopted {
        Ok(true) => return Ok(true),
        Ok(false) => "what it says settles nothing".to_owned(),
        Err(error) => error.to_string(),
    };
    let look = Look { answer: ProbeAnswer::Found, detail, at: desk.clock.now(), venue_at: None };
    record(desk, vec![(case, vec![look])], by).await?;
    adopted
}

/// What was found becomes truth, once: applying the same report again changes nothing. Whether the outcome is known now.
async fn adopt(desk: &Desk, order: &Order, report: &VenueReport) -> Result<bool, ResolveError> {
    let now = apply_report(desk, order.id, report).await?;
    if now.status() == OrderStatus::Unknown {
        return Ok(false);
    }
    let trader = order.intent.trader_id;
    desk.live.publish(Topic::Incident, None, Some(trader));
    desk.live.publish(Topic::Order, Some(order.id.0), Some(trader));
    Ok(true)
}

async fn record(desk: &Desk, entries: Vec<(&mut UnknownOrder, Vec<Look>)>, by: &str) -> Result<(), CommitError> {
    let mut changes = Changes::default();
    for (case, looks) in entries {
        for look in looks {
            take_note(&mut changes, case, look, by);
        }
    }
    desk.store.commit(changes).await?;
    desk.live.publish(Topic::Order, None, None);
    Ok(())
}

/// Adds an answer to the evidence; a new line of it is a line of the order's time line too, a repeated one is not.
fn take_note(changes: &mut Changes, case: &mut UnknownOrder, look: Look, by: &str) {
    let at = look.at;
    let (place, probe) = note(&mut case.probes, look);
    if probe.count == 1 {
        let words = probe_words(&probe);
        let detail = if by == SELF { words } else { format!("asked by {by}: {words}") };
        changes.order_events.push(OrderEventRecord { order_id: case.order.id, name: "probe", detail, at });
    }
    changes.accounts.probes.push(OrderProbe { order_id: case.order.id, place, probe });
}

/// A line of the evidence in words.
pub fn probe_words(probe: &Probe) -> String {
    let words = match probe.answer {
        ProbeAnswer::Found => "found",
        ProbeAnswer::NotFound => "the exchange does not know it",
        ProbeAnswer::NotListed => "neither open orders nor all orders nor trades show it",
        ProbeAnswer::Unsure => "the lists are not clear",
        ProbeAnswer::NoAnswer => "no usable answer",
    };
    if probe.detail.is_empty() { words.to_owned() } else { format!("{words}: {}", probe.detail) }
}

/// Ends an order whose absence is proven: it never reached the exchange and cannot any more.
async fn end_if_absent(desk: &Desk, case: &UnknownOrder) -> Result<bool, ResolveError> {
    if case.missing().is_some() {
        return Ok(false);
    }
    let Some(trader) = desk.store.trader(case.order.intent.trader_id).await? else { return Ok(false) };
    let (mut order, at) = (case.order.clone(), desk.clock.now());
    let (expected, attempt) = (order.version, order.attempts);
    if order.apply(OrderEvent::ProveAbsent, at).is_err() {
        return Ok(false);
    }
    let answers: u32 = case.probes.iter().map(|probe| probe.count).sum();
    let detail = format!("{answers} answers, the last one after it could no longer arrive");
    let mut changes = Changes {
        updated_orders: vec![(order.clone(), expected)],
        order_events: vec![OrderEventRecord { order_id: order.id, name: "prove_absent", detail, at }],
        attempt_outcomes: vec![(order.id, attempt, "proven absent: it never reached the exchange".to_owned())],
        recovered: vec![(unknown_incident(&trader, &order, "", at), "it never reached the exchange".to_owned())],
        ..Changes::default()
    };
    if trader.settings.notify_trades {
        changes.notifications.push(failed(&trader, &order, "it never reached the exchange", at));
    }
    match desk.store.commit(changes).await {
        Ok(()) => {
            for topic in [Topic::Order, Topic::Incident, Topic::Notification] {
                desk.live.publish(topic, Some(order.id.0), Some(trader.id));
            }
            if let Some(decision) = order.decision_id() {
                desk.live.publish(Topic::Decision, Some(decision.0), Some(trader.id));
            }
            Ok(true)
        }
        // Somebody else was first.
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
