//! One rule at a time, at its limit.

use super::*;

#[test]
fn position_size_passes_at_its_limit_and_denies_above() {
    let scene = Scene::new();
    let report = scene.passes(buy("10"));
    let rule = report.rules.iter().find(|r| r.rule == RuleCode::PositionSize).expect("evaluated");
    assert_eq!((rule.value, rule.limit, rule.unit.as_str()), (Some(10.into()), Some(10.into()), "%"));
    scene.denies(buy("10.001"), &[RuleCode::PositionSize]);
    scene.passes(sell_short("10"));
    scene.denies(sell_short("10.001"), &[RuleCode::PositionSize]);
}

#[test]
fn position_size_counts_what_is_held_at_its_mark() {
    // Equity 9,600 + 600 = 10,200, so 1,020 of BTC: 600 held and 420 more, which is 2.8 at 150.
    let mut scene = Scene::new().holding("BTC", LONG, "4").mark("BTC", "150");
    scene.quote = Some(Quote { price: price("150"), at: NOW });
    scene.passes(buy("2.8"));
    scene.denies(buy("2.801"), &[RuleCode::PositionSize]);
}

#[test]
fn an_entry_is_counted_at_the_worst_price_it_may_pay() {
    let slipping = Scene::new().with("slippage_pct", "1");
    slipping.passes(buy("9.9"));
    slipping.denies(buy("9.901"), &[RuleCode::PositionSize]);
    let capped = |amount| OrderIntent { kind: OrderKind::LimitIoc(price("110")), ..buy(amount) };
    Scene::new().passes(capped("9.09"));
    Scene::new().denies(capped("9.091"), &[RuleCode::PositionSize]);
}

#[test]
fn a_short_is_counted_at_its_quote_since_slippage_only_makes_it_smaller() {
    let slipping = Scene::new().with("slippage_pct", "1");
    slipping.passes(sell_short("10"));
    slipping.denies(sell_short("10.001"), &[RuleCode::PositionSize]);
    let floored = |amount| OrderIntent { kind: OrderKind::LimitIoc(price("95")), ..sell_short(amount) };
    slipping.passes(floored("10"));
    slipping.denies(floored("10.001"), &[RuleCode::PositionSize]);
    // Under way it takes the same place, and its whole margin.
    let scene = Scene::new().with("slippage_pct", "1").under_way(1, sell_short("10"), "0");
    let exposure = Exposure::of(&scene.view, &scene.marks, &scene.settings, None, None);
    assert_eq!((exposure.coin(&coin("BTC")).entering, exposure.reserved_cash), (money("1000"), money("1000")));
}

#[test]
fn daily_loss_denies_from_its_limit_on_and_counts_what_is_not_realised() {
    Scene::new().cash("9700.01").passes(buy("1"));
    Scene::new().cash("9700").denies(buy("1"), &[RuleCode::DailyLoss]);
    // 50 BTC bought at 100: 3 % of 10,000 is 6 a coin.
    let scene = Scene::new().with("max_position_size_pct", "100").holding("BTC", LONG, "50");
    let at = |mark: &str| {
        let mut scene = Scene { view: scene.view.clone(), settings: scene.settings.clone(), ..Scene::new() };
        scene.marks.insert(coin("BTC"), price(mark));
        scene
    };
    at("94.01").passes(buy("1"));
    at("94").denies(buy("1"), &[RuleCode::DailyLoss]);
}

#[test]
fn daily_trades_denies_from_its_limit_on() {
    let mut scene = Scene::new();
    scene.view.entries_today = 19;
    scene.passes(buy("1"));
    scene.view.entries_today = 20;
    scene.denies(buy("1"), &[RuleCode::DailyTrades]);
}

#[test]
fn open_positions_allows_the_last_coin_and_more_of_one_that_is_held() {
    let others = |count: usize| {
        ["ETH", "SOL", "BNB", "XRP", "DOGE"][..count]
            .iter()
            .fold(Scene::new(), |scene, name| scene.holding(name, LONG, "1"))
    };
    others(4).passes(buy("1"));
    others(5).denies(buy("1"), &[RuleCode::OpenPositions]);
    others(4).holding("BTC", LONG, "1").passes(buy("1"));
}

#[test]
fn cash_reserve_passes_at_its_limit_and_counts_margin_and_fees() {
    let scene = Scene::new().with("max_position_size_pct", "100");
    scene.passes(buy("80"));
    scene.denies(buy("80.001"), &[RuleCode::CashReserve]);
    // 79.92 costs 7,992 and 7.992 of fees.
    let with_fees = Scene::new().with("max_position_size_pct", "100").with("taker_fee_pct", "0.1");
    with_fees.passes(buy("79.92"));
    with_fees.denies(buy("79.921"), &[RuleCode::CashReserve]);
    let halved = |amount| OrderIntent { leverage: 2, ..buy(amount) };
    let leveraged =
        Scene::new().with("max_position_size_pct", "100").with("max_leverage", "2").with("min_cash_reserve_pct", "60");
    leveraged.passes(halved("80"));
    leveraged.denies(halved("80.001"), &[RuleCode::CashReserve]);
}

#[test]
fn drawdown_passes_at_its_limit_and_denies_beyond() {
    let at = |cash| Scene::new().with("max_daily_loss_pct", "50").cash(cash);
    at("8500").passes(buy("1"));
    at("8499.99").denies(buy("1"), &[RuleCode::Drawdown]);
    let mut reset = at("8499.99");
    reset.view.book.high_water_mark = money("8499.99");
    reset.passes(buy("1"));
}

