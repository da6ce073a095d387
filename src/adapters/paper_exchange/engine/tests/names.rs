//! Client order ids: unique among the open orders of an account on a market, and among nothing else.

use super::*;
use OrderStatus::{Canceled as Taken, Filled, New};
use Side::{Buy, Sell};

fn named(desk: &mut Desk, account: AccountId, name: &str, kind: OrderKind) -> Result<PlacedOrder, Refusal> {
    let mut order = desk.order(account, Buy, kind);
    order.client_order_id = Some(name.to_owned());
    desk.try_place(order)
}

#[test]
fn a_name_of_an_open_order_is_refused() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    named(&mut desk, alice, "x", limit("0.1", "49000")).expect("accepted");
    let refusal = named(&mut desk, alice, "x", limit("0.1", "49000")).expect_err("open");
    assert_eq!((refusal.code, refusal.message.as_ref()), (-2010, "Duplicate order sent."));
    named(&mut desk, bob, "x", limit("0.1", "49000")).expect("another account");
    let mut order = desk.order(alice, Buy, limit("1", "600"));
    order.symbol = Symbol::new("BNBUSDT");
    order.client_order_id = Some("x".into());
    desk.tick_of("BNBUSDT", "700", "0");
    desk.try_place(order).expect("another market");
}

#[test]
fn a_filled_market_order_does_not_block_its_name() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    desk.tick("50000", "42");
    let first = named(&mut desk, alice, "x", market_of("0.01")).expect("accepted").order;
    let second = named(&mut desk, alice, "x", market_of("0.01")).expect("accepted again").order;
    assert_eq!((first.status, second.status), (Filled, Filled));
    assert_ne!(first.id, second.id);
    let by_name = OrderRef::ClientId("x".into());
    assert_eq!(desk.engine.order(alice, BTC, &by_name).expect("the latest").id, second.id);
}

#[test]
fn a_canceled_order_gives_its_name_free_and_the_latest_is_found() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let first = named(&mut desk, alice, "x", limit("0.1", "49000")).expect("accepted").order.id;
    desk.cancel(alice, first).expect("open");
    let second = named(&mut desk, alice, "x", limit("0.1", "49000")).expect("accepted again").order.id;
    let found = desk.engine.order(alice, BTC, &OrderRef::ClientId("x".into())).expect("found");
    assert_eq!((found.id, found.status), (second, New));
    assert_eq!(desk.engine.order(alice, BTC, &OrderRef::Id(first)).expect("still there").status, Taken);
}

#[test]
fn an_order_without_a_name_gets_one() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let placed = desk.place(alice, Buy, limit("0.1", "49000")).order;
    assert_eq!(placed.client_order_id.len(), 22);
    let by_name = OrderRef::ClientId(placed.client_order_id.clone());
    assert_eq!(desk.engine.order(alice, BTC, &by_name).expect("found").id, placed.id);
}

#[test]
fn a_number_with_another_name_is_told_apart_from_an_unknown_one() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let id = named(&mut desk, alice, "x", limit("0.1", "49000")).expect("accepted").order.id;
    let ask = |account, order| desk.engine.order(account, BTC, &order).map(|it| it.id).map_err(|refusal| refusal.code);
    assert_eq!(ask(alice, OrderRef::Both(id, "x".into())), Ok(id));
    assert_eq!(ask(alice, OrderRef::Both(id, "y".into())), Err(-2039));
    assert_eq!(ask(alice, OrderRef::Id(OrderId(99))), Err(-2013));
    assert_eq!(ask(bob, OrderRef::Id(id)), Err(-2013), "another's order is no order");
    assert_eq!(ask(bob, OrderRef::ClientId("x".into())), Err(-2013));
}

