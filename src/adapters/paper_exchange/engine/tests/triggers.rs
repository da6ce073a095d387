//! Orders that wait for the last price.

use super::*;
use OrderStatus::{Expired, Filled, New, PartiallyFilled};
use Side::{Buy, Sell};

#[test]
fn each_type_is_set_off_by_its_own_side_of_the_price() {
    for (side, kind, calm, decisive) in [
        (Sell, stop_loss("0.1", "49000"), "49000.01", "49000"),
        (Buy, stop_loss("0.1", "51000"), "50999.99", "51000"),
        (Sell, take_profit("0.1", "51000"), "50999.99", "51000"),
        (Buy, take_profit("0.1", "49000"), "49000.01", "49000"),
    ] {
        let mut desk = Desk::new();
        let alice = desk.alice;
        let placed = desk.place(alice, side, kind).order;
        assert_eq!((placed.status, placed.is_working()), (New, false));
        desk.tick(calm, "42");
        assert_eq!(desk.see(placed.id).status, New, "{side:?} {kind:?}");
        desk.tick(decisive, "42");
        assert_eq!(outcome(desk.see(placed.id)), (Filled, "0.1".into()), "{side:?} {kind:?}");
        assert!(desk.see(placed.id).is_working());
    }
}

#[test]
fn a_trigger_that_has_come_already_is_refused() {
    for (side, kind) in [
        (Sell, stop_loss("0.1", "50000")),
        (Buy, stop_loss("0.1", "50000")),
        (Sell, take_profit("0.1", "49000")),
        (Buy, take_profit("0.1", "51000")),
        (Sell, stop_limit("0.1", "50001", "50001")),
        (Buy, profit_limit("0.1", "50001", "50001")),
    ] {
        let mut desk = Desk::new();
        let alice = desk.alice;
        assert_eq!(desk.refused(alice, side, kind), (-2010, "Order would trigger immediately.".into()));
    }
}

#[test]
fn a_stop_limit_order_becomes_a_limit_order_that_may_rest() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let id = desk.place(alice, Sell, stop_limit("1", "49000", "48995")).order.id;
    assert_eq!(desk.has(alice, "BTC"), "9/1");
    desk.place(bob, Buy, limit("0.4", "48995"));
    desk.tick("48900", "0");
    let order = desk.see(id);
    assert_eq!(outcome(order), (PartiallyFilled, "0.4".into()));
    assert_eq!(order.working_since, Some(order.updated_at));
    assert_eq!(desk.has(alice, "BTC"), "9/0.6");
    desk.place(bob, Buy, limit("0.6", "49000"));
    assert_eq!(desk.see(id).executed_quote, dec("48995"), "as a maker it sells at its own price");
}

#[test]
fn a_take_profit_limit_buy_holds_at_its_limit() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let id = desk.place(alice, Buy, profit_limit("1", "49000", "49100")).order.id;
    assert_eq!(desk.has(alice, "USDT"), "50900/49100");
    // Asks from 48,900.01 on: 0.1 a level and growing; 21 in all.
    desk.tick("48900", "42");
    assert_eq!(desk.see(id).status, Filled);
    assert_eq!(desk.engine.account(alice).expect("account").balances["USDT"].locked, Decimal::ZERO);
}

#[test]
fn a_triggered_limit_order_has_come_after_those_that_rest() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let stop = desk.place(alice, Sell, stop_limit("0.1", "49500", "49500")).order.id;
    desk.tick("50000", "0");
    let resting = desk.place(alice, Sell, limit("0.1", "49500")).order.id;
    desk.tick("49400", "0");
    assert!(desk.see(stop).is_working());
    desk.place(bob, Buy, limit("0.1", "49500"));
    assert_eq!([desk.see(resting).status, desk.see(stop).status], [Filled, New]);
}

#[test]
fn a_stop_buy_takes_more_than_it_held_from_what_is_free() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let id = desk.place(alice, Buy, stop_loss("1", "51000")).order.id;
    assert_eq!(desk.has(alice, "USDT"), "49000/51000");
    desk.place(bob, Sell, limit("1", "52000"));
    desk.tick("51500", "0");
    assert_eq!(outcome(desk.see(id)), (Filled, "1".into()));
    assert_eq!(desk.has(alice, "USDT"), "48000/0");
}

#[test]
fn a_stop_buy_that_cannot_be_paid_expires_as_rejected() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let id = desk.place(alice, Buy, stop_loss("1.9", "51000")).order.id;
    desk.place(bob, Sell, limit("1.9", "53000"));
    desk.tick("52000", "0");
    assert_eq!(outcome(desk.see(id)), (Expired, "0".into()));
    assert_eq!(desk.see(id).expiry_reason, Some(ExpiryReason::Rejected));
    assert_eq!(desk.has(alice, "USDT"), "100000/0");
}

#[test]
fn a_stop_on_an_empty_book_expires_with_what_it_got() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let id = desk.place(alice, Sell, stop_loss("1", "49000")).order.id;
    desk.place(bob, Buy, limit("0.3", "48000"));
    desk.tick("48500", "0");
    assert_eq!(outcome(desk.see(id)), (Expired, "0.3".into()));
    assert_eq!(desk.see(id).expiry_reason, Some(ExpiryReason::InsufficientLiquidity));
    assert_eq!(desk.has(alice, "BTC"), "9.7/0");
}

#[test]
fn of_two_triggers_in_one_tick_the_older_order_goes_first() {
    for (one, other) in [("48500", "49500"), ("49500", "48500")] {
        let mut desk = Desk::new();
        let (alice, bob) = (desk.alice, desk.bob);
        let older = desk.place(alice, Sell, stop_loss("0.5", one)).order.id;
        let newer = desk.place(alice, Sell, stop_loss("0.5", other)).order.id;
        desk.place(bob, Buy, limit("0.5", "47000"));
        desk.tick("48000", "0");
        assert_eq!([desk.see(older).status, desk.see(newer).status], [Filled, Expired], "{one} {other}");
    }
}

#[test]
fn trades_of_accounts_do_not_move_the_last_price() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let stop = desk.place(alice, Sell, stop_loss("0.1", "49000")).order.id;
    desk.place(bob, Buy, limit("0.1", "40000"));
    desk.place(alice, Sell, market_of("0.1"));
    assert_eq!(desk.see(stop).status, New);
    assert_eq!(desk.engine.last_price(BTC), Ok(Some(dec("50000"))));
}

#[test]
fn nothing_is_set_off_while_a_market_does_not_trade() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let stop = desk.place(alice, Sell, stop_loss("0.1", "49000")).order.id;
    let resting = desk.place(alice, Buy, limit("0.1", "49500")).order.id;
    desk.engine.set_status(BTC, SymbolStatus::Halt).expect("a market");
    desk.tick("48000", "42");
    assert_eq!([desk.see(stop).status, desk.see(resting).status], [New, New]);
    desk.engine.set_status(BTC, SymbolStatus::Trading).expect("a market");
    desk.tick("48000", "42");
    assert_eq!([desk.see(stop).status, desk.see(resting).status], [Filled, Filled]);
}
