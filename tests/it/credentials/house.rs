//! The whole application in this process, with an exchange made of answers that a story sets.

use crate::support::{Client, Database, ManualClock, PASSWORD};
use async_trait::async_trait;
use countersign::app::Application;
use countersign::domain::access::{Actor, Role, TokenScope};
use countersign::domain::book::Book;
use countersign::domain::credential::{AccountFingerprint, Credential, KeyField, KeyPermissions};
use countersign::domain::ids::{BUILT_IN_PROVIDER, BookId, TraderId};
use countersign::domain::market::{Coin, Symbol};
use countersign::domain::money::Money;
use countersign::domain::order::Order;
use countersign::domain::time::{DAY_MS, Timestamp};
use countersign::domain::trader::{Trader, TradingState};
use countersign::domain::trader_settings::TraderSettings;
use countersign::domain::venue_kind::{AutomationLevel, Axes, ExchangeEnvironment, ExchangeType, VenueKind};
use countersign::ports::clock::Clock;
use countersign::ports::exchange::{
    AssetBalance, ExchangeAccount, ExchangeError, Exchanges, TradesFrom, VenueOrder, VenueTrade,
};
use countersign::ports::market_data::MarketData;
use countersign::ports::store::{Changes, IdKind, IncidentFilter, JournaledOrder, Page};
use countersign::ports::vault::{SealContext, Vault};
use countersign::ports::venue::{CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue};
use countersign::services::access::AccessService;
use countersign::services::desk::Desk;
use countersign::services::shutdown::Shutdown;
use countersign::settings::{DatabaseUrl, Settings};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, OnceLock};
use tempfile::TempDir;

pub const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
pub const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
pub const OTHER_KEY: &str = "Aa11Bb22Cc33Dd44Ee55Ff66Gg77Hh88Ii99Jj00Kk11Ll22Mm33Nn44Oo55Pp66";
pub const OTHER_SECRET: &str = "Zz99Yy88Xx77Ww66Vv55Uu44Tt33Ss22Rr11Qq00Pp99Oo88Nn77Mm66Ll55Kk44";

/// An exchange that says what it is told to, and remembers which keys it was opened with.
pub struct FakeExchanges {
    pub answer: Mutex<Result<KeyPermissions, ExchangeError>>,
    pub opened: Mutex<Vec<(String, String)>>,
    vault: OnceLock<Arc<dyn Vault>>,
}

impl Default for FakeExchanges {
    fn default() -> Self {
        Self { answer: Mutex::new(Ok(trades_only())), opened: Mutex::default(), vault: OnceLock::new() }
    }
}

impl FakeExchanges {
    /// The exchange of a desk, whose vault opens its keys.
    pub fn of(desk: &Desk) -> Arc<Self> {
        let exchanges = Self::default();
        let _ = exchanges.vault.set(Arc::clone(&desk.vault));
        Arc::new(exchanges)
    }
}

/// A key as it should be.
pub fn trades_only() -> KeyPermissions {
    KeyPermissions {
        can_trade: true,
        ip_restricted: Some(true),
        can_withdraw: Some(false),
        granted: vec!["SPOT".to_owned()],
    }
}

#[async_trait]
impl Exchanges for FakeExchanges {
    async fn open(&self, credential: &Credential) -> Result<Arc<dyn ExchangeAccount>, ExchangeError> {
        let vault = self.vault.get().unwrap();
        let open = |field, sealed| {
            let context = SealContext::of(credential.trader_id, credential.environment, field);
            let opened = vault.open(context, sealed).map_err(|error| ExchangeError::VaultLocked(error.to_string()));
            opened.map(|secret| secret.expose_secret().to_owned())
        };
        let key = open(KeyField::ApiKey, &credential.api_key)?;
        let secret = open(KeyField::ApiSecret, &credential.api_secret)?;
        self.opened.lock().unwrap().push((key, secret));
        let answer = self.answer.lock().unwrap().clone();
        Ok(Arc::new(FakeAccount { fingerprint: credential.fingerprint.clone(), answer }))
    }

    fn banned_until(&self, _: VenueKind) -> Option<Timestamp> {
        None
    }

    fn restore_ban(&self, _: VenueKind, _: Timestamp) {}

