//! A server in this process, on a free port, with a database and a directory of its own.

use super::client::Client;
use super::clock::ManualClock;
use countersign::app::Application;
use countersign::domain::access::{Actor, Role, TokenScope};
use countersign::services::access::AccessService;
use countersign::services::shutdown::Shutdown;
use countersign::settings::{DatabaseUrl, Settings};
use secrecy::ExposeSecret;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// The password of everyone in these stories.
pub const PASSWORD: &str = "correct horse battery";

/// Which database a story runs on.
pub enum Database {
    Sqlite,
    /// A database of its own on the test server.
    Postgres(String),
}

pub struct TestApp {
    /// `http://127.0.0.1:PORT`, without a slash.
    pub url: String,
    pub clock: ManualClock,
    pub access: Arc<AccessService>,
    pub setup_token: Option<String>,
    pub settings: Settings,
    shutdown: Shutdown,
    server: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
    /// Kept until the end of the story.
    dir: TempDir,
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
    let dir = tempfile::tempdir().unwrap();
    let url = match database {
        Database::Sqlite => format!("sqlite:{}", dir.path().join("test.sqlite").display()),
        Database::Postgres(url) => url,
    };
    let mut settings = Settings::for_data_dir(dir.path(), DatabaseUrl::parse(&url).unwrap());
    change(&mut settings);
    TestApp::start(dir, settings, ManualClock::default()).await
}

impl TestApp {
    async fn start(dir: TempDir, settings: Settings, clock: ManualClock) -> Self {
        let app = Application::build_at(settings.clone(), Arc::new(clock.clone())).await.unwrap();
        let (url, access, shutdown) =
            (format!("http://127.0.0.1:{}", app.port()), Arc::clone(app.access()), app.shutdown());
        let setup_token = app.setup_token().map(|token| token.expose_secret().to_owned());
        let server = Some(tokio::spawn(app.run_until_stopped()));
        Self { url, clock, access, setup_token, settings, shutdown, server, dir }
    }

    /// A visitor with an empty browser.
    pub fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// The administrator `admin`, logged in; created when missing.
    pub async fn admin(&self) -> Client {
        self.person("admin", Role::Admin).await
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
        let Self { dir, settings, clock, .. } = self;
        Self::start(dir, settings, clock).await
    }
}
