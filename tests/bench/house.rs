//! The services over a database of their own, without workers.

use crate::median;
use crate::record::at_hand;
use countersign::adapters::advisors::BuiltInAdvisors;
use countersign::adapters::clock::SystemClock;
use countersign::adapters::market::synthetic::{SyntheticConfig, SyntheticMarket};
use countersign::adapters::simulation::SimulationVenue;
use countersign::adapters::stop_switch::FileStopSwitch;
use countersign::adapters::store::{Db, SqlStore, connect, migrate};
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::decision::Decision;
use countersign::domain::ids::{BUILT_IN_PROVIDER, DecisionId, InstallationTag, ProviderId};
use countersign::domain::market::Coin;
use countersign::domain::money::{Price, Quantity};
use countersign::domain::signal::Signal;
use countersign::domain::time::{HOUR_MS, Timestamp};
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{AutomationLevel, Axes, VenueKind};
use countersign::ports::advisor::Proposal;
use countersign::ports::clock::Clock;
use countersign::ports::market_data::MarketData;
use countersign::ports::store::{AuditEntry, Changes, IdKind, Lease};
use countersign::ports::venue::{Venue, VenueDirectory};
use countersign::services::decide::{ApproveRequest, approve};
use countersign::services::desk::{Desk, GivenQuotes, Markets, Policy, StopGate};
use countersign::services::live_feed::LiveFeed;
use countersign::services::models::{self, NewModel};
use countersign::services::providers::{self, CONCURRENCY, GivenProvider, TIMEOUT_SECONDS};
use countersign::services::run_cycle::{CycleRequest, run};
use countersign::services::submit_order::submit_due;
use countersign::settings::secure_data_dir;
use sea_orm::ConnectionTrait;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify};

/// Cycles that are timed.
const CYCLES: usize = 100;
/// Approvals that are timed, each of a model of its own.
const APPROVALS: usize = 60;
/// Decisions written at once when an inbox is filled.
const CHUNK: usize = 250;
/// Settings under which a model goes on trading, whatever it wins or loses.
pub const UNHINDERED: [(&str, &str); 3] =
    [("auto_pause_enabled", "false"), ("max_drawdown_pct", "90"), ("max_daily_trades", "1000")];

/// The database in a data directory.
pub fn database(dir: &Path) -> PathBuf {
    dir.join("countersign.sqlite")
}

/// The wall clock, moved ahead by hand.
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_ms(self.0.load(Ordering::SeqCst))
    }
}

struct OneVenue(Arc<dyn Venue>);

impl VenueDirectory for OneVenue {
    fn find(&self, kind: VenueKind) -> Option<Arc<dyn Venue>> {
        (kind == self.0.kind()).then(|| Arc::clone(&self.0))
    }
}

pub struct House {
    pub desk: Desk,
    db: Db,
    file: PathBuf,
    clock: Arc<Ahead>,
    lease: Lease,
}

pub struct CycleFigures {
    pub commit: Duration,
    pub whole: Duration,
    pub transactions: usize,
}

