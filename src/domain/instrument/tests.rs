//! Whatever is wished for becomes an order that passes every filter, or is denied by the exact rule.

use super::*;
use proptest::prelude::*;

fn btc() -> Instrument {
    Instrument {
        symbol: Symbol("BTCUSDT".into()),
        base: Coin::parse("BTC").expect("coin"),
        quote: Coin::parse("USDT").expect("coin"),
        tick_size: Decimal::new(1, 2),
        step_size: Decimal::new(1, 5),
        min_quantity: Decimal::new(1, 5),
        max_quantity: Decimal::from(9000),
        min_notional: Decimal::from(5),
        trading: true,
        finer: FinerRules::default(),
    }
}

fn price(text: &str) -> Price {
    Price::parse(text).expect("price")
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).expect("quantity")
}

fn number(text: &str) -> Decimal {
    text.parse().expect("number")
}

#[test]
fn limits_round_towards_safety_and_executions_against_us() {
    let (btc, price) = (btc(), price("100.005"));
    assert_eq!(btc.quantize_limit(price, Side::Buy).map(|p| p.to_string()).as_deref(), Ok("100"));
    assert_eq!(btc.quantize_limit(price, Side::Sell).map(|p| p.to_string()).as_deref(), Ok("100.01"));
    assert_eq!(btc.quantize_adverse(price, Side::Buy).to_string(), "100.01");
    assert_eq!(btc.quantize_adverse(price, Side::Sell).to_string(), "100");
}

#[test]
fn each_filter_names_itself() {
    let check = |q: &str| btc().check(quantity(q), price("100")).map_err(|e| e.to_string());
    assert_eq!(check("0.05"), Ok(()));
    assert_eq!(check("0.04999").unwrap_err(), "NOTIONAL: 4.999 is below the minimum 5");
    assert!(check("0.000001").unwrap_err().starts_with("LOT_SIZE: quantity 0.000001 is below"));
    assert!(check("9001").unwrap_err().starts_with("LOT_SIZE: quantity 9001 is above"));
}

#[test]
fn the_finer_rules_name_themselves_and_hold_at_their_limits() {
    let mut btc = btc();
    btc.finer = FinerRules {
        min_price: number("0.01"),
        max_price: number("1000000"),
        market_lot: LotRule { min: number("0.001"), max: number("100"), step: number("0.001") },
        max_notional: number("9000000"),
        buy_band: PriceBand { down: number("0.2"), up: number("1.2") },
        sell_band: PriceBand { down: number("0.8"), up: number("5") },
        base_precision: Some(8),
        quote_precision: Some(8),
        ..FinerRules::default()
    };
    let check = |side, pricing, q: &str| {
        let checked = btc.check_order(side, pricing, quantity(q), price("43250"));
        checked.map_err(|violation| violation.to_string())
    };
    let limit = |text: &str| Pricing::Limit(price(text));
    let denied = |side, pricing, q: &str| check(side, pricing, q).expect_err("denied");
    assert_eq!(check(Side::Buy, Pricing::Market, "100"), Ok(()));
    assert_eq!(
        denied(Side::Buy, Pricing::Market, "100.001"),
        "MARKET_LOT_SIZE: quantity 100.001 is above the maximum 100"
    );
    assert_eq!(check(Side::Buy, limit("43250"), "100.001"), Ok(()), "a limit is no order at the market");
    assert_eq!(
        denied(Side::Sell, Pricing::Market, "0.0005"),
        "MARKET_LOT_SIZE: quantity 0.0005 is below the minimum 0.001"
    );
    assert_eq!(
        denied(Side::Sell, Pricing::Market, "0.00105"),
        "MARKET_LOT_SIZE: quantity 0.00105 is not a multiple of 0.001"
    );
    assert_eq!(check(Side::Buy, limit("51900"), "1"), Ok(()));
    let words = "PERCENT_PRICE_BY_SIDE: price 51900.01 is not within 8650 and 51900, which follow the market";
    assert_eq!(denied(Side::Buy, limit("51900.01"), "1"), words);
    assert_eq!(check(Side::Sell, limit("51900.01"), "1"), Ok(()));
    assert!(denied(Side::Sell, limit("34599.99"), "1").starts_with("PERCENT_PRICE_BY_SIDE: price 34599.99"));
    assert_eq!(denied(Side::Sell, limit("216000.01"), "42"), "NOTIONAL: 9072000.42 is above the maximum 9000000");
    assert!(denied(Side::Sell, limit("1000000.01"), "1").starts_with("PRICE_FILTER: price 1000000.01 is not within"));
    assert_eq!(check(Side::Sell, Pricing::Market, "210").unwrap_err().split(':').next(), Some("MARKET_LOT_SIZE"));
    btc.finer.market_lot = LotRule::default();
    let rich = |btc: &Instrument| btc.check(quantity("300"), price("43250"));
    assert_eq!(rich(&btc), Ok(()), "the largest value holds at the market only where the venue says so");
    btc.finer.max_notional_at_market = true;
    assert_eq!(rich(&btc).expect_err("denied").filter(), Some(FilterName::Notional));
    btc.finer.min_notional_at_market = false;
    assert_eq!(btc.check(quantity("0.00001"), price("43250")), Ok(()), "nor does the smallest");
}

