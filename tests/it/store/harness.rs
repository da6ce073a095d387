//! A database of its own for each test, and the shorthand to fill it.

use super::samples::{book, cycle, trader};
use countersign::adapters::store::{Db, SqlStore, connect, migrate};
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{Changes, Store};
use tempfile::TempDir;

/// A migrated database that vanishes with this value.
pub struct TestDb {
    url: String,
    _directory: Option<TempDir>,
}

impl TestDb {
    pub async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("store.sqlite").display());
        let this = Self { url, _directory: Some(directory) };
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
