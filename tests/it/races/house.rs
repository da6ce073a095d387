//! One database that several processes share: each has its own connections, desk and stop gate; market and time are one.

use crate::support::hurried::{OneAdvisor, Thinker};
use crate::support::{Database, ManualClock, OneVenue, postgres};
use countersign::adapters::market::synthetic::{SyntheticConfig, SyntheticMarket};
use countersign::adapters::simulation::SimulationVenue;
use countersign::adapters::stop_switch::{FileStopSwitch, SqlStopSwitch};
use countersign::adapters::store::{Db, SqlStore, connect, migrate};
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::decision::{Decision, DecisionStatus};
use countersign::domain::ids::{DecisionId, InstallationTag, TraderId};
use countersign::domain::market::Coin;
use countersign::domain::money::Quantity;
use countersign::domain::order::Order;
use countersign::domain::signal::Signal;
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{AutomationLevel, Axes};
use countersign::ports::advisor::Proposal;
use countersign::ports::clock::Clock;
use countersign::ports::market_data::MarketData;
use countersign::ports::stop_switch::StopSwitch;
use countersign::ports::store::{Lease, OrderFilter, Page};
use countersign::services::desk::{Desk, GivenQuotes, Markets, Policy, StopGate};
use countersign::services::live_feed::LiveFeed;
use countersign::services::models::{self, NewModel};
use countersign::services::run_cycle::{CycleRequest, run};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Notify;

pub struct Shared {
    pub url: String,
    pub clock: ManualClock,
    pub thinker: Arc<Thinker>,
    market: Arc<dyn MarketData>,
    file: PathBuf,
    _dir: TempDir,
}

impl Shared {
    pub async fn on(database: Database) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("shared.sqlite");
        let url = match database {
            Database::Sqlite => format!("sqlite:{}", file.display()),
            Database::Postgres(url) => url,
        };
        migrate(&connect(&url).await.unwrap()).await.unwrap();
        let clock = ManualClock::default();
        let start = clock.now();
        let config = SyntheticConfig { seed: 7, origin: start, start_at: start, speed: 1 };
        let market = Arc::new(SyntheticMarket::new(config, Arc::new(clock.clone())).unwrap());
        Self { url, clock, thinker: Arc::default(), market, file, _dir: dir }
    }

    pub async fn postgres() -> Option<Self> {
        Some(Self::on(postgres::new_database().await?).await)
    }

    /// Connections of one's own.
    pub async fn connection(&self) -> Db {
        connect(&self.url).await.unwrap()
    }

    /// One more process.
    pub async fn process(&self, name: &str) -> Arc<Desk> {
        let switch: Arc<dyn StopSwitch> = if self.url.starts_with("sqlite:") {
            Arc::new(FileStopSwitch::beside(&self.file))
        } else {
            Arc::new(SqlStopSwitch::connect(&self.url).await.unwrap())
        };
        Arc::new(Desk {
            store: Arc::new(SqlStore::new(self.connection().await)),
            clock: Arc::new(self.clock.clone()),
            markets: Markets { simulation: Arc::clone(&self.market), live: HashMap::new() },
            background: countersign::services::background::Background::here(),
            ai: None,
            advisors: Arc::new(OneAdvisor(Arc::clone(&self.thinker))),
            prompts: Arc::new(countersign::adapters::llm::prompt::Templates),
            bundles: Arc::new(countersign::adapters::bundle_codec::JsonBundles),
            venues: Arc::new(OneVenue(Arc::new(SimulationVenue::new(Arc::clone(&self.market))))),
            stop: StopGate::new(switch),
            stop_recording: tokio::sync::Mutex::new(()),
            live: LiveFeed::default(),
            installation: InstallationTag::parse("a1b2c3").unwrap(),
            given_quotes: GivenQuotes::default(),
            policy: Policy::default(),
            vault: Arc::new(countersign::ports::vault::NoVault),
            exchanges: None,
            process: name.to_owned(),
            submit_wake: Notify::new(),
            postponed: Default::default(),
        })
    }
}

pub fn btc() -> Coin {
    Coin::parse("BTC").unwrap()
}

pub fn buy(quantity: &str) -> Proposal {
    Proposal {
        signal: Signal::BuyToEnter,
        quantity: Some(Quantity::parse(quantity).unwrap()),
        equity_pct: None,
        leverage: 1,
        confidence: None,
        profit_target: None,
        stop_loss: None,
        justification: "Rising.".to_owned(),
        explanation: BTreeMap::new(),
    }
}

pub async fn model(desk: &Desk, name: &str, level: AutomationLevel) -> Trader {
    let axes = Axes { automation_level: level, ..Axes::default() };
    let (name, model_name) = (name.to_owned(), "random".to_owned());
    let new = NewModel { name, provider_id: 1, model_name, settings: Vec::new(), axes };
    models::create(desk, new, "ann").await.unwrap()
}

/// A cycle in which a purchase of bitcoin is sent in.
pub fn sent_in(trader: TraderId) -> CycleRequest {
    let decisions = Some(vec![(btc(), Ok(buy("0.001")))]);
    CycleRequest { decisions, ..CycleRequest::ask(trader, CycleTrigger::Api, "bot") }
}

/// A model that asks, and its purchase that waits.
pub async fn waiting(desk: &Desk, name: &str) -> (Trader, Decision) {
    let trader = model(desk, name, AutomationLevel::SemiAutomated).await;
    let cycle = run(desk, sent_in(trader.id)).await.unwrap();
    let decision = desk.store.decisions_of_cycle(cycle).await.unwrap().remove(0);
    assert_eq!(decision.status(), DecisionStatus::Pending, "{}", decision.risk.reasons());
    (trader, decision)
}

/// Every order of a decision.
pub async fn orders_of(desk: &Desk, decision: DecisionId) -> Vec<Order> {
    let page = Page { before: None, limit: 200 };
    let orders = desk.store.orders(OrderFilter::default(), page).await.unwrap();
    orders.into_iter().filter(|order| order.decision_id() == Some(decision)).collect()
}

/// The right to send, as the submitter of a process holds it.
pub async fn sender(desk: &Desk) -> Lease {
    let (now, name) = (desk.clock.now(), format!("process:{}", desk.process));
    let lease = desk.store.acquire_lease(&name, &desk.process, now, now.plus_ms(86_400_000), None).await;
    lease.unwrap().unwrap()
}

/// Runs each story on SQLite and on PostgreSQL, as two tests.
macro_rules! on_shared {
    ($(async fn $name:ident($shared:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a story may need none of its module's imports")]
            use super::*;

            async fn story($shared: $crate::races::house::Shared) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                story($crate::races::house::Shared::on($crate::support::Database::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                if let Some(shared) = $crate::races::house::Shared::postgres().await {
                    story(shared).await;
                }
            }
        }
    )+};
}
pub(crate) use on_shared;
