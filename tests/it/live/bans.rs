//! An exchange that asked us to wait is not called before the moment it named, by a process that was not there either.

use super::house::{KEY, SECRET, until};
use crate::support::app::Workers;
use crate::support::hand_market::HandMarket;
use crate::support::{Database, Stage, TestApp};
use countersign::adapters::clock::SystemClock;
use countersign::adapters::paper_exchange::{
    AccountSpec, Action, Fault, FaultScript, LimitsMode, PaperConfig, PaperExchange,
};
use countersign::domain::credential::CheckCode;
use countersign::domain::ids::{BUILT_IN_PROVIDER, TraderId};
use countersign::domain::market::Symbol;
use countersign::domain::time::Timestamp;
use countersign::domain::venue_kind::{AutomationLevel, Axes, ExchangeEnvironment, TradingEnvironment, VenueKind};
use countersign::ports::clock::Clock;
use countersign::services::credentials::{GivenPair, save, verify};
use countersign::services::models::{self, NewModel};
use countersign::services::reconcile::reconcile_now;
use rust_decimal::Decimal;
use std::sync::Arc;

/// What the exchange asks for, in seconds.
const WAIT: u64 = 600;
const TESTNET: ExchangeEnvironment = ExchangeEnvironment::Testnet;

/// The program with all its workers, a clock that stands still, and the exchange that it trades on.
pub struct Banned {
    app: TestApp,
    exchange: PaperExchange,
}

impl Stage for Banned {
    async fn on(database: Database) -> Self {
        let config = PaperConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            market: HandMarket::new(),
            clock: Arc::new(SystemClock),
            accounts: vec![AccountSpec::parse(&format!("{KEY}:{SECRET}:USDT=100000,BTC=1")).unwrap()],
            fee_bps: Decimal::TEN,
            limits: LimitsMode::Binance,
            state: None,
            state_lines_max: None,
            faults: FaultScript::default(),
        };
        let exchange = PaperExchange::start(config).await.unwrap();
        let url = exchange.url();
        let app =
            TestApp::open(database, Workers::Running, |settings| settings.binance_testnet_url = url, |_| {}).await;
        Self { app, exchange }
    }
}

impl Banned {
    /// A live model whose key has passed.
    async fn model(&self) -> TraderId {
        let axes = Axes {
            trading_environment: TradingEnvironment::Live,
            automation_level: AutomationLevel::SemiAutomated,
            exchange_environment: TESTNET,
        };
        let (name, model_name) = ("Sage".to_owned(), "random".to_owned());
        let new = NewModel { name, provider_id: BUILT_IN_PROVIDER.0, model_name, settings: Vec::new(), axes };
        let id = models::create(&self.app.desk, new, "ann").await.unwrap().id;
        let pair = GivenPair { environment: TESTNET, api_key: KEY.into(), api_secret: SECRET.into() };
        save(&self.app.desk, id, &[pair], "ann").await.unwrap();
        assert_eq!(self.asks(id).await, CheckCode::Ok);
        id
    }

    /// What a signed question comes to.
    async fn asks(&self, id: TraderId) -> CheckCode {
        verify(&self.app.desk, id, TESTNET, "ann").await.unwrap().code
    }

    fn every_request(&self, action: Action, count: Option<u64>) -> FaultScript {
        let fault = Fault { method: None, path: None, count, ..Fault::once("GET", "", action) };
        FaultScript { seed: 1, faults: vec![fault] }
    }
}

async fn is_obeyed(mut stage: Banned, action: Action) {
    let id = stage.model().await;
    stage.exchange.faults().set(stage.every_request(action, Some(1)));
    // Whoever asks next is told; a worker may be quicker than we are.
    assert_eq!(stage.asks(id).await, CheckCode::RateLimited);
    let named = stage.app.clock.now().plus_ms(i64::try_from(WAIT * 1_000).unwrap());
    let store = Arc::clone(&stage.app.desk.store);
    let written = until("the moment written down", async || store.meta("exchange_ban_testnet").await.unwrap()).await;
    assert_eq!(written, named.0.to_string());
    drop(store);

    // From here on every request that leaves is counted, and answered by nobody.
    stage.exchange.faults().set(stage.every_request(Action::DropBefore, None));
    stage.app = stage.app.restart().await;
    let desk = Arc::clone(&stage.app.desk);
    let exchanges = desk.exchanges.as_ref().unwrap();
    assert_eq!(exchanges.banned_until(VenueKind::Testnet), Some(named));
    let held = desk.store.credential(id, TESTNET).await.unwrap().unwrap();
    let market = exchanges.market(VenueKind::Testnet).unwrap();
    let moments = [stage.app.clock.now(), Timestamp(named.0 - 1)];
    for moment in moments {
        stage.app.clock.advance_ms(moment.since(stage.app.clock.now()));
        assert_eq!(stage.asks(id).await, CheckCode::RateLimited);
        // An hour's candles, an account's books: whoever wants them is told to wait.
        assert!(market.quotes(&[Symbol("BTCUSDT".into())]).await.is_err());
        // It fails, or a worker of the same mind holds the account already.
        let _ = reconcile_now(&desk, &held.fingerprint, "ann").await;
        assert_eq!(stage.exchange.faults().met(), 0, "nothing leaves before {}", named.0);
    }
    stage.app.clock.advance_ms(1);
    stage.asks(id).await;
    assert!(stage.exchange.faults().met() > 0, "the moment has come");
    stage.exchange.faults().clear();
    assert_eq!(stage.asks(id).await, CheckCode::Ok);
    drop((desk, market));
    stage.app.stop().await;
    stage.exchange.stop().await;
}

async fn a_ban_is_obeyed_over_a_restart(stage: Banned) {
    is_obeyed(stage, Action::Ban { retry_after: WAIT }).await;
}

async fn a_limit_is_obeyed_over_a_restart(stage: Banned) {
    is_obeyed(stage, Action::RateLimit { retry_after: WAIT }).await;
}

on_each_database!(a_ban_is_obeyed_over_a_restart, a_limit_is_obeyed_over_a_restart);
