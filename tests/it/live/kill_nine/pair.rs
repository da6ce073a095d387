//! The desk and the exchange as two processes that come back to where they were.

use crate::live::house::administrator;
use crate::support::Database;
use crate::support::process::Serving;
use countersign::adapters::store::{SqlStore, connect};
use countersign::settings::DATABASE_FILE;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::net::TcpListener;
use std::time::Duration;
use tempfile::TempDir;

/// Two accounts: models share them.
pub const ACCOUNTS: [(&str, &str); 2] = [
    (
        "k9Key1aaaaaaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmmmm01",
        "k9Secret1aaaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmmmm01",
    ),
    (
        "k9Key2aaaaaaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmmmm02",
        "k9Secret2aaaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmmmm02",
    ),
];

/// What goes wrong with orders on purpose.
const FAULTS: &str = r#"
seed = 9

[[fault]]
method = "POST"
path = "/api/v3/order"
count = "forever"
probability = 0.3
action = "hang"
seconds = 0.7

[[fault]]
method = "POST"
path = "/api/v3/order"
count = "forever"
probability = 0.2
action = "hang"
seconds = 0.7
accepted = false

[[fault]]
method = "POST"
path = "/api/v3/order"
count = "forever"
probability = 0.05
action = "drop_after_accept"

[[fault]]
method = "POST"
path = "/api/v3/order"
count = "forever"
probability = 0.05
action = "drop_before"

[[fault]]
method = "POST"
path = "/api/v3/order"
count = "forever"
probability = 0.1
action = "hide"
milliseconds = 3000
"#;

/// Both programs, each at an address that it comes back to.
pub struct Pair {
    pub dir: TempDir,
    desk_port: u16,
    exchange_port: u16,
    database: Option<String>,
    desk: Option<Serving>,
    exchange: Option<Serving>,
    rng: StdRng,
}

impl Pair {
    pub fn new(database: Database, seed: u64) -> Self {
        let database = match database {
            Database::Sqlite => None,
            Database::Postgres(url) => Some(url),
        };
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("faults.toml"), FAULTS).unwrap();
        let (desk_port, exchange_port, rng) = (free_port(), free_port(), StdRng::seed_from_u64(seed));
        Self { dir, desk_port, exchange_port, database, desk: None, exchange: None, rng }
    }

    fn place(&self) -> Vec<&str> {
        let mut place = vec!["--data-dir", "data"];
        if let Some(url) = &self.database {
            place.extend(["--database-url", url]);
        }
        place
    }

    pub fn desk_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.desk_port)
    }

    pub fn exchange_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.exchange_port)
    }

    /// A token of an administrator, who is created with it.
    pub async fn token(&self) -> String {
        administrator(self.dir.path(), &self.place()).await
    }

    /// The database as the desk keeps it.
    pub async fn store(&self) -> SqlStore {
        let file = self.dir.path().join("data").join(DATABASE_FILE);
        let url = self.database.clone().unwrap_or_else(|| format!("sqlite:{}", file.display()));
        SqlStore::new(connect(&url).await.unwrap())
    }

    pub async fn start_exchange(&mut self) {
        let listen = format!("127.0.0.1:{}", self.exchange_port);
        let accounts = ACCOUNTS.map(|(key, secret)| format!("{key}:{secret}:USDT=1000000"));
        let fixed = ["paper-exchange", "--listen", &listen, "--limits", "off", "--state", "exchange", "--fault-script"];
        let account = ["faults.toml", "--account", &accounts[0], "--account", &accounts[1]];
        self.exchange = Some(Serving::start(self.dir.path(), &[&fixed[..], &account].concat()).await);
    }

    pub async fn start_desk(&mut self) {
        let (listen, exchange) = (format!("127.0.0.1:{}", self.desk_port), self.exchange_url());
        let fixed = ["serve", "--listen", &listen, "--market", "synthetic", "--binance-testnet-url", &exchange];
        let args = [&fixed[..], &self.place()].concat();
        self.desk = Some(Serving::start_logging(self.dir.path(), &args, &self.dir.path().join("log")).await);
    }

    /// Kills the desk, every fourth time the exchange as well, before it, after it, or while it is starting.
    pub async fn kill(&mut self, round: usize) -> bool {
        let takes_exchange = round % 4 == 3;
        let exchange_first = takes_exchange && self.rng.random_bool(0.5);
        if exchange_first {
            self.exchange.take().unwrap().kill().await;
            self.pause(500).await;
        }
        self.desk.take().unwrap().kill().await;
        if takes_exchange && !exchange_first {
            self.exchange.take().unwrap().kill().await;
        }
        if takes_exchange && self.rng.random_bool(0.5) {
            // The desk comes back to an exchange that is not there.
            self.start_desk().await;
            self.pause(1_500).await;
            self.start_exchange().await;
        } else {
            if takes_exchange {
                self.start_exchange().await;
            }
            self.start_desk().await;
        }
        takes_exchange
    }

    /// A random moment.
    pub async fn pause(&mut self, at_most_ms: u64) {
        let pause = self.rng.random_range(0..=at_most_ms);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