#[test]
fn what_is_finer_than_the_asset_is_denied_and_cut() {
    let mut btc = Instrument { step_size: Decimal::ZERO, tick_size: Decimal::ZERO, ..btc() };
    btc.finer.base_precision = Some(3);
    btc.finer.quote_precision = Some(1);
    let denied = btc.check(quantity("1.0001"), price("100")).expect_err("too fine");
    assert_eq!(denied.to_string(), "1.0001 has more than 3 decimal places");
    assert_eq!(btc.quantize_quantity(quantity("1.0009")).to_string(), "1");
    assert_eq!(btc.check_limit(price("100.01")).expect_err("too fine").filter(), Some(FilterName::Precision));
    assert_eq!(btc.quantize_limit(price("100.01"), Side::Sell).map(|p| p.to_string()).as_deref(), Ok("100.1"));
}

#[test]
fn a_step_that_serves_limit_and_market_is_a_multiple_of_both() {
    for (lot, market, both) in [
        ("0.001", "0", "0.001"),
        ("0", "0.5", "0.5"),
        ("0.001", "0.01", "0.01"),
        ("0.06", "0.04", "0.12"),
        ("0", "0", "0"),
    ] {
        let mut btc = btc();
        btc.step_size = number(lot);
        btc.finer.market_lot.step = number(market);
        assert_eq!(btc.step(), number(both), "{lot} and {market}");
    }
}

/// A decimal in units of 10^-12: the filters are worked out once more over whole numbers.
fn units(value: Decimal) -> i128 {
    (value * Decimal::from(1_000_000_000_000_i64)).try_into().expect("at most twelve places")
}

fn holds(value: Decimal, lot: LotRule) -> bool {
    let (value, min, max, step) = (units(value), units(lot.min), units(lot.max), units(lot.step));
    value >= min && value > 0 && (max == 0 || value <= max) && (step == 0 || value % step == 0)
}

/// Whether the named rule is indeed broken.
fn is_broken(name: FilterName, market: &Instrument, side: Side, pricing: Pricing, wish: Quantity, now: Price) -> bool {
    let (finer, amount) = (&market.finer, wish.decimal());
    let at_market = pricing == Pricing::Market;
    let (limit, worth) = match pricing {
        Pricing::Market => (None, now.decimal() * amount),
        Pricing::Limit(limit) => (Some(limit.decimal()), limit.decimal() * amount),
    };
    let band = if side == Side::Buy { finer.buy_band } else { finer.sell_band };
    match name {
        FilterName::LotSize => {
            let lot = LotRule { min: market.min_quantity, max: market.max_quantity, step: market.step_size };
            !holds(amount, lot)
        }
        FilterName::MarketLotSize => at_market && !holds(amount, finer.market_lot),
        FilterName::PriceFilter => limit.is_some_and(|limit| {
            let price = LotRule { min: finer.min_price, max: finer.max_price, step: market.tick_size };
            !holds(limit, price)
        }),
        FilterName::PercentPrice | FilterName::PercentPriceBySide => limit.is_some_and(|limit| {
            limit < now.decimal() * band.down || (!band.up.is_zero() && limit > now.decimal() * band.up)
        }),
        FilterName::Notional | FilterName::MinNotional => {
            let small = (!at_market || finer.min_notional_at_market) && worth < market.min_notional;
            let top = finer.max_notional;
            small || ((!at_market || finer.max_notional_at_market) && !top.is_zero() && worth > top)
        }
        FilterName::Precision => {
            let fine = |value: Decimal, places: Option<u32>| places.is_some_and(|p| value != value.round_dp(p));
            fine(amount, finer.base_precision) || limit.is_some_and(|limit| fine(limit, finer.quote_precision))
        }
    }
}

