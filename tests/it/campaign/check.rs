//! What must hold once the faults have stopped: ours against what the account's owner sees.

use super::world::{BEGINS_WITH, House, Owner, Story, btc};
use countersign::domain::decision::DecisionState;
use countersign::domain::ids::TraderId;
use countersign::domain::incident::{IncidentKind, IncidentStatus};
use countersign::domain::order::{Order, OrderStatus};
use countersign::domain::signal::Side;
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{IncidentFilter, OrderFilter, Page};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What became of a case, for the figures of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub counts: BTreeMap<String, usize>,
}

impl Tally {
    pub fn count(&mut self, what: impl Into<String>, times: usize) {
        *self.counts.entry(what.into()).or_default() += times;
    }

    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.counts {
            self.count(what.clone(), *times);
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.counts.iter().try_for_each(|(what, times)| writeln!(f, "{times:>6}  {what}"))
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

fn amount(value: &Value, field: &str) -> Decimal {
    text(value, field).parse().unwrap()
}

/// Ours beside the exchange's.
struct Books {
    orders: Vec<Order>,
    listed: Vec<Value>,
    trades: Vec<Value>,
    problems: Vec<String>,
}

/// Checks every invariant, and counts what was seen.
///
/// # Errors
/// Everything that does not hold.
pub async fn check(house: &House, owner: &Owner, trader: TraderId, story: &Story) -> Result<Tally, String> {
    let orders = house.desk.store.orders(OrderFilter::default(), Page { before: None, limit: Page::MAX_LIMIT }).await;
    let mut books = Books {
        orders: orders.unwrap(),
        listed: owner.orders().await,
        trades: owner.trades().await,
        problems: Vec::new(),
    };
    let mut tally = Tally::default();
    tell(house, &books, story, &mut tally).await;
    books.each_once();
    books.same_orders();
    books.decisions(house).await;
    books.fills(house).await;
    books.holdings(house, owner, trader).await;
    books.incidents(house, &mut tally).await;
    if books.problems.is_empty() { Ok(tally) } else { Err(books.problems.join("\n")) }
}

async fn tell(house: &House, books: &Books, story: &Story, tally: &mut Tally) {
    for order in &books.orders {
        let entry = if order.intent.purpose.is_entry() { "entry" } else { "exit" };
        tally.count(format!("{entry} ended {}", order.status()), 1);
        story.note(format!("order {} {} ({entry}) is {:?}", order.id, order.client_order_id.as_str(), order.state));
        for (by, event) in house.desk.store.order_events(order.id).await.unwrap() {
            story.note(format!("    {} {by} {}", event.at.0, event.detail));
            if by == "lose" || event.name == "lose" {
                tally.count(format!("{entry} outcome unknown"), 1);
            }
            if by == "prove_absent" || event.name == "prove_absent" {
                tally.count(format!("{entry} proven absent"), 1);
            }
        }
    }
    for listed in &books.listed {
        story.note(format!("at the exchange: {listed}"));
    }
}

impl Books {
    fn must(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(otherwise());
        }
    }

    /// At most one accepted order for each cause and sequence, which the name stands for.
    fn each_once(&mut self) {
        let mut causes = BTreeSet::new();
        for order in self.orders.clone() {
            let cause = format!("{:?} {}", order.intent.cause, order.sequence);
            self.must(causes.insert(cause.clone()), || format!("two orders of ours for {cause}"));
        }
        let mut names = BTreeSet::new();
        for listed in self.listed.clone() {
            let name = text(&listed, "clientOrderId").to_owned();
            self.must(names.insert(name.clone()), || format!("SENT TWICE: {name}"));
        }
    }

    /// What the exchange has is what we say, and what it does not have we call refused.
    fn same_orders(&mut self) {
        for listed in self.listed.clone() {
            let name = text(&listed, "clientOrderId");
            let ours = self.orders.iter().any(|order| order.client_order_id.as_str() == name);
            self.must(ours, || format!("the exchange has an order {name} that we do not"));
        }
        for order in self.orders.clone() {
            let name = order.client_order_id.as_str();
            let status = order.status();
            let listed = self.listed.iter().find(|listed| text(listed, "clientOrderId") == name).cloned();
            let Some(listed) = listed else {
                let is_refused = matches!(status, OrderStatus::Denied | OrderStatus::Rejected);
                self.must(is_refused && order.filled.is_zero(), || {
                    format!("{name} is {status} and the exchange never had it")
                });
                continue;
            };
            let theirs = text(&listed, "status");
            let same = match status {
                OrderStatus::Filled => theirs == "FILLED",
                OrderStatus::Expired => theirs.starts_with("EXPIRED"),
                OrderStatus::Canceled => theirs == "CANCELED",
                _ => false,
            };
            self.must(same, || format!("{name} is {status} here and {theirs} there"));
            let (quantity, value) = (amount(&listed, "executedQty"), amount(&listed, "cummulativeQuoteQty"));
            self.must(order.filled.decimal() == quantity && order.filled_value.decimal() == value, || {
                format!("{name} has {} for {}, there {quantity} for {value}", order.filled, order.filled_value)
            });
        }
    }

    /// A decision that was approved shows the one order that it became.
    async fn decisions(&mut self, house: &House) {
        for order in self.orders.clone() {
            let Some(id) = order.decision_id() else { continue };
            let decision = house.desk.store.decision(id).await.unwrap().unwrap();
            let shows = matches!(&decision.state, DecisionState::Ordered { order: shown, .. } if *shown == order.id);
            self.must(shows, || format!("decision {id} is {:?} and has order {}", decision.state, order.id));
        }
    }

    /// Every trade once, with its fee.
    async fn fills(&mut self, house: &House) {
        let mut ours = Vec::new();
        for order in &self.orders {
            for fill in house.desk.store.fills(order.id).await.unwrap() {
                let fee = (fill.fee.decimal().normalize(), fill.fee_asset.to_string());
                ours.push((fill.trade_id, fill.quantity.decimal().normalize(), fill.price.decimal().normalize(), fee));
            }
        }
        let mut theirs: Vec<_> = self
            .trades
            .iter()
            .map(|trade| {
                let fee = (amount(trade, "commission").normalize(), text(trade, "commissionAsset").to_owned());
                let id = trade["id"].as_i64().unwrap();
                (id, amount(trade, "qty").normalize(), amount(trade, "price").normalize(), fee)
            })
            .collect();
        ours.sort();
        theirs.sort();
        self.must(ours == theirs, || format!("our fills {ours:?}\nits trades {theirs:?}"));
    }

    /// Balances are what we began with and what was traded, and the position is what was received.
    async fn holdings(&mut self, house: &House, owner: &Owner, trader: TraderId) {
        let mut expected: BTreeMap<String, Decimal> =
            BEGINS_WITH.iter().map(|(asset, amount)| ((*asset).to_owned(), Decimal::from(*amount))).collect();
        let mut received = Decimal::ZERO;
        for order in &self.orders {
            for fill in house.desk.store.fills(order.id).await.unwrap() {
                let sign = if fill.side == Side::Buy { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
                let (quantity, value) = (fill.quantity.decimal(), (fill.price * fill.quantity).decimal());
                let in_coin = fill.fee_asset == btc();
                received += sign * quantity - if in_coin { fill.fee.decimal() } else { Decimal::ZERO };
                *expected.entry("BTC".to_owned()).or_default() += sign * quantity;
                *expected.entry("USDT".to_owned()).or_default() -= sign * value;
                *expected.entry(fill.fee_asset.to_string()).or_default() -= fill.fee.decimal();
            }
        }
        let balances = owner.balances().await;
        for (asset, amount) in &expected {
            let there = balances.get(asset).copied().unwrap_or_default();
            self.must(there == *amount, || format!("{asset}: our books say {amount}, the account has {there}"));
        }
        let open = house.desk.store.open_positions(VenueKind::Testnet).await.unwrap();
        let held: Decimal =
            open.iter().filter(|held| held.trader_id == trader).map(|held| held.quantity.decimal()).sum();
        self.must(held == received, || format!("the position is {held}, received was {received}"));
    }

    async fn incidents(&mut self, house: &House, tally: &mut Tally) {
        let page = Page { before: None, limit: Page::MAX_LIMIT };
        for incident in house.desk.store.incidents(IncidentFilter::default(), page).await.unwrap() {
            tally.count(format!("incident {}", incident.kind.as_str()), 1);
            let must_end =
                matches!(incident.kind, IncidentKind::OrderOutcomeUnknown | IncidentKind::ReconciliationDrift);
            let told = format!("{} is {:?}: {}", incident.title, incident.status, incident.detail);
            self.must(!must_end || incident.status == IncidentStatus::Resolved, || told.clone());
            self.must(!incident.title.contains("does not fit"), || told.clone());
        }
        let unknown = countersign::services::resolve_unknown::unknown_orders(&house.desk).await.unwrap();
        self.must(unknown.is_empty(), || format!("{} orders are unknown still", unknown.len()));
    }
}
