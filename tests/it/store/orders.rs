//! The outbox, open orders, entries of the day, trades and the ledger behind them.

use super::harness::{conflict, on_both, queued};
use super::samples::{BOOK, NOW, TRADER, coin, dec, entry, fill, installation, money, order, price, quantity};
use countersign::adapters::store::SqlStore;
use countersign::domain::fill::Fill;
use countersign::domain::ids::{DecisionId, OrderId, PositionId};
use countersign::domain::ledger::{LedgerAccount, LedgerTransaction, deposit};
use countersign::domain::money::Money;
use countersign::domain::order::{Order, OrderCause, OrderState, OrderStatus, Purpose};
use countersign::domain::position::{Position, apply_fill};
use countersign::domain::signal::PositionSide;
use countersign::domain::time::DAY_MS;
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{Changes, OrderFilter, Page, Reads, Store};

async fn set(store: &SqlStore, order: &mut Order, state: OrderState) {
    let before = order.version;
    (order.state, order.version) = (state, before + 1);
    store.commit(Changes { updated_orders: vec![(order.clone(), before)], ..Changes::default() }).await.unwrap();
}

/// Fills an order whole at a price, as the venue's report would.
fn execute(
    order: &mut Order,
    id: i64,
    at: &str,
    open: Option<&Position>,
) -> (Fill, Position, LedgerTransaction, Money) {
    let (quantity, fee) = (order.intent.quantity, money("1.25"));
    let fill = Fill { price: price(at), quantity, fee, fee_value: fee, ..fill(id, order, id) };
    let effect = apply_fill(open, PositionId(1), &order.intent, &fill, &coin("USDT")).unwrap();
    (order.filled, order.filled_value) = (fill.quantity, fill.value());
    (order.fees, order.state) = (fill.fee, OrderState::Filled);
    (fill, effect.position, effect.transaction, effect.realized)
}