fn decimal(units: u64, scale: u32) -> Decimal {
    Decimal::from_i128_with_scale(i128::from(units), scale)
}

prop_compose! {
    fn any_lot()(
        step in prop_oneof![Just(0), 1u64..1_000], scale in 0u32..8,
        min in 0u64..10_000, max in prop_oneof![Just(0), 10_000u64..1_000_000_000],
    ) -> LotRule {
        LotRule { min: decimal(min, scale), max: decimal(max, scale), step: decimal(step, scale) }
    }
}

prop_compose! {
    fn any_rules()(
        market_lot in any_lot(), prices in any_lot(), places in proptest::option::of(0u32..9),
        quote_places in proptest::option::of(0u32..9), max_notional in prop_oneof![Just(0), 1_000u64..10_000_000],
        at_market in any::<(bool, bool)>(), down in 0u64..10, up in prop_oneof![Just(0), 10u64..50],
    ) -> (Decimal, FinerRules) {
        let band = |shift: u64| PriceBand { down: decimal(down, 1), up: decimal(if up == 0 { 0 } else { up + shift }, 1) };
        let rules = FinerRules {
            min_price: prices.min, max_price: prices.max, market_lot, max_notional: decimal(max_notional, 0),
            min_notional_at_market: at_market.0, max_notional_at_market: at_market.1,
            buy_band: band(0), sell_band: band(20), base_precision: places, quote_precision: quote_places,
            ..FinerRules::default()
        };
        (prices.step, rules)
    }
}

prop_compose! {
    fn any_market()(lot in any_lot(), (tick_size, finer) in any_rules(), notional in 0u64..1_000) -> Instrument {
        Instrument {
            tick_size, step_size: lot.step, min_quantity: lot.min, max_quantity: lot.max,
            min_notional: decimal(notional, 1), finer, ..btc()
        }
    }
}

const NAMES: &[FilterName] = FilterName::ALL;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn any_wish_becomes_an_order_that_passes_every_filter_or_is_denied_by_the_exact_one(
        market in any_market(), wish in 1u64..1_000_000_000_000, wish_scale in 0u32..12,
        now in 1u64..1_000_000_000, now_scale in 0u32..8, away in 1u64..400, is_buy in any::<bool>(), is_limit in any::<bool>(),
    ) {
        let side = if is_buy { Side::Buy } else { Side::Sell };
        let now = Price::new(decimal(now, now_scale)).expect("in bounds");
        let asked = Price::new(now.decimal() * decimal(away, 2)).expect("in bounds");
        let wish = Quantity::new(decimal(wish, wish_scale)).expect("in bounds");
        let cut = market.quantize_quantity(wish);
        prop_assert!(cut <= wish, "never more than wished for");
        let pricing = if is_limit {
            match market.quantize_limit(asked, side) {
                Ok(limit) => Pricing::Limit(limit),
                Err(violation) => {
                    prop_assert!(is_buy && asked.decimal() < market.tick(), "{}", violation);
                    return Ok(());
                }
            }
        } else {
            Pricing::Market
        };
        let broken = |name: FilterName| is_broken(name, &market, side, pricing, cut, now);
        match market.check_order(side, pricing, cut, now) {
            Ok(()) => {
                let missed: Vec<_> = NAMES.iter().filter(|name| broken(**name)).collect();
                prop_assert!(missed.is_empty(), "passed in spite of {:?}", missed);
                for text in [cut.to_string(), if let Pricing::Limit(limit) = pricing { limit.to_string() } else { "1".into() }] {
                    prop_assert!(text.bytes().all(|b| b.is_ascii_digit() || b == b'.'), "plain notation: {}", text);
                }
            }
            Err(violation) => {
                let name = violation.filter().expect("the market trades");
                prop_assert!(broken(name), "{} is not broken", violation);
                let off_grid = matches!(violation, FilterViolation::QuantityOffStep { .. } | FilterViolation::PriceOffTick { .. } | FilterViolation::TooPrecise { .. });
                prop_assert!(!off_grid, "what was cut to the grid is on it: {}", violation);
            }
        }
    }
}
