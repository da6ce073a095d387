//! The emergency stop while somebody else holds the database.

use super::house::{Shared, orders_of, sender, sent_in, waiting};
use super::on_shared;
use countersign::adapters::store::Db;
use countersign::domain::decision::DecisionStatus;
use countersign::domain::order::OrderStatus;
use countersign::services::decide::{self, ApproveRequest};
use countersign::services::emergency_stop::{finish, stop_all};
use countersign::services::run_cycle::{CycleError, run};
use countersign::services::submit_order::submit_due;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use std::sync::Arc;

/// Keeps every other writer out until it is rolled back. On SQLite this is BEGIN IMMEDIATE.
async fn hold(db: &Db) -> DatabaseTransaction {
    let lock = db.begin().await.unwrap();
    if db.backend == DbBackend::Postgres {
        lock.execute_unprepared("LOCK TABLE traders, orders, decisions IN EXCLUSIVE MODE").await.unwrap();
    }
    lock
}

async fn approved(shared: &Shared) -> (Arc<countersign::services::desk::Desk>, countersign::domain::ids::DecisionId) {
    let desk = shared.process("one").await;
    let (_, decision) = waiting(&desk, "Sage").await;
    let by = "ann".to_owned();
    let request = ApproveRequest { id: decision.id, version: None, digest: None, modifications: None, by };
    decide::approve(&desk, &request).await.unwrap();
    (desk, decision.id)
}

on_shared! {
    async fn the_stop_works_while_another_writer_holds_the_database(shared) {
        let (desk, ordered) = approved(&shared).await;
        let neighbour = shared.process("two").await;
        let (trader, waits) = waiting(&desk, "Quill").await;
        let senders = [sender(&desk).await, sender(&neighbour).await];
        let other = shared.connection().await;
        let lock = hold(&other).await;

        let report = stop_all(&desk, "ann", "fire").await.unwrap();
        assert!(!report.recorded, "the database is held");
        assert_eq!(report.stopped.len(), 2, "every model is named all the same");
        for one in [&desk, &neighbour] {
            assert!(one.stop.in_force().await.is_some(), "every process knows");
        }
        let refused = run(&neighbour, sent_in(trader.id)).await;
        assert!(matches!(refused, Err(CycleError::Stopped)), "{refused:?}");

        // Both try to send while the lock is held.
        let sending: Vec<_> = [(&desk, &senders[0]), (&neighbour, &senders[1])].map(|(desk, lease)| {
            let (desk, lease) = (Arc::clone(desk), lease.clone());
            tokio::spawn(async move { submit_due(&desk, &lease).await })
        }).into();
        let order = orders_of(&neighbour, ordered).await.remove(0);
        assert_eq!((order.status(), order.attempts), (OrderStatus::Initialized, 0));
        lock.rollback().await.unwrap();
        for sent in sending {
            sent.await.unwrap().unwrap();
        }

        // What could not be recorded is recorded by whichever process comes to it, after a restart too.
        drop(desk);
        let desk = shared.process("three").await;
        assert!(desk.stop.in_force().await.is_some(), "the stop outlives its process");
        let report = finish(&desk).await.unwrap().unwrap();
        assert!(report.recorded);
        let order = orders_of(&desk, ordered).await.remove(0);
        assert_eq!((order.status(), order.attempts), (OrderStatus::Denied, 0), "nothing was ever sent");
        let row = desk.store.decision(waits.id).await.unwrap().unwrap();
        assert_eq!(row.status(), DecisionStatus::Cancelled);
        for trader in desk.store.traders(false).await.unwrap() {
            assert!(!trader.is_active(), "{} is paused", trader.name);
        }
        for one in [&desk, &neighbour] {
            assert!(one.stop.in_force().await.is_none(), "the database has it now");
        }
        assert!(finish(&neighbour).await.unwrap().is_none(), "it is recorded once");
        assert!(neighbour.store.outbox(100).await.unwrap().is_empty());
    }

    async fn a_stop_by_one_process_leaves_no_stop_behind_in_the_other(shared) {
        let (desk, neighbour) = (shared.process("one").await, shared.process("two").await);
        let _ = waiting(&desk, "Sage").await;
        let other = shared.connection().await;
        let lock = hold(&other).await;
        let raised = stop_all(&desk, "ann", "").await.unwrap();
        assert!(!raised.recorded);
        lock.rollback().await.unwrap();
        // The neighbour records it; whoever raised it must notice.
        assert!(finish(&neighbour).await.unwrap().unwrap().recorded);
        assert!(desk.stop.in_force().await.is_none(), "nobody is left stopped by a stop that is recorded");
        assert_eq!(desk.store.open_incidents().await.unwrap(), 1);
    }
}
