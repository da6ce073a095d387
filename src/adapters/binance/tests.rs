//! The client and the ports on it, against a server that answers well, badly or not at all.

use super::client::BinanceClient;
use super::host::{Host, HostConfig};
use super::venue::BinanceAccount;
use crate::adapters::clock::SystemClock;
use crate::domain::ids::{BookId, DecisionId, InstallationTag, OrderId, TraderId};
use crate::domain::instrument::{FinerRules, Instrument};
use crate::domain::market::{Coin, Quote, Symbol};
use crate::domain::money::{Price, Quantity};
use crate::domain::order::{Order, OrderCause, OrderEvent, OrderIntent, OrderKind, Purpose};
use crate::domain::risk::RiskChecked;
use crate::domain::signal::PositionSide;
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::TraderSettings;
use crate::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use crate::ports::clock::Clock;
use crate::ports::venue::OrderContext;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

mod account;
mod answers;
mod orders;
mod transport;

/// Published by Binance as an example; no account has them.
const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
/// The name of the order that every story is about.
const NAME: &str = "csa1b2c3-d7-1";

/// A server that tells the time, and an account on it.
struct Desk {
    server: MockServer,
    host: Arc<Host>,
    account: BinanceAccount,
    settings: TraderSettings,
    instrument: Instrument,
}

/// A wall clock that stands still, so that no window of a limit ends in the middle of a story.
struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_262_800_000)
    }
}

async fn desk() -> Desk {
    desk_of(ExchangeEnvironment::Testnet, Duration::from_secs(5)).await
}

async fn desk_of(environment: ExchangeEnvironment, patience: Duration) -> Desk {
    desk_at(environment, patience, Arc::new(SystemClock)).await
}

/// A desk at a moment that does not pass.
async fn still_desk() -> Desk {
    desk_at(ExchangeEnvironment::Testnet, Duration::from_secs(5), Arc::new(StillClock)).await
}

async fn desk_at(environment: ExchangeEnvironment, patience: Duration, clock: Arc<dyn Clock>) -> Desk {
    let server = MockServer::start().await;
    let time = |_: &Request| ResponseTemplate::new(200).set_body_json(json!({"serverTime": SystemClock.now().0}));
    Mock::given(path("/api/v3/time")).respond_with(time).mount(&server).await;
    let host = host_at(&server.uri(), patience, clock);
    let account = account_at(&host, environment);
    Desk { server, host, account, settings: TraderSettings::default(), instrument: instrument() }
}

fn host_at(url: &str, patience: Duration, clock: Arc<dyn Clock>) -> Arc<Host> {
    let config = HostConfig { base_url: url.to_owned(), read_timeout: patience, order_timeout: patience };
    Arc::new(Host::new(config, clock).expect("loopback is fine"))
}

fn account_at(host: &Arc<Host>, environment: ExchangeEnvironment) -> BinanceAccount {
    let client = BinanceClient::new(Arc::clone(host), environment, &KEY.to_owned().into(), &SECRET.to_owned().into());
    BinanceAccount::new(client.expect("usable"), environment)
}

impl Desk {
    /// Answers every such call.
    async fn answers(&self, verb: &str, at: &str, answer: ResponseTemplate) {
        Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(&self.server).await;
    }

    /// The key's first order has been tested: the stories that follow place at once.
    async fn is_tested(&self) {
        self.answers("POST", "/api/v3/order/test", ResponseTemplate::new(200).set_body_json(json!({}))).await;
    }

    fn context(&self) -> OrderContext<'_> {
        OrderContext { settings: &self.settings, instrument: &self.instrument, given_quote: None }
    }

    /// What the server was asked, as `METHOD path`, questions about the time left out.
    async fn asked(&self) -> Vec<String> {
        let all = self.server.received_requests().await.expect("recorded");
        let line = |request: &Request| format!("{} {}", request.method, request.url.path());
        all.iter().filter(|request| request.url.path() != "/api/v3/time").map(line).collect()
    }

    async fn count(&self, what: &str) -> usize {
        self.asked().await.iter().filter(|line| *line == what).count()
    }
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn error(status: u16, code: i64, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"code": code, "msg": message}))
}

