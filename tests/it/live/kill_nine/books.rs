//! Both sides' books, and what is not the same in them.

use super::pair::{ACCOUNTS, Pair};
use crate::live::house::Owner;
use crate::paper_exchange::house::amount;
use countersign::adapters::store::SqlStore;
use countersign::domain::order::{Order, OrderCause, OrderStatus};
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{OrderFilter, Page, Reads};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the exchange lists: a model's own first run may choose any of it.
const MARKETS: [&str; 6] = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "DOGEUSDT"];

/// Every order of ours at the test network, newest first.
pub async fn our_orders(store: &SqlStore) -> Vec<Order> {
    let filter = OrderFilter { venue: Some(VenueKind::Testnet), ..OrderFilter::default() };
    let (mut all, mut page) = (Vec::<Order>::new(), Page::first(Page::MAX_LIMIT));
    loop {
        let rows = store.orders(filter, page).await.unwrap();
        let Some(last) = rows.last() else { return all };
        page.before = Some(last.id.0);
        all.extend(rows);
    }
}

/// An execution: market, number, quantity, price, fee and its asset.
pub type Execution = (String, i64, Decimal, Decimal, Decimal, String);

pub async fn our_fills(store: &SqlStore, orders: &[Order]) -> BTreeSet<Execution> {
    let mut all = BTreeSet::new();
    for order in orders {
        for fill in store.fills(order.id).await.unwrap() {
            let (quantity, price) = (fill.quantity.decimal(), fill.price.decimal());
            let row = (
                fill.symbol.to_string(),
                fill.trade_id,
                quantity,
                price,
                fill.fee.decimal(),
                fill.fee_asset.to_string(),
            );
            assert!(all.insert(row), "one execution is booked twice: {fill:?}");
        }
    }
    all
}

/// Every row of a list of the exchange, page after page.
async fn whole(owner: &Owner, path: &str, symbol: &str, from: &str, id: &str) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), 0);
    loop {
        let rows = owner.asks(path, &format!("symbol={symbol}&limit=1000&{from}={next}")).await;
        let rows = rows.as_array().unwrap();
        all.extend(rows.iter().cloned());
        match rows.last() {
            Some(last) if rows.len() == 1_000 => next = last[id].as_i64().unwrap() + 1,
            _ => return all,
        }
    }
}

/// What the exchange accepted and executed, over both accounts.
pub async fn theirs(pair: &Pair) -> (BTreeMap<String, Vec<Value>>, BTreeSet<Execution>) {
    let (mut orders, mut trades) = (BTreeMap::<String, Vec<Value>>::new(), BTreeSet::new());
    for (key, secret) in ACCOUNTS {
        let owner = Owner::new(&pair.exchange_url(), key, secret);
        for symbol in MARKETS {
            for order in whole(&owner, "/api/v3/allOrders", symbol, "orderId", "orderId").await {
                orders.entry(order["clientOrderId"].as_str().unwrap().to_owned()).or_default().push(order);
            }
            for trade in whole(&owner, "/api/v3/myTrades", symbol, "fromId", "id").await {
                let id = trade["id"].as_i64().unwrap();
                let [quantity, price, fee] = ["qty", "price", "commission"].map(|name| amount(&trade[name]));
                trades.insert((
                    symbol.to_owned(),
                    id,
                    quantity,
                    price,
                    fee,
                    trade["commissionAsset"].as_str().unwrap().to_owned(),
                ));
            }
        }
    }
    (orders, trades)
}

/// Orders that the exchange took more than once, for one name or for one decision.
pub fn duplicates(orders: &[Order], at_exchange: &BTreeMap<String, Vec<Value>>) -> Vec<String> {
    let mut wrong: Vec<String> = Vec::new();
    for (name, taken) in at_exchange.iter().filter(|(_, taken)| taken.len() > 1) {
        wrong.push(format!("{name} was accepted {} times", taken.len()));
    }
    let mut decisions: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for order in orders.iter().filter(|order| at_exchange.contains_key(order.client_order_id.as_str())) {
        if let OrderCause::Decision(decision) = order.intent.cause {
            decisions.entry(decision.0).or_default().push(order.client_order_id.as_str());
        }
    }
    let twice = decisions.iter().filter(|(_, names)| names.len() > 1);
    wrong.extend(twice.map(|(decision, names)| format!("decision {decision} became {names:?}")));
    wrong
}

/// Orders that only one side knows, or that the sides tell differently.
pub fn lost(orders: &[Order], at_exchange: &BTreeMap<String, Vec<Value>>) -> Vec<String> {
    let mut wrong = Vec::new();
    let ours: BTreeMap<&str, &Order> = orders.iter().map(|order| (order.client_order_id.as_str(), order)).collect();
    for (name, taken) in at_exchange {
        let (theirs, Some(order)) = (&taken[0], ours.get(name.as_str())) else {
            wrong.push(format!("{name} is at the exchange and not in our books"));
            continue;
        };
        let same = order.venue_order_id == theirs["orderId"].as_i64()
            && order.filled.decimal() == amount(&theirs["executedQty"]);
        if !same {
            wrong.push(format!("{name} is {} of {} here and {theirs} there", order.status(), order.filled));
        }
    }
    let reached = |order: &&Order| {
        !order.filled.is_zero()
            || matches!(order.status(), OrderStatus::Filled | OrderStatus::Canceled | OrderStatus::Expired)
    };
    for order in orders.iter().filter(reached) {
        if !at_exchange.contains_key(order.client_order_id.as_str()) {
            wrong.push(format!("{} is {} here and not at the exchange", order.client_order_id, order.status()));
        }
    }
    wrong
}
