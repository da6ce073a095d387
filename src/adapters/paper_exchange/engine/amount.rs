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
///
/// The division may round up, but never to a step too many: between values of 8 decimals that are not beyond
/// [`LARGEST`], a quotient that is not whole in steps is further from the next step than the last digit of a decimal.
pub(super) fn affordable(budget: Decimal, price: Decimal, step: Decimal) -> Decimal {
    floor_to(budget / price, step)
}

/// The whole steps of base whose worth at `price` is nearest to `wanted`.
pub(super) fn nearest(wanted: Decimal, price: Decimal, step: Decimal) -> Decimal {
    let below = affordable(wanted, price, step);
    let above = below + step;
    if above * price - wanted < wanted - below * price { above } else { below }
}

#[cfg(test)]
mod tests {
    use super::super::tests::dec;
    use super::*;

    #[test]
    fn the_largest_is_what_it_says() {
        assert_eq!(LARGEST, dec("1000000000000"));
    }

    #[test]
    fn a_budget_is_never_overspent() {
        let step = dec("0.00000001");
        for (budget, price) in [
            ("1000000000000", "0.00000003"),
            ("999999999999.99999999", "0.00000001"),
            ("999999999999.99999999", "0.00000013"),
            ("0.00000001", "1000000000000"),
            ("100", "999999999999.99999999"),
            ("999999999999.99999999", "999999999999.99999998"),
        ] {
            let (budget, price) = (dec(budget), dec(price));
            let quantity = affordable(budget, price, step);
            assert!(quantity * price <= budget, "{budget} at {price}");
            assert!((quantity + step) * price > budget, "{budget} at {price}");
        }
        assert_eq!(affordable(dec("100"), dec("33"), dec("1")), dec("3"));
    }

    #[test]
    fn the_nearest_steps_are_below_or_above() {
        assert_eq!(nearest(dec("98"), dec("10"), dec("1")), dec("10"));
        assert_eq!(nearest(dec("94"), dec("10"), dec("1")), dec("9"));
        assert_eq!(nearest(dec("95"), dec("10"), dec("1")), dec("9"), "a tie gives less away");
    }
}
