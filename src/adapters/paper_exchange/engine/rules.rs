//! What a market demands of an order: its assets, its precision and its filters.

use super::amount::SCALE;
use super::names::{Asset, Symbol};
use rust_decimal::Decimal;

/// A market and its filters. A limit, multiplier or step of zero switches that rule off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolRules {
    /// The market's name.
    pub symbol: Symbol,
    /// What is bought and sold.
    pub base: Asset,
    /// What it is paid with.
    pub quote: Asset,
    /// Decimal places of a quantity, at most 8.
    pub base_precision: u32,
    /// Decimal places of a price and of an amount of quote, at most 8.
    pub quote_precision: u32,
    /// PRICE_FILTER.
    pub price: Grid,
    /// PERCENT_PRICE_BY_SIDE.
    pub percent_price: PercentPrice,
    /// LOT_SIZE.
    pub lot_size: Grid,
    /// MARKET_LOT_SIZE, asked of MARKET orders besides LOT_SIZE.
    pub market_lot_size: Grid,
    /// NOTIONAL.
    pub notional: Notional,
    /// MAX_NUM_ORDERS: open orders of one account, those with a trigger included.
    pub max_orders: usize,
    /// MAX_NUM_ALGO_ORDERS: open orders of one account that wait for a trigger.
    pub max_algo_orders: usize,
    /// MAX_NUM_ORDER_LISTS: open lists of one account.
    pub max_order_lists: usize,
    /// MAX_POSITION, in base.
    pub max_position: Decimal,
}

/// Smallest, largest and step of a price or a quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// Smallest value.
    pub min: Decimal,
    /// Largest value.
    pub max: Decimal,
    /// Every value is a multiple of this.
    pub step: Decimal,
}

/// How far a limit price may be from the average price: `average * down <= price <= average * up`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PercentPrice {
    /// Upper factor for buys.
    pub bid_up: Decimal,
    /// Lower factor for buys.
    pub bid_down: Decimal,
    /// Upper factor for sells.
    pub ask_up: Decimal,
    /// Lower factor for sells.
    pub ask_down: Decimal,
    /// Minutes of the average, told to clients; the average itself comes with each tick.
    pub average_minutes: u32,
}

/// How much an order must and may be worth, in quote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notional {
    /// Least worth.
    pub min: Decimal,
    /// Whether market orders must reach the least worth, at the average price.
    pub apply_min_to_market: bool,
    /// Largest worth.
    pub max: Decimal,
    /// Whether market orders must stay below the largest worth, at the average price.
    pub apply_max_to_market: bool,
}

/// Why a set of markets cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// Two markets of one name.
    #[error("the market {0} is given twice")]
    Twice(Symbol),
    /// More decimals than balances have.
    #[error("the market {0} has more than 8 decimals in its precision, tick or step")]
    TooPrecise(Symbol),
}

impl SymbolRules {
    /// The smallest difference of two prices.
    pub(super) fn tick_size(&self) -> Decimal {
        grain(self.price.step, self.quote_precision)
    }

    /// The smallest difference of two quantities.
    pub(super) fn step_size(&self) -> Decimal {
        grain(self.lot_size.step, self.base_precision)
    }

    /// Whether balances of 8 decimals can hold everything that is traded here.
    pub(super) fn is_exact(&self) -> bool {
        let scales = [self.base_precision, self.quote_precision, self.tick_size().scale(), self.step_size().scale()];
        scales.into_iter().all(|scale| scale <= SCALE)
    }
}

/// A step, or the last decimal place where the rule is off.
fn grain(step: Decimal, precision: u32) -> Decimal {
    if step.is_zero() { Decimal::new(1, precision) } else { step.normalize() }
}
