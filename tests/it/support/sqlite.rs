//! A migrated SQLite database for each story: migrated once, then copied.

use countersign::adapters::store::{connect, migrate};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tokio::sync::OnceCell;

static MIGRATED: OnceCell<Vec<u8>> = OnceCell::const_new();

/// Puts a migrated, empty database into a file that is not there yet, readable by its owner alone.
pub async fn new_database(file: &Path) {
    let bytes = MIGRATED.get_or_init(make).await;
    let mut created = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).unwrap();
    created.write_all(bytes).unwrap();
}

async fn make() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("template.sqlite");
    let db = connect(&format!("sqlite:{}", file.display())).await.unwrap();
    migrate(&db).await.unwrap();
    // Closing folds the write-ahead log into the file.
    db.close().await.unwrap();
    std::fs::read(file).unwrap()
}
