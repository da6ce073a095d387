//! A cycle costs a handful of statements, however many coins it decides on: time on a loaded machine proves nothing,
//! their number does.

use super::harness::on_both;
use super::samples::{BOOK, NOW, TRADER, book, cycle, displayed, entry};
use countersign::adapters::store::SqlStore;
use countersign::domain::cycle::{Cycle, EquitySnapshot};
use countersign::domain::ids::CycleId;
use countersign::domain::incident::Severity;
use countersign::domain::notification::{NewNotification, NotificationKind};
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{Changes, Coordination, DecisionEventRecord, Guard, OrderEventRecord, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Three guards, the model's next run, the book, the cycle, its decisions, their counters and history, orders, the
/// outbox, time lines, the equity point, notifications, the lease: one statement each.
const STATEMENTS_MAX: usize = 15;

/// What a fully automated cycle over `coins` coins leaves, numbered from `first`.
fn left_by_a_cycle(coins: i64, first: i64, epoch: i64) -> Changes {
    let ids = first..first + coins;
    let event = |id| DecisionEventRecord {
        decision_id: displayed(id).id,
        version: 1,
        name: "displayed",
        actor: "Sage".to_owned(),
        detail: String::new(),
        at: NOW,
    };
    let line = |id| OrderEventRecord { order_id: entry(id).id, name: "journal", detail: String::new(), at: NOW };
    let told = |id| NewNotification {
        kind: NotificationKind::DecisionWaits,
        severity: Severity::Medium,
        title: format!("{id}"),
        body: String::new(),
        trader_id: Some(TRADER),
        decision_id: None,
        at: NOW,
    };
    let opened = book(1, 1, VenueKind::Simulation);
    Changes {
        guards: vec![
            Guard::Lease { name: "trader:1".to_owned(), owner: "a".to_owned(), epoch },
            Guard::Trader { id: TRADER, version: 1 },
            Guard::Book { id: BOOK, version: 1 },
        ],
        reschedules: vec![(TRADER, Some(NOW), 0)],
        updated_books: vec![opened.clone()],
        new_cycle: Some(Cycle { id: CycleId(first + 1), ..cycle(1, 1) }),
        new_decisions: ids.clone().map(displayed).collect(),
        decision_events: ids.clone().map(event).collect(),
        new_orders: ids.clone().map(entry).collect(),
        order_events: ids.clone().map(line).collect(),
        snapshots: vec![EquitySnapshot { book_id: BOOK, at: NOW, equity: opened.cash, cash: opened.cash }],
        notifications: ids.map(told).collect(),
        release: vec![("trader:1".to_owned(), "a".to_owned(), epoch)],
        ..Changes::default()
    }
}

on_both! {
    async fn a_cycle_over_six_coins_is_one_short_transaction(db) {
        let setup = db.desk().await;
        for coins in [6, 50] {
            let lease = setup.acquire_lease("trader:1", "a", NOW, NOW.plus_ms(9), None).await.unwrap().unwrap();
            let statements = Arc::new(AtomicUsize::new(0));
            let mut counted = db.open().await;
            let count = statements.clone();
            counted.writer.set_metric_callback(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            });
            let store = SqlStore::new(counted);
            let mut changes = left_by_a_cycle(coins, coins * 100, lease.epoch);
            if coins > 6 {
                changes.guards[2] = Guard::Book { id: BOOK, version: 2 };
            }
            store.commit(changes).await.unwrap();
            let seen = statements.load(Ordering::SeqCst);
            assert!((10..=STATEMENTS_MAX).contains(&seen), "{coins} coins took {seen} statements");
        }
        assert_eq!(setup.lease("trader:1").await.unwrap().unwrap().owner, "");
    }
}
