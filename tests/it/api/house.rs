//! The whole house in this process: a database of its own, a market and a clock moved by hand, the built-in fill model,
//! a sender of orders, and the server on a free port.

use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use async_trait::async_trait;
use countersign::adapters::advisors::BuiltInAdvisors;
use countersign::adapters::market::known_markets::KNOWN_MARKETS;
use countersign::adapters::simulation::SimulationVenue;
use countersign::adapters::stop_switch::FileStopSwitch;
use countersign::adapters::store::{DbAccessStore, SqlStore, connect, migrate};
use countersign::domain::access::{Actor, Role, TokenScope};
use countersign::domain::ids::InstallationTag;
use countersign::domain::instrument::InstrumentList;
use countersign::domain::market::{Candle, CandleInterval, Quote, Symbol};
use countersign::domain::money::{Price, Quantity};
use countersign::domain::time::Timestamp;
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::access_store::AccessStore;
use countersign::ports::clock::Clock;
use countersign::ports::market_data::{MarketData, MarketDataError, MarketSource};
use countersign::ports::store::SharedStore;
use countersign::ports::venue::{Venue, VenueDirectory};
use countersign::services::access::{AccessService, SessionLimits};
use countersign::services::desk::{Desk, GivenQuotes, Markets, Policy, StopGate};
use countersign::services::health::Health;
use countersign::services::live_feed::LiveFeed;
use countersign::services::shutdown::Shutdown;
use countersign::services::submit_order::submit_due;
use countersign::settings::SessionSecret;
use countersign::web::ctx::{Door, WebState};
use countersign::web::{routes, security, session};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// 2026-01-05T12:00:00Z.
const START: i64 = 1_767_614_400_000;
/// The password of the administrator.
pub const PASSWORD: &str = "correct horse battery";

/// Time that stands still until a story moves it.
pub struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Prices set by hand, as old as the clock says; a thick and even tape.
pub struct HandMarket {
    clock: Arc<HandClock>,
    prices: Mutex<BTreeMap<Symbol, Price>>,
}

