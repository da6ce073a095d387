//! What can be asked, and what a log may not say.

use super::*;
use Side::{Buy, Sell};

fn page(from_id: Option<u64>, start: Option<i64>, end: Option<i64>, limit: usize) -> Page {
    Page { from_id, start, end, limit }
}

#[test]
fn histories_are_cut_from_the_end_that_was_asked_for() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    // Five orders, one millisecond apart.
    let first = desk.now;
    for _ in 0..5 {
        desk.place(alice, Buy, limit("0.1", "49000"));
    }
    let ids = |page| -> Vec<u64> {
        desk.engine.all_orders(alice, BTC, page).expect("orders").iter().map(|order| order.id.0).collect()
    };
    assert_eq!(ids(page(None, None, None, 2)), [4, 5], "the newest");
    assert_eq!(ids(page(Some(2), None, None, 2)), [2, 3], "the oldest from a number on");
    assert_eq!(ids(page(None, Some(first + 1), None, 2)), [2, 3], "the oldest from a moment on");
    assert_eq!(ids(page(None, None, Some(first + 2), 2)), [2, 3], "the newest up to a moment");
    assert_eq!(ids(page(None, Some(first + 1), Some(first + 1), 9)), [2]);
}

#[test]
fn executions_are_found_by_number_and_by_order() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let resting = desk.place(alice, Sell, limit("0.3", "50000")).order.id;
    for _ in 0..3 {
        desk.place(bob, Buy, limit("0.1", "50000"));
    }
    let ids = |account, order, page| -> Vec<u64> {
        desk.engine.executions(account, BTC, order, page).expect("rows").iter().map(|row| row.id.0).collect()
    };
    assert_eq!(ids(alice, Some(resting), page(None, None, None, 500)), [1, 2, 3]);
    assert_eq!(ids(bob, Some(resting), page(None, None, None, 500)), [0_u64; 0]);
    assert_eq!(ids(bob, None, page(Some(2), None, None, 1)), [2]);
    assert_eq!(ids(bob, None, page(None, None, None, 1)), [3]);
    assert_eq!(desk.engine.executions(bob, "NONE", None, page(None, None, None, 1)).expect_err("market").code, -1121);
}

#[test]
fn open_orders_are_of_one_market_or_of_all() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    desk.tick_of("BNBUSDT", "600", "0");
    let mut order = desk.order(alice, Buy, limit("1", "500"));
    order.symbol = Symbol::new("BNBUSDT");
    desk.try_place(order).expect("accepted");
    desk.place(alice, Buy, limit("0.1", "49000"));
    let ids = |symbol| -> Vec<u64> {
        desk.engine.open_orders(alice, symbol).expect("orders").iter().map(|order| order.id.0).collect()
    };
    assert_eq!((ids(None), ids(Some(BTC))), (vec![1, 2], vec![2]));
}

#[test]
fn the_book_shows_accounts_and_synthetic_depth_together() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    desk.tick("50000", "42");
    desk.place(alice, Buy, limit("0.5", "49999.99"));
    desk.place(alice, Buy, limit("0.5", "49998"));
    desk.place(alice, Sell, stop_loss("0.5", "48000"));
    let depth = desk.engine.depth(BTC, 3).expect("a market");
    let shown = |levels: &[(Decimal, Decimal)]| -> Vec<String> {
        levels.iter().map(|(price, quantity)| format!("{}x{}", quantity.normalize(), price.normalize())).collect()
    };
    assert_eq!(shown(&depth.bids), ["0.6x49999.99", "0.5x49998", "0.2x49994.99"]);
    assert_eq!(shown(&depth.asks), ["0.1x50000.01", "0.2x50005.01", "0.3x50010.01"]);
    desk.place(alice, Buy, limit("0.1", "49000"));
    assert!(desk.engine.depth(BTC, 3).expect("a market").last_update_id > depth.last_update_id);
}

#[test]
fn accounts_are_found_by_their_names_after_a_restart() {
    let desk = Desk::new();
    let mut again = Engine::new(desk.rules.clone()).expect("rules");
    for batch in &desk.log {
        again.replay(batch).expect("our own log");
    }
    assert_eq!(again.account_named("bob"), Some(desk.bob));
    assert_eq!(again.account_named("carol"), None);
    assert_eq!(again.account(desk.bob), desk.engine.account(desk.bob));
}

