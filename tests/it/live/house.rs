//! The program and the exchange that it trades on, with keys that nobody may ever see again.

use crate::credentials::canary::{clean_answer, clean_files, clean_rows};
use crate::paper_exchange::house::{Wire, amount, sign};
use crate::support::process::{Serving, last_line, run};
use crate::support::{Answer, Client, Database, PASSWORD, Stage};
use countersign::app::paper::{LimitsMode, PaperExchange, PaperMarket, PaperSettings, start_paper_exchange};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// A pair that is searched for in everything that the program says and keeps.
pub const KEY: &str = "CANARY5KEYaaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmmT3sT";
pub const SECRET: &str = "CANARY6SECRETaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmmmm";
/// Longer than anything here takes; a story that needs it has failed.
pub const WATCHDOG: Duration = Duration::from_secs(90);
/// Between two looks at what another process does.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks until there is something to see.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(WATCHDOG, looking).await.unwrap_or_else(|_| panic!("never saw {what}"))
}

/// Who owns the account at the exchange, and looks at it without our help.
pub struct Owner {
    wire: Wire,
    key: String,
    secret: String,
}

impl Owner {
    pub fn new(exchange_url: &str, key: &str, secret: &str) -> Self {
        Self { wire: Wire::new(exchange_url), key: key.to_owned(), secret: secret.to_owned() }
    }

    /// A signed question.
    pub async fn asks(&self, path: &str, params: &str) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let separator = if params.is_empty() { "" } else { "&" };
        let payload = format!("{params}{separator}timestamp={now}&recvWindow=60000");
        let target = format!("{path}?{payload}&signature={}", sign(&self.secret, &payload));
        self.wire.send("GET", &target, &[("X-MBX-APIKEY", &self.key)], "").await.good()
    }

    /// What is free of an asset.
    pub async fn free(&self, asset: &str) -> Decimal {
        let account = self.asks("/api/v3/account", "").await;
        let rows = account["balances"].as_array().unwrap();
        rows.iter().find(|row| row["asset"] == asset).map_or(Decimal::ZERO, |row| amount(&row["free"]))
    }

    /// Every order that the exchange ever accepted in a market, up to a thousand.
    pub async fn orders(&self, symbol: &str) -> Vec<Value> {
        self.asks("/api/v3/allOrders", &format!("symbol={symbol}&limit=1000")).await.as_array().unwrap().clone()
    }
}

/// A paper exchange with an account of [`KEY`].
pub async fn paper_exchange() -> PaperExchange {
    let settings = PaperSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        market: PaperMarket::Synthetic,
        speed: 1,
        seed: 7,
        accounts: vec![format!("{KEY}:{SECRET}:USDT=100000,BTC=1").into()],
        fee_bps: Decimal::TEN,
        limits: LimitsMode::Binance,
        state: None,
        fault_script: None,
    };
    start_paper_exchange(settings).await.unwrap().0
}

/// Creates the administrator `ada` and gives back a token of hers that may do everything.
pub async fn administrator(dir: &Path, place: &[&str]) -> String {
    let with = |command: &[&'static str]| -> Vec<String> {
        command.iter().chain(place).map(|part| (*part).to_owned()).collect()
    };
    call(dir, &with(&["admin", "create", "--username", "ada", "--password-stdin"]), PASSWORD).await;
    call(dir, &with(&["token", "create", "--username", "ada", "--name", "bot", "--scope", "admin"]), "").await
}

/// Runs a command and gives back the last line that it printed.
async fn call(dir: &Path, args: &[String], input: &str) -> String {
    let output = run(dir, &args.iter().map(String::as_str).collect::<Vec<_>>(), input).await;
    assert!(output.status.success(), "{args:?}");
    last_line(&output)
}

/// A desk whose testnet is a paper exchange.
pub struct World {
    pub exchange: PaperExchange,
    pub owner: Owner,
    server: Serving,
    program: Client,
    database: Option<String>,
    dir: TempDir,
}

impl Stage for World {
    async fn on(database: Database) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let exchange = paper_exchange().await;
        let mut place = vec!["--data-dir", "data"];
        let database = match database {
            Database::Sqlite => None,
            Database::Postgres(url) => Some(url),
        };
        if let Some(url) = &database {
            place.extend(["--database-url", url]);
        }
        let token = administrator(dir.path(), &place).await;
        let url = exchange.url();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--market", "synthetic", "--log", "debug", "--allow-mainnet"];
        let urls = ["--binance-testnet-url", &url, "--binance-mainnet-url", &url];
        let args = [&serve[..], &urls, &place].concat();
        let server = Serving::start_logging(dir.path(), &args, &dir.path().join("log")).await;
        let program = Client::new(&server.url).with_token(&token);
        let owner = Owner::new(&url, KEY, SECRET);
        Self { exchange, owner, server, program, database, dir }
    }
}