impl House {
    pub async fn open(dir: &Path) -> Self {
        secure_data_dir(dir).unwrap();
        let file = database(dir);
        let db = connect(&format!("sqlite:{}", file.display())).await.unwrap();
        migrate(&db).await.unwrap();
        let clock = Arc::new(Ahead(AtomicI64::new(0)));
        let wall: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let now = wall.now();
        let config = SyntheticConfig { seed: 7, origin: now, start_at: now, speed: 1 };
        let market: Arc<dyn MarketData> = Arc::new(SyntheticMarket::new(config, Arc::clone(&wall)).unwrap());
        let desk = Desk {
            store: Arc::new(SqlStore::new(db.clone())),
            clock: wall,
            markets: Markets { simulation: Arc::clone(&market), live: HashMap::new() },
            advisors: Arc::new(BuiltInAdvisors::new()),
            prompts: Arc::new(countersign::adapters::llm::prompt::Templates),
            bundles: Arc::new(countersign::adapters::bundle_codec::JsonBundles),
            venues: Arc::new(OneVenue(Arc::new(SimulationVenue::new(market)))),
            stop: StopGate::new(Arc::new(FileStopSwitch::beside(&file))),
            stop_recording: Mutex::new(()),
            live: LiveFeed::default(),
            installation: InstallationTag::parse("a1b2c3").unwrap(),
            given_quotes: GivenQuotes::default(),
            policy: Policy::default(),
            vault: Arc::new(countersign::ports::vault::NoVault),
            exchanges: None,
            process: "bench".into(),
            submit_wake: Notify::new(),
            background: countersign::services::background::Background::here(),
            ai: Some(at_hand()),
            postponed: Default::default(),
        };
        let far = now.plus_ms(i64::MAX / 4);
        let lease = desk.store.acquire_lease("process:bench", "bench", now, far, None).await.unwrap().unwrap();
        Self { desk, db, file, clock, lease }
    }

    pub async fn model(&self, name: &str, level: AutomationLevel, settings: &[(&str, &str)]) -> Trader {
        self.model_of(BUILT_IN_PROVIDER, "random", (name, level, settings)).await
    }

    /// A model of this provider.
    pub async fn model_of(
        &self,
        provider: ProviderId,
        model_name: &str,
        (name, level, settings): (&str, AutomationLevel, &[(&str, &str)]),
    ) -> Trader {
        let axes = Axes { automation_level: level, ..Axes::default() };
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let (name, model_name) = (name.to_owned(), model_name.to_owned());
        let new = NewModel { name, provider_id: provider.0, model_name, settings, axes };
        models::create(&self.desk, new, "ann").await.unwrap()
    }

    /// A provider at this address that takes and waits as much as one may.
    pub async fn provider(&self, name: &str, url: &str) -> ProviderId {
        let given = GivenProvider {
            name: name.to_owned(),
            base_url: url.to_owned(),
            max_concurrency: CONCURRENCY.1.to_string(),
            timeout_seconds: TIMEOUT_SECONDS.1.to_string(),
            ..GivenProvider::default()
        };
        providers::create(&self.desk, &given, "ann").await.unwrap().provider.id
    }

    /// Nobody asks this model while something is measured.
    pub async fn rest(&self, trader: &Trader) {
        let far = self.desk.clock.now().plus_ms(1_000 * HOUR_MS);
        let changes = Changes { reschedules: vec![(trader.id, Some(far), 0)], ..Changes::default() };
        self.desk.store.commit(changes).await.unwrap();
    }

    /// Cycles of six coins by rules.
    pub async fn cycles(&self) -> CycleFigures {
        let trader = self.model("random", AutomationLevel::FullyAutomated, &UNHINDERED).await;
        self.cycles_of(&trader).await
    }

    /// Cycles of a model, an hour of market time apart; what they order is sent in between.
    pub async fn cycles_of(&self, trader: &Trader) -> CycleFigures {
        let (mut whole, mut commit, mut transactions) = (Vec::new(), Vec::new(), Vec::new());
        for turn in 0..CYCLES {
            self.clock.0.fetch_add(HOUR_MS, Ordering::SeqCst);
            // Every tenth cycle begins with an empty log, so that its transactions can be counted in it.
            let counted = turn % 10 == 9;
            if counted {
                self.db.writer.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
            }
            let begun = Instant::now();
            let request = CycleRequest::ask(trader.id, CycleTrigger::Schedule, "countersign");
            run(&self.desk, request).await.unwrap();
            whole.push(begun.elapsed());
            if counted {
                transactions.push(commits_in_log(&self.file));
            }
            let entry = AuditEntry {
                at: self.desk.clock.now(),
                actor: "bench".into(),
                action: "bench.commit",
                subject: String::new(),
                detail: String::new(),
            };
            let begun = Instant::now();
            self.desk.store.commit(Changes { audit: vec![entry], ..Changes::default() }).await.unwrap();
            commit.push(begun.elapsed());
            while submit_due(&self.desk, &self.lease).await.unwrap() > 0 {}
        }
        transactions.sort_unstable();
        CycleFigures {
            commit: median(commit),
            whole: median(whole),
            transactions: transactions[transactions.len() / 2],
        }
    }

