//! One PostgreSQL server for the whole test process, a database for each story: migrated once, then copied.
//!
//! The server belongs to a small shell script that reads from a pipe which only this process holds open: however this
//! process ends, the pipe closes, and the script ends the server and removes its files.

use super::app::Database;
use countersign::adapters::store::{connect, migrate};
use sea_orm::ConnectionTrait;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Where Debian puts its versions.
const VERSIONS: &str = "/usr/lib/postgresql";
/// How long making and starting a server may take on a loaded machine.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// Arguments: directory, directory of programs, port.
const SCRIPT: &str = r#"
set -e
umask 077
mkdir "$1"
cleanup() { [ -z "$server" ] || { kill -INT "$server"; wait "$server" || true; }; rm -rf "$1"; }
trap 'cleanup "$1"' EXIT
"$2/initdb" -D "$1/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$1/log" 2>&1
"$2/postgres" -D "$1/data" -k "$1" -c listen_addresses=127.0.0.1 -c port="$3" -c fsync=off \
  -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off -c wal_level=minimal -c max_wal_senders=0 \
  -c max_connections=1000 -c shared_buffers=64MB >>"$1/log" 2>&1 &
server=$!
cat >/dev/null
"#;

struct Server {
    port: u16,
    /// Closing it ends the server.
    _leash: ChildStdin,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);
static TEMPLATE: OnceCell<()> = OnceCell::const_new();
/// The migrated database that every other one is copied from.
const TEMPLATE_NAME: &str = "migrated";

/// A new, migrated, empty database; none when PostgreSQL is not installed, which is said, and fails where it is required.
pub async fn new_database() -> Option<Database> {
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(start).as_ref()).await.unwrap();
    let Some(server) = server else {
        eprintln!("SKIPPED on PostgreSQL: no server programs under {VERSIONS} (apt-get install postgresql)");
        return None;
    };
    TEMPLATE.get_or_init(|| make_template(server)).await;
    let name = format!("story_{}", DATABASES.fetch_add(1, Ordering::SeqCst));
    server.execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE_NAME} STRATEGY FILE_COPY")).await;
    Some(Database::Postgres(server.url(&name)))
}

async fn make_template(server: &Server) {
    server.execute(&format!("CREATE DATABASE {TEMPLATE_NAME}")).await;
    let db = connect(&server.url(TEMPLATE_NAME)).await.unwrap();
    migrate(&db).await.unwrap();
    // A database that somebody is connected to cannot be copied.
    db.close().await.unwrap();
}

impl Server {
    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    async fn execute(&self, statement: &str) {
        let admin = sea_orm::Database::connect(self.url("postgres")).await.unwrap();
        admin.execute_unprepared(statement).await.unwrap();
        admin.close().await.unwrap();
    }
}

#[allow(clippy::zombie_processes, reason = "it lives as long as this process, and ends by its leash")]
fn start() -> Option<Server> {
    let required = std::env::var("COUNTERSIGN_REQUIRE").is_ok_and(|names| names.split(',').any(|n| n == "postgres"));
    let Some(programs) = newest_programs() else {
        assert!(!required, "PostgreSQL is required here, but there is none under {VERSIONS}");
        return None;
    };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let dir = std::env::temp_dir().join(format!("countersign-postgres-{}-{port}", std::process::id()));
    // PostgreSQL refuses to run as root.
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let mut child = command
        .args(["-c", SCRIPT, "sh"])
        .arg(&dir)
        .arg(&programs)
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let leash = child.stdin.take().unwrap();
    let deadline = Instant::now() + START_TIMEOUT;
    let ready = || {
        let mut asks = Command::new(programs.join("pg_isready"));
        asks.args(["-q", "-h", "127.0.0.1", "-p"]).arg(port.to_string()).status().is_ok_and(|status| status.success())
    };
    while !ready() {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("PostgreSQL did not start: {status}");
        }
        assert!(Instant::now() < deadline, "PostgreSQL did not start within {START_TIMEOUT:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(Server { port, _leash: leash })
}

fn newest_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.filter(|path| path.join("bin/postgres").exists()).max_by_key(|path| version(path))?;
    Some(newest.join("bin"))
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // Files that this process makes belong to whoever runs it.
    tempfile::tempfile().and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.uid() == 0)
}