impl World {
    /// Calls the API; whatever it answers is searched for the keys.
    pub async fn call(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let answer = self.program.api(method, path, body).await;
        clean_answer(path, &answer);
        answer
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.call("POST", path, body).await
    }

    /// What the API answers to a question.
    pub async fn get(&mut self, path: &str) -> Value {
        self.call("GET", path, Value::Null).await.expect(200)
    }

    /// What a person sees on a page; searched for the keys too.
    pub async fn page(&self, path: &str) -> String {
        let mut ada = Client::new(&self.server.url);
        ada.login("ada", PASSWORD).await;
        let page = ada.get(path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        clean_answer(path, &page);
        page.body
    }

    /// A model that the scheduler has run once and leaves alone from then on.
    pub async fn model(&mut self, name: &str) -> i64 {
        // Prices of a random walk may move while a loaded machine thinks.
        let body = json!({
            "name": name, "provider_id": 1, "model_name": "random",
            "trading_interval_minutes": 1440, "max_price_drift_bps": 5000
        });
        let id = self.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap();
        let path = format!("/api/models/{id}/conversations");
        until("its first run", async || (self.get(&path).await != json!([])).then_some(())).await;
        id
    }

    /// Steps 1 and 3 of the flow: testnet keys, testnet, live, asking.
    pub async fn live_model(&mut self, name: &str) -> i64 {
        let id = self.model(name).await;
        self.save_keys(id).await;
        self.go_live(id).await;
        id
    }

    pub async fn save_keys(&mut self, id: i64) {
        let pair = json!({ "testnet_api_key": KEY, "testnet_api_secret": SECRET });
        let saved = self.post(&format!("/api/models/{id}/exchange/credentials"), pair).await.expect(200);
        assert_eq!(saved, json!({ "success": true, "message": "Exchange credentials saved successfully" }));
    }

    pub async fn go_live(&mut self, id: i64) {
        for (path, name, word) in [
            ("exchange/environment", "exchange_environment", "testnet"),
            ("environment", "environment", "live"),
            ("automation", "automation", "semi_automated"),
        ] {
            let changed = self.post(&format!("/api/models/{id}/{path}"), json!({ name: word })).await.expect(200);
            assert_eq!(changed, json!({ "success": true, name: word }));
        }
    }

    /// Sends a purchase of 0.001 BTC in. A desk that has not held its books against the exchange's yet says so.
    pub async fn propose(&mut self, id: i64) -> Value {
        until("a reconciled account", async || {
            let cycle = self.cycle(id, "buy_to_enter").await.expect(200);
            match cycle["skipped"][0]["code"].as_str() {
                None => Some(cycle),
                Some("ACCOUNT_HALTED") => None,
                Some(_) => panic!("{cycle}"),
            }
        })
        .await
    }

    /// One cycle with a decision about BTC, and with a price that counts in simulation only.
    pub async fn cycle(&mut self, id: i64, signal: &str) -> Answer {
        let body = json!({
            "decisions": { "BTC": { "signal": signal, "quantity": "0.001", "confidence": 0.7 } },
            "market_data": { "BTC": { "price": "1.0" } }
        });
        self.post(&format!("/api/models/{id}/cycle"), body).await
    }

    /// Approves the only decision that waits in a cycle's answer, on the terms that the desk shows.
    pub async fn approve(&mut self, cycle: &Value) -> Answer {
        let decision = waiting(cycle);
        let row = self.get(&format!("/api/decisions/{decision}")).await;
        let terms = json!({ "version": row["version"], "digest": row["digest"] });
        self.post(&format!("/api/pending-decisions/{decision}/approve"), terms).await
    }

    /// Severity of the newest incident of a type, with what it says.
    pub async fn incident(&mut self, id: i64, kind: &str) -> (String, String) {
        let rows = self.get(&format!("/api/models/{id}/incidents")).await;
        let row = rows.as_array().unwrap().iter().find(|row| row["type"] == kind);
        let row = row.unwrap_or_else(|| panic!("no {kind}: {rows}"));
        (row["severity"].as_str().unwrap().to_owned(), row["detail"].as_str().unwrap().to_owned())
    }

    /// Ends the program and searches its log, its files and its database for the keys.
    pub async fn end(self) {
        assert!(self.server.terminate().await, "SIGTERM is a good end");
        if let Some(url) = &self.database {
            assert!(clean_rows(url).await > 10);
        }
        let log = std::fs::read(self.dir.path().join("log")).unwrap();
        assert!(log.windows(8).any(|words| words == b"exchange"), "the log is there");
        assert!(clean_files(self.dir.path()) >= 3, "log, session secret, vault key");
        self.exchange.stop().await;
    }
}

/// The id of the only decision that waits in a cycle's answer.
pub fn waiting(cycle: &Value) -> i64 {
    cycle["pending"][0]["decision_id"].as_i64().unwrap_or_else(|| panic!("nothing waits: {cycle}"))
}
