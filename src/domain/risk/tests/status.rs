//! How close a limit is, in the same words as the rules use: at a limit both say the same.

use super::*;

fn level(scene: &Scene, rule: RuleCode) -> StatusLevel {
    let exposure = Exposure::of(&scene.view, &scene.marks, &scene.settings, None, None);
    let equity = scene.view.value(&scene.marks).map(|value| value.equity);
    let coins: Vec<Coin> = scene.view.positions.iter().map(|position| position.coin.clone()).collect();
    let status = risk_status(&scene.settings, &scene.view.book, equity, &exposure, scene.view.entries_today, &coins);
    status.into_iter().find(|status| status.rule == rule).expect("every limit has a status").level
}

/// The status says "breached" exactly when the rule refuses another, smallest entry.
#[track_caller]
fn agrees(scene: &Scene, rule: RuleCode, expected: StatusLevel) {
    assert_eq!(level(scene, rule), expected, "{rule}");
    let entry = scene.check(intent(Purpose::Entry(LONG), "BTC", "0.05")).unwrap_or_else(|report| report);
    assert_eq!(verdict(&entry, rule) == Some(Verdict::Deny), expected == StatusLevel::Breached, "{}", entry.reasons());
}

#[test]
fn drawdown_is_kept_at_its_limit() {
    let at = |cash| Scene::new().with("max_daily_loss_pct", "50").cash(cash);
    agrees(&at("8800.01"), RuleCode::Drawdown, StatusLevel::Ok);
    agrees(&at("8800"), RuleCode::Drawdown, StatusLevel::Warning);
    agrees(&at("8500"), RuleCode::Drawdown, StatusLevel::Warning);
    // So little beyond that rounding would hide it.
    agrees(&at("8499.9999"), RuleCode::Drawdown, StatusLevel::Breached);
}

#[test]
fn a_loss_of_the_day_is_not_kept_at_its_limit() {
    let at = |cash| Scene::new().cash(cash);
    agrees(&at("9700.0001"), RuleCode::DailyLoss, StatusLevel::Warning);
    agrees(&at("9700"), RuleCode::DailyLoss, StatusLevel::Breached);
}

#[test]
fn the_last_trade_of_the_day_uses_its_limit_up() {
    let mut scene = Scene::new();
    for (entries, expected) in [(15, StatusLevel::Ok), (19, StatusLevel::Warning), (20, StatusLevel::Breached)] {
        scene.view.entries_today = entries;
        agrees(&scene, RuleCode::DailyTrades, expected);
    }
}

#[test]
fn the_last_coin_uses_the_open_positions_up() {
    let mut scene = Scene::new();
    for (name, expected) in [
        ("ETH", StatusLevel::Ok),
        ("SOL", StatusLevel::Ok),
        ("BNB", StatusLevel::Ok),
        ("XRP", StatusLevel::Warning),
        ("DOGE", StatusLevel::Breached),
    ] {
        scene = scene.holding(name, LONG, "1");
        agrees(&scene, RuleCode::OpenPositions, expected);
    }
}

#[test]
fn a_reserve_and_a_size_are_kept_at_their_limits() {
    let holding = |amount| Scene::new().with("max_position_size_pct", "80").holding("ETH", LONG, amount);
    for (amount, expected) in [("80", StatusLevel::Warning), ("80.0001", StatusLevel::Breached)] {
        assert_eq!(level(&holding(amount), RuleCode::CashReserve), expected, "{amount}");
        assert_eq!(level(&holding(amount), RuleCode::PositionSize), expected, "{amount}");
    }
}

#[test]
fn what_is_unknown_is_called_so() {
    let mut scene = Scene::new().holding("ETH", LONG, "5");
    scene.marks.clear();
    for rule in [RuleCode::PositionSize, RuleCode::DailyLoss, RuleCode::CashReserve, RuleCode::Drawdown] {
        assert_eq!(level(&scene, rule), StatusLevel::Unknown, "{rule}");
    }
}
