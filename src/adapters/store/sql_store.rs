//! The store over one database.

use super::connect::Db;
use super::id_pool::{IdPool, LEDGER_TRANSACTION};
use super::{books, commit, leases};
use crate::domain::ids::{BookId, CycleId, TraderId};
use crate::domain::time::Timestamp;
use crate::ports::store::{Changes, CommitError, Coordination, IdKind, Lease, Store, StoreError};
use async_trait::async_trait;

/// Keeps everything in SQLite or PostgreSQL. Several of them may share one database, also in different processes.
#[derive(Debug)]
pub struct SqlStore {
    pub(super) db: Db,
    ids: IdPool,
}

impl SqlStore {
    /// A store over an open, migrated database.
    pub fn new(db: Db) -> Self {
        Self { db, ids: IdPool::default() }
    }

    /// The database behind the store.
    pub const fn db(&self) -> &Db {
        &self.db
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        // Before the transaction: on SQLite it holds the only connection that writes.
        let ledger_ids = self.ids.take(&self.db, LEDGER_TRANSACTION, changes.ledger.len()).await?;
        commit::commit(&self.db, &changes, &ledger_ids).await
    }

    async fn thin_curve(&self, book: BookId, before: Timestamp, step_ms: i64, limit: u32) -> Result<u64, StoreError> {
        books::thin_curve(&self.db.writer, book, before, step_ms, limit).await
    }
}

#[async_trait]
impl Coordination for SqlStore {
    async fn reserve_ids(&self, kind: IdKind, count: u32) -> Result<Vec<i64>, StoreError> {
        self.ids.take(&self.db, kind.as_str(), count as usize).await
    }

    async fn acquire_lease(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        cycle_id: Option<CycleId>,
    ) -> Result<Option<Lease>, StoreError> {
        leases::acquire(&self.db, name, owner, now, until, cycle_id).await
    }

    async fn renew_lease(&self, lease: &Lease, until: Timestamp) -> Result<bool, StoreError> {
        leases::renew(&self.db, lease, until).await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        leases::release(&self.db.writer, &lease.name, &lease.owner, lease.epoch).await
    }

    async fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        leases::by_name(&self.db.reader, name).await
    }

    async fn running_cycles(&self, now: Timestamp) -> Result<Vec<(TraderId, CycleId)>, StoreError> {
        leases::running_cycles(&self.db.reader, now).await
    }

    async fn others_live(&self, owner: &str, now: Timestamp) -> Result<bool, StoreError> {
        leases::others_live(&self.db.reader, owner, now).await
    }

    async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        leases::meta(&self.db.reader, key).await
    }

    async fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        leases::set_meta(&self.db, key, value).await
    }

    async fn init_meta(&self, key: &str, value: &str) -> Result<String, StoreError> {
        leases::init_meta(&self.db, key, value).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.db.ping().await.map_err(super::row::failed("asking the database whether it is there"))
    }
}
