//! The program in this process, on a free port, with a database and a directory of its own.

use super::client::{Client, PASSWORD};
use super::clock::ManualClock;
use super::{Stage, sqlite};
use countersign::app::Application;
use countersign::domain::access::{Actor, Role, TokenScope};
use countersign::services::access::AccessService;
use countersign::services::desk::Desk;
use countersign::services::shutdown::Shutdown;
use countersign::settings::{DATABASE_FILE, DatabaseUrl, Settings};
use secrecy::ExposeSecret;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place};

/// Which database a story runs on.
pub enum Database {
    Sqlite,
    /// A database of its own on the test server.
    Postgres(String),
}

/// Whether the workers run beside the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As people run it.
    Running,
    /// Nothing moves unless the story moves it.
    Absent,
}

pub struct TestApp {
    /// `http://127.0.0.1:PORT`, without a slash.
    pub url: String,
    pub clock: ManualClock,
    pub access: Arc<AccessService>,
    pub desk: Arc<Desk>,
    pub setup_token: Option<String>,
    statements: Arc<AtomicU64>,
    pub settings: Settings,
    shutdown: Shutdown,
    workers: Workers,
    server: Option<JoinHandle<std::io::Result<()>>>,
    /// Kept until the end of the story.
    dir: Arc<TempDir>,
}

impl Stage for TestApp {
    async fn on(database: Database) -> Self {
        spawn_app_on(database).await
    }
}

/// The ends of stories are ends of the program: connections, threads and files are gone before the next one starts.
impl Drop for TestApp {
    fn drop(&mut self) {
        self.shutdown.begin();
        if let Some(server) = self.server.take()
            && !std::thread::panicking()
        {
            block_in_place(|| Handle::current().block_on(server)).unwrap().unwrap();
        }
    }
}

/// A server on SQLite.
pub async fn spawn_app() -> TestApp {
    spawn_app_on(Database::Sqlite).await
}

/// A server on a database of choice.
pub async fn spawn_app_on(database: Database) -> TestApp {
    spawn_app_with(database, |_| {}).await
}

/// A server with settings of choice.
pub async fn spawn_app_with(database: Database, change: impl FnOnce(&mut Settings)) -> TestApp {
    TestApp::open(database, Workers::Running, change, |_| {}).await
}

impl TestApp {
    /// The program with settings of choice and a last word on its desk.
    pub async fn open(
        database: Database,
        workers: Workers,
        change: impl FnOnce(&mut Settings),
        arrange: impl FnOnce(&mut Desk) + Send,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = match database {
            Database::Sqlite => {
                let file = dir.path().join(DATABASE_FILE);
                sqlite::new_database(&file).await;
                format!("sqlite:{}", file.display())
            }
            Database::Postgres(url) => url,
        };
        let mut settings = Settings::for_data_dir(dir.path(), DatabaseUrl::parse(&url).unwrap());
        change(&mut settings);
        Self::start(Arc::new(dir), settings, ManualClock::default(), workers, arrange).await
    }

    async fn start(
        dir: Arc<TempDir>,
        settings: Settings,
        clock: ManualClock,
        workers: Workers,
        arrange: impl FnOnce(&mut Desk) + Send,
    ) -> Self {
        let app = Application::build_with(settings.clone(), Arc::new(clock.clone()), arrange).await.unwrap();
        let (access, desk, shutdown) = (Arc::clone(app.access()), Arc::clone(app.desk()), app.shutdown());
        let statements = app.statements();
        let url = format!("http://127.0.0.1:{}", app.port());
        let setup_token = app.setup_token().map(|token| token.expose_secret().to_owned());
        let server = Some(match workers {
            Workers::Running => tokio::spawn(app.run_until_stopped()),
            Workers::Absent => tokio::spawn(app.run_without_workers()),
        });
        Self { url, clock, access, desk, setup_token, statements, settings, shutdown, workers, server, dir }
    }

    /// Statements put to the database so far.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// A visitor with an empty browser.
    pub fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// The administrator `admin`, logged in; created when missing.
    pub async fn admin(&self) -> Client {
        self.person("admin", Role::Admin).await
    }

    /// The operator `ann`, logged in; created when missing.
    pub async fn ann(&self) -> Client {
        self.person("ann", Role::Operator).await
    }

    /// Somebody with a role, logged in; created when missing.
    pub async fn person(&self, name: &str, role: Role) -> Client {
        self.create(name, role).await;
        let mut client = self.client();
        client.login(name, PASSWORD).await;
        client
    }

    /// Creates somebody with [`PASSWORD`], unless there.
    pub async fn create(&self, name: &str, role: Role) {
        if self.access.user_by_name(name).await.is_err() {
            self.access.create_user(name, role, PASSWORD.into(), &Actor::Cli).await.unwrap();
        }
    }

    /// A program with a fresh bearer token of the administrator.
    pub async fn token(&self, scope: TokenScope) -> Client {
        self.create("admin", Role::Admin).await;
        let (_, secret) = self.access.create_token("admin", scope.as_str(), scope).await.unwrap();
        self.client().with_token(secret.expose_secret())
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Ends the server and waits until it has drained.
    pub async fn stop(&mut self) {
        self.shutdown.begin();
        if let Some(server) = self.server.take() {
            server.await.unwrap().unwrap();
        }
    }

    /// Ends the server and starts another on the same database and clock.
    pub async fn restart(mut self) -> Self {
        self.stop().await;
        self.neighbour(self.workers).await
    }

    /// Another process on the same database and clock.
    pub async fn neighbour(&self, workers: Workers) -> Self {
        Self::start(Arc::clone(&self.dir), self.settings.clone(), self.clock.clone(), workers, |_| {}).await
    }
}