#[async_trait]
impl MarketData for HandMarket {
    fn source(&self) -> MarketSource {
        MarketSource::Synthetic
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn instruments(&self) -> Result<Arc<InstrumentList>, MarketDataError> {
        Ok(Arc::new(InstrumentList::new(KNOWN_MARKETS.iter().map(|market| market.instrument()))))
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, MarketDataError> {
        let (prices, at) = (self.prices.lock().unwrap(), self.clock.now());
        let quote = |symbol: &Symbol| Some((symbol.clone(), Quote { price: *prices.get(symbol)?, at }));
        Ok(symbols.iter().filter_map(quote).collect())
    }

    async fn candles(
        &self,
        symbol: &Symbol,
        interval: CandleInterval,
        limit: usize,
    ) -> Result<Arc<[Candle]>, MarketDataError> {
        let price = self.prices.lock().unwrap().get(symbol).copied();
        let price = price.ok_or_else(|| MarketDataError::UnknownSymbol(symbol.clone()))?;
        let running = self.clock.now().floor_to(interval.ms());
        let candle = |age: i64| Candle {
            open_time: running.plus_ms(-age * interval.ms()),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Quantity::parse("100000").unwrap(),
        };
        Ok((1..=limit as i64).rev().map(candle).collect())
    }
}

struct OneVenue(Arc<SimulationVenue>);

impl VenueDirectory for OneVenue {
    fn find(&self, kind: VenueKind) -> Option<Arc<dyn Venue>> {
        (kind == VenueKind::Simulation).then(|| Arc::clone(&self.0) as Arc<dyn Venue>)
    }
}

/// A running house.
pub struct House {
    pub url: String,
    pub desk: Arc<Desk>,
    clock: Arc<HandClock>,
    market: Arc<HandMarket>,
    access: Arc<AccessService>,
    /// Orders leave the outbox only while this is set.
    pub sends: Arc<AtomicBool>,
    sender: JoinHandle<()>,
    _dir: TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

impl House {
    /// Opens the house with the administrator `admin` in it.
    pub async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("house.sqlite");
        let db = connect(&format!("sqlite:{}", file.display())).await.unwrap();
        migrate(&db).await.unwrap();
        let clock = Arc::new(HandClock(AtomicI64::new(START)));
        let market = Arc::new(HandMarket { clock: Arc::clone(&clock), prices: Mutex::default() });
        let access_store: Arc<dyn AccessStore> = Arc::new(DbAccessStore::new(db.clone()));
        let wall: Arc<dyn Clock> = clock.clone();
        let access =
            Arc::new(AccessService::new(Arc::clone(&access_store), Arc::clone(&wall), SessionLimits::default()));
        let desk = Arc::new(Desk {
            store: Arc::new(SqlStore::new(db)) as SharedStore,
            clock: Arc::clone(&wall),
            markets: Markets { simulation: market.clone(), live: HashMap::new() },
            advisors: Arc::new(BuiltInAdvisors::new()),
            venues: Arc::new(OneVenue(Arc::new(SimulationVenue::new(market.clone())))),
            stop: StopGate::new(Arc::new(FileStopSwitch::beside(&file))),
            stop_recording: tokio::sync::Mutex::new(()),
            live: LiveFeed::default(),
            installation: InstallationTag::parse("a1b2c3").unwrap(),
            given_quotes: GivenQuotes::default(),
            policy: Policy::default(),
            vault: Arc::new(countersign::ports::vault::NoVault),
            exchanges: None,
            process: "house".to_owned(),
            submit_wake: tokio::sync::Notify::new(),
        });
        let state = Data::new(WebState {
            access: Arc::clone(&access),
            health: Arc::new(Health::new(Arc::clone(&wall), access_store)),
            shutdown: Shutdown::new(),
            clock: wall,
            secret: SessionSecret::load_or_create(dir.path()).unwrap(),
            door: Door { behind_tls_proxy: false, loopback: true, public_hosts: Vec::new() },
        });
        let url = serve(state, Data::from(Arc::clone(&desk)));
        let sends = Arc::new(AtomicBool::new(true));
        let sender = tokio::spawn(send(Arc::clone(&desk), Arc::clone(&sends)));
        access.create_user("admin", Role::Admin, PASSWORD.into(), &Actor::Cli).await.unwrap();
        let house = Self { url, desk, clock, market, access, sends, sender, _dir: dir };
        for (symbol, price) in [("BTCUSDT", "43250"), ("ETHUSDT", "2500"), ("SOLUSDT", "100")] {
            house.price(symbol, price);
        }
        house
    }

    /// A program with a token of the administrator.
    pub async fn program(&self, scope: TokenScope) -> Caller {
        let (_, secret) = self.access.create_token("admin", scope.as_str(), scope).await.unwrap();
        Caller::new(&self.url, vec![("authorization".to_owned(), format!("Bearer {}", secret.expose_secret()))])
    }

    /// Sets a market's price.
    pub fn price(&self, symbol: &str, price: &str) {
        let price = Price::parse(price).unwrap();
        self.market.prices.lock().unwrap().insert(Symbol(symbol.to_owned()), price);
    }

    /// Lets time pass.
    pub fn pass_minutes(&self, minutes: i64) {
        self.clock.0.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }
}

fn serve(state: Data<WebState>, desk: Data<Desk>) -> String {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(desk.clone())
            .wrap(session::middleware(&state))
            .wrap(from_fn(security::harden))
            .configure(routes::configure)
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());
    url
}

/// Sends what is in the outbox, as the submitter does.
async fn send(desk: Arc<Desk>, sends: Arc<AtomicBool>) {
    let now = desk.clock.now();
    let until = now.plus_ms(365 * 86_400_000);
    let lease = desk.store.acquire_lease("process:house", "house", now, until, None).await.unwrap().unwrap();
    loop {
        if sends.load(Ordering::SeqCst) {
            submit_due(&desk, &lease).await.unwrap();
        }
        tokio::select! {
            () = desk.submit_wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} with no JSON: {}", self.status, self.text))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The JSON of a refusal with this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let json = self.expect(status);
        assert_eq!(json["error"]["code"], code, "{json}");
        for part in ["message", "fields"] {
            assert!(json["error"].get(part).is_some(), "{json}");
        }
        json
    }
}

/// A program that calls the API.
#[derive(Clone)]
pub struct Caller {
    base: String,
    http: reqwest::Client,
    headers: Vec<(String, String)>,
}

impl Caller {
    pub fn new(base: &str, headers: Vec<(String, String)>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { base: base.to_owned(), http, headers }
    }

    /// The same with one more header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut this = self.clone();
        this.headers.push((name.to_owned(), value.to_owned()));
        this
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body.to_string())).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Option<String>) -> Answer {
        self.send_as("application/json", method, path, body).await
    }

    pub async fn send_as(&self, kind: &str, method: &str, path: &str, body: Option<String>) -> Answer {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.header("content-type", kind).body(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let header = |(name, value): (_, &reqwest::header::HeaderValue)| {
            let name: &reqwest::header::HeaderName = name;
            (name.to_string(), value.to_str().unwrap_or_default().to_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        Answer { status, headers, text: response.text().await.unwrap() }
    }
}

/// A model that asks before it trades, and its id.
pub async fn asking_model(program: &Caller, name: &str) -> i64 {
    let id = plain_model(program, name).await;
    let path = format!("/api/models/{id}/automation");
    program.post(&path, serde_json::json!({ "automation": "semi_automated" })).await.expect(200);
    id
}

/// A model as it is created, and its id.
pub async fn plain_model(program: &Caller, name: &str) -> i64 {
    let body = serde_json::json!({ "name": name, "provider_id": 1, "model_name": "buy_and_hold" });
    program.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap()
}

/// Sends one decision to buy 0.001 BTC and returns what the cycle made of it.
pub async fn buy_btc(program: &Caller, model: i64) -> Value {
    let body = serde_json::json!({
        "decisions": { "BTC": { "signal": "buy_to_enter", "quantity": "0.001", "confidence": 0.7 } },
        "market_data": { "BTC": { "price": "43250.0" } }
    });
    program.post(&format!("/api/models/{model}/cycle"), body).await.expect(200)
}

/// The id of the only decision that waits in a cycle's answer.
pub fn waiting(cycle: &Value) -> i64 {
    cycle["pending"][0]["decision_id"].as_i64().unwrap_or_else(|| panic!("nothing waits: {cycle}"))
}
