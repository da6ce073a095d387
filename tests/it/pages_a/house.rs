//! A desk with a server in this process: synthetic prices that stand still, the built-in fill model, a sender.

use super::browser::{Client, PASSWORD};
use super::clock::ManualClock;
use actix_web::App;
use actix_web::HttpServer;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::Data;
use countersign::adapters::advisors::BuiltInAdvisors;
use countersign::adapters::market::synthetic::{SyntheticConfig, SyntheticMarket};
use countersign::adapters::simulation::SimulationVenue;
use countersign::adapters::stop_switch::FileStopSwitch;
use countersign::adapters::store::{Db, DbAccessStore, SqlStore, connect, migrate};
use countersign::domain::access::{Actor, Role};
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::decision::Decision;
use countersign::domain::ids::{InstallationTag, TraderId};
use countersign::domain::market::Coin;
use countersign::domain::money::{Price, Quantity};
use countersign::domain::signal::Signal;
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{AutomationLevel, Axes, VenueKind};
use countersign::ports::advisor::Proposal;
use countersign::ports::clock::Clock;
use countersign::ports::market_data::MarketData;
use countersign::ports::venue::{Venue, VenueDirectory};
use countersign::services::access::{AccessService, SessionLimits};
use countersign::services::desk::{Desk, GivenQuotes, Markets, Policy, StopGate};
use countersign::services::health::Health;
use countersign::services::live_feed::LiveFeed;
use countersign::services::models::{self, NewModel};
use countersign::services::run_cycle::{CycleRequest, run};
use countersign::services::shutdown::Shutdown;
use countersign::services::submit_order::submit_due;
use countersign::settings::SessionSecret;
use countersign::web::ctx::{Door, WebState};
use countersign::web::{compress, routes, security, session};
use std::collections::{BTreeMap, HashMap};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::sync::Notify;
use tracing_actix_web::TracingLogger;

struct OneVenue(Arc<dyn Venue>);

impl VenueDirectory for OneVenue {
    fn find(&self, kind: VenueKind) -> Option<Arc<dyn Venue>> {
        (kind == VenueKind::Simulation).then(|| Arc::clone(&self.0))
    }
}

pub struct House {
    pub desk: Arc<Desk>,
    pub clock: ManualClock,
    pub url: String,
    pub shutdown: Shutdown,
    access: Arc<AccessService>,
    pub server: tokio::task::JoinHandle<std::io::Result<()>>,
    dir: TempDir,
    statements: Arc<AtomicU64>,
}

/// A desk whose orders are sent as soon as they are journaled.
pub async fn house() -> House {
    let house = silent_house().await;
    let desk = Arc::clone(&house.desk);
    tokio::spawn(async move {
        let now = desk.clock.now();
        let lease = desk.store.acquire_lease("process:test", "test", now, now.plus_ms(i64::MAX / 4), None).await;
        let Ok(Some(lease)) = lease else { return };
        loop {
            desk.submit_wake.notified().await;
            let _ = submit_due(&desk, &lease).await;
        }
    });
    house
}

/// A desk whose orders stay where they are journaled.
pub async fn silent_house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("test.sqlite");
    let mut db = connect(&format!("sqlite:{}", file.display())).await.unwrap();
    migrate(&db).await.unwrap();
    let statements = Arc::new(AtomicU64::new(0));
    for connections in [&mut db.reader, &mut db.writer] {
        let statements = Arc::clone(&statements);
        connections.set_metric_callback(move |_| {
            statements.fetch_add(1, Ordering::SeqCst);
        });
    }
    let clock = ManualClock::default();
    let wall: Arc<dyn Clock> = Arc::new(clock.clone());
    let start = wall.now();
    let config = SyntheticConfig { seed: 7, origin: start, start_at: start, speed: 1 };
    let market: Arc<dyn MarketData> = Arc::new(SyntheticMarket::new(config, Arc::clone(&wall)).unwrap());
    let access_store: Arc<dyn countersign::ports::access_store::AccessStore> = Arc::new(DbAccessStore::new(db.clone()));
    let access = Arc::new(AccessService::new(Arc::clone(&access_store), Arc::clone(&wall), SessionLimits::default()));
    // The first-start page stays open until there is an administrator.
    access.create_user("admin", Role::Admin, PASSWORD.into(), &Actor::Cli).await.unwrap();
    let desk = desk_on(db, Arc::clone(&wall), market, &file, "test");
    let shutdown = Shutdown::new();
    let state = Data::new(WebState {
        access: Arc::clone(&access),
        health: Arc::new(Health::new(Arc::clone(&wall), access_store)),
        shutdown: shutdown.clone(),
        clock: wall,
        secret: SessionSecret::load_or_create(dir.path()).unwrap(),
        door: Door { behind_tls_proxy: false, loopback: true, public_hosts: Vec::new() },
    });
    let desk = Arc::new(desk);
    let data: Data<Desk> = Data::from(Arc::clone(&desk));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(data.clone())
            .wrap(session::middleware(&state))
            .wrap(from_fn(compress::pages))
            .wrap(Compress::default())
            .wrap(from_fn(security::harden))
            .wrap(TracingLogger::default())
            .configure(routes::configure)
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .unwrap()
    .run();
    let handle = server.handle();
    let ends = shutdown.clone();
    tokio::spawn(async move {
        ends.begun().await;
        handle.stop(true).await;
    });
    let server = tokio::spawn(server);
    House { desk, clock, url, shutdown, access, server, dir, statements }
}