    /// A purchase that waits.
    async fn waiting(&self, name: &str) -> (Trader, Decision) {
        let settings = [("decision_ttl_minutes", "1440"), ("trading_interval_minutes", "1440")];
        let trader = self.model(name, AutomationLevel::SemiAutomated, &settings).await;
        let coin = Coin::parse("BTC").unwrap();
        let price = Price::parse("43250").unwrap();
        let request = CycleRequest {
            trader_id: trader.id,
            trigger: CycleTrigger::Api,
            decisions: Some(vec![(coin.clone(), Ok(purchase()))]),
            prices: vec![(coin, price)],
            propose_only: false,
            actor: "bot".into(),
        };
        let cycle = run(&self.desk, request).await.unwrap();
        let decision = self.desk.store.decisions_of_cycle(cycle).await.unwrap().remove(0);
        assert_eq!(decision.status().as_str(), "pending", "{}", decision.risk.reasons());
        (trader, decision)
    }

    /// From the approval to the order's durable row; nothing is sent.
    pub async fn approvals(&self) -> Duration {
        let mut times = Vec::new();
        for turn in 0..APPROVALS {
            let (_, decision) = self.waiting(&format!("model {turn}")).await;
            let request =
                ApproveRequest { id: decision.id, version: None, digest: None, modifications: None, by: "ann".into() };
            let begun = Instant::now();
            approve(&self.desk, &request).await.unwrap();
            times.push(begun.elapsed());
        }
        median(times)
    }

    /// So many decisions that wait, spread over four models as copies of real ones.
    pub async fn fill_inbox(&self, count: usize) {
        let mut patterns = Vec::new();
        for turn in 0..4 {
            let (trader, decision) = self.waiting(&format!("model {turn}")).await;
            patterns.push(decision);
            self.rest(&trader).await;
        }
        let mut missing = count - patterns.len();
        while missing > 0 {
            let size = missing.min(CHUNK);
            let ids = self.desk.store.reserve_ids(IdKind::Decision, u32::try_from(size).unwrap()).await.unwrap();
            let copy = |(turn, id): (usize, i64)| Decision { id: DecisionId(id), ..patterns[turn % 4].clone() };
            let new_decisions = ids.into_iter().enumerate().map(copy).collect();
            self.desk.store.commit(Changes { new_decisions, ..Changes::default() }).await.unwrap();
            missing -= size;
        }
    }
}

/// A wish to buy.
pub fn purchase() -> Proposal {
    Proposal {
        signal: Signal::BuyToEnter,
        quantity: Some(Quantity::parse("0.01").unwrap()),
        equity_pct: None,
        leverage: 1,
        confidence: "0.72".parse().ok(),
        profit_target: Price::parse("45000").ok(),
        stop_loss: Price::parse("42000").ok(),
        justification: "Rising on volume.".into(),
        explanation: BTreeMap::from([("EMA 9".to_owned(), "43,180.20".to_owned())]),
    }
}

/// Transactions in SQLite's write-ahead log: the frames that end one, of the log's current generation.
fn commits_in_log(file: &Path) -> usize {
    const HEAD: usize = 32;
    const FRAME_HEAD: usize = 24;
    let log = std::fs::read(format!("{}-wal", file.display())).unwrap();
    let number = |at: usize| log.get(at..at + 4).map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
    let page = number(8) as usize;
    let frames = (HEAD..log.len()).step_by(FRAME_HEAD + page);
    let current = frames.take_while(|at| log.get(at + 8..at + 16) == log.get(16..24));
    current.filter(|at| number(at + 4) != 0).count()
}