#[test]
fn sanity_bounds_quantity_and_leverage() {
    let scene = Scene::new().with("max_leverage", "3");
    let leveraged = |leverage| OrderIntent { leverage, ..buy("1") };
    scene.passes(leveraged(3));
    for leverage in [0, 4, u32::MAX] {
        let report = scene.denies(leveraged(leverage), &[RuleCode::Sanity]);
        assert!(report.reasons().contains("leverage must be between 1 and 3"), "{}", report.reasons());
    }
    scene.denies(buy("0"), &[RuleCode::Sanity, RuleCode::Instrument]);
}

#[test]
fn a_stop_or_target_on_the_wrong_side_of_the_price_is_denied() {
    let with = |base: OrderIntent, stop: Option<&str>, target: Option<&str>| OrderIntent {
        stop_loss: stop.map(price),
        profit_target: target.map(price),
        ..base
    };
    let scene = Scene::new();
    scene.passes(with(buy("1"), Some("99.99"), Some("100.01")));
    scene.passes(with(sell_short("1"), Some("100.01"), Some("99.99")));
    for (intent, field) in [
        (with(buy("1"), Some("100"), None), "stop_loss must be below"),
        (with(buy("1"), None, Some("100")), "profit_target must be above"),
        (with(sell_short("1"), Some("100"), None), "stop_loss must be above"),
        (with(sell_short("1"), None, Some("100")), "profit_target must be below"),
    ] {
        let report = scene.denies(intent, &[RuleCode::Sanity]);
        assert!(report.reasons().contains(field), "{}", report.reasons());
    }
}

#[test]
fn an_entry_against_the_open_side_is_denied() {
    Scene::new().holding("BTC", SHORT, "1").denies(buy("1"), &[RuleCode::Sanity]);
    Scene::new().holding("BTC", LONG, "1").denies(sell_short("1"), &[RuleCode::Sanity]);
    Scene::new().under_way(1, sell_short("1"), "0").denies(buy("1"), &[RuleCode::Sanity]);
    Scene::new().waiting("BTC", "1").denies(sell_short("1"), &[RuleCode::Sanity]);
}

#[test]
fn a_price_is_accepted_up_to_its_age_limit_in_both_directions() {
    let mut scene = Scene::new();
    let mut at = |age_ms: i64| scene_with_age(&mut scene, age_ms);
    assert_eq!(at(120_000), Vec::new());
    assert_eq!(at(120_001), [RuleCode::PriceAge]);
    assert_eq!(at(-120_000), Vec::new());
    assert_eq!(at(-120_001), [RuleCode::PriceAge]);
    scene.quote = None;
    let report = scene.denies(buy("1"), &[RuleCode::PriceAge]);
    assert!(report.reasons().contains("no price of BTC is known"), "{}", report.reasons());
}

fn scene_with_age(scene: &mut Scene, age_ms: i64) -> Vec<RuleCode> {
    scene.quote = Some(Quote { price: price("100"), at: NOW.plus_ms(-age_ms) });
    scene.check(buy("1")).map_or_else(|report| denied(&report), |_| Vec::new())
}

#[test]
fn spot_venues_take_neither_shorts_nor_leverage() {
    let scene = Scene::new().with("max_leverage", "5");
    for venue in [VenueKind::Testnet, VenueKind::Mainnet] {
        let live = |intent: OrderIntent| OrderIntent { venue, ..intent };
        let report = scene.passes(live(buy("1")));
        assert_eq!(verdict(&report, RuleCode::ShortNotSupported), Some(Verdict::Pass));
        scene.denies(live(sell_short("1")), &[RuleCode::ShortNotSupported]);
        scene.denies(live(OrderIntent { leverage: 2, ..buy("1") }), &[RuleCode::LeverageNotSupported]);
    }
    let report = scene.passes(OrderIntent { leverage: 5, ..sell_short("1") });
    assert_eq!(verdict(&report, RuleCode::ShortNotSupported), None, "simulation has no such rule");
}

#[test]
fn what_cash_cannot_pay_for_is_denied_as_such() {
    // 500 of cash beside 95 ETH at 100.
    let scene = Scene::new().with("max_position_size_pct", "100").with("min_cash_reserve_pct", "0");
    let scene = scene.holding("ETH", LONG, "95");
    scene.passes(buy("5"));
    scene.denies(buy("5.001"), &[RuleCode::CashReserve, RuleCode::InsufficientBalance]);
}

#[test]
fn all_reasons_are_told_not_the_first() {
    let mut scene = Scene::new().cash("1000");
    scene.view.entries_today = 20;
    scene.quote = None;
    scene.denies(
        buy("10001"),
        &[
            RuleCode::PriceAge,
            RuleCode::Instrument,
            RuleCode::PositionSize,
            RuleCode::DailyLoss,
            RuleCode::DailyTrades,
            RuleCode::CashReserve,
            RuleCode::Drawdown,
            RuleCode::InsufficientBalance,
        ],
    );
}

#[test]
fn every_rule_is_reported_once_and_in_its_order() {
    for intent in [buy("1"), OrderIntent { venue: VenueKind::Mainnet, ..buy("1") }] {
        let is_live = intent.venue != VenueKind::Simulation;
        let rules: Vec<_> = Scene::new().passes(intent).rules.iter().map(|result| result.rule).collect();
        let live_only = [
            RuleCode::ShortNotSupported,
            RuleCode::LeverageNotSupported,
            RuleCode::AccountHalted,
            RuleCode::OutcomeUnknown,
        ];
        let expected = RuleCode::ALL.iter().copied().filter(|rule| is_live || !live_only.contains(rule));
        let expected: Vec<_> = expected.filter(|rule| *rule != RuleCode::SafeMode).collect();
        assert_eq!(rules, expected);
    }
}
