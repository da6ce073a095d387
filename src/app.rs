//! The composition root: the only place that names concrete adapters.
//!
//! [`House`] is the house without its door: the command line works on it beside a running server. [`Application`] adds
//! the workers and the server.

use crate::adapters::clock::SystemClock;
use crate::adapters::store::{ConnectError, Db, DbAccessStore, connect, migrate};
use crate::observe;
use crate::ports::access_store::AccessStore;
use crate::ports::clock::Clock;
use crate::services::access::{AccessError, AccessService, SessionLimits};
use crate::services::background::Background;
use crate::services::desk::Desk;
use crate::services::health::Health;
use crate::services::shutdown::Shutdown;
use crate::settings::{SessionSecret, Settings, SettingsError, StoreSettings, secure_data_dir, secure_database_file};
use crate::web::ctx::{Door, WebState};
use crate::web::server;
use crate::workers;
use actix_web::dev::{Server, ServerHandle};
use actix_web::web::Data;
use secrecy::SecretString;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

pub mod mcp;
pub mod paper;
mod records;
mod trading;
mod vault;

pub use trading::TradingError;

/// How long workers may take to finish what is in flight.
const WORKERS_DRAIN: Duration = Duration::from_secs(25);

/// Why the process could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings are refused.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database cannot be opened or brought up to date.
    #[error("{source}. Check --database-url (or --data-dir) and that the database runs and may be written")]
    Database {
        /// What failed.
        #[from]
        source: ConnectError,
    },
    /// Users and tokens cannot be read.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The trading side cannot be put together.
    #[error(transparent)]
    Trading(#[from] trading::TradingError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}. Choose another one with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// Database and services, open and up to date.
pub struct House {
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Users, sessions, tokens.
    pub access: Arc<AccessService>,
    access_store: Arc<dyn AccessStore>,
    db: Db,
}

impl House {
    /// Opens the database, makes it at first use, and brings it up to date.
    ///
    /// # Errors
    /// When the data directory or database cannot be used or is open to others.
    pub async fn open(settings: &StoreSettings) -> Result<Self, StartError> {
        Self::open_at(settings, SessionLimits::default(), Arc::new(SystemClock)).await
    }

    /// Like [`Self::open`], with a clock of one's own and other limits of sessions.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub async fn open_at(
        settings: &StoreSettings,
        limits: SessionLimits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        secure_data_dir(&settings.data_dir)?;
        if let Some(file) = settings.database_url.sqlite_file() {
            secure_database_file(file)?;
        }
        let db = connect(settings.database_url.expose()).await?;
        migrate(&db).await?;
        let access_store: Arc<dyn AccessStore> = Arc::new(DbAccessStore::new(db.clone()));
        let access = Arc::new(AccessService::new(Arc::clone(&access_store), Arc::clone(&clock), limits));
        Ok(Self { clock, access, access_store, db })
    }

    /// Closes the database.
    pub async fn close(self) {
        if let Err(error) = self.db.close().await {
            observe::database_not_ready(&error);
        }
    }
}

/// The whole program, listening.
pub struct Application {
    house: House,
    desk: Arc<Desk>,
    state: Data<WebState>,
    server: Server,
    address: SocketAddr,
    setup_token: Option<SecretString>,
}

impl Application {
    /// Opens everything and listens. Nothing is answered before [`Self::run_until_stopped`].
    ///
    /// # Errors
    /// When something is unsafe or cannot be opened; the text says what to do.
    pub async fn build(settings: Settings) -> Result<Self, StartError> {
        Self::build_at(settings, Arc::new(SystemClock)).await
    }

    /// Like [`Self::build`], with a clock of one's own.
    ///
    /// # Errors
    /// See [`Self::build`].
    pub async fn build_at(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        Self::build_with(settings, clock, |_| {}).await
    }

