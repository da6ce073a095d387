//! What is refused by content and by filters: code, text and phase.

use super::*;
use Side::{Buy, Sell};

/// The refusal of an order on a market whose rules were changed.
fn with(change: impl FnOnce(&mut SymbolRules), side: Side, kind: OrderKind) -> Result<OrderStatus, String> {
    let mut rules = btc();
    change(&mut rules);
    let mut desk = Desk::with(rules);
    desk.tick("50000", "42");
    let order = desk.order(desk.alice, side, kind);
    let tested = desk.engine.check(&order);
    match desk.try_place(order) {
        Ok(placed) => {
            assert_eq!(tested, Ok(()));
            Ok(placed.order.status)
        }
        Err(refusal) => {
            let by_content = refusal.phase == Phase::Validation;
            assert_eq!(tested, if by_content { Err(refusal.clone()) } else { Ok(()) }, "a test order says the same");
            Err(refusal.to_string())
        }
    }
}

fn plain(side: Side, kind: OrderKind) -> Result<OrderStatus, String> {
    with(|_| (), side, kind)
}

fn filter(name: &str) -> Result<OrderStatus, String> {
    Err(format!("-1013: Filter failure: {name}"))
}

#[test]
fn prices_keep_to_their_grid() {
    for (price, ok) in [("49000.01", true), ("49000.001", false), ("0", false), ("-1", false), ("1000000.01", false)] {
        let answer = plain(Buy, limit("0.1", price));
        assert_eq!(answer == filter("PRICE_FILTER"), !ok, "{price}: {answer:?}");
    }
    assert_eq!(plain(Sell, stop_loss("0.1", "48000.001")), filter("PRICE_FILTER"));
    assert_eq!(plain(Sell, stop_limit("0.1", "48000", "47000.001")), filter("PRICE_FILTER"));
    let off = |rules: &mut SymbolRules| rules.price = Grid::default();
    assert_eq!(with(off, Buy, limit("0.1", "49000.00000001")), Ok(OrderStatus::New));
    assert_eq!(with(off, Buy, limit("0.1", "0")), filter("PRICE_FILTER"));
    assert_eq!(with(off, Buy, limit("0.1", "1000000000000.1")), filter("PRICE_FILTER"));
}

#[test]
fn quantities_keep_to_their_grid() {
    for quantity in ["0.000001", "0.000015", "9000.00001", "0", "-1"] {
        assert_eq!(plain(Sell, limit(quantity, "60000")), filter("LOT_SIZE"), "{quantity}");
    }
    assert_eq!(plain(Sell, limit("0.00011", "60000")), Ok(OrderStatus::New));
    let market_lots = |rules: &mut SymbolRules| {
        rules.market_lot_size = Grid { min: dec("0.001"), max: dec("2"), step: dec("0.001") };
    };
    for quantity in ["0.0001", "0.0015", "2.001"] {
        assert_eq!(with(market_lots, Sell, market_of(quantity)), filter("MARKET_LOT_SIZE"), "{quantity}");
        assert_eq!(with(market_lots, Sell, limit(quantity, "60000")), Ok(OrderStatus::New), "{quantity}");
    }
    assert_eq!(plain(Sell, market_of("0.00011")), Ok(OrderStatus::Filled), "zeros switch the rule off");
}

#[test]
fn too_many_decimals_are_told_before_any_filter() {
    let text = |parameter: &str| Err(format!("-1111: Parameter '{parameter}' has too much precision."));
    assert_eq!(plain(Buy, limit("0.000000001", "49000")), text("quantity"));
    assert_eq!(plain(Buy, limit("0.1", "49000.000000001")), text("price"));
    assert_eq!(plain(Sell, stop_loss("0.1", "48000.000000001")), text("stopPrice"));
    assert_eq!(plain(Buy, by_quote("10.000000001")), text("quoteOrderQty"));
    assert_eq!(plain(Buy, limit("0.1000000000", "49000")), Ok(OrderStatus::New), "zeros are no precision");
}

#[test]
fn limits_stay_near_the_average_price() {
    let near = |rules: &mut SymbolRules| {
        rules.percent_price = PercentPrice {
            bid_up: dec("1.1"),
            bid_down: dec("0.8"),
            ask_up: dec("1.2"),
            ask_down: dec("0.9"),
            average_minutes: 5,
        };
    };
    for (side, price, ok) in [
        (Buy, "55000", true),
        (Buy, "55000.01", false),
        (Buy, "40000", true),
        (Buy, "39999.99", false),
        (Sell, "60000", true),
        (Sell, "60000.01", false),
        (Sell, "45000", true),
        (Sell, "44999.99", false),
    ] {
        let answer = with(near, side, limit("0.1", price));
        assert_eq!(answer == filter("PERCENT_PRICE_BY_SIDE"), !ok, "{side:?} {price}: {answer:?}");
    }
}

#[test]
fn an_order_is_worth_enough_and_not_too_much() {
    assert_eq!(plain(Buy, limit("0.0001", "49999.99")), filter("NOTIONAL"));
    assert_eq!(plain(Buy, limit("0.0001", "50000")), Ok(OrderStatus::New));
    assert_eq!(plain(Buy, market_of("0.00009")), filter("NOTIONAL"));
    assert_eq!(plain(Buy, by_quote("4.99")), filter("NOTIONAL"));
    assert_eq!(plain(Sell, stop_loss("0.0001", "49000")), filter("NOTIONAL"), "a stop counts at its trigger");
    let lax = |rules: &mut SymbolRules| rules.notional.apply_min_to_market = false;
    assert_eq!(with(lax, Buy, market_of("0.00009")), Ok(OrderStatus::Filled));
    let capped = |rules: &mut SymbolRules| rules.notional.max = dec("1000");
    assert_eq!(with(capped, Sell, limit("0.02", "50001")), filter("NOTIONAL"));
    assert_eq!(with(capped, Sell, market_of("0.03")), Ok(OrderStatus::Filled));
}

