//! The emergency stop's switch: a file beside a SQLite database, a row with its own connections on PostgreSQL.
//!
//! Either works while the database's writers are stuck: the file needs no database at all, and the row's two
//! connections belong to nobody else.

use crate::domain::time::Timestamp;
use crate::ports::stop_switch::{StopOrder, StopSwitch, StopSwitchError};
use async_trait::async_trait;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, FromQueryResult, Statement};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The name of the file.
const FILE_NAME: &str = "emergency-stop";
/// The largest file that is looked at, in bytes: a reason is at most 500 characters.
const FILE_MAX: u64 = 16 * 1024;
/// Connections of the row's own pool: one to raise it, one to read it.
const CONNECTIONS: u32 = 2;
/// How long to wait for one of them.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Numbers the unfinished files of this process.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

const READ: &str = "read";
const RAISED: &str = "raised";
const LOWERED: &str = "lowered";

fn broken(action: &'static str) -> impl Fn(std::io::Error) -> StopSwitchError + Copy {
    move |error| StopSwitchError { action, detail: error.to_string() }
}

/// What the file says.
#[derive(Serialize, Deserialize)]
struct Written {
    by: String,
    at: i64,
    reason: String,
}

/// A file whose presence is the stop.
#[derive(Clone, Debug)]
pub struct FileStopSwitch {
    path: PathBuf,
}

impl FileStopSwitch {
    /// A switch at exactly this path.
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The switch that belongs to a database file: `emergency-stop` in the same directory.
    pub fn beside(database: &Path) -> Self {
        Self { path: database.with_file_name(FILE_NAME) }
    }

    /// Where the file is, or would be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn blocking<T, F>(&self, action: &'static str, work: F) -> Result<T, StopSwitchError>
    where
        T: Send + 'static,
        F: FnOnce(&Path) -> Result<T, StopSwitchError> + Send + 'static,
    {
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        done.unwrap_or_else(|error| Err(StopSwitchError { action, detail: error.to_string() }))
    }
}

#[async_trait]
impl StopSwitch for FileStopSwitch {
    async fn in_force(&self) -> Result<Option<StopOrder>, StopSwitchError> {
        self.blocking(READ, read_file).await
    }

    async fn raise(&self, order: &StopOrder) -> Result<(), StopSwitchError> {
        let written = Written { by: order.by.clone(), at: order.at.0, reason: order.reason.clone() };
        self.blocking(RAISED, move |path| write_file(path, &written)).await
    }

    async fn lower(&self) -> Result<(), StopSwitchError> {
        self.blocking(LOWERED, remove_file).await
    }
}

fn read_file(path: &Path) -> Result<Option<StopOrder>, StopSwitchError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(broken(READ)(error)),
    };
    let mut text = String::new();
    file.take(FILE_MAX).read_to_string(&mut text).map_err(broken(READ))?;
    let written: Written = serde_json::from_str(&text).map_err(|error| StopSwitchError {
        action: READ,
        detail: format!("the file says nothing readable: {error}"),
    })?;
    Ok(Some(StopOrder { by: written.by, at: Timestamp(written.at), reason: written.reason }))
}

/// The file appears whole or not at all: written beside, made durable, renamed, and the directory made durable.
fn write_file(path: &Path, written: &Written) -> Result<(), StopSwitchError> {
    let text =
        serde_json::to_vec(written).map_err(|error| StopSwitchError { action: RAISED, detail: error.to_string() })?;
    // A name of its own for each writing: two that raise at once must not write into one another's file.
    let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
    let unfinished = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished).map_err(broken(RAISED))?;
    file.write_all(&text).map_err(broken(RAISED))?;
    file.sync_all().map_err(broken(RAISED))?;
    std::fs::rename(&unfinished, path).map_err(broken(RAISED))?;
    sync_directory(path).map_err(broken(RAISED))
}

fn remove_file(path: &Path) -> Result<(), StopSwitchError> {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(broken(LOWERED)(error)),
    }
    sync_directory(path).map_err(broken(LOWERED))
}

fn sync_directory(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(directory)?.sync_all()
}

/// A row in PostgreSQL, read and written over connections of its own.
#[derive(Clone, Debug)]
pub struct SqlStopSwitch {
    own: DatabaseConnection,
}

#[derive(FromQueryResult)]
struct Raised {
    raised_by: Option<String>,
    raised_at: Option<i64>,
    reason: Option<String>,
}

impl SqlStopSwitch {
    /// Connects to the migrated database at `url`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, StopSwitchError> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(CONNECTIONS).min_connections(1).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
        Ok(Self { own: Database::connect(options).await.map_err(failed(READ))? })
    }

    async fn write(&self, action: &'static str, values: [sea_orm::Value; 3]) -> Result<(), StopSwitchError> {
        let text = "UPDATE stop_switch SET raised_by = $1, raised_at = $2, reason = $3 WHERE id = 1";
        let update = Statement::from_sql_and_values(self.own.get_database_backend(), text, values);
        match self.own.execute_raw(update).await.map_err(failed(action))?.rows_affected() {
            1 => Ok(()),
            _ => Err(StopSwitchError { action, detail: "its row is missing".to_owned() }),
        }
    }
}

fn failed(action: &'static str) -> impl Fn(DbErr) -> StopSwitchError + Copy {
    move |error| StopSwitchError { action, detail: error.to_string() }
}

#[async_trait]
impl StopSwitch for SqlStopSwitch {
    async fn in_force(&self) -> Result<Option<StopOrder>, StopSwitchError> {
        let text = "SELECT raised_by, raised_at, reason FROM stop_switch WHERE id = 1";
        let query = Statement::from_string(self.own.get_database_backend(), text);
        match Raised::find_by_statement(query).one(&self.own).await.map_err(failed(READ))? {
            None => Err(StopSwitchError { action: READ, detail: "its row is missing".to_owned() }),
            Some(Raised { raised_by: Some(by), raised_at: Some(at), reason }) => {
                Ok(Some(StopOrder { by, at: Timestamp(at), reason: reason.unwrap_or_default() }))
            }
            Some(Raised { raised_by: None, raised_at: None, .. }) => Ok(None),
            Some(_) => Err(StopSwitchError { action: READ, detail: "its row is half filled".to_owned() }),
        }
    }

    async fn raise(&self, order: &StopOrder) -> Result<(), StopSwitchError> {
        let values = [order.by.as_str().into(), order.at.0.into(), order.reason.as_str().into()];
        self.write(RAISED, values).await
    }

    async fn lower(&self) -> Result<(), StopSwitchError> {
        let nothing = Option::<String>::None;
        self.write(LOWERED, [nothing.clone().into(), Option::<i64>::None.into(), nothing.into()]).await
    }
}
