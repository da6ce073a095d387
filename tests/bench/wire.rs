//! From the click on "Approve" to the order's first bytes on the wire: the program with all its workers, live on a paper
//! exchange, both in this process, and a listener on the wire between them.

use crate::client::{Client, PASSWORD};
use crate::median;
use crate::wiretap::Wiretap;
use countersign::adapters::clock::SystemClock;
use countersign::adapters::market::synthetic::{SyntheticConfig, SyntheticMarket};
use countersign::adapters::paper_exchange::{AccountSpec, FaultScript, LimitsMode, PaperConfig, PaperExchange};
use countersign::app::Application;
use countersign::domain::access::{Actor, Role, TokenScope};
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::ids::{BUILT_IN_PROVIDER, DecisionId};
use countersign::domain::market::Coin;
use countersign::domain::money::Quantity;
use countersign::domain::time::HOUR_MS;
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{AutomationLevel, Axes, ExchangeEnvironment, TradingEnvironment};
use countersign::ports::advisor::Proposal;
use countersign::ports::clock::Clock;
use countersign::ports::market_data::MarketData;
use countersign::ports::store::{AuditEntry, Changes};
use countersign::services::credentials::{GivenPair, save, verify};
use countersign::services::desk::Desk;
use countersign::services::models::{self, NewModel};
use countersign::services::reconcile::reconcile_due;
use countersign::services::run_cycle::{CycleRequest, run};
use countersign::settings::{DatabaseUrl, Settings, secure_data_dir};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Clicks that are timed.
const CLICKS: usize = 60;
/// Clicks before that: the first order of a key is tried out at the exchange first.
const WARM_UP: usize = 3;
/// How often the wire and the orders are looked at; the moment that counts was noted when it came.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The longest wait for one order.
const PATIENCE: Duration = Duration::from_secs(30);
/// What an order looks like on the wire.
const ORDER: &str = "POST /api/v3/order";
/// Binance's published examples; no account has them.
const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

/// What was measured; medians.
pub struct WireFigures {
    /// From the click to the order's first bytes.
    pub whole: Duration,
    /// Two of the smallest durable commits, measured before each click.
    pub commits: Duration,
    /// The first without the second, click by click.
    pub beyond: Duration,
}

/// Measures approvals one after the other, each when the order before it is done.
pub async fn measure(dir: &Path) -> WireFigures {
    let exchange = exchange().await;
    let wire = Wiretap::to(&exchange.url()).await;
    let app = Application::build_at(settings(dir, &wire.url), Arc::new(SystemClock)).await.unwrap();
    let (desk, access, shutdown) = (Arc::clone(app.desk()), Arc::clone(app.access()), app.shutdown());
    let mut ann = Client::new(&app.url());
    let server = tokio::spawn(app.run_until_stopped());
    access.create_user("ann", Role::Admin, PASSWORD.into(), &Actor::Cli).await.unwrap();
    let (_, token) = access.create_token("ann", "bench", TokenScope::Operate).await.unwrap();
    ann = ann.with_token(token.expose_secret());
    let trader = live_model(&desk).await;

    let (mut whole, mut commits, mut beyond) = (Vec::new(), Vec::new(), Vec::new());
    for click in 0..WARM_UP + CLICKS {
        let decision = proposed(&desk, &trader).await;
        wire.take();
        let pair = two_commits(&desk).await;
        let begun = Instant::now();
        let answer = ann.post(&format!("/api/pending-decisions/{decision}/approve"), json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let took = arrival(&wire).await - begun;
        if click >= WARM_UP {
            whole.push(took);
            commits.push(pair);
            beyond.push(took.saturating_sub(pair));
        }
        done(&desk).await;
    }
    shutdown.begin();
    server.await.unwrap().unwrap();
    exchange.stop().await;
    WireFigures { whole: median(whole), commits: median(commits), beyond: median(beyond) }
}

async fn exchange() -> PaperExchange {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    let market = SyntheticConfig { seed: 1, origin: now, start_at: now, speed: 1 };
    let market: Arc<dyn MarketData> = Arc::new(SyntheticMarket::new(market, Arc::clone(&clock)).unwrap());
    let config = PaperConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        market,
        clock,
        accounts: vec![AccountSpec::parse(&format!("{KEY}:{SECRET}:USDT=100000")).unwrap()],
        fee_bps: Decimal::TEN,
        limits: LimitsMode::Off,
        state: None,
        state_lines_max: None,
        faults: FaultScript::default(),
    };
    PaperExchange::start(config).await.unwrap()
}