/// The use cases over a database, as one process has them.
fn desk_on(db: Db, wall: Arc<dyn Clock>, market: Arc<dyn MarketData>, file: &Path, process: &str) -> Desk {
    Desk {
        store: Arc::new(SqlStore::new(db)),
        clock: wall,
        markets: Markets { simulation: Arc::clone(&market), live: HashMap::new() },
        advisors: Arc::new(BuiltInAdvisors::new()),
        venues: Arc::new(OneVenue(Arc::new(SimulationVenue::new(market)))),
        stop: StopGate::new(Arc::new(FileStopSwitch::beside(file))),
        stop_recording: tokio::sync::Mutex::new(()),
        live: LiveFeed::default(),
        installation: InstallationTag::parse("a1b2c3").unwrap(),
        given_quotes: GivenQuotes::default(),
        policy: Policy::default(),
        process: process.into(),
        submit_wake: Notify::new(),
    }
}

impl House {
    /// Statements put to the database so far.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::SeqCst)
    }

    /// Another process on the same database.
    pub async fn neighbour(&self) -> Desk {
        let file = self.dir.path().join("test.sqlite");
        let db = connect(&format!("sqlite:{}", file.display())).await.unwrap();
        let market = Arc::clone(&self.desk.markets.simulation);
        desk_on(db, Arc::clone(&self.desk.clock), market, &file, "neighbour")
    }

    pub async fn person(&self, name: &str, role: Role) -> Client {
        if self.access.user_by_name(name).await.is_err() {
            self.access.create_user(name, role, PASSWORD.into(), &Actor::Cli).await.unwrap();
        }
        let mut client = Client::new(&self.url);
        client.login(name, PASSWORD).await;
        client
    }

    pub async fn ann(&self) -> Client {
        self.person("ann", Role::Operator).await
    }

    pub async fn model(&self, name: &str, level: AutomationLevel, settings: &[(&str, &str)]) -> Trader {
        let axes = Axes { automation_level: level, ..Axes::default() };
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let new = NewModel { name: name.into(), provider_id: 1, model_name: "random".into(), settings, axes };
        models::create(&self.desk, new, "ann").await.unwrap()
    }

    /// Sends a decision in, at a price, and gives back what became of it.
    pub async fn propose(&self, trader: TraderId, coin: &str, proposal: Proposal, price: &str) -> Decision {
        let coin = Coin::parse(coin).unwrap();
        let request = CycleRequest {
            trader_id: trader,
            trigger: CycleTrigger::Api,
            decisions: Some(vec![(coin.clone(), Ok(proposal))]),
            prices: vec![(coin, Price::parse(price).unwrap())],
            propose_only: false,
            actor: "bot".into(),
        };
        let cycle = run(&self.desk, request).await.unwrap();
        self.desk.store.decisions_of_cycle(cycle).await.unwrap().remove(0)
    }

    /// A price that comes from outside, as with decisions sent in.
    pub fn price(&self, trader: TraderId, coin: &str, price: &str) {
        let at = self.desk.markets.simulation.now();
        let quote = countersign::domain::market::Quote { price: Price::parse(price).unwrap(), at };
        self.desk.given_quotes.put(trader, Coin::parse(coin).unwrap(), quote);
    }

    /// A model that asks, and a purchase that waits.
    pub async fn waiting(&self, name: &str) -> (Trader, Decision) {
        let model = self.model(name, AutomationLevel::SemiAutomated, &[]).await;
        let decision = self.propose(model.id, "BTC", buy("0.01", "Rising on volume."), "43250").await;
        assert_eq!(decision.status().as_str(), "pending", "{}", decision.risk.reasons());
        (model, decision)
    }
}

pub fn buy(quantity: &str, why: &str) -> Proposal {
    Proposal {
        signal: Signal::BuyToEnter,
        quantity: Some(Quantity::parse(quantity).unwrap()),
        leverage: 1,
        confidence: "0.72".parse().ok(),
        profit_target: Price::parse("45000").ok(),
        stop_loss: Price::parse("42000").ok(),
        justification: why.into(),
        explanation: BTreeMap::from([("EMA 9".to_owned(), "43,180.20".to_owned())]),
    }
}
