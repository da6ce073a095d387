//! A database of its own for each test, and the shorthand to fill it.

use super::samples::{book, cycle, trader};
use crate::support::{Database, postgres};
use countersign::adapters::store::{Db, SqlStore, connect, migrate};
use countersign::domain::ids::OrderId;
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{Changes, CommitError, Reads, Store};
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;

/// A migrated database that vanishes with this value.
pub struct TestDb {
    pub url: String,
    _directory: Option<TempDir>,
}

impl TestDb {
    pub async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("store.sqlite").display());
        Self::migrated(url, Some(directory)).await
    }

    /// None where PostgreSQL is not installed.
    pub async fn postgres() -> Option<Self> {
        match postgres::new_database().await? {
            Database::Postgres(url) => Some(Self::migrated(url, None).await),
            Database::Sqlite => None,
        }
    }

    async fn migrated(url: String, directory: Option<TempDir>) -> Self {
        let this = Self { url, _directory: directory };
        migrate(&this.open().await).await.unwrap();
        this
    }

    /// Connections of their own, as another process would have them.
    pub async fn open(&self) -> Db {
        connect(&self.url).await.unwrap()
    }

    pub async fn store(&self) -> SqlStore {
        SqlStore::new(self.open().await)
    }

    /// A store in which trader 1 has a simulated book and has run one cycle.
    pub async fn desk(&self) -> SqlStore {
        let store = self.store().await;
        let changes = Changes {
            new_traders: vec![trader(1, "Sage")],
            new_books: vec![book(1, 1, VenueKind::Simulation)],
            new_cycle: Some(cycle(1, 1)),
            ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        store
    }
}

/// One number from the database.
pub async fn number(store: &SqlStore, query: &str) -> i64 {
    let statement = Statement::from_string(store.db().backend, query.to_owned());
    store.db().reader.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Changes a row behind the store's back.
pub async fn tamper(store: &SqlStore, statement: &str) {
    store.db().writer.execute_unprepared(statement).await.unwrap();
}

/// The ids in the outbox.
pub async fn queued(store: &SqlStore) -> Vec<OrderId> {
    store.outbox(100).await.unwrap().into_iter().map(|order| order.id).collect()
}

/// What a commit conflicted with.
pub async fn conflict(store: &SqlStore, changes: Changes) -> &'static str {
    match store.commit(changes).await {
        Err(CommitError::Conflict(what)) => what,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

/// Runs each test on SQLite and on PostgreSQL, as two tests.
macro_rules! on_both {
    ($(async fn $name:ident($db:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a test may need none of its module's imports")]
            use super::*;

            async fn contract($db: $crate::store::harness::TestDb) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                contract($crate::store::harness::TestDb::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(db) = $crate::store::harness::TestDb::postgres().await {
                    contract(db).await;
                }
            }
        }
    )+};
}
pub(crate) use on_both;
