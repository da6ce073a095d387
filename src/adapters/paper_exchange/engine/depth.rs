//! Synthetic depth: what the market itself offers around its last price. It is made anew with each tick from nothing but
//! the price and the volume, and what is taken from it stays taken until the next tick.
//!
//! ```text
//!   ask 3   x 4      each level is a basis point (at least a tick) further out and one part deeper
//!   ask 2   x 3
//!   ask 1   x 2
//!   ask 0   x 1      the tick above the last price
//!          ----      the last price
//!   bid 0   x 1      the tick below it
//! ```

use super::amount::floor_to;
use super::request::Tick;
use super::rules::SymbolRules;
use super::words::Side;
use rust_decimal::Decimal;
use std::collections::VecDeque;

/// Levels on each side: deep enough that a page of depth looks like one, few enough to be made with every tick.
const LEVELS: u32 = 20;
/// The whole of one side as a share of the tick's volume: half, since each trade has two sides.
const SIDE_SHARE: Decimal = Decimal::from_parts(5, 0, 0, false, 1);
/// Distance between levels as a share of the price: a basis point.
const SPACING: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

/// A price and the base offered or wanted at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) price: Decimal,
    pub(super) quantity: Decimal,
}

/// Both sides, best level first.
#[derive(Clone, Debug, Default)]
pub(super) struct Synthetic {
    bids: VecDeque<Level>,
    asks: VecDeque<Level>,
}

impl Synthetic {
    /// The depth around a tick.
    pub(super) fn around(tick: Tick, rules: &SymbolRules) -> Self {
        let (tick_size, step) = (rules.tick_size(), rules.step_size());
        let spacing = floor_to(tick.price * SPACING, tick_size).max(tick_size);
        let at_or_below = floor_to(tick.price, tick_size);
        let best_bid = if at_or_below == tick.price { at_or_below - tick_size } else { at_or_below };
        let best_ask = at_or_below + tick_size;
        let parts = Decimal::from(LEVELS * (LEVELS + 1) / 2);
        let side = tick.volume * SIDE_SHARE / parts;
        let ladder = |best: Decimal, away: Decimal| {
            let level = move |n: u32| Level {
                price: best + away * Decimal::from(n),
                quantity: floor_to(side * Decimal::from(n + 1), step).normalize(),
            };
            (0..LEVELS).map(level).filter(|it| it.quantity > Decimal::ZERO && it.price > Decimal::ZERO).collect()
        };
        Self { bids: ladder(best_bid, -spacing), asks: ladder(best_ask, spacing) }
    }

    /// The levels that an order of this side would meet, best first.
    pub(super) fn facing(&self, side: Side) -> &VecDeque<Level> {
        match side {
            Side::Buy => &self.asks,
            Side::Sell => &self.bids,
        }
    }

    /// Takes base from the best levels that an order of this side meets.
    pub(super) fn take(&mut self, side: Side, mut quantity: Decimal) {
        let levels = match side {
            Side::Buy => &mut self.asks,
            Side::Sell => &mut self.bids,
        };
        while let Some(best) = levels.front_mut() {
            if quantity < best.quantity {
                best.quantity -= quantity;
                return;
            }
            quantity -= best.quantity;
            levels.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{btc, dec};
    use super::*;

    fn around(price: &str, volume: &str) -> Synthetic {
        Synthetic::around(Tick { price: dec(price), average: dec(price), volume: dec(volume) }, &btc())
    }

    #[test]
    fn the_best_levels_are_the_ticks_around_the_price() {
        let on_grid = around("50000", "42");
        assert_eq!(on_grid.bids[0], Level { price: dec("49999.99"), quantity: dec("0.1") });
        assert_eq!(on_grid.asks[0], Level { price: dec("50000.01"), quantity: dec("0.1") });
        assert_eq!(on_grid.asks[1], Level { price: dec("50005.01"), quantity: dec("0.2") });
        let between = around("50000.005", "42");
        assert_eq!((between.bids[0].price, between.asks[0].price), (dec("50000.00"), dec("50000.01")));
    }

    #[test]
    fn a_side_is_half_of_the_volume() {
        let total: Decimal = around("50000", "42").asks.iter().map(|level| level.quantity).sum();
        assert_eq!(total, dec("21"));
        assert!(around("50000", "0").asks.is_empty());
        assert!(around("50000", "0.0001").asks.iter().all(|level| level.quantity >= dec("0.00001")));
    }

    #[test]
    fn taking_empties_the_best_levels_first() {
        let mut depth = around("50000", "42");
        depth.take(Side::Buy, dec("0.25"));
        assert_eq!(depth.asks[0], Level { price: dec("50005.01"), quantity: dec("0.05") });
        assert_eq!(depth.bids[0].quantity, dec("0.1"));
    }
}