#[test]
fn a_restarted_exchange_goes_on_where_it_was() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    desk.place(alice, Sell, limit("0.1", "50100"));
    desk.place(alice, Sell, limit("0.1", "50100"));
    desk.place(bob, Buy, stop_limit("0.1", "51000", "50100"));
    let mut again = Engine::new(desk.rules.clone()).expect("rules");
    again.restore(desk.engine.snapshot()).expect("a snapshot");
    let order = desk.order(bob, Buy, limit("0.15", "50100"));
    assert_eq!(again.place(order.clone(), NOON).expect_err("no tick yet").message, "Market is closed.");
    let tick = Tick { price: dec("51000"), average: dec("51000"), volume: Decimal::ZERO };
    let lines =
        [again.tick(BTC, tick, NOON), desk.engine.tick(BTC, tick, NOON)].map(|done| done.expect("a tick").events);
    assert_eq!(lines[0], lines[1]);
    desk.log.push(Batch::new(lines[1].clone()));
    let placed = [again.place(order.clone(), NOON), desk.engine.place(order, NOON)].map(|done| done.expect("accepted"));
    assert_eq!(placed[0], placed[1]);
    desk.note(placed[1].clone());
}

#[test]
fn a_log_that_does_not_fit_is_recognised() {
    let mut desk = Desk::new();
    let alice = desk.alice;
    let id = desk.place(alice, Buy, limit("0.1", "49000")).order.id;
    let closed = Event::Closed { order: id, status: OrderStatus::Canceled, reason: None, at: NOON };
    let replayed = |events: Vec<Event>| desk.engine.clone().replay(&Batch::new(events)).expect_err("a bad line");
    assert!(matches!(replayed(vec![closed.clone(), closed.clone()]), ReplayError::Closed(_)));
    let unknown = Event::Closed { order: OrderId(9), status: OrderStatus::Canceled, reason: None, at: NOON };
    assert!(matches!(replayed(vec![unknown]), ReplayError::Unknown(_)));
    let mut order = desk.see(id).clone();
    assert!(matches!(replayed(vec![Event::Placed(Box::new(order.clone()))]), ReplayError::Repeated(_)));
    (order.id, order.locked) = (OrderId(2), dec("100000"));
    assert!(matches!(replayed(vec![Event::Placed(Box::new(order.clone()))]), ReplayError::Overdrawn(_)));
    order.symbol = Symbol::new("NONE");
    assert!(matches!(replayed(vec![Event::Placed(Box::new(order))]), ReplayError::UnknownSymbol(_)));
    let newer = Batch { version: 2, events: Vec::new() };
    assert_eq!(desk.engine.clone().replay(&newer), Err(ReplayError::Version(2)));
}

#[test]
fn a_line_of_the_log_stays_readable() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.alice, desk.bob);
    let mut order = desk.order(alice, Sell, limit("0.1", "50000"));
    order.client_order_id = Some("x".into());
    desk.try_place(order).expect("accepted");
    let mut order = desk.order(bob, Buy, limit("0.1", "50000"));
    order.client_order_id = Some("y".into());
    desk.try_place(order).expect("accepted");
    let line = serde_json::to_string(desk.log.last().expect("a line")).expect("a line");
    // Changing this text means a new version and a way to read the old one.
    assert_eq!(
        line,
        concat!(
            r#"{"v":1,"e":[{"new":{"i":2,"a":2,"s":"BTCUSDT","c":"y","d":"BUY","o":"LIMIT","f":"GTC","p":"50000","#,
            r#""q":"0.1","h":"5000.0","x":"NEW","v":"EXPIRE_MAKER","t":1800000000004,"u":1800000000004,"#,
            r#""w":1800000000004,"n":0}},{"fill":{"i":1,"s":"BTCUSDT","k":{"o":2,"c":"0.0001","a":"BTC"},"#,
            r#""m":{"o":1,"c":"5.0000","a":"USDT"},"p":"50000","q":"0.1","v":"5000.0","t":1800000000004}}]}"#
        )
    );
}

#[test]
fn the_oldest_closed_orders_are_forgotten() {
    let desk = Desk::new();
    let alice = desk.alice;
    // An engine of its own: with so many commands the books are added up once, at the end.
    let mut engine = desk.engine.clone();
    let place = |engine: &mut Engine, name: Option<&str>| {
        let mut order = desk.order(alice, Buy, limit("0.1", "49000"));
        order.client_order_id = name.map(str::to_owned);
        engine.place(order, NOON).expect("accepted").reply.order.id
    };
    let open = place(&mut engine, Some("open"));
    let first = place(&mut engine, Some("first"));
    let _ = engine.cancel(cancel_of(alice, OrderRef::Id(first)), NOON).expect("open");
    for _ in 0..CLOSED_ORDERS_MAX {
        let id = place(&mut engine, None);
        let _ = engine.cancel(cancel_of(alice, OrderRef::Id(id)), NOON).expect("open");
    }
    let ask = |order| engine.order(alice, BTC, &order).map(|order| order.id).map_err(|refusal| refusal.code);
    assert_eq!(ask(OrderRef::Id(first)), Err(-2013));
    assert_eq!(ask(OrderRef::ClientId("first".into())), Err(-2013));
    assert_eq!(ask(OrderRef::ClientId("open".into())), Ok(open));
    assert_eq!(engine.audit(), Vec::<String>::new());
}
