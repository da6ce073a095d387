//! The venue's filters: whatever is proposed becomes an order that passes them all, or is denied by the exact rule.

use super::*;
use crate::domain::instrument::FilterViolation;
use crate::domain::signal::Side;
use proptest::prelude::*;

#[test]
fn each_filter_is_met_at_its_limit() {
    let scene = Scene::new().with("max_position_size_pct", "100").with("min_cash_reserve_pct", "0");
    scene.passes(buy("0.05"));
    for (amount, words) in [
        ("0.049", "NOTIONAL: 4.9 is below the minimum 5"),
        ("0.0005", "LOT_SIZE: quantity 0.0005 is below the minimum 0.001"),
        ("1.0005", "LOT_SIZE: quantity 1.0005 is not a multiple of 0.001"),
    ] {
        let report = scene.denies(buy(amount), &[RuleCode::Instrument]);
        assert!(report.reasons().contains(words), "{}", report.reasons());
    }
    let mut large = Scene::new().cash("10000000");
    large.passes(buy("9000"));
    large.denies(buy("9000.001"), &[RuleCode::Instrument]);
    large.instrument = Some(Instrument { trading: false, ..instrument() });
    let report = large.denies(buy("1"), &[RuleCode::Instrument]);
    assert!(report.reasons().contains("BTCUSDT is not trading"), "{}", report.reasons());
    large.instrument = None;
    let report = large.denies(buy("1"), &[RuleCode::Instrument]);
    assert!(report.reasons().contains("BTC cannot be traded at this venue"), "{}", report.reasons());
}

#[test]
fn a_limit_off_the_tick_is_denied() {
    let limit = |text| OrderIntent { kind: OrderKind::LimitIoc(price(text)), ..buy("1") };
    Scene::new().passes(limit("100.01"));
    let report = Scene::new().denies(limit("100.005"), &[RuleCode::Instrument]);
    let words = "PRICE_FILTER: price 100.005 is not a multiple of 0.01";
    assert!(report.reasons().contains(words), "{}", report.reasons());
}

fn decimal(units: u64, scale: u32) -> Decimal {
    Decimal::from_i128_with_scale(i128::from(units), scale)
}

prop_compose! {
    fn any_instrument()(
        tick in prop_oneof![Just(0), 1u64..1_000],
        step in prop_oneof![Just(0), 1u64..1_000],
        scale in 0u32..8,
        minimum in 0u64..10_000,
        maximum in prop_oneof![Just(0), 10_000u64..1_000_000_000],
        notional in 0u64..1_000,
        trading in prop_oneof![9 => Just(true), 1 => Just(false)],
    ) -> Instrument {
        Instrument {
            tick_size: decimal(tick, scale),
            step_size: decimal(step, scale),
            min_quantity: decimal(minimum, scale),
            max_quantity: decimal(maximum, scale),
            min_notional: decimal(notional, 1),
            trading,
            ..instrument()
        }
    }
}

proptest! {
    #[test]
    fn a_quantized_proposal_passes_every_filter_or_is_denied_by_the_exact_one(
        market in any_instrument(),
        wish in 0u64..1_000_000_000_000, wish_scale in 0u32..12,
        cents in 1u64..10_000_000_000, cents_scale in 0u32..8,
    ) {
        let wish = Quantity::new(decimal(wish, wish_scale)).expect("in bounds");
        let quote = Price::new(decimal(cents, cents_scale)).expect("in bounds");
        let cut = market.quantize_quantity(wish);
        prop_assert!(cut <= wish);
        let (amount, notional) = (cut.decimal(), (quote * cut).decimal());
        let too_small = amount < market.min_quantity || amount.is_zero();
        let too_large = !market.max_quantity.is_zero() && amount > market.max_quantity;
        let too_cheap = notional < market.min_notional;
        match market.check(cut, quote) {
            Ok(()) => prop_assert!(market.trading && !too_small && !too_large && !too_cheap),
            Err(FilterViolation::NotTrading(_)) => prop_assert!(!market.trading),
            Err(FilterViolation::QuantityTooSmall { .. }) => prop_assert!(too_small),
            Err(FilterViolation::QuantityTooLarge { .. }) => prop_assert!(too_large),
            Err(FilterViolation::NotionalTooSmall { .. }) => prop_assert!(too_cheap),
            Err(other) => prop_assert!(false, "a quantized quantity cannot break {other}"),
        }
        let mut scene = Scene::new();
        scene.instrument = Some(market.clone());
        scene.quote = Some(Quote { price: quote, at: NOW });
        let mut proposal = buy("1");
        proposal.quantity = cut;
        let report = scene.check(proposal).unwrap_or_else(|report| report);
        let expected = if market.check(cut, quote).is_ok() { Verdict::Pass } else { Verdict::Deny };
        prop_assert_eq!(verdict(&report, RuleCode::Instrument), Some(expected));
    }

    #[test]
    fn a_quantized_limit_is_on_the_tick_and_never_worse_than_asked(
        market in any_instrument(), cents in 1u64..10_000_000_000, scale in 0u32..12, is_buy in any::<bool>(),
    ) {
        let wish = Price::new(decimal(cents, scale)).expect("in bounds");
        let side = if is_buy { Side::Buy } else { Side::Sell };
        match market.quantize_limit(wish, side) {
            Ok(limit) => {
                prop_assert_eq!(market.check_limit(limit), Ok(()));
                let (best, worst) = if is_buy { (limit, wish) } else { (wish, limit) };
                prop_assert!(best <= worst);
                prop_assert!((limit.decimal() - wish.decimal()).abs() < market.tick_size.max(Decimal::new(1, 12)));
            }
            Err(violation) => {
                prop_assert!(is_buy && wish.decimal() < market.tick_size, "{}", violation);
            }
        }
        let met = market.quantize_adverse(wish, side);
        prop_assert_eq!(market.check_limit(met), Ok(()));
        let lowest = met.decimal() == market.tick_size;
        let against_us = if is_buy { met >= wish } else { met <= wish || lowest };
        prop_assert!(against_us);
    }
}
