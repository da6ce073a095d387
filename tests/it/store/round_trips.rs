//! What is written comes back unchanged, every variant of it.

use super::harness::{number, on_both, tamper};
use super::samples::{
    BOOK, NOW, TRADER, book, coin, cycle, dec, decision, displayed, entry, fill, money, order, position, price,
    quantity, trader,
};
use countersign::domain::cycle::CycleOutcome;
use countersign::domain::decision::{Approval, Decision, DecisionState};
use countersign::domain::digest::Digest;
use countersign::domain::ids::{CycleId, DecisionId, OrderId, PositionId, TraderId};
use countersign::domain::incident::Severity;
use countersign::domain::market::Symbol;
use countersign::domain::money::Quantity;
use countersign::domain::notification::{NewNotification, NotificationKind};
use countersign::domain::order::{OrderCause, OrderKind, OrderState, Purpose};
use countersign::domain::signal::PositionSide;
use countersign::domain::trader::TradingState;
use countersign::domain::trader_settings::OrderStyle;
use countersign::domain::venue_kind::{AutomationLevel, Axes, ExchangeEnvironment, TradingEnvironment, VenueKind};
use countersign::ports::store::{
    AttemptRecord, AuditEntry, Changes, DecisionEventRecord, NewAttempt, NotificationFilter, OrderEventRecord, Page,
    Reads, Store, StoreError,
};
use migration::MigratorTrait;

fn digest() -> Digest {
    Digest::parse(&"0123456789abcdef".repeat(4)).unwrap()
}

fn every_decision_state() -> Vec<DecisionState> {
    let approval = Approval { by: "ada".to_owned(), at: NOW.plus_ms(7), version: 3, edited: true };
    let (by, reason) = ("ada".to_owned(), String::new());
    vec![
        DecisionState::ModelError { why: "quantity must be a plain number".to_owned() },
        DecisionState::NoAction,
        DecisionState::Denied { approval: None },
        DecisionState::Denied { approval: Some(approval.clone()) },
        DecisionState::Displayed { expires_at: NOW.plus_ms(1) },
        DecisionState::PendingApproval { expires_at: NOW.plus_ms(2), digest: digest() },
        DecisionState::Ordered { order: OrderId(9), approval: None },
        DecisionState::Ordered { order: OrderId(9), approval: Some(approval) },
        DecisionState::Rejected { by: by.clone(), reason: reason.clone() },
        DecisionState::Expired,
        DecisionState::Superseded { by: DecisionId(12) },
        DecisionState::Cancelled { by, reason },
    ]
}

fn every_order_state() -> Vec<OrderState> {
    let reason = String::from("no longer wanted");
    vec![
        OrderState::Initialized,
        OrderState::Submitted { attempt: 2, sent_at: NOW, epoch: 5 },
        OrderState::Unknown { sent_at: NOW, why: "timeout".to_owned() },
        OrderState::Accepted,
        OrderState::PartiallyFilled,
        OrderState::PendingCancel,
        OrderState::Filled,
        OrderState::Canceled { reason: reason.clone() },
        OrderState::Expired { reason: reason.clone() },
        OrderState::Rejected { code: "-2010".to_owned(), message: "insufficient balance".to_owned() },
        OrderState::Denied { reason },
    ]
}

/// Whatever a model leaves out, a decision still has a row.
fn bare(id: i64) -> Decision {
    let mut bare = decision(id, TRADER.0, BOOK.0, DecisionState::ModelError { why: String::new() });
    (bare.symbol, bare.signal, bare.quantity, bare.confidence) = (None, None, None, None);
    (bare.profit_target, bare.stop_loss, bare.worst_price, bare.quote) = (None, None, None, None);
    bare.order_style = OrderStyle::Market;
    bare.impact.loss_at_stop = None;
    bare
}

