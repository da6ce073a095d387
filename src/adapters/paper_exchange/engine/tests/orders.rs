//! Each type of order that works at once, and what its account holds for it.

use super::*;
use OrderStatus::{Expired, Filled, New, PartiallyFilled};
use Side::{Buy, Sell};
use TimeInForce::{Fok, Ioc};

#[test]
fn a_market_buy_by_quote_spends_no_more_than_it_says_in_whole_steps() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("0.001", "50000"));
    desk.place(alice, Sell, limit("1", "60000"));
    let taker = desk.place(bob, Buy, by_quote("100"));
    // 50 of quote at 50,000; the other 50 buy 0.00083333 at 60,000, of which 83 steps are whole.
    assert_eq!(fills(&taker), ["0.001@50000", "0.00083@60000"]);
    assert_eq!(outcome(&taker.order), (Filled, "0.00183".into()));
    assert_eq!(taker.order.executed_quote, dec("99.8"));
    assert_eq!(taker.order.quantity, dec("0.00183"));
    assert_eq!(taker.order.quote_order_quantity, dec("100"));
    assert_eq!(desk.has(bob, "USDT"), "99900.2/0");
}

#[test]
fn a_market_sell_by_quote_gives_the_whole_steps_that_are_nearest() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Buy, limit("1", "49000"));
    // 100 / 49,000 = 0.0020408: 204 steps bring 99.96, which is nearer than 205.
    let taker = desk.place(bob, Sell, by_quote("100"));
    assert_eq!(outcome(&taker.order), (Filled, "0.00204".into()));
    // 100.4 / 49,000 = 0.0020490: 205 steps bring 100.45.
    let taker = desk.place(bob, Sell, by_quote("100.4"));
    assert_eq!(taker.order.executed_quote, dec("100.45"));
}

#[test]
fn a_market_order_by_quote_on_a_short_book_ends_with_what_it_got() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("0.001", "50000"));
    let taker = desk.place(bob, Buy, by_quote("100"));
    assert_eq!(outcome(&taker.order), (Expired, "0.001".into()));
    assert_eq!(taker.order.quantity, dec("0.002"), "what it would have bought at the last price it met");
    let refusal = desk.refused(bob, Buy, by_quote("100"));
    assert_eq!(refusal, (-2010, "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.".into()));
}

#[test]
fn a_market_buy_needs_what_the_book_asks_and_not_a_unit_more() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("2", "50000"));
    desk.place(alice, Sell, limit("2", "50000.01"));
    assert_eq!(
        desk.refused(bob, Buy, market_of("2.00001")).1,
        "Account has insufficient balance for requested action."
    );
    assert_eq!(desk.place(bob, Buy, market_of("2")).order.status, Filled);
    assert_eq!(desk.has(bob, "USDT"), "0/0");
}

#[test]
fn a_market_buy_by_quote_needs_all_that_it_says() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("1", "50000"));
    assert_eq!(desk.refused(bob, Buy, by_quote("100000.01")).0, -2010);
}

#[test]
fn a_limit_order_holds_what_it_may_need_and_gives_the_rest_back() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let resting = desk.place(bob, Buy, limit("1", "49999.99"));
    assert_eq!(outcome(&resting.order), (New, "0".into()));
    assert_eq!(desk.has(bob, "USDT"), "50000.01/49999.99");
    desk.place(alice, Sell, limit("0.4", "49000"));
    assert_eq!(outcome(desk.see(resting.order.id)), (PartiallyFilled, "0.4".into()));
    assert_eq!(desk.has(bob, "USDT"), "50000.01/29999.994");
    desk.cancel(bob, resting.order.id).expect("an open order");
    assert_eq!(desk.has(bob, "USDT"), "80000.004/0");
    assert_eq!(outcome(desk.see(resting.order.id)), (OrderStatus::Canceled, "0.4".into()));
}

#[test]
fn a_limit_order_that_trades_better_holds_only_for_its_rest() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("0.5", "49000"));
    let taker = desk.place(bob, Buy, limit("1", "50000"));
    assert_eq!(outcome(&taker.order), (PartiallyFilled, "0.5".into()));
    assert_eq!(desk.has(bob, "USDT"), "50500/25000");
}

#[test]
fn the_rest_of_an_ioc_order_expires() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("0.5", "50000"));
    desk.place(alice, Sell, limit("0.5", "50001"));
    let taker = desk.place(bob, Buy, limit_for("1", "50000", Ioc));
    assert_eq!(outcome(&taker.order), (Expired, "0.5".into()));
    assert_eq!(taker.order.expiry_reason, Some(ExpiryReason::UnfilledIoc));
    assert_eq!(desk.has(bob, "USDT"), "75000/0");
    let nothing = desk.place(bob, Buy, limit_for("1", "49000", Ioc));
    assert_eq!((outcome(&nothing.order), nothing.fills.len()), ((Expired, "0".into()), 0));
}

#[test]
fn a_fok_order_is_filled_whole_or_not_at_all() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("0.5", "50000"));
    let none = desk.place(bob, Buy, limit_for("0.50001", "50000", Fok));
    assert_eq!(outcome(&none.order), (Expired, "0".into()));
    assert_eq!(none.order.expiry_reason, Some(ExpiryReason::UnfilledFok));
    let all = desk.place(bob, Buy, limit_for("0.5", "50000", Fok));
    assert_eq!(outcome(&all.order), (Filled, "0.5".into()));
}

#[test]
fn a_fok_order_does_not_count_on_its_own_account() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let own = desk.place(bob, Sell, limit("0.5", "49990")).order.id;
    desk.place(alice, Sell, limit("0.4", "50000"));
    let none = desk.place(bob, Buy, limit_for("0.5", "50000", Fok));
    assert_eq!(outcome(&none.order), (Expired, "0".into()));
    assert_eq!(desk.see(own).status, New, "an order that does nothing ends nobody");
}

#[test]
fn a_maker_order_rests_or_is_refused() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, maker("0.5", "50000"));
    let refusal = desk.refused(bob, Buy, maker("0.1", "50000"));
    assert_eq!(refusal, (-2010, "Order would immediately match and take.".into()));
    assert_eq!(desk.place(bob, Buy, maker("0.1", "49999.99")).order.status, New);
    desk.tick("50000", "42");
    assert_eq!(desk.refused(bob, Buy, maker("0.1", "50000.01")).0, -2010, "synthetic depth counts");
}

#[test]
fn holds_cover_trades_to_the_last_decimal() {
    // 8 decimals of quote, and prices whose products have more.
    let mut rules = btc();
    rules.lot_size.step = dec("0.00000001");
    rules.lot_size.min = dec("0.00000001");
    rules.price.step = dec("0.00000001");
    rules.notional.min = Decimal::ZERO;
    let mut desk = Desk::with(rules);
    let (alice, bob) = (desk.alice, desk.bob);
    let id = desk.place(bob, Buy, limit("0.00000007", "49999.12345678")).order.id;
    assert_eq!(desk.has(bob, "USDT"), "99999.99650006/0.00349994");
    for _ in 0..7 {
        desk.place(alice, Sell, limit("0.00000001", "49999"));
    }
    assert_eq!(desk.see(id).status, Filled);
    // Seven times 0.0004999912345678, each rounded down.
    assert_eq!(desk.has(bob, "USDT"), "99999.99650007/0");
}