    fn market(&self, _: VenueKind) -> Option<Arc<dyn MarketData>> {
        None
    }
}

struct FakeAccount {
    fingerprint: AccountFingerprint,
    answer: Result<KeyPermissions, ExchangeError>,
}

#[async_trait]
impl Venue for FakeAccount {
    fn kind(&self) -> VenueKind {
        VenueKind::Testnet
    }

    async fn submit(&self, _: &JournaledOrder, _: OrderContext<'_>) -> SubmitOutcome {
        unreachable!("nothing is sent in these stories")
    }

    async fn query(&self, _: &Order, _: OrderContext<'_>) -> QueryOutcome {
        unreachable!("nothing is sent in these stories")
    }

    async fn cancel(&self, _: &Order, _: OrderContext<'_>) -> CancelOutcome {
        unreachable!("nothing is sent in these stories")
    }
}

#[async_trait]
impl ExchangeAccount for FakeAccount {
    fn fingerprint(&self) -> &AccountFingerprint {
        &self.fingerprint
    }

    async fn time(&self) -> Result<Timestamp, ExchangeError> {
        unreachable!("a check asks for permissions only")
    }

    async fn permissions(&self) -> Result<KeyPermissions, ExchangeError> {
        self.answer.clone()
    }

    async fn balances(&self) -> Result<Vec<AssetBalance>, ExchangeError> {
        let asset = Coin::parse("USDT").unwrap();
        Ok(vec![AssetBalance { asset, free: 100_000.into(), locked: 0.into() }])
    }

    async fn open_orders(&self, _: Option<&Symbol>) -> Result<Vec<VenueOrder>, ExchangeError> {
        Ok(Vec::new())
    }

    async fn orders_since(&self, _: &Symbol, _: Timestamp) -> Result<Vec<VenueOrder>, ExchangeError> {
        Ok(Vec::new())
    }

    async fn trades(&self, _: &Symbol, _: TradesFrom) -> Result<Vec<VenueTrade>, ExchangeError> {
        Ok(Vec::new())
    }
}

pub struct House {
    pub url: String,
    pub desk: Arc<Desk>,
    pub clock: ManualClock,
    pub exchanges: Arc<FakeExchanges>,
    pub settings: Settings,
    access: Arc<AccessService>,
    shutdown: Shutdown,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    pub dir: TempDir,
}

impl House {
    pub async fn open(database: Database, change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = match database {
            Database::Sqlite => format!("sqlite:{}", dir.path().join("keys.sqlite").display()),
            Database::Postgres(url) => url,
        };
        let mut settings = Settings::for_data_dir(dir.path(), DatabaseUrl::parse(&url).unwrap());
        change(&mut settings);
        Self::start(dir, settings, ManualClock::default()).await
    }

    async fn start(dir: TempDir, settings: Settings, clock: ManualClock) -> Self {
        let mut exchanges = None;
        let arrange = |desk: &mut Desk| {
            let outside = exchanges.insert(FakeExchanges::of(desk));
            desk.exchanges = Some(Arc::clone(outside) as Arc<dyn Exchanges>);
        };
        let app = Application::build_with(settings.clone(), Arc::new(clock.clone()), arrange).await.unwrap();
        let exchanges = exchanges.unwrap();
        let (desk, access) = (Arc::clone(app.desk()), Arc::clone(app.access()));
        let (url, shutdown) = (format!("http://127.0.0.1:{}", app.port()), app.shutdown());
        let server = tokio::spawn(app.run_until_stopped());
        Self { url, desk, clock, exchanges, settings, access, shutdown, server, dir }
    }

    /// Ends the application, lets something happen to its files, and starts it again.
    pub async fn restart(self, meanwhile: impl FnOnce(&std::path::Path)) -> Self {
        let Self { dir, settings, clock, shutdown, server, desk, access, .. } = self;
        shutdown.begin();
        server.await.unwrap().unwrap();
        drop((desk, access));
        meanwhile(dir.path());
        Self::start(dir, settings, clock).await
    }

    /// Ends the application and leaves its files.
    pub async fn end(self) -> (TempDir, Settings) {
        self.shutdown.begin();
        self.server.await.unwrap().unwrap();
        (self.dir, self.settings)
    }

