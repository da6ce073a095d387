//! Guards, conflicts and races: a commit happens whole, once, or not at all.

use super::harness::{conflict, number, on_both};
use super::samples::{BOOK, NOW, TRADER, book, displayed, entry, fill, position, trader};
use countersign::domain::ai_cost::{AiCall, AiPurpose};
use countersign::domain::decision::DecisionState;
use countersign::domain::ids::{BookId, CycleId, OrderId, ProviderId, TraderId};
use countersign::domain::order::OrderState;
use countersign::domain::provider::{Provider, ProviderKind, TokenUsage};
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{
    Changes, CommitError, Coordination, Guard, JournalError, Lease, ProviderReads, Reads, Store, StoreError,
    journal_submit,
};
use rust_decimal::Decimal;

const BOOK_1: Guard = Guard::Book { id: BOOK, version: 1 };

fn held(lease: &Lease) -> Guard {
    Guard::Lease { name: lease.name.clone(), owner: lease.owner.clone(), epoch: lease.epoch }
}

on_both! {
    async fn of_two_commits_based_on_the_same_book_exactly_one_wins(db) {
        let (one, two) = (db.desk().await, db.store().await);
        for round in 1..=10_i64 {
            let changes = |id| Changes {
                guards: vec![Guard::Book { id: BOOK, version: round }],
                new_decisions: vec![displayed(id)],
                ..Changes::default()
            };
            let (left, right) = (changes(2 * round), changes(2 * round + 1));
            let (one, two) = (&one, &two);
            let (left, right) = tokio::join!(one.commit(left), two.commit(right));
            let lost = match (left, right) {
                (Ok(()), Err(lost)) | (Err(lost), Ok(())) => lost,
                other => panic!("round {round}: {other:?}"),
            };
            assert!(matches!(lost, CommitError::Conflict("book")), "round {round}: {lost:?}");
        }
        assert_eq!(one.tab_counts(None).await.unwrap().all, 10);
        assert_eq!(one.book_by_id(BOOK).await.unwrap().unwrap().version, 11);
    }

    async fn of_many_tasks_that_move_one_decision_exactly_one_wins(db) {
        let store = std::sync::Arc::new(db.desk().await);
        store.commit(Changes { new_decisions: vec![displayed(1)], ..Changes::default() }).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..8 {
            let store = store.clone();
            tasks.spawn(async move {
                let mut moved = displayed(1);
                moved.version = 2;
                moved.state = if task % 2 == 0 {
                    DecisionState::Expired
                } else {
                    DecisionState::Cancelled { by: "ada".to_owned(), reason: String::new() }
                };
                store.commit(Changes { updated_decisions: vec![(moved, 1)], ..Changes::default() }).await
            });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(CommitError::Conflict("decision")))));
        let counts = store.tab_counts(None).await.unwrap();
        assert_eq!((counts.all, counts.displayed), (1, 0));
    }

    async fn a_conflict_anywhere_leaves_nothing_behind(db) {
        let store = db.desk().await;
        let mut stale = displayed(9);
        stale.version = 5;
        let changes = Changes {
            guards: vec![BOOK_1],
            new_decisions: vec![displayed(1)],
            new_orders: vec![entry(1)],
            updated_decisions: vec![(stale, 4)],
            ..Changes::default()
        };
        assert_eq!(conflict(&store, changes).await, "decision");
        assert_eq!(store.book_by_id(BOOK).await.unwrap().unwrap().version, 1);
        assert_eq!(store.order(OrderId(1)).await.unwrap(), None);
        assert_eq!(store.tab_counts(None).await.unwrap().all, 0);
    }

    async fn each_stale_version_is_named(db) {
        let store = db.desk().await;
        let changes = Changes {
            new_orders: vec![entry(1)], positions: vec![position(1, "BTC")], ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        let (mut order, mut moved, mut sage) = (entry(1), position(1, "BTC"), trader(1, "Sage"));
        (order.version, moved.version, sage.version) = (3, 3, 3);
        let stale = Changes { updated_orders: vec![(order, 2)], ..Changes::default() };
        assert_eq!(conflict(&store, stale).await, "order");
        assert_eq!(conflict(&store, Changes { positions: vec![moved], ..Changes::default() }).await, "position");
        let stale = Changes { updated_traders: vec![(sage, 2)], ..Changes::default() };
        assert_eq!(conflict(&store, stale).await, "trader");
        let guard = |guard| Changes { guards: vec![guard], ..Changes::default() };
        assert_eq!(conflict(&store, guard(Guard::Trader { id: TRADER, version: 2 })).await, "trader");
        assert_eq!(conflict(&store, guard(Guard::Trader { id: TraderId(7), version: 1 })).await, "trader");
        assert_eq!(conflict(&store, guard(Guard::Book { id: BOOK, version: 2 })).await, "book");
        assert_eq!(conflict(&store, guard(Guard::Book { id: BookId(7), version: 1 })).await, "book");
        store.commit(guard(Guard::Trader { id: TRADER, version: 1 })).await.unwrap();
    }

    async fn what_exists_once_is_refused_twice(db) {
        let store = db.desk().await;
        let order = entry(1);
        let changes = Changes {
            new_orders: vec![order.clone()],
            new_fills: vec![fill(1, &order, 77)],
            positions: vec![position(1, "BTC")],
            ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        let repeated = Changes { new_fills: vec![fill(2, &order, 77)], ..Changes::default() };
        assert_eq!(conflict(&store, repeated).await, "fill");
        let mut twin = entry(2);
        twin.intent.cause = order.intent.cause;
        assert_eq!(conflict(&store, Changes { new_orders: vec![twin], ..Changes::default() }).await, "order");
        let mut named = entry(3);
        named.client_order_id = order.client_order_id;
        assert_eq!(conflict(&store, Changes { new_orders: vec![named], ..Changes::default() }).await, "order");
        let second = Changes { positions: vec![position(2, "BTC")], ..Changes::default() };
        assert_eq!(conflict(&store, second).await, "position");
        let second = Changes { new_books: vec![book(2, 1, VenueKind::Simulation)], ..Changes::default() };
        assert_eq!(conflict(&store, second).await, "book");
    }

    async fn a_name_is_taken_until_its_trader_is_deleted(db) {
        let store = db.desk().await;
        let taken = |outcome| matches!(outcome, Err(CommitError::Duplicate("name")));
        let create = |trader| Changes { new_traders: vec![trader], ..Changes::default() };
        assert!(taken(store.commit(create(trader(2, "Sage"))).await));
        store.commit(create(trader(2, "Owl"))).await.unwrap();
        let mut renamed = trader(2, "Sage");
        renamed.version = 2;
        assert!(taken(store.commit(Changes { updated_traders: vec![(renamed.clone(), 1)], ..Changes::default() }).await));
        let mut gone = trader(1, "Sage");
        (gone.deleted_at, gone.version) = (Some(NOW), 2);
        store.commit(Changes { updated_traders: vec![(gone, 1)], ..Changes::default() }).await.unwrap();
        store.commit(Changes { updated_traders: vec![(renamed, 1)], ..Changes::default() }).await.unwrap();
    }

    async fn a_row_whose_parent_is_missing_is_an_error_not_a_conflict(db) {
        let store = db.desk().await;
        let mut orphan = displayed(1);
        orphan.book_id = BookId(99);
        let outcome = store.commit(Changes { new_decisions: vec![orphan], ..Changes::default() }).await;
        assert!(matches!(outcome, Err(CommitError::Store(StoreError::Database { .. }))), "{outcome:?}");
    }

    async fn a_lease_that_was_lost_fences_its_old_holder_off(db) {
        let (a, b) = (db.desk().await, db.store().await);
        let (later, last) = (NOW.plus_ms(1_000), NOW.plus_ms(9_000));
        let first = a.acquire_lease("trader:1", "a", NOW, later, None).await.unwrap().unwrap();
        assert_eq!(b.acquire_lease("trader:1", "b", NOW, last, None).await.unwrap(), None);
        // Lapsed, but nobody else took it: the work is still good.
        a.commit(Changes { guards: vec![held(&first)], ..Changes::default() }).await.unwrap();
        let second = b.acquire_lease("trader:1", "b", later, last, None).await.unwrap().unwrap();
        assert_eq!(second.epoch, first.epoch + 1);
        let work = Changes { guards: vec![held(&first)], new_decisions: vec![displayed(1)], ..Changes::default() };
        assert!(matches!(a.commit(work).await, Err(CommitError::LeaseLost(name)) if name == "trader:1"));
        assert_eq!(a.tab_counts(None).await.unwrap().all, 0);
        assert!(!a.renew_lease(&first, last).await.unwrap());
        let release = vec![("trader:1".to_owned(), "b".to_owned(), second.epoch)];
        b.commit(Changes { guards: vec![held(&second)], release, ..Changes::default() }).await.unwrap();
        let third = a.acquire_lease("trader:1", "a", NOW, last, None).await.unwrap().unwrap();
        assert_eq!(third.epoch, second.epoch + 1, "an epoch never comes back");
    }

    async fn an_attempt_is_durable_before_anything_is_sent(db) {
        let store = db.desk().await;
        store.commit(Changes { new_orders: vec![entry(1)], ..Changes::default() }).await.unwrap();
        let lease = store.acquire_lease("process:a", "a", NOW, NOW.plus_ms(9), None).await.unwrap().unwrap();
        let journaled = journal_submit(&store, entry(1), NOW, &lease).await.unwrap();
        let stored = store.order(OrderId(1)).await.unwrap().unwrap();
        assert_eq!(&stored, journaled.order());
        assert_eq!(stored.state, OrderState::Submitted { attempt: 1, sent_at: NOW, epoch: lease.epoch });
        assert_eq!(store.attempts(OrderId(1)).await.unwrap().len(), 1);
        assert_eq!(store.outbox(9).await.unwrap(), []);
        // A second sender that read the same row is too late.
        let late = journal_submit(&store, entry(1), NOW, &lease).await.unwrap_err();
        assert!(matches!(late, JournalError::Commit(CommitError::Conflict("order"))), "{late:?}");
        assert_eq!(number(&store, "SELECT COUNT(*) FROM order_attempts").await, 1);
    }

    async fn commits_of_many_books_at_once_all_succeed(db) {
        let store = db.desk().await;
        let ids = 10..18_i64;
        let changes = Changes {
            new_traders: ids.clone().map(|id| trader(id, &format!("T{id}"))).collect(),
            new_books: ids.clone().map(|id| book(id, id, VenueKind::Simulation)).collect(),
            ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        let store = std::sync::Arc::new(store);
        let mut tasks = tokio::task::JoinSet::new();
        for id in ids {
            let store = store.clone();
            tasks.spawn(async move {
                for round in 0..5 {
                    let mut decision = displayed(id * 100 + round);
                    (decision.trader_id, decision.book_id) = (TraderId(id), BookId(id));
                    let changes = Changes {
                        guards: vec![
                            Guard::Book { id: BookId(id), version: round + 1 },
                            Guard::Trader { id: TraderId(id), version: 1 },
                        ],
                        reschedules: vec![(TraderId(id), Some(NOW), 0)],
                        new_decisions: vec![decision],
                        ..Changes::default()
                    };
                    store.commit(changes).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(store.tab_counts(None).await.unwrap().displayed, 40);
        assert_eq!(store.tab_counts(Some(TraderId(10))).await.unwrap().displayed, 5);
    }

    async fn many_first_calls_of_a_day_add_up(db) {
        let store = std::sync::Arc::new(db.desk().await);
        let at = NOW;
        let provider = Provider {
            id: ProviderId(9),
            name: "Router".to_owned(),
            kind: ProviderKind::Other,
            base_url: "http://127.0.0.1:1/v1".to_owned(),
            api_key: None,
            key_last4: None,
            price: None,
            max_concurrency: 1,
            timeout_seconds: 60,
            created_at: at,
            deleted_at: None,
            version: 1,
        };
        store.commit(Changes { new_providers: vec![provider], ..Changes::default() }).await.unwrap();
        let call = || AiCall {
            trader_id: TRADER,
            provider_id: ProviderId(9),
            model_name: "small-1".to_owned(),
            cycle_id: CycleId(1),
            purpose: AiPurpose::Shadow,
            at,
            usage: TokenUsage { input: 10, output: 2 },
            is_estimated: false,
            cost: Some(Decimal::new(5, 1)),
            latency_ms: 1,
            is_answered: true,
        };
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (store, call) = (std::sync::Arc::clone(&store), call());
            tasks.spawn(async move { store.commit(Changes { ai_calls: vec![call], ..Changes::default() }).await });
        }
        let outcomes = tasks.join_all().await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let days = store.ai_days(Some(TRADER), at.day_start()).await.unwrap();
        assert_eq!(days.len(), 1);
        assert_eq!((days[0].calls, days[0].usage.input, days[0].cost), (8, 80, Decimal::from(4)));
        assert_eq!((days[0].trial_calls, days[0].trial_cost), (8, Decimal::from(4)));
    }
}
