//! Trades since the last ones seen: ours become fills, others are told.

use super::run::Scene;
use super::{ConnectedAccount, ReconcileError};
use crate::domain::market::Symbol;
use crate::domain::money::{Money, Quantity};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::reconciliation::{Amounts, DifferenceKind, Finding, Movement};
use crate::domain::time::{HOUR_MS, MINUTE_MS};
use crate::ports::exchange::{EXCHANGE_PAGE_MAX, ExchangeError, TradesFrom, VenueTrade};
use crate::ports::venue::{QueryOutcome, VenueReport, VenueStatus};
use crate::services::apply_fill::{ApplyError, apply_report};
use crate::services::desk::Desk;
use crate::services::resolve_unknown::ask_exchange;
use std::collections::{BTreeMap, BTreeSet};

/// Markets of one account that are watched; beyond this, balances tell what trades would have.
const SYMBOLS_MAX: usize = 60;
/// Pages of one market's trades in one run; the rest waits for the next.
const PAGES_MAX: usize = 10;
/// Orders are looked up from this long before their first trade.
const NAMES_LOOK_BACK_MS: i64 = HOUR_MS;

/// What was traded in a market since the last trade seen there.
pub(super) struct SymbolTrades {
    pub symbol: Symbol,
    /// The last trade seen; 0 for none.
    pub mark: i64,
    /// Whether the exchange still lists it.
    pub is_listed: bool,
    new: Vec<VenueTrade>,
}

/// The markets in which an account's models trade or have traded.
pub(super) async fn watched_symbols(
    desk: &Desk,
    connected: &ConnectedAccount,
    marks: &BTreeMap<Symbol, i64>,
) -> Result<Vec<Symbol>, ReconcileError> {
    let mut symbols: BTreeSet<Symbol> = marks.keys().cloned().collect();
    let unknown = |why: &str| ReconcileError::Exchange(ExchangeError::Unreachable(why.to_owned()));
    let market = desk.markets.of(connected.venue).ok_or_else(|| unknown("the venue's markets are not configured"))?;
    let instruments = market.instruments().await.map_err(|error| unknown(&error.to_string()))?;
    for (id, _) in &connected.traders {
        let Some(trader) = desk.store.trader(*id).await? else { continue };
        let wanted = trader.settings.supported_assets.iter().filter_map(|coin| instruments.of_coin(coin));
        symbols.extend(wanted.map(|instrument| instrument.symbol.clone()));
        let open = desk.store.open_orders(Some(*id)).await?;
        let moving = open.into_iter().filter(|order| order.intent.venue == connected.venue);
        symbols.extend(moving.map(|order| order.intent.symbol));
    }
    // Markets that were seen before come first: their marks prove that the exchange still knows us.
    let (seen, new): (Vec<Symbol>, Vec<Symbol>) = symbols.into_iter().partition(|symbol| marks.contains_key(symbol));
    Ok(seen.into_iter().chain(new).take(SYMBOLS_MAX).collect())
}

/// Reads a market's trades from its mark on, the marked one included: an exchange that does not list it any more has
/// forgotten it.
pub(super) async fn read_trades(
    scene: &Scene<'_>,
    symbol: &Symbol,
    mark: Option<i64>,
) -> Result<SymbolTrades, ReconcileError> {
    let Some(mark) = mark else {
        // A market that is new to us: what was traded there before the last run is in the balances already.
        let from = scene.known.checked_at.plus_ms(-MINUTE_MS);
        let mut new = scene.account.trades(symbol, TradesFrom::Newest).await?;
        new.retain(|trade| trade.fill.at >= from);
        return Ok(SymbolTrades { symbol: symbol.clone(), mark: 0, is_listed: true, new });
    };
    let mut trades = Vec::new();
    let mut after = if mark > 0 { mark - 1 } else { 0 };
    for _ in 0..PAGES_MAX {
        let page = scene.account.trades(symbol, TradesFrom::After(after)).await?;
        let is_last = page.len() < EXCHANGE_PAGE_MAX;
        if let Some(last) = page.last() {
            after = last.fill.trade_id;
        }
        trades.extend(page);
        if is_last {
            break;
        }
    }
    let is_listed = mark == 0 || trades.first().is_some_and(|trade| trade.fill.trade_id == mark);
    trades.retain(|trade| trade.fill.trade_id > mark);
    Ok(SymbolTrades { symbol: symbol.clone(), mark, is_listed, new: trades })
}

/// Books what is ours, tells what is not, and returns the last trade of the market.
pub(super) async fn settle_trades(
    scene: &Scene<'_>,
    trades: &SymbolTrades,
    findings: &mut Vec<Finding>,
) -> Result<i64, ReconcileError> {
    let last = trades.new.iter().map(|trade| trade.fill.trade_id).max().unwrap_or(trades.mark);
    let mut by_order: BTreeMap<i64, Vec<&VenueTrade>> = BTreeMap::new();
    for trade in &trades.new {
        by_order.entry(trade.venue_order_id).or_default().push(trade);
    }
    let mut owners = owners(scene, trades, &by_order).await?;
    for (venue_order_id, group) in by_order {
        let misfit = match owners.remove(&venue_order_id) {
            Some(Owner::Ours(order)) => book(scene, *order, &group).await?,
            Some(Owner::NoRecord(name)) => Some(format!("no record of an order named {name}")),
            None => Some("no order of ours".to_owned()),
        };
        if let Some(local) = misfit {
            findings.push(foreign_trade(scene, &trades.symbol, venue_order_id, &group, local).await?);
        }
    }
    Ok(last)
}