#[test]
fn open_orders_are_counted() {
    let mut rules = btc();
    (rules.max_orders, rules.max_algo_orders) = (3, 1);
    let mut desk = Desk::with(rules);
    let (alice, bob) = (desk.alice, desk.bob);
    let first = desk.place(alice, Sell, stop_loss("0.1", "48000")).order.id;
    let refusal = desk.refused(alice, Sell, stop_loss("0.1", "48000"));
    assert_eq!(refusal, (-2010, "Filter failure: MAX_NUM_ALGO_ORDERS".into()));
    desk.place(alice, Buy, limit("0.1", "49000"));
    desk.place(alice, Buy, limit("0.1", "49000"));
    assert_eq!(desk.refused(alice, Buy, limit("0.1", "49000")).1, "Filter failure: MAX_NUM_ORDERS");
    desk.place(bob, Buy, limit("0.1", "49000"));
    desk.cancel(alice, first).expect("open");
    desk.place(alice, Buy, limit("0.1", "49000"));
}

#[test]
fn a_position_has_a_largest_size() {
    let mut rules = btc();
    rules.max_position = dec("10.5");
    let mut desk = Desk::with(rules);
    let alice = desk.alice;
    desk.place(alice, Buy, limit("0.3", "49000"));
    desk.place(alice, Sell, limit("1", "60000"));
    let refusal = desk.refused(alice, Buy, limit("0.20001", "49000"));
    assert_eq!(refusal, (-2010, "Filter failure: MAX_POSITION".into()));
    desk.place(alice, Buy, limit("0.2", "49000"));
}

#[test]
fn money_that_is_not_there_is_not_held() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    desk.place(alice, Buy, limit("1", "50000"));
    let text = "Account has insufficient balance for requested action.";
    assert_eq!(desk.refused(alice, Buy, limit("1.00001", "50000")), (-2010, text.into()));
    assert_eq!(desk.refused(alice, Sell, limit("10.00001", "60000")).1, text);
    assert_eq!(desk.refused(alice, Sell, stop_loss("10.00001", "40000")).1, text);
    assert_eq!(desk.refused(alice, Sell, market_of("10.00001")).1, text);
    desk.place(alice, Buy, limit("1", "50000"));
}

#[test]
fn markets_are_known_and_open() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let mut order = desk.order(alice, Buy, limit("1", "600"));
    order.symbol = Symbol::new("BNBUSDT");
    assert_eq!(desk.try_place(order.clone()).expect_err("no tick").message, "Market is closed.");
    order.symbol = Symbol::new("btcusdt");
    assert_eq!(desk.try_place(order).expect_err("case matters").code, -1121);
    let id = desk.place(alice, Buy, limit("0.1", "49000")).order.id;
    for status in [SymbolStatus::Halt, SymbolStatus::Break, SymbolStatus::CancelOnly, SymbolStatus::EndOfDay] {
        desk.engine.set_status(BTC, status).expect("a market");
        assert_eq!(desk.refused(alice, Buy, limit("0.1", "49000")), (-1013, "Market is closed.".into()));
    }
    desk.cancel(alice, id).expect("what was asked for can be called off");
    assert_eq!(desk.refused(AccountId(9), Buy, limit("0.1", "49000")).0, -1013);
    desk.engine.set_status(BTC, SymbolStatus::Trading).expect("a market");
    assert_eq!(desk.refused(AccountId(9), Buy, limit("0.1", "49000")).0, -2015);
}

#[test]
fn ticks_and_deposits_are_above_zero() {
    let mut desk = Desk::new();
    let tick = |price: &str, average: &str, volume: &str| Tick {
        price: dec(price),
        average: dec(average),
        volume: dec(volume),
    };
    let bad = [("0", "1", "1"), ("1", "0", "1"), ("1", "1", "-1"), ("1000000000001", "1", "1")];
    for (price, average, volume) in bad {
        let bad = tick(price, average, volume);
        assert_eq!(desk.engine.tick(BTC, bad, NOON).expect_err("bad").code, -1130);
    }
    assert_eq!(desk.engine.tick("NONE", tick("1", "1", "1"), NOON).expect_err("unknown").code, -1121);
    assert_eq!(desk.engine.last_price(BTC), Ok(Some(dec("50000"))));
    let alice = desk.alice;
    assert_eq!(desk.engine.deposit(alice, "BTC", dec("0.000000001"), NOON).expect_err("nothing").code, -1130);
    assert_eq!(desk.engine.deposit(AccountId(9), "BTC", dec("1"), NOON).expect_err("nobody").code, -2015);
}

#[test]
fn markets_that_cannot_be_served_are_not() {
    let mut fine = btc();
    fine.lot_size.step = dec("0.000000001");
    assert_eq!(Engine::new(vec![fine]).err(), Some(RulesError::TooPrecise(Symbol::new(BTC))));
    assert_eq!(Engine::new(vec![btc(), btc()]).err(), Some(RulesError::Twice(Symbol::new(BTC))));
}
