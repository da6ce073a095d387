//! What is not certain counts against the trader, and nobody is locked into a position.

use super::*;

const ENTRY_ONLY: [RuleCode; 6] = [
    RuleCode::PositionSize,
    RuleCode::DailyLoss,
    RuleCode::DailyTrades,
    RuleCode::OpenPositions,
    RuleCode::CashReserve,
    RuleCode::Drawdown,
];

#[test]
fn an_entry_under_way_counts_as_filled() {
    let under_way = Scene::new().under_way(1, buy("4"), "0");
    under_way.passes(buy("6"));
    under_way.denies(buy("6.001"), &[RuleCode::PositionSize]);
    // Three of four are filled: they are held now, and one may still come.
    let partly = Scene::new().holding("BTC", LONG, "3").under_way(1, buy("4"), "3");
    partly.passes(buy("6"));
    partly.denies(buy("6.001"), &[RuleCode::PositionSize]);
}

#[test]
fn a_decision_that_waits_for_approval_counts_as_filled_but_a_displayed_one_asks_for_nothing() {
    Scene::new().waiting("BTC", "4").passes(buy("6"));
    Scene::new().waiting("BTC", "4").denies(buy("6.001"), &[RuleCode::PositionSize]);
    Scene::new().displayed("BTC", "4").passes(buy("10"));
    let mut scene = Scene::new().waiting("ETH", "1");
    scene.view.entries_today = 18;
    scene.passes(buy("1"));
    scene.view.entries_today = 19;
    scene.denies(buy("1"), &[RuleCode::DailyTrades]);
}

#[test]
fn entries_under_way_reserve_their_cash_and_their_place_among_the_coins() {
    let scene = Scene::new().with("max_position_size_pct", "100");
    let scene = scene.under_way(1, intent(Purpose::Entry(LONG), "ETH", "30"), "0");
    scene.passes(buy("50"));
    scene.denies(buy("50.001"), &[RuleCode::CashReserve]);
    let scene = Scene::new().with("max_open_positions", "1").waiting("ETH", "1");
    scene.denies(buy("1"), &[RuleCode::OpenPositions]);
}

#[test]
fn an_exit_under_way_frees_no_budget() {
    let exit = |name| intent(Purpose::Exit(LONG), name, "8");
    let scene = Scene::new().holding("BTC", LONG, "8").under_way(1, exit("BTC"), "0");
    scene.passes(buy("2"));
    scene.denies(buy("2.001"), &[RuleCode::PositionSize]);
    let scene = Scene::new().with("max_open_positions", "1").holding("ETH", LONG, "8").under_way(1, exit("ETH"), "0");
    scene.denies(buy("1"), &[RuleCode::OpenPositions]);
}

#[test]
fn what_is_re_checked_is_not_its_own_burden() {
    let scene = Scene::new().waiting("BTC", "10").under_way(5, buy("10"), "0");
    let of = |decision, order| Exposure::of(&scene.view, &scene.marks, &scene.settings, decision, order);
    assert_eq!(of(None, None).coin(&coin("BTC")).entering, money("2000"));
    assert_eq!(of(Some(DecisionId(9)), None).coin(&coin("BTC")).entering, money("1000"));
    assert_eq!(of(None, Some(OrderId(5))).coin(&coin("BTC")).entering, money("1000"));
    assert!(of(Some(DecisionId(9)), Some(OrderId(5))).reserved_cash.is_zero());
}

#[test]
fn the_second_entry_of_a_cycle_meets_what_the_first_left() {
    let ether = |amount| intent(Purpose::Entry(LONG), "ETH", amount);
    let mut scene = Scene::new().with("max_position_size_pct", "100");
    scene.earlier = vec![ether("30")];
    scene.passes(buy("50"));
    scene.denies(buy("50.001"), &[RuleCode::CashReserve]);
    scene.view.entries_today = 19;
    scene.denies(buy("1"), &[RuleCode::DailyTrades]);

    let mut scene = Scene::new();
    scene.earlier = vec![buy("4")];
    scene.passes(buy("6"));
    scene.denies(buy("6.001"), &[RuleCode::PositionSize]);

    let mut scene = Scene::new().with("max_open_positions", "1");
    scene.earlier = vec![ether("1")];
    scene.denies(buy("1"), &[RuleCode::OpenPositions]);
}

