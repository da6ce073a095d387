//! What holds at an exchange only: its account, and orders whose outcome nobody knows.

use super::*;
use crate::domain::order::OrderEvent;

fn live(intent: OrderIntent) -> OrderIntent {
    OrderIntent { venue: VenueKind::Testnet, ..intent }
}

fn sell(name: &str, amount: &str) -> OrderIntent {
    live(OrderIntent { purpose: Purpose::Exit(LONG), ..intent(Purpose::Exit(LONG), name, amount) })
}

/// An order of these terms whose reply was lost.
fn lost(scene: Scene, intent: OrderIntent) -> Scene {
    let mut scene = scene.under_way(5, intent, "0");
    let order = scene.view.open_orders.last_mut().expect("just added");
    order.apply(OrderEvent::Submit { sent_at: NOW, epoch: 1, attempt: 1 }, NOW).expect("journaled");
    order.apply(OrderEvent::Lose { why: "no answer".into() }, NOW).expect("submitted");
    scene
}

#[test]
fn nothing_is_sent_on_top_of_an_unknown_order() {
    let scene = lost(Scene::new().holding("BTC", LONG, "3"), live(buy("1")));
    scene.denies(live(buy("1")), &[RuleCode::OutcomeUnknown]);
    scene.passes(sell("BTC", "3"));
    let scene = lost(Scene::new().holding("BTC", LONG, "3"), sell("BTC", "1"));
    scene.denies(sell("BTC", "2"), &[RuleCode::OutcomeUnknown]);
    scene.denies(live(buy("1")), &[RuleCode::OutcomeUnknown]);
    scene.passes(live(intent(Purpose::Entry(LONG), "ETH", "1")));
}

#[test]
fn an_account_that_is_halted_takes_no_entry_and_every_exit() {
    let halted = Scene { halted: Some("its books differ from ours"), ..Scene::new().holding("BTC", LONG, "3") };
    let report = halted.denies(live(buy("1")), &[RuleCode::AccountHalted]);
    assert!(report.reasons().contains("its books differ from ours"));
    halted.passes(sell("BTC", "3"));
}

#[test]
fn a_model_in_safe_mode_opens_nothing_and_closes_everything() {
    let safe = Scene { safe_mode: true, ..Scene::new().holding("BTC", LONG, "3") };
    safe.denies(buy("1"), &[RuleCode::SafeMode]);
    safe.passes(sell("BTC", "3"));
}

#[test]
fn what_is_free_at_the_exchange_pays_and_is_sold() {
    let poor = Scene { free: Some(quantity("99.99")), ..Scene::new() };
    poor.denies(live(buy("1")), &[RuleCode::InsufficientBalance]);
    Scene { free: Some(quantity("100")), ..Scene::new() }.passes(live(buy("1")));
    let short = Scene { free: Some(quantity("2.999")), ..Scene::new().holding("BTC", LONG, "3") };
    let report = short.denies(sell("BTC", "3"), &[RuleCode::InsufficientBalance]);
    assert!(report.reasons().contains("2.999 BTC are free"));
    short.passes(sell("BTC", "2.999"));
}

#[test]
fn dust_takes_no_place_among_the_open_positions() {
    let scene = Scene::new().with("max_open_positions", "1").holding("ETH", LONG, "0.001");
    scene.denies(live(buy("1")), &[RuleCode::OpenPositions]);
    let mut exposure = Exposure::of(&scene.view, &scene.marks, &scene.settings, None, None);
    exposure.set_dust(&coin("ETH"));
    assert_eq!(exposure.others(&coin("BTC")), 0);
}
