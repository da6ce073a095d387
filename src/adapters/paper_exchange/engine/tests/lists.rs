//! OCO: one cancels the other.

use super::*;
use OrderStatus::{Canceled as Taken, Expired, Filled, New, PartiallyFilled};
use Side::{Buy, Sell};

fn leg(kind: LegKind) -> OcoLeg {
    OcoLeg { kind, client_order_id: None, strategy_id: None, strategy_type: None }
}

fn makes(price: &str) -> LegKind {
    LegKind::LimitMaker { price: dec(price) }
}

fn stops(stop_price: &str) -> LegKind {
    LegKind::StopLoss { stop_price: dec(stop_price) }
}

fn stops_at(stop_price: &str, price: &str) -> LegKind {
    LegKind::StopLossLimit { price: dec(price), stop_price: dec(stop_price), time_in_force: TimeInForce::Gtc }
}

fn gains(stop_price: &str) -> LegKind {
    LegKind::TakeProfit { stop_price: dec(stop_price) }
}

fn oco(account: AccountId, side: Side, quantity: &str, above: LegKind, below: LegKind) -> NewOco {
    NewOco {
        account,
        symbol: Symbol::new(BTC),
        side,
        quantity: dec(quantity),
        above: leg(above),
        below: leg(below),
        list_client_order_id: None,
        self_trade_prevention: None,
    }
}

impl Desk {
    fn tie(&mut self, oco: NewOco) -> ListReport {
        let done = self.engine.place_oco(oco, self.now).expect("a list that is accepted");
        self.note(done)
    }

    fn untied(&mut self, oco: NewOco) -> (i32, String) {
        let before = self.engine.snapshot();
        let refusal = self.engine.place_oco(oco, self.now).expect_err("a list that is refused");
        assert!(self.engine.snapshot() == before, "a refusal changed something");
        (refusal.code, refusal.message.into_owned())
    }

    fn both(&self, list: &ListReport) -> [OrderStatus; 2] {
        list.list.orders.map(|id| self.see(id).status)
    }
}

#[test]
fn a_sell_list_holds_its_base_once() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let list = desk.tie(oco(alice, Sell, "2", makes("52000"), stops("48000")));
    assert_eq!(desk.has(alice, "BTC"), "8/2");
    assert_eq!(list.list.status, ListStatus::Executing);
    let types: Vec<_> = list.orders.iter().map(|order| (order.order_type, order.list)).collect();
    assert_eq!(types, [(OrderType::StopLoss, Some(list.list.id)), (OrderType::LimitMaker, Some(list.list.id))]);
}

#[test]
fn a_buy_list_holds_the_larger_of_its_needs() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    desk.tie(oco(alice, Buy, "1", stops_at("52000", "52100"), makes("48000")));
    assert_eq!(desk.has(alice, "USDT"), "47900/52100");
}

#[test]
fn the_first_fill_of_the_limit_ends_the_stop() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let list = desk.tie(oco(alice, Buy, "1", stops_at("52000", "52100"), makes("48000")));
    desk.place(bob, Sell, limit("0.4", "48000"));
    assert_eq!(desk.both(&list), [PartiallyFilled, Expired]);
    assert_eq!(desk.see(list.list.orders[1]).expiry_reason, Some(ExpiryReason::OcoTrigger));
    assert_eq!(desk.has(alice, "USDT"), "52000/28800");
    assert_eq!(desk.engine.open_order_lists(alice).len(), 1);
    desk.place(bob, Sell, limit("0.6", "48000"));
    assert_eq!(desk.both(&list), [Filled, Expired]);
    assert!(desk.engine.open_order_lists(alice).is_empty());
}

#[test]
fn the_trigger_of_the_stop_ends_the_limit() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let list = desk.tie(oco(alice, Sell, "0.1", makes("52000"), stops_at("48000", "47900")));
    desk.tick("48000", "0");
    assert_eq!(desk.both(&list), [New, Expired]);
    assert!(desk.see(list.list.orders[0]).is_working());
    assert_eq!(desk.has(alice, "BTC"), "9.9/0.1");
    desk.tick("48000", "42");
    assert_eq!(desk.both(&list), [Filled, Expired]);
    let report = desk.engine.order_list(alice, &ListRef::Id(list.list.id)).expect("a list");
    assert_eq!(report.list.status, ListStatus::AllDone);
}

#[test]
fn a_stop_market_leg_of_a_buy_list_inherits_and_pays() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let list = desk.tie(oco(alice, Buy, "0.1", stops("51000"), makes("49000")));
    assert_eq!(desk.has(alice, "USDT"), "94900/5100");
    desk.tick("51000", "42");
    assert_eq!(desk.both(&list), [Expired, Filled]);
    assert_eq!(desk.has(alice, "USDT"), "94899.999/0");
}

#[test]
fn a_take_profit_and_a_stop_may_be_tied() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let list = desk.tie(oco(alice, Sell, "0.1", gains("51000"), stops("49000")));
    desk.tick("51000", "42");
    assert_eq!(desk.both(&list), [Expired, Filled]);
}

#[test]
fn a_gap_over_both_legs_executes_one() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let list = desk.tie(oco(alice, Sell, "10", makes("51000"), stops("49000")));
    desk.tick("40000", "42");
    assert_eq!(desk.both(&list), [Filled, Expired]);
    assert_eq!(desk.has(alice, "BTC"), "0/0");
}

