//! Our client over real HTTP at a paper exchange in this process.

use super::bench::{Bench, Trouble};
use crate::paper_exchange::house::{KEY, SECRET, Wire, sign};
use crate::support::hand_market::HandMarket;
use async_trait::async_trait;
use countersign::adapters::binance::client::BinanceClient;
use countersign::adapters::binance::host::{Host, HostConfig};
use countersign::adapters::binance::venue::BinanceAccount;
use countersign::adapters::clock::SystemClock;
use countersign::adapters::paper_exchange::{
    AccountSpec, Action, Fault, FaultScript, LimitsMode, PaperConfig, PaperExchange,
};
use countersign::domain::signal::Side;
use countersign::domain::venue_kind::ExchangeEnvironment;
use countersign::ports::clock::Clock;
use countersign::ports::store::JournaledOrder;
use countersign::ports::venue::{OrderContext, Venue, VenueFill};
use rust_decimal::Decimal;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ORDER: &str = "/api/v3/order";

pub struct Paper {
    exchange: PaperExchange,
    account: BinanceAccount,
    /// The owner of the account, who signs without our client.
    owner: Wire,
    /// Faults that a case asked for: each must be met.
    wanted: AtomicU64,
}

/// Our client at an address, with the key that Binance publishes as an example.
pub fn account_at(url: &str) -> BinanceAccount {
    let host = Arc::new(Host::new(HostConfig::new(url), Arc::new(SystemClock)).unwrap());
    let environment = ExchangeEnvironment::Testnet;
    let client = BinanceClient::new(host, environment, &KEY.to_owned().into(), &SECRET.to_owned().into());
    BinanceAccount::new(client.unwrap(), environment)
}

pub async fn open() -> Paper {
    let config = PaperConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        market: HandMarket::new(),
        clock: Arc::new(SystemClock),
        accounts: vec![AccountSpec::parse(&format!("{KEY}:{SECRET}:USDT=1000000,BTC=10")).unwrap()],
        fee_bps: Decimal::TEN,
        limits: LimitsMode::Binance,
        state: None,
        state_lines_max: None,
        faults: FaultScript::default(),
    };
    let exchange = PaperExchange::start(config).await.unwrap();
    let (account, owner) = (account_at(&exchange.url()), Wire::new(&exchange.url()));
    Paper { exchange, account, owner, wanted: AtomicU64::default() }
}

impl Paper {
    fn fault(&self, action: Action) {
        self.exchange.faults().add(Fault::once("POST", ORDER, action));
        self.wanted.fetch_add(1, Ordering::SeqCst);
    }

    async fn owner_asks(&self, method: &str, path: &str, params: &str) -> Value {
        let payload = format!("{params}&recvWindow=60000&timestamp={}", SystemClock.now().0);
        let target = format!("{path}?{payload}&signature={}", sign(SECRET, &payload));
        self.owner.send(method, &target, &[("X-MBX-APIKEY", KEY)], "").await.good()
    }
}

#[async_trait]
impl Bench for Paper {
    fn venue(&self) -> &dyn Venue {
        &self.account
    }

    /// A thousandth of what was received.
    fn fee(&self, side: Side, fill: &VenueFill) -> (Decimal, &'static str) {
        match side {
            Side::Buy => (fill.quantity.decimal() / Decimal::ONE_THOUSAND, "BTC"),
            Side::Sell => ((fill.price * fill.quantity).decimal() / Decimal::ONE_THOUSAND, "USDT"),
        }
    }

    fn absence_is_final(&self) -> bool {
        false
    }

    async fn thin(&self) {
        self.fault(Action::ThinBook { share: Decimal::new(1, 3) });
    }

    /// We send nothing that could wait, so the account's owner places a limit under our order's name: it takes the best
    /// level, and the rest waits.
    async fn lies_open(&self, order: &JournaledOrder, _: OrderContext<'_>) {
        let (name, quantity) = (order.order().client_order_id.as_str(), order.order().intent.quantity);
        let terms = format!(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=50000.01&quantity={quantity}&newClientOrderId={name}"
        );
        let placed = self.owner_asks("POST", ORDER, &terms).await;
        assert_eq!(placed["status"], "PARTIALLY_FILLED", "{placed}");
    }

    async fn troubles(&self, trouble: Trouble) {
        let error =
            |code, message: &str| Action::Error { code, status: 400, message: message.to_owned(), accepted: false };
        let action = match trouble {
            Trouble::Unreadable => Action::Status { status: 200, accepted: true },
            Trouble::Lost => Action::DropAfterAccept,
            Trouble::ServerError => Action::Status { status: 503, accepted: true },
            Trouble::TooMany => Action::OrderLimit { retry_after: 2 },
            Trouble::ClockOff => error(-1021, "Timestamp for this request is outside of the recvWindow."),
        };
        self.fault(action);
    }

    async fn taken(&self, name: &str) -> Option<usize> {
        let all = self.owner_asks("GET", "/api/v3/allOrders", "symbol=BTCUSDT").await;
        Some(all.as_array().unwrap().iter().filter(|order| order["clientOrderId"] == name).count())
    }

    async fn end(&self) {
        assert_eq!(self.exchange.faults().met(), self.wanted.load(Ordering::SeqCst), "trouble that nobody met");
    }
}
