//! What an order must satisfy by its own content: precision and the market's filters.

use super::amount::LARGEST;
use super::market::Market;
use super::refusal::{Filter, LOT_SIZE, MARKET_LOT_SIZE, NOTIONAL, PERCENT_PRICE_BY_SIDE, PRICE_FILTER, Refusal};
use super::request::{LegKind, NewOco, NewOrder, OrderKind, Tick};
use super::rules::{Grid, SymbolRules};
use super::words::{OrderType, Side};
use rust_decimal::Decimal;

/// Judges an order by its content.
///
/// # Errors
/// The first rule that it breaks, in the order in which the exchange looks at them.
pub(super) fn order(market: &Market, order: &NewOrder) -> Result<(), Refusal> {
    kind(market, order.side, &order.kind)
}

/// Judges both legs of an OCO, and their places.
///
/// # Errors
/// The first rule that it breaks.
pub(super) fn oco(market: &Market, oco: &NewOco) -> Result<(), Refusal> {
    places(oco.side, oco.above.kind, oco.below.kind)?;
    kind(market, oco.side, &oco.above.kind.of_quantity(oco.quantity))?;
    kind(market, oco.side, &oco.below.kind.of_quantity(oco.quantity))
}

fn kind(market: &Market, side: Side, kind: &OrderKind) -> Result<(), Refusal> {
    let rules = &market.rules;
    precision(rules, kind)?;
    let Some(tick) = market.open_at() else { return Err(Refusal::invalid(-1013, "Market is closed.")) };
    for price in [kind.price(), kind.stop_price()].into_iter().flatten() {
        within(price, rules.price, PRICE_FILTER)?;
    }
    if let Some(price) = kind.price() {
        near_average(rules, side, price, tick)?;
    }
    if let Some(quantity) = kind.quantity() {
        within(quantity, rules.lot_size, LOT_SIZE)?;
        if kind.order_type() == OrderType::Market {
            within(quantity, rules.market_lot_size, MARKET_LOT_SIZE)?;
        }
    }
    worth(rules, kind, tick)
}

fn precision(rules: &SymbolRules, kind: &OrderKind) -> Result<(), Refusal> {
    let quote = match kind {
        OrderKind::MarketByQuote { quote_quantity } => Some(*quote_quantity),
        _ => None,
    };
    let given = [
        ("quantity", kind.quantity(), rules.base_precision),
        ("quoteOrderQty", quote, rules.quote_precision),
        ("price", kind.price(), rules.quote_precision),
        ("stopPrice", kind.stop_price(), rules.quote_precision),
    ];
    for (parameter, value, most) in given {
        if value.is_some_and(|value| value.normalize().scale() > most) {
            return Err(Refusal::too_precise(parameter));
        }
    }
    Ok(())
}

/// More than zero, inside the grid and on it. What is not bounded by the market is bounded by what stays exact.
fn within(value: Decimal, grid: Grid, filter: Filter) -> Result<(), Refusal> {
    let largest = if grid.max.is_zero() { LARGEST } else { grid.max.min(LARGEST) };
    let is_on_grid = grid.step.is_zero() || (value % grid.step).is_zero();
    if value <= Decimal::ZERO || value < grid.min || value > largest || !is_on_grid {
        return Err(Refusal::filter(filter));
    }
    Ok(())
}

fn near_average(rules: &SymbolRules, side: Side, price: Decimal, tick: Tick) -> Result<(), Refusal> {
    let band = rules.percent_price;
    let (up, down) = match side {
        Side::Buy => (band.bid_up, band.bid_down),
        Side::Sell => (band.ask_up, band.ask_down),
    };
    let is_above = !up.is_zero() && price > tick.average * up;
    let is_below = !down.is_zero() && price < tick.average * down;
    if is_above || is_below { Err(Refusal::filter(PERCENT_PRICE_BY_SIDE)) } else { Ok(()) }
}

/// NOTIONAL at the limit, else at the trigger, else at the average price; an order by quote is worth what it says.
fn worth(rules: &SymbolRules, kind: &OrderKind, tick: Tick) -> Result<(), Refusal> {
    let price = kind.price().or(kind.stop_price()).unwrap_or(tick.average);
    let worth = match kind {
        OrderKind::MarketByQuote { quote_quantity } => *quote_quantity,
        _ => price * kind.quantity().unwrap_or_default(),
    };
    let (limits, is_market) = (rules.notional, kind.order_type() == OrderType::Market);
    let is_small = (!is_market || limits.apply_min_to_market) && worth < limits.min;
    let is_large = (!is_market || limits.apply_max_to_market) && !limits.max.is_zero() && worth > limits.max;
    if worth <= Decimal::ZERO || is_small || is_large || worth > LARGEST {
        return Err(Refusal::filter(NOTIONAL));
    }
    Ok(())
}

/// A buy waits for a lower price with its limit and for a higher one with its stop; a sell the other way round.
fn places(side: Side, above: LegKind, below: LegKind) -> Result<(), Refusal> {
    let is_stop = |leg| matches!(leg, LegKind::StopLoss { .. } | LegKind::StopLossLimit { .. });
    let is_limit = |leg| matches!(leg, LegKind::LimitMaker { .. });
    if is_limit(above) && is_limit(below) {
        return Err(Refusal::invalid(-1168, "At least one OCO order must be contingent."));
    }
    let (stop, gain) = match side {
        Side::Buy => (above, below),
        Side::Sell => (below, above),
    };
    let wrong = match side {
        Side::Buy if is_limit(above) => (-1165, "A limit order in a buy OCO must be below."),
        Side::Sell if is_limit(below) => (-1166, "A limit order in a sell OCO must be above."),
        Side::Buy if is_stop(gain) => (-1196, "A stop loss order in a buy OCO must be above."),
        Side::Sell if is_stop(gain) => (-1197, "A stop loss order in a sell OCO must be below."),
        Side::Buy if !is_stop(stop) => (-1198, "A take profit order in a buy OCO must be below."),
        Side::Sell if !is_stop(stop) => (-1199, "A take profit order in a sell OCO must be above."),
        Side::Buy | Side::Sell => return Ok(()),
    };
    Err(Refusal::invalid(wrong.0, wrong.1))
}