enum Owner {
    Ours(Box<Order>),
    /// It carries our name, but we have no such order.
    NoRecord(String),
}

/// Whose orders were executed: by the exchange's id, and by name where that is not known here yet.
async fn owners(
    scene: &Scene<'_>,
    trades: &SymbolTrades,
    by_order: &BTreeMap<i64, Vec<&VenueTrade>>,
) -> Result<BTreeMap<i64, Owner>, ReconcileError> {
    let ids: Vec<i64> = by_order.keys().copied().collect();
    let mut owners = BTreeMap::new();
    for chunk in ids.chunks(EXCHANGE_PAGE_MAX) {
        for order in scene.desk.store.orders_by_venue_ids(scene.known.venue, &trades.symbol, chunk).await? {
            // After a wipe the exchange counts from the start: an older order of the same number is not meant.
            if let Some(id) = order.venue_order_id.filter(|_| order.created_at >= scene.known.since) {
                owners.insert(id, Owner::Ours(Box::new(order)));
            }
        }
    }
    let strangers = by_order.iter().filter(|(id, _)| !owners.contains_key(*id)).flat_map(|(_, group)| group);
    let Some(first) = strangers.map(|trade| trade.fill.at).min() else { return Ok(owners) };
    let prefix = format!("cs{}-", scene.desk.installation.as_str());
    for listed in scene.account.orders_since(&trades.symbol, first.plus_ms(-NAMES_LOOK_BACK_MS)).await? {
        let name = &listed.client_order_id;
        if owners.contains_key(&listed.venue_order_id)
            || !by_order.contains_key(&listed.venue_order_id)
            || !name.starts_with(&prefix)
        {
            continue;
        }
        let owner = match scene.desk.store.order_by_name(name).await? {
            Some(order) => Owner::Ours(Box::new(order)),
            None => Owner::NoRecord(name.clone()),
        };
        owners.insert(listed.venue_order_id, owner);
    }
    Ok(owners)
}

/// Books trades of an order of ours; says why when they do not fit.
async fn book(scene: &Scene<'_>, order: Order, trades: &[&VenueTrade]) -> Result<Option<String>, ReconcileError> {
    let desk = scene.desk;
    let known: Vec<i64> = desk.store.fills(order.id).await?.iter().map(|fill| fill.trade_id).collect();
    let missing = trades.iter().filter(|trade| !known.contains(&trade.fill.trade_id));
    let fills: Vec<_> = missing.map(|trade| trade.fill.clone()).collect();
    let Some(first) = trades.first().filter(|_| !fills.is_empty()) else { return Ok(None) };
    // Its sender still waits for the answer, which brings the fills; should it die, the order is asked for.
    if order.status() == OrderStatus::Submitted {
        return Ok(None);
    }
    let told = if order.status().is_open() {
        match ask_exchange(desk, scene.account, &order).await? {
            QueryOutcome::Found(report) => Some(report),
            QueryOutcome::NotFound { .. } | QueryOutcome::Unavailable { .. } => None,
        }
    } else {
        None
    };
    let report = told.unwrap_or_else(|| VenueReport {
        venue_order_id: first.venue_order_id,
        status: VenueStatus::Open,
        fills,
        raw: String::new(),
    });
    let (id, status) = (order.id, order.status().as_str().replace('_', " "));
    match apply_report(desk, id, &report).await {
        Ok(_) => Ok(None),
        Err(ApplyError::Misfit { why, .. }) => Ok(Some(format!("order {id} is {status}: {why}"))),
        Err(ApplyError::Store(error)) => Err(error.into()),
        Err(ApplyError::Commit(error)) => Err(error.into()),
        Err(ApplyError::Gone(_) | ApplyError::Contended(_)) => Err(ReconcileError::Contended),
    }
}

async fn foreign_trade(
    scene: &Scene<'_>,
    symbol: &Symbol,
    venue_order_id: i64,
    trades: &[&VenueTrade],
    local: String,
) -> Result<Finding, ReconcileError> {
    let unknown = || ReconcileError::Exchange(ExchangeError::Unreadable(format!("{symbol} is not among its markets")));
    let market = scene.desk.markets.of(scene.known.venue).ok_or_else(unknown)?;
    let instruments = market.instruments().await.map_err(|_| unknown())?;
    let instrument = instruments.of_symbol(symbol).ok_or_else(unknown)?;
    let mut effect = Amounts::new();
    for trade in trades {
        let movement = Movement {
            side: trade.side,
            base: instrument.base.clone(),
            quote: instrument.quote.clone(),
            quantity: trade.fill.quantity,
            value: trade.fill.price * trade.fill.quantity,
            fee: trade.fill.fee,
            fee_asset: trade.fill.fee_asset.clone(),
        };
        movement.add_to(&mut effect);
    }
    let quantity: Quantity = trades.iter().map(|trade| trade.fill.quantity).sum();
    let value: Money = trades.iter().map(|trade| trade.fill.price * trade.fill.quantity).sum();
    let side = trades.first().map_or("", |trade| trade.side.as_str());
    let first = trades.first().map_or(0, |trade| trade.fill.trade_id);
    let price = value.per(quantity).map(|price| format!(" at {price}")).unwrap_or_default();
    Ok(Finding {
        kind: DifferenceKind::ForeignTrade,
        key: format!("trade {symbol} {first}"),
        subject: symbol.to_string(),
        local,
        exchange: format!("{side} {quantity} {}{price} (order {venue_order_id})", instrument.base),
        effect,
    })
}