on_both! {
    async fn the_outbox_follows_the_states(db) {
        let store = db.desk().await;
        let mut denied = entry(3);
        denied.state = OrderState::Denied { reason: "stopped".to_owned() };
        store.commit(Changes { new_orders: vec![entry(2), entry(1), denied], ..Changes::default() }).await.unwrap();
        assert_eq!(queued(&store).await, [OrderId(1), OrderId(2)]);
        assert_eq!(store.outbox(1).await.unwrap(), [entry(1)]);
        let mut order = entry(1);
        set(&store, &mut order, OrderState::Submitted { attempt: 1, sent_at: NOW, epoch: 1 }).await;
        assert_eq!(queued(&store).await, [OrderId(2)]);
        // Proven not accepted: it may be sent once more.
        set(&store, &mut order, OrderState::Initialized).await;
        assert_eq!(queued(&store).await, [OrderId(1), OrderId(2)]);
        set(&store, &mut order, OrderState::Initialized).await;
        set(&store, &mut order, OrderState::Denied { reason: "expired".to_owned() }).await;
        assert_eq!(queued(&store).await, [OrderId(2)]);
    }

    async fn open_orders_are_those_to_which_something_can_happen(db) {
        let store = db.desk().await;
        let states = [
            OrderState::Accepted, OrderState::Filled, OrderState::Unknown { sent_at: NOW, why: "timeout".to_owned() },
            OrderState::Canceled { reason: String::new() }, OrderState::PendingCancel,
        ];
        let orders: Vec<Order> = (1..).zip(states).map(|(id, state)| Order { state, ..entry(id) }).collect();
        store.commit(Changes { new_orders: orders, ..Changes::default() }).await.unwrap();
        let ids = |orders: Vec<Order>| orders.into_iter().map(|order| order.id.0).collect::<Vec<_>>();
        assert_eq!(ids(store.open_orders(None).await.unwrap()), [1, 3, 5]);
        assert_eq!(ids(store.open_orders(Some(TRADER)).await.unwrap()), [1, 3, 5]);
        let open = OrderFilter { open_only: true, venue: Some(VenueKind::Simulation), ..OrderFilter::default() };
        assert_eq!(ids(store.orders(open, Page::first(2)).await.unwrap()), [5, 3]);
        let next = Page { before: Some(3), limit: 2 };
        assert_eq!(ids(store.orders(open, next).await.unwrap()), [1]);
        let filled = OrderFilter { status: Some(OrderStatus::Filled), ..OrderFilter::default() };
        assert_eq!(ids(store.orders(filled, Page::first(9)).await.unwrap()), [2]);
        let elsewhere = OrderFilter { venue: Some(VenueKind::Mainnet), ..OrderFilter::default() };
        assert_eq!(store.orders(elsewhere, Page::first(9)).await.unwrap(), []);
    }

    async fn entries_of_the_day_are_those_that_were_not_refused(db) {
        let store = db.desk().await;
        let canceled = || OrderState::Canceled { reason: String::new() };
        let state = |id, state| Order { state, ..entry(id) };
        let part = Order { filled: quantity("0.1"), ..state(6, canceled()) };
        let yesterday = Order { market_at: NOW.plus_ms(-DAY_MS), ..entry(7) };
        let exit = order(8, OrderCause::Protective(PositionId(1)), Purpose::Exit(PositionSide::Long));
        let rejected = OrderState::Rejected { code: "-2010".to_owned(), message: String::new() };
        let new_orders = vec![
            entry(1), state(2, OrderState::Filled), state(3, rejected),
            state(4, OrderState::Denied { reason: String::new() }), state(5, canceled()), part, yesterday, exit,
        ];
        store.commit(Changes { new_orders, ..Changes::default() }).await.unwrap();
        let view = store.book_view(BOOK, NOW.day_start()).await.unwrap().unwrap();
        assert_eq!(view.entries_today, 3, "open, filled, and canceled after a part was filled");
    }

    async fn trades_sum_their_fills_and_the_ledger_balances(db) {
        let store = db.desk().await;
        let mut bought = entry(1);
        let (first, position, enters, _) = execute(&mut bought, 1, "40000", None);
        let exit = OrderCause::OperatorClose(PositionId(1));
        let mut sold = order(2, exit, Purpose::Exit(PositionSide::Long));
        let (second, closed, leaves, realized) = execute(&mut sold, 2, "40100.5", Some(&position));
        let opening = deposit(BOOK, &coin("USDT"), money("10000"), NOW).unwrap();
        let changes = Changes {
            new_orders: vec![bought, sold.clone(), entry(3)],
            new_fills: vec![first, second.clone()],
            ledger: vec![opening, enters, leaves.clone()],
            positions: vec![position, closed],
            ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        assert_eq!(realized, money("50.25"));
        let trades = store.trades(TRADER, VenueKind::Simulation, Page::first(10)).await.unwrap();
        assert_eq!(trades.iter().map(|trade| trade.order_id.0).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((trades[0].realized, trades[1].realized), (Some(money("50.25")), None));
        assert_eq!((trades[0].price, trades[0].fees), (price("40100.5"), money("1.25")));
        assert_eq!((trades[0].cause, trades[0].at), (exit, second.at));
        let older = Page { before: Some(2), limit: 10 };
        assert_eq!(store.trades(TRADER, VenueKind::Simulation, older).await.unwrap().len(), 1);
        assert_eq!(store.trades(TRADER, VenueKind::Testnet, older).await.unwrap(), []);

        let lines = store.ledger_of_order(OrderId(2)).await.unwrap();
        let stored: Vec<_> = lines.iter().map(|l| (l.account, l.coin.clone(), l.asset.clone(), l.amount)).collect();
        let written: Vec<_> =
            leaves.entries().iter().map(|l| (l.account, l.coin.clone(), l.asset.clone(), l.amount)).collect();
        assert_eq!(stored, written);
        let sums = store.ledger_sums(BOOK).await.unwrap();
        let cash = sums.iter().find(|(account, ..)| *account == LedgerAccount::Cash).unwrap();
        assert_eq!(cash.3, dec("10047.75"));
        for asset in ["USDT", "BTC"] {
            let total: rust_decimal::Decimal =
                sums.iter().filter(|line| line.2.as_str() == asset).map(|line| line.3).sum();
            assert!(total.is_zero(), "{asset} is out of balance by {total}");
        }
        let again = Changes { ledger: vec![leaves], ..Changes::default() };
        assert_eq!(conflict(&store, again).await, "ledger", "a fill is booked once");
    }

    async fn a_liquidation_realises_no_more_than_its_margin(db) {
        let store = db.desk().await;
        let mut bought = entry(1);
        bought.intent.leverage = 10;
        let (first, position, enters, _) = execute(&mut bought, 1, "40000", None);
        let mut sold = order(2, OrderCause::Liquidation(PositionId(1)), Purpose::Exit(PositionSide::Long));
        let (second, closed, leaves, realized) = execute(&mut sold, 2, "30000", Some(&position));
        let changes = Changes {
            new_orders: vec![bought, sold],
            new_fills: vec![first, second],
            ledger: vec![enters, leaves],
            positions: vec![position, closed],
            ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        let trades = store.trades(TRADER, VenueKind::Simulation, Page::first(1)).await.unwrap();
        assert_eq!((realized, trades[0].realized), (money("-2000"), Some(money("-2000"))));
    }

    async fn a_ledger_longer_than_one_read_is_summed_whole(db) {
        let store = db.desk().await;
        let tiny = deposit(BOOK, &coin("USDT"), money("0.00000001"), NOW).unwrap();
        store.commit(Changes { ledger: vec![tiny; 6_000], ..Changes::default() }).await.unwrap();
        let sums = store.ledger_sums(BOOK).await.unwrap();
        let expected = |account, amount: &str| (account, None, coin("USDT"), dec(amount));
        assert_eq!(sums, [expected(LedgerAccount::Capital, "-0.00006"), expected(LedgerAccount::Cash, "0.00006")]);
    }

    async fn sequences_and_names_derive_from_the_cause(db) {
        let store = db.desk().await;
        let cause = OrderCause::Decision(DecisionId(1));
        let again = Order {
            sequence: 2, client_order_id: cause.client_order_id(&installation(), 2), id: OrderId(2), ..entry(1)
        };
        store.commit(Changes { new_orders: vec![entry(1), again], ..Changes::default() }).await.unwrap();
        assert_eq!(store.last_sequence(cause).await.unwrap(), 2);
        assert_eq!(store.fills(OrderId(2)).await.unwrap(), []);
    }
}
