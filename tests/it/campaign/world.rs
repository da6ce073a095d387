//! One exchange, and one house that trades on it as the workers do.

use crate::paper_exchange::house::{Wire, sign};
use crate::support::sqlite;
use countersign::adapters::clock::SystemClock;
use countersign::adapters::market::synthetic::{SyntheticConfig, SyntheticMarket};
use countersign::adapters::paper_exchange::{AccountSpec, FaultScript, LimitsMode, PaperConfig, PaperExchange};
use countersign::app::Application;
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::decision::{Decision, DecisionStatus};
use countersign::domain::ids::{BUILT_IN_PROVIDER, DecisionId, TraderId};
use countersign::domain::market::Coin;
use countersign::domain::money::Quantity;
use countersign::domain::reconciliation::{ReconciliationRun, RunOutcome};
use countersign::domain::signal::Signal;
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{AutomationLevel, Axes, ExchangeEnvironment, TradingEnvironment};
use countersign::ports::advisor::Proposal;
use countersign::ports::clock::Clock;
use countersign::ports::market_data::MarketData;
use countersign::services::credentials::{GivenPair, save, verify};
use countersign::services::decide::{ApproveRequest, approve};
use countersign::services::desk::Desk;
use countersign::services::models::{self, NewModel};
use countersign::services::protect::{CloseError, close_position};
use countersign::services::reconcile::{reconcile_due, reconcile_now};
use countersign::services::resolve_unknown::resolve_due;
use countersign::services::run_cycle::{CycleRequest, run};
use countersign::services::submit_order::{follow_up, submit_due};
use countersign::settings::{DATABASE_FILE, DatabaseUrl, MarketChoice, Settings};
use countersign::workers::ProcessLease;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;

pub const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
pub const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
/// What each account begins with.
pub const BEGINS_WITH: [(&str, i64); 3] = [("USDT", 100_000), ("BTC", 1), ("BNB", 10)];
/// Who acts in these stories.
pub const ANN: &str = "ann";

/// How long until every order is final. Proven absence takes half a minute; a busy machine takes its own time.
const SETTLES_WITHIN: Duration = Duration::from_secs(240);
/// How long until the books agree once nothing goes wrong any more: a reconciliation that died holds its account for two
/// minutes.
const AGREES_WITHIN: Duration = Duration::from_secs(180);
/// How often a person tries what the exchange's trouble kept from being done.
const TRIES_MAX: usize = 30;
/// Time between two tries.
const TRY_EVERY: Duration = Duration::from_millis(700);
/// How often the state of orders is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

pub fn btc() -> Coin {
    Coin::parse("BTC").unwrap()
}

/// A wish to buy.
pub fn purchase(quantity: &str) -> Proposal {
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

/// The prices of every exchange of a campaign, which move with the wall clock.
pub fn market() -> Arc<dyn MarketData> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    let config = SyntheticConfig { seed: 1, origin: now, start_at: now, speed: 1 };
    Arc::new(SyntheticMarket::new(config, clock).unwrap())
}

/// An exchange with one account.
pub async fn exchange(market: &Arc<dyn MarketData>) -> PaperExchange {
    exchange_with(market, "").await
}

/// The same with options of its account, such as `bnb-burn`.
pub async fn exchange_with(market: &Arc<dyn MarketData>, options: &str) -> PaperExchange {
    let balances = BEGINS_WITH.map(|(asset, amount)| format!("{asset}={amount}")).join(",");
    let options = if options.is_empty() { String::new() } else { format!(":{options}") };
    let config = PaperConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        market: Arc::clone(market),
        clock: Arc::new(SystemClock),
        accounts: vec![AccountSpec::parse(&format!("{KEY}:{SECRET}:{balances}{options}")).unwrap()],
        fee_bps: Decimal::TEN,
        limits: LimitsMode::Binance,
        state: None,
        state_lines_max: None,
        faults: FaultScript::default(),
    };
    PaperExchange::start(config).await.unwrap()
}

/// The account as its owner sees it, with signatures that are not the client's.
pub struct Owner(Wire);

impl Owner {
    pub fn of(exchange: &PaperExchange) -> Self {
        Self(Wire::new(&exchange.url()))
    }

    async fn ask(&self, path: &str, params: &str) -> Value {
        self.call("GET", path, params).await
    }

    /// Places an order past the desk.
    pub async fn place(&self, params: &str) -> Value {
        self.call("POST", "/api/v3/order", params).await
    }

    async fn call(&self, method: &str, path: &str, params: &str) -> Value {
        let separator = if params.is_empty() { "" } else { "&" };
        let payload = format!("{params}{separator}recvWindow=60000&timestamp={}", SystemClock.now().0);
        let target = format!("{path}?{payload}&signature={}", sign(SECRET, &payload));
        self.0.send(method, &target, &[("X-MBX-APIKEY", KEY)], "").await.good()
    }

