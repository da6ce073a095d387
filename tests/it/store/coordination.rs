//! Ids, leases and named values that processes share.

use super::harness::on_both;
use super::samples::NOW;
use countersign::domain::ids::{CycleId, TraderId};
use countersign::ports::store::{Coordination, IdKind};
use std::collections::BTreeSet;
use std::sync::Arc;

on_both! {
    async fn no_id_is_handed_out_twice(db) {
        let stores = [Arc::new(db.store().await), Arc::new(db.store().await)];
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..8_usize {
            let store = stores[task % 2].clone();
            tasks.spawn(async move {
                let mut mine = Vec::new();
                for count in [1, 7, 100, 3, 64, 1] {
                    let ids = store.reserve_ids(IdKind::Decision, count).await.unwrap();
                    assert_eq!(ids.len(), count as usize);
                    assert!(ids.is_sorted_by(|a, b| a < b), "in order");
                    mine.extend(ids);
                }
                mine
            });
        }
        let all: Vec<i64> = tasks.join_all().await.concat();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.iter().all(|id| *id >= 1));
        assert_eq!(stores[0].reserve_ids(IdKind::Order, 1).await.unwrap(), [1], "each kind counts by itself");
        assert_eq!(stores[0].reserve_ids(IdKind::Order, 0).await.unwrap(), [0; 0]);
    }

    async fn models_and_books_are_numbered_without_gaps_across_restarts(db) {
        for expected in 1..=3 {
            let store = db.store().await;
            assert_eq!(store.reserve_ids(IdKind::Trader, 1).await.unwrap(), [expected]);
        }
    }

    async fn a_lease_is_held_by_one_and_told_to_all(db) {
        let (a, b) = (db.store().await, db.store().await);
        let until = NOW.plus_ms(1_000);
        let lease = a.acquire_lease("trader:5", "a", NOW, until, Some(CycleId(8))).await.unwrap().unwrap();
        assert_eq!((lease.epoch, lease.until), (1, until));
        assert_eq!(b.lease("trader:5").await.unwrap(), Some(lease.clone()));
        assert_eq!(b.acquire_lease("trader:5", "a", NOW, until, None).await.unwrap(), None, "not even for its owner");
        b.acquire_lease("process:b", "b", NOW, until, Some(CycleId(9))).await.unwrap().unwrap();
        assert_eq!(b.running_cycles(NOW).await.unwrap(), [(TraderId(5), CycleId(8))]);
        assert_eq!(b.running_cycles(until).await.unwrap(), []);
        assert!(a.renew_lease(&lease, until.plus_ms(500)).await.unwrap());
        assert_eq!(b.running_cycles(until).await.unwrap(), [(TraderId(5), CycleId(8))]);
        a.release_lease(&lease).await.unwrap();
        assert_eq!(b.running_cycles(NOW).await.unwrap(), []);
        assert!(!a.renew_lease(&lease, until).await.unwrap(), "what was given back is not ours");
        let next = b.acquire_lease("trader:5", "b", NOW, until, None).await.unwrap().unwrap();
        a.release_lease(&lease).await.unwrap();
        assert_eq!(b.lease("trader:5").await.unwrap(), Some(next), "an old holder releases nothing");
    }

    async fn of_many_that_reach_for_a_free_lease_one_gets_it(db) {
        let stores = [Arc::new(db.store().await), Arc::new(db.store().await)];
        for round in 0..5_i64 {
            let now = NOW.plus_ms(round * 10);
            let mut tasks = tokio::task::JoinSet::new();
            for task in 0..6_usize {
                let store = stores[task % 2].clone();
                tasks.spawn(async move {
                    store.acquire_lease("trader:1", &format!("p{task}"), now, now.plus_ms(10), None).await.unwrap()
                });
            }
            let won: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
            assert_eq!(won.len(), 1);
            assert_eq!(won[0].epoch, round + 1);
        }
    }

    async fn a_named_value_is_set_once_or_replaced(db) {
        let (a, b) = (db.store().await, db.store().await);
        assert_eq!(a.meta("installation").await.unwrap(), None);
        let (one, two) = tokio::join!(a.init_meta("installation", "aaaaaa"), b.init_meta("installation", "bbbbbb"));
        assert_eq!(one.unwrap(), two.unwrap(), "both see the value that came first");
        a.set_meta("market_clock", "1").await.unwrap();
        b.set_meta("market_clock", "2").await.unwrap();
        assert_eq!(a.meta("market_clock").await.unwrap().as_deref(), Some("2"));
        a.ping().await.unwrap();
    }
}