    /// Like [`Self::build_at`], with a last word on the desk before anything runs: a story puts what it does not own in
    /// place, such as an advisor.
    ///
    /// # Errors
    /// See [`Self::build`].
    pub async fn build_with(
        settings: Settings,
        clock: Arc<dyn Clock>,
        arrange: impl FnOnce(&mut Desk) + Send,
    ) -> Result<Self, StartError> {
        let house = House::open_at(&settings.store, settings.session_limits, clock).await?;
        let secret = SessionSecret::load_or_create(&settings.store.data_dir)?;
        let setup_token = house.access.prepare_setup().await?;
        let failed = |source| StartError::Listen { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shutdown = Shutdown::new();
        let mut desk = trading::assemble(&settings, &house.db, Arc::clone(&house.clock), shutdown.clone()).await?;
        arrange(&mut desk);
        let desk = Arc::new(desk);
        crate::services::credentials::watch_vault(&desk).await.map_err(trading::TradingError::from)?;
        let state = Data::new(WebState {
            access: Arc::clone(&house.access),
            health: Arc::new(Health::new(Arc::clone(&house.clock), Arc::clone(&house.access_store))),
            shutdown,
            clock: Arc::clone(&house.clock),
            secret,
            door: Door {
                behind_tls_proxy: settings.behind_tls_proxy,
                loopback: settings.listen.ip().is_loopback(),
                public_hosts: settings.public_hosts.clone(),
            },
        });
        let server = server::serve(listener, state.clone(), Data::from(Arc::clone(&desk))).map_err(failed)?;
        observe::server_started(&address);
        Ok(Self { house, desk, state, server, address, setup_token })
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Where a browser finds it.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Users, sessions, tokens.
    pub const fn access(&self) -> &Arc<AccessService> {
        &self.house.access
    }

    /// Counts the statements that are put to the database: what a page costs is held to a number in a test.
    pub fn statements(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.house.db.statements)
    }

    /// The trading side, for the demo and for tests.
    pub const fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// The one-time token for the first-start page; none once an administrator exists.
    pub const fn setup_token(&self) -> Option<&SecretString> {
        self.setup_token.as_ref()
    }

    /// Ends the program when it begins.
    pub fn shutdown(&self) -> Shutdown {
        self.state.shutdown.clone()
    }

    /// Answers requests until [`Self::shutdown`] begins, then drains: no new connections, event streams end at once, what
    /// is under way ends, requests in flight finish, the database closes.
    ///
    /// # Errors
    /// When the server breaks down.
    pub async fn run_until_stopped(self) -> std::io::Result<()> {
        let workers = workers::start(&self.desk, &self.house.access, &self.state.health, &self.state.shutdown);
        self.answer_until_stopped(Some(workers)).await
    }

    /// Like [`Self::run_until_stopped`], without workers: nothing moves unless somebody moves it. For stories.
    ///
    /// # Errors
    /// When the server breaks down.
    pub async fn run_without_workers(self) -> std::io::Result<()> {
        self.answer_until_stopped(None).await
    }

    async fn answer_until_stopped(self, workers: Option<workers::Workers>) -> std::io::Result<()> {
        let (handle, shutdown) = (self.server.handle(), self.state.shutdown.clone());
        let stopper = tokio::spawn(stop(handle, shutdown, workers, self.desk.background.clone()));
        let outcome = self.server.await;
        // It may have ended by itself.
        self.state.shutdown.begin();
        if stopper.await.is_err() {
            observe::worker_panicked("stopper");
        }
        drop(self.state);
        drop(self.desk);
        self.house.close().await;
        observe::stopped();
        outcome
    }
}

/// Takes no new connections, lets what is under way end, and only then ends the server: connections to the database may
/// belong to the threads that answer requests, and are of no use without them.
async fn stop(handle: ServerHandle, shutdown: Shutdown, workers: Option<workers::Workers>, background: Background) {
    shutdown.begun().await;
    observe::stopping();
    handle.pause().await;
    let drain = async {
        match workers {
            Some(workers) => workers.drain(WORKERS_DRAIN).await,
            None => true,
        }
    };
    let (drained, ended) = tokio::join!(drain, tokio::time::timeout(WORKERS_DRAIN, background.ended()));
    if !drained || ended.is_err() {
        observe::workers_abandoned();
    }
    handle.stop(true).await;
}

/// A desk on a database of its own with a synthetic market, for unit tests of workers.
#[cfg(test)]
pub(crate) async fn test_desk() -> (Arc<Desk>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let url =
        crate::settings::DatabaseUrl::parse(&format!("sqlite:{}", dir.path().join("test.sqlite").display())).unwrap();
    let settings = Settings::for_data_dir(dir.path(), url);
    let house = House::open(&settings.store).await.unwrap();
    let desk = trading::assemble(&settings, &house.db, Arc::clone(&house.clock), Shutdown::new()).await.unwrap();
    (Arc::new(desk), dir)
}