#[test]
fn a_cancel_says_why_it_does_nothing() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let id = named(&mut desk, alice, "x", limit("0.1", "49000")).expect("accepted").order.id;
    let mut refusal = |account, order, restriction| {
        let cancel = CancelOrder { restriction, ..cancel_of(account, order) };
        let refusal = desk.engine.cancel(cancel, NOON).expect_err("refused");
        (refusal.code, refusal.message.into_owned())
    };
    let unknown = (-2011, "Unknown order sent.".to_owned());
    assert_eq!(refusal(bob, OrderRef::Id(id), None), unknown);
    assert_eq!(refusal(alice, OrderRef::ClientId("y".into()), None), unknown);
    let mismatch = (-2011, "Cancel order is invalid. Check origClOrdId and orderId.".to_owned());
    assert_eq!(refusal(alice, OrderRef::Both(id, "y".into()), None), mismatch);
    let restricted = (-2011, "Order was not canceled due to cancel restrictions.".to_owned());
    assert_eq!(refusal(alice, OrderRef::Id(id), Some(CancelRestriction::OnlyPartiallyFilled)), restricted);
    desk.place(bob, Sell, limit("0.05", "49000"));
    let only_new = CancelOrder { restriction: Some(CancelRestriction::OnlyNew), ..cancel_of(alice, OrderRef::Id(id)) };
    assert_eq!(desk.engine.cancel(only_new, NOON).expect_err("refused").code, -2011);
    desk.place(bob, Sell, limit("0.05", "49000"));
    assert_eq!(desk.cancel(alice, id).expect_err("filled").message, "Unknown order sent.");
}

#[test]
fn a_cancel_has_a_name_of_its_own() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let id = named(&mut desk, alice, "x", limit("0.1", "49000")).expect("accepted").order.id;
    let mut cancel = cancel_of(alice, OrderRef::Both(id, "x".into()));
    cancel.cancel_client_order_id = Some("bye".into());
    let done = desk.engine.cancel(cancel, desk.now).expect("open");
    let Canceled::Order { order, cancel_client_order_id } = desk.note(done) else { panic!("an order") };
    assert_eq!((order.client_order_id.as_str(), cancel_client_order_id.as_str()), ("x", "bye"));
}

#[test]
fn all_open_orders_of_a_market_are_taken_back_at_once() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    assert_eq!(desk.engine.cancel_all(alice, BTC, NOON).expect_err("none").code, -2011);
    desk.place(alice, Buy, limit("0.1", "49000"));
    desk.place(alice, Sell, stop_loss("0.1", "48000"));
    let other = desk.place(bob, Buy, limit("0.1", "49000")).order.id;
    let done = desk.engine.cancel_all(alice, BTC, desk.now).expect("two");
    assert_eq!(desk.note(done).len(), 2);
    assert!(desk.engine.open_orders(alice, None).expect("orders").is_empty());
    assert_eq!(desk.see(other).status, New);
    assert_eq!([desk.has(alice, "BTC"), desk.has(alice, "USDT")], ["10/0", "100000/0"]);
}

#[test]
fn a_replacement_is_judged_before_anything_is_taken_back() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let id = desk.place(alice, Buy, limit("1", "49000")).order.id;
    let replace = |desk: &Desk, order: OrderId, kind, mode| CancelReplace {
        cancel: cancel_of(alice, OrderRef::Id(order)),
        place: desk.order(alice, Buy, kind),
        mode,
    };
    let stop = CancelReplaceMode::StopOnFailure;
    let broken = replace(&desk, id, limit("1", "49000.001"), stop);
    assert_eq!(desk.engine.cancel_replace(broken, NOON).expect_err("invalid").code, -1013);
    assert_eq!(desk.see(id).status, New);
    // The money of the first pays for the second.
    let larger = replace(&desk, id, limit("2", "49000"), stop);
    let done = desk.engine.cancel_replace(larger, desk.now).expect("told");
    let told = desk.note(done);
    let second = told.place.expect("attempted").expect("accepted").order.id;
    assert!(told.cancel.is_ok());
    assert_eq!([desk.see(id).status, desk.see(second).status], [Taken, New]);
    let late = replace(&desk, id, limit("0.01", "49000"), stop);
    let done = desk.engine.cancel_replace(late, desk.now).expect("told");
    let told = desk.note(done);
    assert!(told.cancel.is_err() && told.place.is_none());
    let anyway = replace(&desk, id, limit("0.01", "49000"), CancelReplaceMode::AllowFailure);
    let done = desk.engine.cancel_replace(anyway, desk.now).expect("told");
    let told = desk.note(done);
    assert!(told.cancel.is_err() && told.place.is_some_and(|place| place.is_ok()));
    let poor = replace(&desk, second, limit("3", "49000"), stop);
    let done = desk.engine.cancel_replace(poor, desk.now).expect("told");
    let told = desk.note(done);
    assert!(told.cancel.is_ok() && told.place.is_some_and(|place| place.is_err()));
}