#[test]
fn taking_one_leg_back_takes_the_list_back() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let list = desk.tie(oco(alice, Sell, "1", makes("52000"), stops("48000")));
    let taken = desk.cancel(alice, list.list.orders[1]).expect("an open leg");
    let Canceled::List { report, .. } = taken else { panic!("a list: {taken:?}") };
    assert_eq!(report.list.status, ListStatus::AllDone);
    assert_eq!(desk.both(&list), [Taken, Taken]);
    assert_eq!(desk.has(alice, "BTC"), "10/0");
    assert_eq!(desk.cancel(alice, list.list.orders[0]).expect_err("closed").code, -2011);
}

#[test]
fn a_list_is_taken_back_by_number_or_name_once() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let mut named = oco(alice, Sell, "1", makes("52000"), stops("48000"));
    named.list_client_order_id = Some("pair".into());
    desk.tie(named);
    let by_name = ListRef::ClientId("pair".into());
    assert_eq!(desk.engine.cancel_list(bob, BTC, &by_name, NOON).expect_err("not his").code, -2011);
    let done = desk.engine.cancel_list(alice, BTC, &by_name, desk.now).expect("an open list");
    assert_eq!(desk.note(done).list.status, ListStatus::AllDone);
    assert_eq!(desk.engine.cancel_list(alice, BTC, &by_name, NOON).expect_err("done").code, -2011);
}

#[test]
fn the_survivor_of_a_list_is_taken_back_alone() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let list = desk.tie(oco(alice, Sell, "1", makes("52000"), stops("48000")));
    desk.place(bob, Buy, limit("0.5", "52000"));
    let taken = desk.cancel(alice, list.list.orders[1]).expect("the open leg");
    assert!(matches!(taken, Canceled::Order { .. }));
    assert_eq!(desk.both(&list), [Expired, Taken]);
    assert_eq!(desk.has(alice, "BTC"), "9.5/0");
}

#[test]
fn an_own_order_that_ends_a_leg_ends_the_list() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let list = desk.tie(oco(alice, Sell, "1", makes("50010"), stops("48000")));
    desk.place(alice, Buy, limit("1", "50010"));
    assert_eq!(desk.both(&list), [Expired, OrderStatus::ExpiredInMatch]);
    assert_eq!(desk.has(alice, "BTC"), "10/0");
}

#[test]
fn legs_must_be_where_they_belong() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    for (side, above, below, code) in [
        (Buy, makes("52000"), stops("48000"), -1165),
        (Sell, stops("52000"), makes("48000"), -1166),
        (Sell, makes("52000"), makes("48000"), -1168),
        (Buy, stops("52000"), stops("48000"), -1196),
        (Sell, stops("52000"), stops("48000"), -1197),
        (Buy, gains("52000"), gains("48000"), -1198),
        (Sell, gains("52000"), gains("48000"), -1199),
    ] {
        assert_eq!(desk.untied(oco(alice, side, "1", above, below)).0, code, "{side:?} {above:?} {below:?}");
    }
    for (above, below) in [("49000", "48000"), ("52000", "50000"), ("50000", "48000")] {
        let (code, message) = desk.untied(oco(alice, Sell, "1", makes(above), stops(below)));
        assert_eq!((code, message.as_str()), (-2010, "The relationship of the prices for the orders is not correct."));
    }
    assert_eq!(desk.untied(oco(alice, Sell, "10.1", makes("52000"), stops("48000"))).0, -2010);
    for (above, below) in [("52000.001", "48000"), ("52000", "48000.001")] {
        let answer = desk.untied(oco(alice, Sell, "1", makes(above), stops(below)));
        assert_eq!(answer, (-1013, "Filter failure: PRICE_FILTER".into()));
    }
}

#[test]
fn a_name_is_used_by_one_open_list_or_order() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let mut named = oco(alice, Sell, "1", makes("52000"), stops("48000"));
    named.list_client_order_id = Some("pair".into());
    named.above.client_order_id = Some("up".into());
    named.below.client_order_id = Some("down".into());
    desk.tie(named.clone());
    let again = |desk: &mut Desk, list: &str, above: &str, below: &str| {
        let mut other = named.clone();
        other.list_client_order_id = Some(list.into());
        other.above.client_order_id = Some(above.into());
        other.below.client_order_id = Some(below.into());
        desk.untied(other).1
    };
    assert_eq!(again(&mut desk, "pair", "up2", "down2"), "Duplicate order sent.");
    assert_eq!(again(&mut desk, "pair2", "up", "down2"), "Duplicate order sent.");
    assert_eq!(again(&mut desk, "pair2", "up2", "up2"), "Duplicate order sent.");
}

#[test]
fn lists_are_counted() {
    let mut rules = btc();
    rules.max_order_lists = 1;
    let mut desk = Desk::with(rules);
    let alice = desk.alice;
    let first = desk.tie(oco(alice, Sell, "1", makes("52000"), stops("48000")));
    let (code, message) = desk.untied(oco(alice, Sell, "1", makes("52000"), stops("48000")));
    assert_eq!((code, message.as_str()), (-2010, "Filter failure: MAX_NUM_ORDER_LISTS"));
    desk.cancel(alice, first.list.orders[0]).expect("an open leg");
    desk.tie(oco(alice, Sell, "1", makes("52000"), stops("48000")));
}
