//! Opens the database.
//!
//! SQLite allows one writer. Several connections that each begin a transaction would fail with "database is locked"
//! however long they wait, so there is exactly one writing connection and everyone queues for it; readers have their
//! own pool and never block it (WAL). PostgreSQL needs none of that: both handles are the same pool.

use migration::{Migrator, MigratorTrait};
use rust_decimal::Decimal;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use std::cmp::Ordering;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Reading connections to SQLite: pages are short, two cores.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 10;
/// How long a statement may wait for SQLite's lock, held by another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller may wait for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);
/// Page cache of the writer, in KiB (SQLite reads a negative number as KiB).
const WRITER_CACHE: &str = "-8192";
/// Page cache of each reader, in KiB: four of them are most of the process's memory, and the system caches too.
const READER_CACHE: &str = "-2048";
/// Attempts at migrating: a second process that starts at the same moment loses one race, not its start.
const MIGRATION_ATTEMPTS: u32 = 5;
/// Pause between those attempts.
const MIGRATION_PAUSE: Duration = Duration::from_millis(300);

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The connection failed.
    #[error("the database cannot be opened")]
    Open(#[source] DbErr),
    /// A migration failed; a failing migration leaves nothing behind.
    #[error("the database schema cannot be brought up to date")]
    Migrate(#[source] DbErr),
}

/// Handles to one database.
#[derive(Clone, Debug)]
pub struct Db {
    /// For everything that writes. On SQLite it is a single connection: never hold it across anything slow, and never
    /// ask for it again inside a transaction.
    pub writer: DatabaseConnection,
    /// For reading. On SQLite its connections refuse to write.
    pub reader: DatabaseConnection,
    /// Which database it is.
    pub backend: DbBackend,
    /// Statements put to it so far.
    pub statements: Arc<AtomicU64>,
}

impl Db {
    /// Begins a writing transaction. On SQLite it takes the write lock at once, so that reading first and writing
    /// later cannot fail half-way because of another process.
    ///
    /// # Errors
    /// When no connection or no lock is to be had in time.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.writer.begin_with_options(options).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.reader.execute_unprepared("SELECT 1").await.map(|_| ())
    }

    /// Closes both pools; on SQLite this also folds the write-ahead log into the database file.
    ///
    /// # Errors
    /// When a pool does not close.
    pub async fn close(self) -> Result<(), DbErr> {
        if self.backend == DbBackend::Sqlite {
            self.reader.close().await?;
        }
        self.writer.close().await
    }
}

/// Opens `sqlite:` or `postgres:` URLs; a missing SQLite file is created.
///
/// # Errors
/// [`ConnectError::Open`] when the database is unreadable or unreachable.
pub async fn connect(url: &str) -> Result<Db, ConnectError> {
    let statements = Arc::new(AtomicU64::new(0));
    if url.starts_with("sqlite:") {
        // The writer first: it creates the file and turns the write-ahead log on.
        let mut writer = Database::connect(sqlite(url, 1, false)).await.map_err(ConnectError::Open)?;
        let mut reader = Database::connect(sqlite(url, SQLITE_READERS, true)).await.map_err(ConnectError::Open)?;
        count(&mut writer, &statements);
        count(&mut reader, &statements);
        Ok(Db { writer, reader, backend: DbBackend::Sqlite, statements })
    } else {
        let mut options = options(url, POSTGRES_CONNECTIONS);
        options.set_application_name("countersign");
        let mut pool = Database::connect(options).await.map_err(ConnectError::Open)?;
        count(&mut pool, &statements);
        Ok(Db { writer: pool.clone(), reader: pool, backend: DbBackend::Postgres, statements })
    }
}

fn count(connection: &mut DatabaseConnection, statements: &Arc<AtomicU64>) {
    let statements = Arc::clone(statements);
    connection.set_metric_callback(move |_| {
        statements.fetch_add(1, Relaxed);
    });
}

/// Applies every migration that the database lacks. Two processes may do this at the same moment.
///
/// # Errors
/// [`ConnectError::Migrate`] when the schema cannot be brought up to date.
pub async fn migrate(db: &Db) -> Result<(), ConnectError> {
    let mut attempt = 1;
    loop {
        match Migrator::up(&db.writer, None).await {
            Ok(()) => return Ok(()),
            Err(error) if attempt >= MIGRATION_ATTEMPTS => return Err(ConnectError::Migrate(error)),
            Err(_) => tokio::time::sleep(MIGRATION_PAUSE).await,
        }
        attempt += 1;
    }
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).min_connections(1).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
    options
}

fn sqlite(url: &str, connections: u32, reads_only: bool) -> ConnectOptions {
    let mut options = options(url, connections);
    // SQLite connections cost nothing to keep and lose their cache when closed.
    options.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>).test_before_acquire(false);
    options.map_sqlx_sqlite_opts(move |sqlite: SqliteConnectOptions| {
        let sqlite = sqlite
            .create_if_missing(!reads_only)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: an order that was committed before sending must survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .pragma("temp_store", "MEMORY")
            .pragma("cache_size", if reads_only { READER_CACHE } else { WRITER_CACHE })
            .collation("decimal", compare_decimals);
        if reads_only { sqlite.pragma("query_only", "ON") } else { sqlite }
    });
    options
}

/// Orders decimal texts by value; anything unreadable sorts as text, so that the order stays total.
fn compare_decimals(left: &str, right: &str) -> Ordering {
    match (Decimal::from_str(left), Decimal::from_str(right)) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_processes_may_migrate_a_new_database_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("twice.sqlite").display());
        let (one, two) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
        let (first, second) = tokio::join!(migrate(&one), migrate(&two));
        first.unwrap();
        second.unwrap();
    }

    #[tokio::test]
    async fn readers_refuse_to_write_and_decimals_sort_by_value() {
        let dir = tempfile::tempdir().unwrap();
        let db = connect(&format!("sqlite:{}", dir.path().join("sort.sqlite").display())).await.unwrap();
        db.writer.execute_unprepared("CREATE TABLE t (m text collate decimal)").await.unwrap();
        db.writer.execute_unprepared("INSERT INTO t VALUES ('100000'), ('9.5'), ('-3')").await.unwrap();
        assert!(db.reader.execute_unprepared("DELETE FROM t").await.is_err());
        let rows = db.reader.query_all_raw(sea_orm::Statement::from_string(db.backend, "SELECT m FROM t ORDER BY m"));
        let sorted: Vec<String> = rows.await.unwrap().iter().map(|r| r.try_get("", "m").unwrap()).collect();
        assert_eq!(sorted, ["-3", "9.5", "100000"]);
        db.close().await.unwrap();
    }
}
