//! A paper exchange of one's own, with time and market moved by hand, and a client that signs.

use crate::support::ManualClock;
use countersign::adapters::market::synthetic::{SyntheticConfig, SyntheticMarket};
use countersign::adapters::paper_exchange::{
    AccountSpec, Action, Fault, FaultScript, LimitsMode, OpenedLog, PaperConfig, PaperExchange,
};
use countersign::domain::time::Timestamp;
use countersign::ports::clock::Clock;
use hmac::{Hmac, KeyInit, Mac};
use rust_decimal::Decimal;
use serde_json::Value;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
pub const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
/// The account of [`KEY`].
pub const BALANCES: &str = "USDT=100000,BTC=1,BNB=10";

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

    /// The exchange's code; 0 when it is no refusal.
    pub fn code(&self) -> i64 {
        self.json()["code"].as_i64().unwrap_or(0)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The answer, which must be a good one.
    #[track_caller]
    pub fn good(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }
}

/// A number that travels as text.
#[track_caller]
pub fn amount(value: &Value) -> Decimal {
    value.as_str().unwrap_or_else(|| panic!("money is told as text: {value}")).parse().unwrap()
}

/// Signs like the documentation says, with other code than the exchange checks with.
pub fn sign(secret: &str, payload: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(payload.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Sends and reads, and knows nothing of signatures.
#[derive(Clone)]
pub struct Wire {
    http: reqwest::Client,
    pub url: String,
}

impl Wire {
    pub fn new(url: &str) -> Self {
        // A second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { http: reqwest::Client::builder().build().unwrap(), url: url.to_owned() }
    }

    /// Sends a request as it is given.
    pub async fn try_send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{target}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.body(body.to_owned());
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
        };
        let headers = answer.headers().iter().map(header).collect();
        Ok(Answer { status, headers, text: answer.text().await? })
    }

    pub async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.try_send(method, target, headers, body).await.unwrap()
    }
}

/// An exchange whose clock and market stand still until a story moves them.
pub struct House {
    pub exchange: PaperExchange,
    pub clock: ManualClock,
    pub market: Arc<SyntheticMarket>,
    pub wire: Wire,
}

/// What a story may want to be different.
pub struct Wishes {
    pub accounts: Vec<String>,
    pub limits: LimitsMode,
    pub state: Option<OpenedLog>,
    pub state_lines_max: Option<u64>,
    pub clock: ManualClock,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            accounts: vec![format!("{KEY}:{SECRET}:{BALANCES}")],
            limits: LimitsMode::Off,
            state: None,
            state_lines_max: None,
            clock: ManualClock::default(),
        }
    }
}

impl Wishes {
    /// With a memory in this file.
    pub fn remembering(path: &Path, clock: &ManualClock) -> Self {
        let state = OpenedLog::open(path, 1, clock.now()).unwrap();
        Self { state: Some(state), clock: clock.clone(), ..Self::default() }
    }
}

/// An exchange as most stories want it.
pub async fn open() -> House {
    open_with(Wishes::default()).await
}

pub async fn open_with(wishes: Wishes) -> House {
    let Wishes { accounts, limits, state, state_lines_max, clock } = wishes;
    let origin = Timestamp(1_767_225_600_000);
    let config = SyntheticConfig { seed: 1, origin, start_at: origin.plus_ms(150_000), speed: 1 };
    let market = Arc::new(SyntheticMarket::manual(config).unwrap());
    let config = PaperConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        market: market.clone(),
        clock: Arc::new(clock.clone()),
        accounts: accounts.iter().map(|text| AccountSpec::parse(text).unwrap()).collect(),
        fee_bps: Decimal::TEN,
        limits,
        state,
        state_lines_max,
        faults: FaultScript::default(),
    };
    let exchange = PaperExchange::start(config).await.unwrap();
    let wire = Wire::new(&exchange.url());
    House { exchange, clock, market, wire }
}

impl House {
    pub async fn public(&self, target: &str) -> Answer {
        self.wire.send("GET", target, &[], "").await
    }

    /// Signs parameters and sends them where they usually travel: in the body of a POST, else in the query.
    pub async fn signed(&self, method: &str, path: &str, params: &str) -> Answer {
        self.try_signed(method, path, params).await.unwrap()
    }

    pub async fn try_signed(&self, method: &str, path: &str, params: &str) -> Result<Answer, reqwest::Error> {
        let params = self.with_signature(params);
        let headers = [("X-MBX-APIKEY", KEY), ("Content-Type", "application/x-www-form-urlencoded")];
        if method == "POST" {
            self.wire.try_send(method, path, &headers, &params).await
        } else {
            self.wire.try_send(method, &format!("{path}?{params}"), &headers[..1], "").await
        }
    }

    /// Parameters with a timestamp of now and the signature over both.
    pub fn with_signature(&self, params: &str) -> String {
        let separator = if params.is_empty() { "" } else { "&" };
        let payload = format!("{params}{separator}timestamp={}", self.clock.now().0);
        let signature = sign(SECRET, &payload);
        format!("{payload}&signature={signature}")
    }

    pub async fn place(&self, params: &str) -> Answer {
        self.signed("POST", "/api/v3/order", params).await
    }

    /// Best price to buy at and to sell at.
    pub async fn best(&self, symbol: &str) -> (Decimal, Decimal) {
        let ticker = self.public(&format!("/api/v3/ticker/bookTicker?symbol={symbol}")).await.good();
        (amount(&ticker["askPrice"]), amount(&ticker["bidPrice"]))
    }

    /// What the account has: free, locked.
    pub async fn balance(&self, asset: &str) -> (Decimal, Decimal) {
        let account = self.signed("GET", "/api/v3/account", "").await.good();
        let rows = account["balances"].as_array().unwrap();
        let row = rows.iter().find(|row| row["asset"] == asset).unwrap_or_else(|| panic!("no {asset}"));
        (amount(&row["free"]), amount(&row["locked"]))
    }

    /// The next request of this method and path goes wrong.
    pub fn fault(&self, method: &str, path: &str, action: Action) {
        self.exchange.faults().add(Fault::once(method, path, action));
    }
}

/// A quantity or price as it is sent: without zeros at its end.
pub fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}