    pub async fn person(&self, name: &str, role: Role) -> Client {
        if self.access.user_by_name(name).await.is_err() {
            self.access.create_user(name, role, PASSWORD.into(), &Actor::Cli).await.unwrap();
        }
        let mut client = Client::new(&self.url);
        client.login(name, PASSWORD).await;
        client
    }

    pub async fn admin(&self) -> Client {
        self.person("admin", Role::Admin).await
    }

    pub async fn program(&self, scope: TokenScope) -> Client {
        self.person("admin", Role::Admin).await;
        let (_, secret) = self.access.create_token("admin", scope.as_str(), scope).await.unwrap();
        Client::new(&self.url).with_token(secret.expose_secret())
    }

    /// A model that asks before it trades, and that the scheduler leaves alone.
    pub async fn model(&self, name: &str) -> i64 {
        let id = TraderId(self.desk.next_id(IdKind::Trader).await.unwrap());
        let book = BookId(self.desk.next_id(IdKind::Book).await.unwrap());
        let settings = TraderSettings::default();
        let capital = Money::new(settings.initial_capital);
        let trader = Trader {
            id,
            name: name.to_owned(),
            provider_id: BUILT_IN_PROVIDER,
            model_name: "buy_and_hold".to_owned(),
            exchange_type: ExchangeType::Binance,
            axes: Axes { automation_level: AutomationLevel::SemiAutomated, ..Axes::default() },
            state: TradingState::Active,
            settings,
            next_run_at: Some(self.now().plus_ms(3_650 * DAY_MS)),
            api_errors: 0,
            model_errors: 0,
            created_at: self.now(),
            deleted_at: None,
            version: 1,
        };
        let changes = Changes {
            new_traders: vec![trader],
            new_books: vec![Book::open(book, id, VenueKind::Simulation, capital, self.now())],
            ..Changes::default()
        };
        self.desk.store.commit(changes).await.unwrap();
        id.0
    }

    /// A decision that waits; its id.
    pub async fn waiting(&self, admin: &mut Client, model: i64) -> i64 {
        let body = json!({
            "decisions": { "BTC": { "signal": "buy_to_enter", "quantity": "0.001" } },
            "market_data": { "BTC": { "price": "43250" } },
        });
        let cycle = admin.api("POST", &format!("/api/models/{model}/cycle"), body).await.json();
        cycle["pending"][0]["decision_id"].as_i64().unwrap_or_else(|| panic!("nothing waits: {cycle}"))
    }

    /// Kinds, severities and states of incidents, newest first.
    pub async fn incidents(&self) -> Vec<(String, String, String)> {
        let rows = self.desk.store.incidents(IncidentFilter::default(), Page::first(50)).await.unwrap();
        let words = |row: &countersign::domain::incident::Incident| {
            (row.kind.as_str().to_owned(), row.severity.as_str().to_owned(), row.status.as_str().to_owned())
        };
        rows.iter().map(words).collect()
    }

    pub async fn credential(&self, model: i64, environment: ExchangeEnvironment) -> Option<Credential> {
        self.desk.store.credential(TraderId(model), environment).await.unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

pub fn keys(model: i64) -> String {
    format!("/api/models/{model}/exchange/credentials")
}

pub fn validate(model: i64) -> String {
    format!("/api/models/{model}/exchange/validate")
}

/// A body with a testnet pair.
pub fn testnet_pair() -> Value {
    json!({ "testnet_api_key": KEY, "testnet_api_secret": SECRET })
}

/// A body with a mainnet pair.
pub fn mainnet_pair() -> Value {
    json!({ "api_key": OTHER_KEY, "api_secret": OTHER_SECRET })
}

/// Runs each story on SQLite and on PostgreSQL, as two tests.
macro_rules! in_each_house {
    ($(async fn $name:ident($house:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a story may need none of its module's imports")]
            use super::*;

            async fn story($house: $crate::credentials::house::House) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story($crate::credentials::house::House::open($crate::support::Database::Sqlite, |_| {}).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = $crate::support::postgres::new_database().await {
                    story($crate::credentials::house::House::open(database, |_| {}).await).await;
                }
            }
        }
    )+};
}