    pub async fn orders(&self) -> Vec<Value> {
        self.ask("/api/v3/allOrders", "symbol=BTCUSDT&limit=1000").await.as_array().unwrap().clone()
    }

    pub async fn trades(&self) -> Vec<Value> {
        self.ask("/api/v3/myTrades", "symbol=BTCUSDT&limit=1000").await.as_array().unwrap().clone()
    }

    /// What is free or tied up, by asset.
    pub async fn balances(&self) -> BTreeMap<String, Decimal> {
        let account = self.ask("/api/v3/account", "").await;
        let amount = |value: &Value| value.as_str().unwrap().parse::<Decimal>().unwrap();
        let row =
            |row: &Value| (row["asset"].as_str().unwrap().to_owned(), amount(&row["free"]) + amount(&row["locked"]));
        account["balances"].as_array().unwrap().iter().map(row).collect()
    }
}

/// The program over a directory, put together as `serve` puts it together; its workers' rounds are started by a story.
pub struct House {
    pub desk: Arc<Desk>,
    lease: Arc<ProcessLease>,
    /// Keeps the database open; behind a lock because a server is not shared.
    _app: Mutex<Application>,
}

impl House {
    /// Opens the house in a directory; the first time with an empty, migrated database.
    pub async fn open(dir: &Path, exchange_url: &str, arrange: impl FnOnce(&mut Desk) + Send) -> Self {
        let file = dir.join(DATABASE_FILE);
        if !file.exists() {
            sqlite::new_database(&file).await;
        }
        let url = DatabaseUrl::parse(&format!("sqlite:{}", file.display())).unwrap();
        let settings = Settings {
            // Nothing is simulated here, so no prices are made up for it.
            market: MarketChoice::Binance,
            binance_data_url: exchange_url.to_owned(),
            binance_testnet_url: exchange_url.to_owned(),
            ..Settings::for_data_dir(dir, url)
        };
        let app = Application::build_with(settings, Arc::new(SystemClock), arrange).await.unwrap();
        let desk = Arc::clone(app.desk());
        let lease = Arc::new(ProcessLease::new(Arc::clone(&desk)));
        Self { desk, lease, _app: Mutex::new(app) }
    }

    /// A model that asks and trades live, with verified keys, whose account has been seen once.
    pub async fn furnish(&self, style: &str) -> Trader {
        let axes = Axes {
            trading_environment: TradingEnvironment::Live,
            automation_level: AutomationLevel::SemiAutomated,
            exchange_environment: ExchangeEnvironment::Testnet,
        };
        let settings = [("order_style", style), ("supported_assets", "BTC")];
        let new = NewModel {
            name: "Sage".to_owned(),
            provider_id: BUILT_IN_PROVIDER.0,
            model_name: "random".to_owned(),
            settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
            axes,
        };
        let trader = models::create(&self.desk, new, ANN).await.unwrap();
        let environment = ExchangeEnvironment::Testnet;
        let pair = GivenPair { environment, api_key: KEY.into(), api_secret: SECRET.into() };
        save(&self.desk, trader.id, &[pair], ANN).await.unwrap();
        verify(&self.desk, trader.id, environment, ANN).await.unwrap();
        assert_eq!(reconcile_due(&self.desk).await.unwrap(), 1, "first contact");
        trader
    }

    /// A purchase that waits for a person.
    pub async fn propose(&self, trader: TraderId, quantity: &str) -> Decision {
        self.propose_with(trader, purchase(quantity)).await
    }

    /// A proposal for BTC that waits for a person.
    pub async fn propose_with(&self, trader: TraderId, proposal: Proposal) -> Decision {
        let decisions = Some(vec![(btc(), Ok(proposal))]);
        let request = CycleRequest { decisions, ..CycleRequest::ask(trader, CycleTrigger::Api, "bot") };
        let cycle = run(&self.desk, request).await.unwrap();
        let decision = self.desk.store.decisions_of_cycle(cycle).await.unwrap().remove(0);
        assert_eq!(decision.status(), DecisionStatus::Pending, "{}", decision.risk.reasons());
        decision
    }

    /// Approves as a person does who tries again while the exchange is in trouble. Whether there is an order.
    pub async fn approve(&self, id: DecisionId, story: &Story) -> bool {
        for _ in 0..TRIES_MAX {
            let request = ApproveRequest { id, version: None, digest: None, modifications: None, by: ANN.to_owned() };
            match approve(&self.desk, &request).await {
                Ok((_, order)) => {
                    story.note(format!("approved as order {order}"));
                    return true;
                }
                Err(error) => story.note(format!("not approved: {error}")),
            }
            let decision = self.desk.store.decision(id).await.unwrap().unwrap();
            if decision.status() != DecisionStatus::Pending {
                return false;
            }
            sleep(TRY_EVERY).await;
        }
        false
    }

