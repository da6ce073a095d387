//! Commission: in what is received, or in BNB.

use super::*;
use Side::{Buy, Sell};

fn charged(placed: &PlacedOrder) -> Vec<String> {
    let told = |fill: &Execution| format!("{} {}", fill.commission.normalize(), fill.commission_asset);
    placed.fills.iter().map(told).collect()
}

#[test]
fn commission_is_taken_from_what_is_received() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("0.01", "50000"));
    assert_eq!(charged(&desk.place(bob, Buy, market_of("0.01"))), ["0.00001 BTC"]);
    // 500 less a thousandth for the maker.
    assert_eq!(desk.has(alice, "USDT"), "100499.5/0");
    assert_eq!(desk.has(bob, "BTC"), "10.00999/0");
    assert_eq!(desk.engine.memory.state.fees["BTC"], dec("0.00001"));
    assert_eq!(desk.engine.memory.state.fees["USDT"], dec("0.5"));
}

#[test]
fn what_was_bought_less_commission_is_all_that_can_be_sold() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(bob, Sell, limit("10", "49000"));
    desk.place(alice, Buy, market_of("1"));
    desk.tick("50000", "42000");
    assert_eq!(desk.refused(alice, Sell, market_of("11")).1, "Account has insufficient balance for requested action.");
    assert_eq!(desk.place(alice, Sell, market_of("10.999")).order.status, OrderStatus::Filled);
    assert_eq!(desk.has(alice, "BTC"), "0/0");
}

#[test]
fn commission_is_rounded_up_at_eight_decimals() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("0.00123", "50000.01"));
    // 0.00123 / 1,000 has 8 decimals.
    assert_eq!(charged(&desk.place(bob, Buy, market_of("0.00123"))), ["0.00000123 BTC"]);
    let rows = desk.engine.executions(alice, BTC, None, Page { from_id: None, start: None, end: None, limit: 9 });
    // 61.5000123 / 1,000 = 0.0615000123.
    assert_eq!(rows.expect("executions")[0].commission, dec("0.06150002"));
}

#[test]
fn commission_in_bnb_is_a_quarter_less() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.tick_of("BNBUSDT", "600", "0");
    let done = desk.engine.deposit(bob, "BNB", dec("1"), desk.now).expect("a deposit");
    desk.note(done);
    let done = desk.engine.set_bnb_burn(bob, true, desk.now).expect("an account");
    desk.note(done);
    desk.place(alice, Sell, limit("0.1", "50000"));
    // 5,000 x 0.001 x 0.75 / 600.
    assert_eq!(charged(&desk.place(bob, Buy, market_of("0.1"))), ["0.00625 BNB"]);
    assert_eq!(desk.has(bob, "BNB"), "0.99375/0");
    assert_eq!(desk.has(bob, "BTC"), "10.1/0");
}

#[test]
fn too_little_bnb_leaves_the_whole_commission_to_what_is_received() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.tick_of("BNBUSDT", "600", "0");
    let done = desk.engine.deposit(bob, "BNB", dec("0.00624999"), desk.now).expect("a deposit");
    desk.note(done);
    let done = desk.engine.set_bnb_burn(bob, true, desk.now).expect("an account");
    desk.note(done);
    desk.place(alice, Sell, limit("0.1", "50000"));
    assert_eq!(charged(&desk.place(bob, Buy, market_of("0.1"))), ["0.0001 BTC"]);
}

#[test]
fn bnb_without_a_price_is_not_charged() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let done = desk.engine.deposit(bob, "BNB", dec("1"), desk.now).expect("a deposit");
    desk.note(done);
    let done = desk.engine.set_bnb_burn(bob, true, desk.now).expect("an account");
    desk.note(done);
    desk.place(alice, Sell, limit("0.1", "50000"));
    assert_eq!(charged(&desk.place(bob, Buy, market_of("0.1"))), ["0.0001 BTC"]);
}

#[test]
fn bnb_that_is_bought_can_pay_its_own_commission() {
    let mut desk = Desk::new();
    let bob = desk.bob;
    desk.tick_of("BNBUSDT", "600", "42000");
    let done = desk.engine.set_bnb_burn(bob, true, desk.now).expect("an account");
    desk.note(done);
    let mut order = desk.order(bob, Buy, market_of("1"));
    order.symbol = Symbol::new("BNBUSDT");
    let placed = desk.try_place(order).expect("accepted");
    // 600.01 x 0.001 x 0.75 / 600 = 0.0007500125.
    assert_eq!(charged(&placed), ["0.00075002 BNB"]);
    assert_eq!(desk.has(bob, "BNB"), "0.99924998/0");
}

#[test]
fn an_account_that_trades_with_itself_pays_both_commissions() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    desk.tick_of("BNBUSDT", "600", "0");
    // Enough BNB for one of the two.
    let done = desk.engine.deposit(alice, "BNB", dec("0.01"), desk.now).expect("a deposit");
    desk.note(done);
    let done = desk.engine.set_bnb_burn(alice, true, desk.now).expect("an account");
    desk.note(done);
    desk.place(alice, Sell, limit("0.1", "50000"));
    let mut order = desk.order(alice, Buy, limit("0.1", "50000"));
    order.self_trade_prevention = Some(SelfTradePrevention::None);
    let placed = desk.try_place(order).expect("accepted");
    assert_eq!(charged(&placed), ["0.00625 BNB"]);
    assert_eq!([desk.has(alice, "BNB"), desk.has(alice, "USDT")], ["0.00375/0", "99995/0"]);
}

#[test]
fn rates_and_deposits_beyond_reason_are_bounded() {
    let mut desk = Desk::new();
    let account = NewAccount {
        name: "odd".into(),
        maker_rate: dec("-1"),
        taker_rate: dec("7"),
        bnb_burn: false,
        deposits: vec![(Asset::new("USDT"), dec("1000")), (Asset::new("BTC"), dec("-5"))],
    };
    let done = desk.engine.open_account(account, desk.now);
    let odd = desk.note(done);
    desk.tick("50000", "42");
    assert_eq!(charged(&desk.place(odd, Buy, market_of("0.01"))), ["0.01 BTC"]);
    assert_eq!(desk.has(odd, "BTC"), "0/0");
    assert_eq!(desk.engine.deposit(odd, "USDT", dec("1000000000001"), NOON).expect_err("too much").code, -1130);
}

#[test]
fn accounts_may_trade_for_nothing() {
    let mut desk = Desk::new();
    let account = NewAccount {
        name: "free".into(),
        maker_rate: Decimal::ZERO,
        taker_rate: Decimal::ZERO,
        bnb_burn: true,
        deposits: vec![(Asset::new("USDT"), dec("1000"))],
    };
    let done = desk.engine.open_account(account, desk.now);
    let free = desk.note(done);
    desk.tick("50000", "42");
    let placed = desk.place(free, Buy, market_of("0.01"));
    assert_eq!(charged(&placed), ["0 BTC"]);
}