fn settings(dir: &Path, exchange_url: &str) -> Settings {
    secure_data_dir(dir).unwrap();
    let url = DatabaseUrl::parse(&format!("sqlite:{}", super::house::database(dir).display())).unwrap();
    Settings { binance_testnet_url: exchange_url.to_owned(), ..Settings::for_data_dir(dir, url) }
}

/// A model that asks and trades live, and proposes nothing by itself while this is measured.
async fn live_model(desk: &Desk) -> Trader {
    let axes = Axes {
        trading_environment: TradingEnvironment::Live,
        automation_level: AutomationLevel::SemiAutomated,
        exchange_environment: ExchangeEnvironment::Testnet,
    };
    let settings = [
        ("supported_assets", "BTC"),
        ("trading_interval_minutes", "1440"),
        ("max_position_size_pct", "100"),
        ("max_daily_trades", "1000"),
        ("max_price_drift_bps", "10000"),
    ];
    let new = NewModel {
        name: "Sage".to_owned(),
        provider_id: BUILT_IN_PROVIDER.0,
        model_name: "random".to_owned(),
        settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        axes,
    };
    let trader = models::create(desk, new, "ann").await.unwrap();
    let far = desk.clock.now().plus_ms(1_000 * HOUR_MS);
    desk.store.commit(Changes { reschedules: vec![(trader.id, Some(far), 0)], ..Changes::default() }).await.unwrap();
    let environment = ExchangeEnvironment::Testnet;
    let pair = GivenPair { environment, api_key: KEY.into(), api_secret: SECRET.into() };
    save(desk, trader.id, &[pair], "ann").await.unwrap();
    verify(desk, trader.id, environment, "ann").await.unwrap();
    // The reconciler may have been there already.
    reconcile_due(desk).await.unwrap();
    trader
}

/// A purchase that waits.
async fn proposed(desk: &Desk, trader: &Trader) -> DecisionId {
    let coin = Coin::parse("BTC").unwrap();
    let proposal = Proposal { quantity: Quantity::parse("0.0002").ok(), ..super::house::purchase() };
    let proposal = Proposal { stop_loss: None, profit_target: None, ..proposal };
    let decisions = Some(vec![(coin, Ok(proposal))]);
    let request = CycleRequest { decisions, ..CycleRequest::ask(trader.id, CycleTrigger::Api, "bot") };
    let cycle = run(desk, request).await.unwrap();
    let decision = desk.store.decisions_of_cycle(cycle).await.unwrap().remove(0);
    assert_eq!(decision.status().as_str(), "pending", "{}", decision.risk.reasons());
    decision.id
}

/// The time of two durable commits that write next to nothing: what approving and sending cannot do without.
async fn two_commits(desk: &Desk) -> Duration {
    let begun = Instant::now();
    for _ in 0..2 {
        let entry = AuditEntry {
            at: desk.clock.now(),
            actor: "bench".into(),
            action: "bench.commit",
            subject: String::new(),
            detail: String::new(),
        };
        desk.store.commit(Changes { audit: vec![entry], ..Changes::default() }).await.unwrap();
    }
    begun.elapsed()
}

/// The moment at which the order's first bytes came through.
async fn arrival(wire: &Wiretap) -> Instant {
    let waited = Instant::now();
    loop {
        if let Some(at) = wire.first(ORDER) {
            return at;
        }
        assert!(waited.elapsed() < PATIENCE, "no order came: {:?}", wire.take());
        sleep(LOOK_EVERY).await;
    }
}

/// Waits until nothing is on its way any more.
async fn done(desk: &Desk) {
    let waited = Instant::now();
    while !desk.store.open_orders(None).await.unwrap().is_empty() {
        assert!(waited.elapsed() < PATIENCE, "an order stays open");
        sleep(LOOK_EVERY).await;
    }
}