    /// Closes what is held, likewise. Whether there is an order.
    pub async fn close(&self, trader: &Trader, story: &Story) -> bool {
        for _ in 0..TRIES_MAX {
            match close_position(&self.desk, trader, &btc(), ANN).await {
                Ok(order) => {
                    story.note(format!("closing by order {}", order.id));
                    return true;
                }
                Err(error @ (CloseError::NothingHeld(_) | CloseError::Dust(_))) => {
                    story.note(format!("nothing to close: {error}"));
                    return false;
                }
                Err(error) => story.note(format!("not closed: {error}")),
            }
            sleep(TRY_EVERY).await;
        }
        false
    }

    /// One round of the submitter.
    pub async fn send(&self) {
        let sender = self.lease.hold().await.unwrap().unwrap();
        submit_due(&self.desk, &sender).await.unwrap();
    }

    /// The rounds of submitter, follower and reconciler, side by side and as often as the workers make them. They end
    /// when what is returned is dropped.
    pub fn start_rounds(&self, story: &Story) -> JoinSet<()> {
        let mut rounds = JoinSet::new();
        let (desk, lease, told) = (Arc::clone(&self.desk), Arc::clone(&self.lease), story.clone());
        rounds.spawn(async move {
            loop {
                match lease.hold().await {
                    Ok(Some(sender)) => told.trouble("sending", submit_due(&desk, &sender).await),
                    other => told.trouble("holding the lease", other),
                }
                tokio::select! {
                    () = desk.submit_wake.notified() => {}
                    () = sleep(Duration::from_millis(500)) => {}
                }
            }
        });
        let (desk, lease, told) = (Arc::clone(&self.desk), Arc::clone(&self.lease), story.clone());
        rounds.spawn(async move {
            loop {
                if lease.hold().await.is_ok_and(|held| held.is_some()) {
                    told.trouble("following", follow_up(&desk).await);
                    told.trouble("asking", resolve_due(&desk).await);
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
        let (desk, told) = (Arc::clone(&self.desk), story.clone());
        rounds.spawn(async move {
            loop {
                told.trouble("reconciling", reconcile_due(&desk).await);
                sleep(Duration::from_secs(2)).await;
            }
        });
        rounds
    }

    /// Waits until every order is final.
    pub async fn settled(&self) -> Result<(), String> {
        let until = Instant::now() + SETTLES_WITHIN;
        loop {
            let open = self.desk.store.open_orders(None).await.map_err(|error| error.to_string())?;
            if open.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                let shown: Vec<String> = open.iter().map(|order| format!("{} {}", order.id, order.status())).collect();
                return Err(format!("after {} s these are still open: {shown:?}", SETTLES_WITHIN.as_secs()));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Reconciles until books and account agree.
    pub async fn agreed(&self, trader: TraderId, story: &Story) -> Result<ReconciliationRun, String> {
        let held = self.desk.store.credential(trader, ExchangeEnvironment::Testnet).await.unwrap().unwrap();
        let until = Instant::now() + AGREES_WITHIN;
        loop {
            let said = match reconcile_now(&self.desk, &held.fingerprint, ANN).await {
                Ok(run) if run.outcome == RunOutcome::Agreed => return Ok(run),
                Ok(run) => format!("{:?}: {}", run.outcome, run.summary),
                Err(error) => error.to_string(),
            };
            story.note(format!("not agreed: {said}"));
            if Instant::now() > until {
                return Err(format!("books and account do not agree: {said}"));
            }
            sleep(TRY_EVERY).await;
        }
    }
}

/// Plays something on a thread of its own, so that a panic is that one's failure.
pub async fn apart<T, F>(play: impl FnOnce() -> F + Send + 'static) -> Result<T, String>
where
    T: Send + 'static,
    F: Future<Output = Result<T, String>>,
{
    let runtime = Handle::current();
    let played = tokio::task::spawn_blocking(move || runtime.block_on(play())).await;
    played.unwrap_or_else(|panic| Err(format!("panicked: {panic}")))
}

/// What happened, for whoever reads a failure.
#[derive(Clone)]
pub struct Story {
    begun: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Default for Story {
    fn default() -> Self {
        Self { begun: Instant::now(), lines: Arc::default() }
    }
}

impl Story {
    pub fn note(&self, line: String) {
        self.lines.lock().unwrap().push(format!("{:>8.1} s  {line}", self.begun.elapsed().as_secs_f32()));
    }

    /// Workers log a failed round and go on.
    fn trouble<T>(&self, doing: &str, outcome: Result<T, impl std::fmt::Display>) {
        if let Err(error) = outcome {
            self.note(format!("{doing} failed: {error}"));
        }
    }

    pub fn told(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}