#[test]
fn a_coin_cannot_be_closed_twice_in_one_cycle() {
    let mut scene = Scene::new().holding("BTC", LONG, "5");
    scene.earlier = vec![close("3")];
    scene.passes(close("2"));
    let report = scene.denies(close("2.001"), &[RuleCode::Sanity]);
    assert!(report.reasons().contains("only 2 BTC can be closed"), "{}", report.reasons());
}

#[test]
fn an_exit_passes_while_every_breaker_is_tripped() {
    let mut scene = Scene::new().holding("BTC", LONG, "50").mark("BTC", "40").with("max_open_positions", "1");
    scene.view.entries_today = 1_000;
    scene.quote = Some(Quote { price: price("40"), at: NOW });
    scene.denies(buy("1"), &[RuleCode::PositionSize, RuleCode::DailyLoss, RuleCode::DailyTrades, RuleCode::Drawdown]);
    let report = scene.passes(close("50"));
    for rule in ENTRY_ONLY {
        assert_eq!(verdict(&report, rule), Some(Verdict::Skip), "{rule}");
    }
}

#[test]
fn an_exit_is_stopped_by_what_makes_it_impossible() {
    let scene = Scene::new().holding("BTC", LONG, "5");
    scene.passes(close("5"));
    scene.denies(close("5.001"), &[RuleCode::Sanity]);
    scene.denies(intent(Purpose::Exit(SHORT), "BTC", "1"), &[RuleCode::Sanity]);
    let report = Scene::new().denies(close("0"), &[RuleCode::Sanity, RuleCode::Instrument]);
    assert!(report.reasons().contains("there is no BTC position to close"), "{}", report.reasons());

    let mut unknown = Scene::new().holding("BTC", LONG, "5");
    unknown.quote = None;
    unknown.denies(close("5"), &[RuleCode::PriceAge]);
    unknown.quote = Some(Quote { price: price("100"), at: NOW.plus_ms(-120_001) });
    unknown.denies(close("5"), &[RuleCode::PriceAge]);
}

#[test]
fn an_exit_below_the_minimum_is_called_dust() {
    let scene = Scene::new().holding("BTC", LONG, "0.049");
    let report = scene.denies(close("0.049"), &[RuleCode::Instrument]);
    let words = "dust: too little to sell here (NOTIONAL: 4.9 is below the minimum 5)";
    assert!(report.reasons().contains(words), "{}", report.reasons());
    Scene::new().holding("BTC", LONG, "0.05").passes(close("0.05"));
}

#[test]
fn unknown_equity_denies_entries_and_lets_exits_pass() {
    let mut scene = Scene::new().holding("BTC", LONG, "5").holding("ETH", LONG, "5");
    scene.marks.remove(&coin("ETH"));
    let rules = [RuleCode::PositionSize, RuleCode::DailyLoss, RuleCode::CashReserve, RuleCode::Drawdown];
    let report = scene.denies(buy("1"), &rules);
    assert!(report.reasons().contains("equity is unknown"), "{}", report.reasons());
    scene.passes(close("5"));
}

#[test]
fn equity_that_is_used_up_denies_entries_and_says_so() {
    let scene = Scene::new().with("max_daily_loss_pct", "50").cash("0");
    let report = scene.check(buy("1")).expect_err("nothing to trade with");
    assert!(!report.reasons().contains("unknown"), "{}", report.reasons());
    for rule in [RuleCode::PositionSize, RuleCode::DailyLoss, RuleCode::CashReserve, RuleCode::Drawdown] {
        assert_eq!(verdict(&report, rule), Some(Verdict::Deny), "{rule}");
    }
}
