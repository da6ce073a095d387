//! The arithmetic of amounts: what is held is rounded up, what is paid is rounded down, both at 8 decimals.
//!
//! With this pair a hold always covers its trades: `up(a + b) >= down(a) + up(b)` for any split of an order.

use rust_decimal::{Decimal, RoundingStrategy};

/// Decimal places of every balance.
pub(super) const SCALE: u32 = 8;
/// The largest price, quantity or worth of an order, 10^12: any product of two stays exact inside a decimal.
pub(super) const LARGEST: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);

/// Rounded down at 8 decimals: what a trade costs and brings.
pub(super) fn down(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(SCALE, RoundingStrategy::ToZero)
}

/// Rounded up at 8 decimals: what is held for an order, and commission.
pub(super) fn up(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(SCALE, RoundingStrategy::AwayFromZero)
}

/// The largest multiple of `step` that is not above `value`.
pub(super) fn floor_to(value: Decimal, step: Decimal) -> Decimal {
    if step.is_zero() { value } else { value - value % step }
}

/// How many whole steps of base cost no more than `budget` at `price`.
pub(super) fn affordable(budget: Decimal, price: Decimal, step: Decimal) -> Decimal {
    let quantity = floor_to(budget / price, step);
    // A division that was rounded up may promise one step too many.
    if quantity * price > budget { (quantity - step).max(Decimal::ZERO) } else { quantity }
}

/// The whole steps of base whose worth at `price` is nearest to `wanted`.
pub(super) fn nearest(wanted: Decimal, price: Decimal, step: Decimal) -> Decimal {
    let below = affordable(wanted, price, step);
    let above = below + step;
    if above * price - wanted < wanted - below * price { above } else { below }
}