fn btcusdt() -> Symbol {
    Symbol("BTCUSDT".into())
}

fn price(text: &str) -> Price {
    Price::parse(text).expect("price")
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).expect("quantity")
}

fn instrument() -> Instrument {
    Instrument {
        symbol: btcusdt(),
        base: Coin::parse("BTC").expect("coin"),
        quote: Coin::parse("USDT").expect("coin"),
        tick_size: Decimal::new(1, 2),
        step_size: Decimal::new(1, 5),
        min_quantity: Decimal::new(1, 5),
        max_quantity: Decimal::from(9_000),
        min_notional: Decimal::from(5),
        trading: true,
        finer: FinerRules::default(),
    }
}

/// Buys 10 BTC; [`NAME`] is its name.
fn order(kind: OrderKind) -> Order {
    let intent = OrderIntent {
        account: crate::domain::account::AccountName::simulation(crate::domain::ids::BookId(1)),
        trader_id: TraderId(1),
        book_id: BookId(1),
        venue: VenueKind::Testnet,
        cause: OrderCause::Decision(DecisionId(7)),
        coin: Coin::parse("BTC").expect("coin"),
        symbol: btcusdt(),
        purpose: Purpose::Entry(PositionSide::Long),
        kind,
        quantity: quantity("10"),
        leverage: 1,
        stop_loss: None,
        profit_target: None,
        quote: Quote { price: price("4000"), at: Timestamp(5) },
        policy_version: 1,
        terms_version: 1,
    };
    let tag = InstallationTag::parse("a1b2c3").expect("tag");
    let mut order = Order::journal(OrderId(7), RiskChecked::assumed(intent), 1, &tag, Timestamp(5), Timestamp(5), None);
    order.apply(OrderEvent::Submit { sent_at: Timestamp(6), epoch: 1, attempt: 1 }, Timestamp(6)).expect("legal");
    order
}

/// The documented full answer to a market order, with our name and side: 10 BTC in five executions.
fn full() -> Value {
    let fill = |price: &str, qty: &str, commission: &str, trade: i64| json!({"price": price, "qty": qty, "commission": commission, "commissionAsset": "USDT", "tradeId": trade});
    json!({
        "symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "clientOrderId": NAME, "transactTime": 1507725176595_i64,
        "price": "0.00000000", "origQty": "10.00000000", "executedQty": "10.00000000", "origQuoteOrderQty": "0.000000",
        "cummulativeQuoteQty": "10.00000000", "status": "FILLED", "timeInForce": "GTC", "type": "MARKET", "side": "BUY",
        "workingTime": 1507725176595_i64, "selfTradePreventionMode": "NONE",
        "fills": [
            fill("4000.00000000", "1.00000000", "4.00000000", 56), fill("3999.00000000", "5.00000000", "19.99500000", 57),
            fill("3998.00000000", "2.00000000", "7.99600000", 58), fill("3997.00000000", "1.00000000", "3.99700000", 59),
            fill("3995.00000000", "1.00000000", "3.99500000", 60)
        ]
    })
}

/// An order as a question about it is answered.
fn asked_about(status: &str, executed: &str) -> Value {
    json!({
        "symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "clientOrderId": NAME, "price": "0.0", "origQty": "10.0",
        "executedQty": executed, "cummulativeQuoteQty": "0.0", "status": status, "timeInForce": "GTC", "type": "MARKET",
        "side": "BUY", "stopPrice": "0.0", "icebergQty": "0.0", "time": 1499827319559_i64, "updateTime": 1499827319559_i64,
        "isWorking": true, "workingTime": 1499827319559_i64, "origQuoteOrderQty": "0.000000",
        "selfTradePreventionMode": "NONE"
    })
}

/// A trade of that order.
fn traded(id: i64, qty: &str, commission: &str, asset: &str) -> Value {
    json!({
        "symbol": "BTCUSDT", "id": id, "orderId": 28, "orderListId": -1, "price": "4000.00000100", "qty": qty,
        "quoteQty": "48.000012", "commission": commission, "commissionAsset": asset, "time": 1499865549590_i64,
        "isBuyer": true, "isMaker": false, "isBestMatch": true
    })
}
