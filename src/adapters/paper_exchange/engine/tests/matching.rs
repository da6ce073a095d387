//! Who meets whom, at which price.

use super::*;
use OrderStatus::{Expired, ExpiredInMatch, Filled, New, PartiallyFilled};
use Side::{Buy, Sell};

#[test]
fn the_best_price_comes_first_and_the_taker_pays_the_makers_price() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("1", "50100"));
    let best = desk.place(alice, Sell, limit("1", "50050")).order.id;
    let taker = desk.place(bob, Buy, limit("1.5", "50200"));
    assert_eq!(fills(&taker), ["1@50050", "0.5@50100"]);
    assert_eq!(outcome(&taker.order), (Filled, "1.5".into()));
    assert_eq!(outcome(desk.see(best)), (Filled, "1".into()));
    // 50,050 + 25,050 and not 1.5 x 50,200; a thousandth of the 1.5 BTC is commission.
    assert_eq!(desk.has(bob, "USDT"), "24900/0");
    assert_eq!(desk.has(bob, "BTC"), "11.4985/0");
    assert_eq!(desk.has(alice, "USDT"), "175024.9/0");
    assert_eq!(desk.has(alice, "BTC"), "8/0.5");
}

#[test]
fn at_one_price_the_first_to_come_is_the_first_to_go() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let first = desk.place(alice, Sell, limit("0.5", "50100")).order.id;
    let second = desk.place(alice, Sell, limit("0.5", "50100")).order.id;
    desk.place(bob, Buy, limit("0.7", "50100"));
    assert_eq!(outcome(desk.see(first)), (Filled, "0.5".into()));
    assert_eq!(outcome(desk.see(second)), (PartiallyFilled, "0.2".into()));
}

#[test]
fn a_canceled_order_loses_its_place_and_the_rest_keep_theirs() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let ids: Vec<OrderId> = (0..3).map(|_| desk.place(alice, Buy, limit("0.1", "49000")).order.id).collect();
    desk.cancel(alice, ids[0]).expect("an open order");
    desk.place(bob, Sell, limit("0.1", "49000"));
    assert_eq!([desk.see(ids[1]).status, desk.see(ids[2]).status], [Filled, New]);
}

#[test]
fn accounts_come_before_synthetic_depth_at_one_price_and_after_a_better_one() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.tick("50000", "42");
    desk.place(alice, Sell, limit("0.3", "50005.01"));
    let taker = desk.place(bob, Buy, market_of("0.5"));
    // 0.1 of the first synthetic level, then Alice, then the synthetic level at her price.
    assert_eq!(fills(&taker), ["0.1@50000.01", "0.3@50005.01", "0.1@50005.01"]);
}

#[test]
fn depth_that_was_taken_comes_back_with_the_next_tick() {
    let mut desk = Desk::new();
    let bob = desk.bob;
    desk.tick("50000", "42");
    assert_eq!(fills(&desk.place(bob, Buy, market_of("0.1"))), ["0.1@50000.01"]);
    assert_eq!(fills(&desk.place(bob, Buy, market_of("0.1"))), ["0.1@50005.01"]);
    desk.tick("50000", "42");
    assert_eq!(fills(&desk.place(bob, Buy, market_of("0.1"))), ["0.1@50000.01"]);
}

#[test]
fn a_resting_order_is_filled_at_its_own_price_when_the_market_comes_through_it() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let low = desk.place(alice, Buy, limit("0.2", "49900")).order.id;
    let high = desk.place(bob, Sell, limit("0.2", "50100")).order.id;
    desk.tick("49900", "42");
    assert_eq!(desk.see(low).status, New, "a touch is not a trade");
    desk.tick("49890", "42");
    assert_eq!(outcome(desk.see(low)), (Filled, "0.2".into()));
    assert_eq!(desk.see(low).executed_quote, dec("9980"));
    let page = Page { from_id: None, start: None, end: None, limit: 10 };
    let rows = desk.engine.executions(alice, BTC, Some(low), page).expect("executions");
    assert!(rows.iter().all(|row| row.is_maker && row.is_buyer && row.price == dec("49900")));
    desk.tick("51000", "42");
    assert_eq!(desk.see(high).executed_quote, dec("10020"));
}

