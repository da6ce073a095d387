//! Watches a position: stop, target, and the price at which an isolated margin is used up.

use crate::domain::money::{Money, Price};
use crate::domain::position::Position;
use crate::domain::signal::PositionSide;
use rust_decimal::Decimal;

/// Maintenance margin as a share of the position's value: 0.5 %, the lowest tier of Binance's perpetuals.
const MAINTENANCE_MARGIN: Decimal = Decimal::from_parts(5, 0, 0, false, 3);

/// A margin that lacks no more of the cost than this share covers all of it: reducing a position rounds its cost and
/// its margin apart by up to 10^-8 each time.
const ROUNDING_SHARE: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

/// Why a position must be closed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The stop was met.
    StopLoss(Price),
    /// The target was met.
    ProfitTarget(Price),
    /// The margin is used up.
    Liquidation(Price),
}

impl Trigger {
    /// The price that was met.
    pub const fn price(self) -> Price {
        match self {
            Self::StopLoss(price) | Self::ProfitTarget(price) | Self::Liquidation(price) => price,
        }
    }

    /// In words, for the order's reason.
    pub const fn word(self) -> &'static str {
        match self {
            Self::StopLoss(_) => "stop loss",
            Self::ProfitTarget(_) => "profit target",
            Self::Liquidation(_) => "liquidation",
        }
    }
}

/// The price at which the margin no longer covers the maintenance margin; `None` for a position that cannot be
/// liquidated, such as an unleveraged long.
pub fn liquidation_price(position: &Position) -> Option<Price> {
    if position.quantity.is_zero() {
        return None;
    }
    let (cost, margin, quantity) = (position.cost.decimal(), position.margin.decimal(), position.quantity.decimal());
    if position.side == PositionSide::Long && cost - margin <= cost * ROUNDING_SHARE {
        return None;
    }
    let value = match position.side {
        PositionSide::Long => (cost - margin) / (quantity * (Decimal::ONE - MAINTENANCE_MARGIN)),
        PositionSide::Short => (cost + margin) / (quantity * (Decimal::ONE + MAINTENANCE_MARGIN)),
    };
    Price::new(value.round_dp(crate::domain::money::MONEY_SCALE))
}

/// Whether a range of prices since the last look met one of the position's limits.
///
/// When several were met within one range, the worst for the trader counts: the order of prices inside a candle is not known.
pub fn triggered(position: &Position, low: Price, high: Price) -> Option<Trigger> {
    let met =
        |limit: Option<Price>, below: bool| limit.filter(|limit| if below { low <= *limit } else { high >= *limit });
    let is_long = position.side == PositionSide::Long;
    if let Some(price) = met(liquidation_price(position), is_long) {
        // A stop on the way to the liquidation price comes first; one beyond it comes too late.
        let stop_first = position.stop_loss.is_some_and(|stop| if is_long { stop > price } else { stop < price });
        if !stop_first {
            return Some(Trigger::Liquidation(price));
        }
    }
    met(position.stop_loss, is_long)
        .map(Trigger::StopLoss)
        .or_else(|| met(position.profit_target, !is_long).map(Trigger::ProfitTarget))
}

/// What is lost when the stop is hit, before fees; `None` without a stop. A stop in profit loses nothing.
pub fn loss_at_stop(
    side: PositionSide,
    entry: Price,
    stop: Option<Price>,
    quantity: crate::domain::money::Quantity,
) -> Option<Money> {
    let stop = stop?;
    let loss = match side {
        PositionSide::Long => entry * quantity - stop * quantity,
        PositionSide::Short => stop * quantity - entry * quantity,
    };
    Some(loss.max(Money::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{BookId, PositionId, TraderId};
    use crate::domain::market::{Coin, Symbol};
    use crate::domain::money::Quantity;
    use crate::domain::time::Timestamp;

    fn price(text: &str) -> Price {
        Price::parse(text).expect("price")
    }

    fn position(side: PositionSide, leverage: u32, stop: Option<&str>, target: Option<&str>) -> Position {
        let cost = Money::new(Decimal::from(100));
        Position {
            id: PositionId(1),
            trader_id: TraderId(1),
            book_id: BookId(1),
            coin: Coin::parse("BTC").expect("coin"),
            symbol: Symbol("BTCUSDT".into()),
            side,
            quantity: Quantity::parse("1").expect("quantity"),
            cost,
            margin: cost.divide_up(leverage),
            leverage,
            entered: Quantity::parse("1").expect("quantity"),
            entered_value: cost,
            exited_value: Money::ZERO,
            realized: Money::ZERO,
            fees: Money::ZERO,
            stop_loss: stop.map(price),
            profit_target: target.map(price),
            opened_at: Timestamp(0),
            closed_at: None,
            watched_until: Timestamp(0),
            version: 1,
        }
    }

    #[test]
    fn an_unleveraged_long_cannot_be_liquidated_but_leverage_and_shorts_can() {
        assert_eq!(liquidation_price(&position(PositionSide::Long, 1, None, None)), None);
        let five = liquidation_price(&position(PositionSide::Long, 5, None, None)).expect("leveraged");
        assert!(five > price("80") && five < price("81"), "{five}");
        let short = liquidation_price(&position(PositionSide::Short, 1, None, None)).expect("short");
        assert!(short > price("199") && short < price("200"), "{short}");
    }

    #[test]
    fn a_reduced_unleveraged_long_is_not_liquidated_for_a_rounding() {
        let mut reduced = position(PositionSide::Long, 1, None, None);
        reduced.quantity = Quantity::parse("0.0157205").expect("quantity");
        reduced.cost = Money::new(Decimal::new(285_334_709_338_024, 14));
        reduced.margin = Money::new(Decimal::new(285_334_709, 8));
        assert_eq!(liquidation_price(&reduced), None);
    }

    #[test]
    fn the_worst_limit_inside_a_range_counts() {
        let long = position(PositionSide::Long, 1, Some("95"), Some("110"));
        assert_eq!(triggered(&long, price("96"), price("109")), None);
        assert_eq!(triggered(&long, price("94"), price("111")), Some(Trigger::StopLoss(price("95"))));
        assert_eq!(triggered(&long, price("96"), price("110")), Some(Trigger::ProfitTarget(price("110"))));
        let short = position(PositionSide::Short, 1, Some("105"), Some("90"));
        assert_eq!(triggered(&short, price("89"), price("104")), Some(Trigger::ProfitTarget(price("90"))));
        assert_eq!(triggered(&short, price("99"), price("105")), Some(Trigger::StopLoss(price("105"))));
        let leveraged = position(PositionSide::Long, 10, None, None);
        assert!(matches!(triggered(&leveraged, price("90"), price("100")), Some(Trigger::Liquidation(_))));
    }
}