on_both! {
    async fn a_cycle_with_all_that_it_leaves(db) {
        let store = db.desk().await;
        assert_eq!(store.trader(TRADER).await.unwrap(), Some(trader(1, "Sage")));
        assert_eq!(store.trader(TraderId(2)).await.unwrap(), None);
        let opened = book(1, 1, VenueKind::Simulation);
        assert_eq!(store.book(TRADER, VenueKind::Simulation).await.unwrap(), Some(opened));
        assert_eq!(store.book(TRADER, VenueKind::Testnet).await.unwrap(), None);
        assert_eq!(store.cycle(CycleId(1)).await.unwrap(), Some(cycle(1, 1)));
        let order = entry(1);
        let changes = Changes {
            new_decisions: vec![displayed(1), displayed(2)],
            new_orders: vec![order.clone()],
            new_fills: vec![fill(1, &order, 77)],
            positions: vec![position(1, "BTC")],
            ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        let view = store.book_view(BOOK, NOW.day_start()).await.unwrap().unwrap();
        assert_eq!(view.waiting, [displayed(1), displayed(2)]);
        assert_eq!(view.open_orders, std::slice::from_ref(&order));
        assert_eq!(view.positions, [position(1, "BTC")]);
        assert_eq!(view.entries_today, 1);
        assert_eq!(store.fills(OrderId(1)).await.unwrap(), [fill(1, &order, 77)]);
        assert_eq!(store.decisions_of_cycle(CycleId(1)).await.unwrap(), [displayed(1), displayed(2)]);
    }

    async fn decisions_in_every_state(db) {
        let store = db.desk().await;
        let states = every_decision_state();
        let mut decisions: Vec<Decision> =
            (1..).zip(states.clone()).map(|(id, state)| decision(id, TRADER.0, BOOK.0, state)).collect();
        decisions.push(bare(100));
        store.commit(Changes { new_decisions: decisions.clone(), ..Changes::default() }).await.unwrap();
        for decision in &decisions {
            assert_eq!(store.decision(decision.id).await.unwrap().as_ref(), Some(decision));
        }
        // And every state can be reached by an update, which leaves nothing of the state before.
        for state in states {
            let before = store.decision(DecisionId(1)).await.unwrap().unwrap();
            let after = Decision { state, version: before.version + 1, ..before.clone() };
            let updated_decisions = vec![(after.clone(), before.version)];
            store.commit(Changes { updated_decisions, ..Changes::default() }).await.unwrap();
            assert_eq!(store.decision(DecisionId(1)).await.unwrap(), Some(after));
        }
    }

    async fn orders_in_every_state(db) {
        let store = db.desk().await;
        let states = every_order_state();
        let mut orders: Vec<_> = (1..).zip(states.clone()).map(|(id, state)| {
            let mut order = entry(id);
            order.state = state;
            order
        }).collect();
        let causes = [
            OrderCause::Protective(PositionId(3)), OrderCause::OperatorClose(PositionId(3)),
            OrderCause::Flatten(PositionId(3)), OrderCause::Liquidation(PositionId(3)),
        ];
        for (id, cause) in (50..).zip(causes) {
            let mut exit = order(id, cause, Purpose::Exit(PositionSide::Short));
            exit.intent.kind = OrderKind::Market;
            (exit.intent.stop_loss, exit.intent.profit_target) = (None, Some(price("1")));
            (exit.venue_order_id, exit.send_before) = (Some(i64::MAX), None);
            exit.filled = quantity("0.1");
            exit.filled_value = money("4325.01");
            orders.push(exit);
        }
        store.commit(Changes { new_orders: orders.clone(), ..Changes::default() }).await.unwrap();
        for order in &orders {
            assert_eq!(store.order(order.id).await.unwrap().as_ref(), Some(order));
        }
        for state in states {
            let before = store.order(OrderId(1)).await.unwrap().unwrap();
            let mut after = before.clone();
            (after.state, after.version) = (state, before.version + 1);
            store.commit(Changes { updated_orders: vec![(after.clone(), before.version)], ..Changes::default() }).await.unwrap();
            assert_eq!(store.order(OrderId(1)).await.unwrap(), Some(after));
        }
        assert_eq!(store.last_sequence(OrderCause::Flatten(PositionId(3))).await.unwrap(), 1);
        assert_eq!(store.last_sequence(OrderCause::Flatten(PositionId(4))).await.unwrap(), 0);
    }

    async fn traders_with_settings_and_a_pause(db) {
        let store = db.desk().await;
        let mut sage = trader(1, "Sage the Second \u{1f9d9}");
        sage.axes = Axes {
            trading_environment: TradingEnvironment::Live,
            automation_level: AutomationLevel::FullyAutomated,
            exchange_environment: ExchangeEnvironment::Mainnet,
        };
        sage.state = TradingState::Paused { by: "ada".to_owned(), reason: String::new(), at: NOW };
        sage.settings.set("max_position_size_pct", "12.5").unwrap();
        sage.settings.set("supported_assets", "BTC,ETH").unwrap();
        sage.settings.set("order_style", "protected").unwrap();
        (sage.version, sage.next_run_at, sage.api_errors) = (2, None, 0);
        store.commit(Changes { updated_traders: vec![(sage.clone(), 1)], ..Changes::default() }).await.unwrap();
        // Scheduling is written on its own, without a version.
        let scheduled = store.trader(TRADER).await.unwrap().unwrap();
        assert_eq!((scheduled.next_run_at, scheduled.api_errors), (Some(NOW), 2));
        let reschedules = vec![(TRADER, Some(NOW.plus_ms(60_000)), 0)];
        store.commit(Changes { reschedules, ..Changes::default() }).await.unwrap();
        sage.next_run_at = Some(NOW.plus_ms(60_000));
        assert_eq!(store.trader(TRADER).await.unwrap(), Some(sage.clone()));
        (sage.deleted_at, sage.version) = (Some(NOW), 3);
        store.commit(Changes { updated_traders: vec![(sage.clone(), 2)], ..Changes::default() }).await.unwrap();
        assert_eq!(store.traders(false).await.unwrap(), []);
        assert_eq!(store.traders(true).await.unwrap(), [sage]);
    }

    async fn a_setting_that_is_missing_takes_its_default_and_an_unknown_one_is_named(db) {
        let store = db.desk().await;
        tamper(&store, r#"UPDATE traders SET settings = '{"max_leverage":"4"}'"#).await;
        let settings = store.trader(TRADER).await.unwrap().unwrap().settings;
        assert_eq!((settings.max_leverage, settings.max_daily_trades), (4, 20));
        tamper(&store, r#"UPDATE traders SET settings = '{"max_magic":"4"}'"#).await;
        match store.trader(TRADER).await {
            Err(StoreError::Corrupt { what: "traders", detail }) => {
                assert!(detail.contains("row 1") && detail.contains("max_magic"), "{detail}");
            }
            other => panic!("{other:?}"),
        }
    }

    async fn a_row_that_other_hands_changed_is_named_and_the_others_stay_readable(db) {
        let store = db.desk().await;
        store.commit(Changes { new_decisions: vec![displayed(1), displayed(2)], ..Changes::default() }).await.unwrap();
        tamper(&store, "UPDATE decisions SET risk = 'x' WHERE id = 2").await;
        assert!(store.decision(DecisionId(1)).await.unwrap().is_some());
        let error = store.decision(DecisionId(2)).await.unwrap_err().to_string();
        assert!(error.contains("decisions") && error.contains("row 2") && error.contains("risk"), "{error}");
    }

    async fn positions_through_their_life(db) {
        let store = db.desk().await;
        let first = position(1, "BTC");
        store.commit(Changes { positions: vec![first.clone()], ..Changes::default() }).await.unwrap();
        let mut closed = first.clone();
        (closed.version, closed.closed_at, closed.quantity) = (2, Some(NOW.plus_ms(9)), Quantity::ZERO);
        (closed.stop_loss, closed.profit_target) = (None, None);
        // One that closes frees its coin for one that opens in the same commit.
        let second = position(2, "BTC");
        store.commit(Changes { positions: vec![closed.clone(), second.clone()], ..Changes::default() }).await.unwrap();
        assert_eq!(store.position(PositionId(1)).await.unwrap(), Some(closed.clone()));
        assert_eq!(store.closed_positions(BOOK, 10).await.unwrap(), [closed]);
        assert_eq!(store.open_positions(VenueKind::Simulation).await.unwrap(), [second]);
        assert_eq!(store.open_positions(VenueKind::Mainnet).await.unwrap(), []);
    }

    async fn books_and_failed_cycles(db) {
        let store = db.desk().await;
        let mut changed = book(1, 1, VenueKind::Simulation);
        (changed.cash, changed.realized, changed.fees) = (money("-0.00000001"), money("-12"), money("3.5"));
        (changed.high_water_mark, changed.day_start_equity) = (money("12000"), money("11999.99"));
        changed.day = NOW.day_start().plus_ms(86_400_000);
        let mut failed = cycle(2, 1);
        (failed.outcome, failed.error, failed.warnings) = (CycleOutcome::Failed, Some("no price".to_owned()), vec![]);
        let changes = Changes {
            updated_books: vec![changed.clone()], new_cycle: Some(failed.clone()), ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        assert_eq!(store.book_by_id(BOOK).await.unwrap(), Some(changed.clone()));
        assert_eq!(store.books().await.unwrap(), [changed]);
        assert_eq!(store.cycles(TRADER, Page::first(10)).await.unwrap(), [failed, cycle(1, 1)]);
    }

    async fn histories_time_lines_and_attempts(db) {
        let store = db.desk().await;
        let told = |name, version| DecisionEventRecord {
            decision_id: DecisionId(1), version, name, actor: "ada".to_owned(), detail: "0.1 -> 0.2".to_owned(), at: NOW,
        };
        let line = |name| OrderEventRecord { order_id: OrderId(1), name, detail: String::new(), at: NOW };
        let attempt = NewAttempt {
            order_id: OrderId(1), number: 1, sent_at: NOW, epoch: 4, sender: "process:a".to_owned(),
        };
        let changes = Changes {
            new_decisions: vec![displayed(1)],
            decision_events: vec![told("displayed", 1), told("edited", 2)],
            new_orders: vec![entry(1)],
            new_attempts: vec![attempt.clone()],
            order_events: vec![line("journal"), line("submit")],
            ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        let open = AttemptRecord { attempt, outcome: String::new() };
        assert_eq!(store.attempts(OrderId(1)).await.unwrap(), std::slice::from_ref(&open));
        let attempt_outcomes = vec![(OrderId(1), 1, "accepted".to_owned())];
        store.commit(Changes { attempt_outcomes, ..Changes::default() }).await.unwrap();
        assert_eq!(store.attempts(OrderId(1)).await.unwrap()[0].outcome, "accepted");
        let history = store.decision_events(DecisionId(1)).await.unwrap();
        assert_eq!(history, [("displayed".to_owned(), told("displayed", 1)), ("edited".to_owned(), told("edited", 2))]);
        let lines = store.order_events(OrderId(1)).await.unwrap();
        assert_eq!(lines, [("journal".to_owned(), line("journal")), ("submit".to_owned(), line("submit"))]);
    }

    async fn notifications_and_the_audit_trail(db) {
        let store = db.desk().await;
        let messages: Vec<NewNotification> = NotificationKind::ALL.iter().map(|kind| NewNotification {
            kind: *kind,
            severity: Severity::High,
            title: "Trade executed: BUY 0.001 BTC".to_owned(),
            body: String::new(),
            trader_id: (*kind != NotificationKind::Incident).then_some(TRADER),
            decision_id: (*kind == NotificationKind::DecisionWaits).then_some(DecisionId(3)),
            at: NOW,
        }).collect();
        let audit = vec![AuditEntry {
            at: NOW,
            actor: "ada".to_owned(),
            action: "model.settings",
            subject: "model 1".to_owned(),
            detail: "max_leverage 1 -> 2".to_owned(),
        }];
        store.commit(Changes { notifications: messages.clone(), audit, ..Changes::default() }).await.unwrap();
        let all = store.notifications(NotificationFilter::default(), Page::first(50)).await.unwrap();
        assert_eq!(all.iter().rev().map(|row| row.message.clone()).collect::<Vec<_>>(), messages);
        let read = Some((vec![all[0].id, all[1].id], NOW.plus_ms(5)));
        store.commit(Changes { notifications_read: read, ..Changes::default() }).await.unwrap();
        // Read once is read: the first time stays.
        let read = Some((vec![all[0].id], NOW.plus_ms(50)));
        store.commit(Changes { notifications_read: read, ..Changes::default() }).await.unwrap();
        let again = store.notifications(NotificationFilter::default(), Page::first(1)).await.unwrap();
        assert_eq!(again[0].read_at, Some(NOW.plus_ms(5)));
        assert_eq!(store.unread_notifications().await.unwrap(), messages.len() as i64 - 2);
        let mine = NotificationFilter { trader_id: Some(TRADER), unread: true };
        let unread = store.notifications(mine, Page::first(50)).await.unwrap();
        assert!(unread.iter().all(|row| row.read_at.is_none() && row.message.trader_id == Some(TRADER)));
        store.commit(Changes { notifications_read: Some((vec![], NOW)), ..Changes::default() }).await.unwrap();
        assert_eq!(store.unread_notifications().await.unwrap(), 0);
        let trail = store.audit(Page::first(10)).await.unwrap();
        assert_eq!((trail[0].action.as_str(), trail[0].subject.as_str()), ("model.settings", "model 1"));
    }

    async fn decimals_exactly(db) {
        let store = db.desk().await;
        let values = [
            "43250.10", "0.00000001", "12345678901.12345678", "92233720368.54775807", "0.123456789012345678",
            "1000000000000000.1", "99999999999999999999.99999999", "-3", "0", "0.0000000000000000000000000001",
        ];
        for (version, value) in (1..).zip(values) {
            let mut changed = book(1, 1, VenueKind::Simulation);
            (changed.cash, changed.version) = (money(value), version);
            store.commit(Changes { updated_books: vec![changed], ..Changes::default() }).await.unwrap();
            let stored = store.book_by_id(BOOK).await.unwrap().unwrap().cash;
            assert_eq!(stored.decimal(), dec(value));
            assert_eq!(stored.to_string(), money(value).to_string(), "the same text on both databases");
        }
        let largest = fill(1, &entry(1), 1);
        let largest = countersign::domain::fill::Fill {
            price: price("999999999999.12345678"), quantity: quantity("0.00000001"), fee_asset: coin("BNB"),
            symbol: Symbol("BTC-USDT".to_owned()), ..largest
        };
        let changes = Changes { new_orders: vec![entry(1)], new_fills: vec![largest.clone()], ..Changes::default() };
        store.commit(changes).await.unwrap();
        assert_eq!(store.fills(OrderId(1)).await.unwrap(), [largest]);
    }

    async fn an_unreadable_decimal_is_an_error_that_names_its_column(db) {
        let store = db.desk().await;
        if store.db().backend == sea_orm::DbBackend::Sqlite {
            tamper(&store, "UPDATE books SET cash = '1e3x'").await;
            let error = anyhow::Error::from(store.book_by_id(BOOK).await.unwrap_err());
            assert!(format!("{error:#}").contains("cash"), "{error:#}");
        }
    }

    async fn the_schema_can_be_taken_down_and_built_again(db) {
        let store = db.desk().await;
        migration::Migrator::refresh(&store.db().writer).await.unwrap();
        assert_eq!(store.traders(true).await.unwrap(), []);
    }

    async fn more_rows_than_one_statement_takes(db) {
        let store = db.desk().await;
        let many: Vec<Decision> = (1..=2_000).map(displayed).collect();
        store.commit(Changes { new_decisions: many, ..Changes::default() }).await.unwrap();
        assert_eq!(number(&store, "SELECT COUNT(*) FROM decisions").await, 2_000);
        assert_eq!(store.waiting_decisions(Some(TRADER)).await.unwrap().len(), 2_000);
    }
}