#[test]
fn a_resting_order_gets_no_more_than_the_depth_that_crosses_it() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let id = desk.place(alice, Buy, limit("1", "49900")).order.id;
    // Asks at 49,898.01 (0.1) and, 4.98 further, beyond the limit.
    desk.tick("49898", "42");
    assert_eq!(outcome(desk.see(id)), (PartiallyFilled, "0.1".into()));
    desk.tick("49898", "42");
    assert_eq!(outcome(desk.see(id)), (PartiallyFilled, "0.2".into()));
    assert_eq!(desk.has(alice, "USDT"), "50100/39920");
}

#[test]
fn of_two_resting_orders_the_better_price_is_filled_first_by_the_market() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let worse = desk.place(alice, Buy, limit("0.1", "49900")).order.id;
    let better = desk.place(bob, Buy, limit("0.1", "49950")).order.id;
    desk.tick("49898", "42");
    assert_eq!([desk.see(better).status, desk.see(worse).status], [Filled, New]);
}

#[test]
fn an_order_that_meets_its_own_account_ends_the_resting_one_by_default() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let own = desk.place(alice, Sell, limit("0.5", "50050")).order.id;
    let other = desk.place(bob, Sell, limit("0.5", "50060")).order.id;
    let taker = desk.place(alice, Buy, limit("0.5", "50100"));
    assert_eq!(outcome(desk.see(own)), (ExpiredInMatch, "0".into()));
    assert_eq!(fills(&taker), ["0.5@50060"]);
    assert_eq!(desk.see(other).status, Filled);
    assert_eq!(desk.has(alice, "BTC"), "10.4995/0");
}

#[test]
fn an_order_that_has_all_it_wants_ends_nobody_behind_it() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(bob, Sell, limit("0.5", "50050"));
    let own = desk.place(alice, Sell, limit("0.5", "50060")).order.id;
    assert_eq!(desk.place(alice, Buy, limit("0.5", "50100")).order.status, Filled);
    assert_eq!(desk.see(own).status, New);
}

#[test]
fn the_takers_word_decides_about_trades_with_oneself() {
    for (mode, taker_ends, maker_ends, trades) in [
        (SelfTradePrevention::None, Filled, Filled, 1),
        (SelfTradePrevention::ExpireMaker, New, ExpiredInMatch, 0),
        (SelfTradePrevention::ExpireTaker, ExpiredInMatch, New, 0),
        (SelfTradePrevention::ExpireBoth, ExpiredInMatch, ExpiredInMatch, 0),
    ] {
        let mut desk = Desk::new();
        let alice = desk.alice;
        let resting = desk.place(alice, Sell, limit("0.5", "50050")).order.id;
        let mut order = desk.order(alice, Buy, limit("0.5", "50100"));
        order.self_trade_prevention = Some(mode);
        let taker = desk.try_place(order).expect("accepted");
        assert_eq!((taker.order.status, desk.see(resting).status), (taker_ends, maker_ends), "{mode:?}");
        assert_eq!(taker.fills.len(), trades, "{mode:?}");
    }
}

#[test]
fn a_market_order_larger_than_the_book_ends_with_what_it_got() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("0.3", "50050"));
    let taker = desk.place(bob, Buy, market_of("1"));
    assert_eq!(outcome(&taker.order), (Expired, "0.3".into()));
    assert_eq!(taker.order.expiry_reason, Some(ExpiryReason::InsufficientLiquidity));
    assert_eq!(desk.has(bob, "USDT"), "84985/0");
    let nothing = desk.place(bob, Sell, market_of("1"));
    assert_eq!(outcome(&nothing.order), (Expired, "0".into()));
    assert_eq!(desk.has(bob, "BTC"), "10.2997/0");
}
