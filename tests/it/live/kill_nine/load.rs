//! The load: models that trade as fast as they may, through a desk that may be dead.

use crate::paper_exchange::house::Wire;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is traded, and how much of it at once.
const COINS: [(&str, &str); 4] = [("BTC", "0.001"), ("ETH", "0.01"), ("SOL", "0.2"), ("BNB", "0.1")];
/// The longest that the load waits for an answer: a program that was killed gives none.
const PATIENCE: Duration = Duration::from_secs(8);

/// Calls the desk, whether it lives or not.
#[derive(Clone)]
pub struct Caller {
    pub wire: Wire,
    pub bearer: String,
}

impl Caller {
    /// Status and answer; none when nobody answered.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let headers = [("Authorization", self.bearer.as_str()), ("Content-Type", "application/json")];
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let answer = self.wire.try_send(method, path, &headers, &body);
        let answer = tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()?;
        Some((answer.status, serde_json::from_str(&answer.text).ok()?))
    }

    async fn made(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("POST", path, &body).await.unwrap();
        assert!((200..300).contains(&status), "{path}: {answer}");
        answer
    }

    /// A live model on an account.
    pub async fn model(&self, name: &str, level: &str, (key, secret): (&str, &str)) -> i64 {
        // Limits so wide that only the venue and what is held stop the load.
        let model = json!({
            "name": name, "provider_id": 1, "model_name": "random", "trading_interval_minutes": 1440,
            "initial_capital": 50000, "max_position_size_pct": 100, "max_daily_loss_pct": 50, "max_daily_trades": 1000,
            "max_open_positions": 50, "min_cash_reserve_pct": 0, "max_drawdown_pct": 90, "max_price_drift_bps": 10000,
            "auto_pause_enabled": false
        });
        let id = self.made("/api/models", model).await["id"].as_i64().unwrap();
        let path = |tail: &str| format!("/api/models/{id}/{tail}");
        let pair = json!({ "testnet_api_key": key, "testnet_api_secret": secret });
        self.made(&path("exchange/credentials"), pair).await;
        self.made(&path("environment"), json!({ "environment": "live" })).await;
        self.made(&path("automation"), json!({ "automation": level })).await;
        id
    }
}

/// What the load saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub answered: usize,
    pub unanswered: usize,
    pub approved: usize,
}

/// Buys and closes as fast as it may: by cycles, by approvals, and by hand while a run that was cut off holds the model.
pub async fn trade(caller: Caller, model: i64, seed: u64, over: Arc<AtomicBool>) -> Tally {
    let (mut rng, mut tally) = (StdRng::seed_from_u64(seed), Tally::default());
    let path = |tail: &str| format!("/api/models/{model}/{tail}");
    while !over.load(Ordering::SeqCst) {
        let mut decisions = serde_json::Map::new();
        for (coin, quantity) in COINS {
            let signal = if rng.random_bool(0.6) { "buy_to_enter" } else { "close_position" };
            decisions.insert(coin.to_owned(), json!({ "signal": signal, "quantity": quantity }));
        }
        let cycle = caller.call("POST", &path("cycle"), &json!({ "decisions": decisions })).await;
        tally.count(cycle.is_some());
        if cycle.is_some_and(|(status, _)| status == 409) {
            let (coin, _) = COINS[rng.random_range(0..COINS.len())];
            let closed = caller.call("POST", &path(&format!("positions/{coin}/close")), &json!({})).await;
            tally.count(closed.is_some());
        }
        let waiting = caller.call("GET", &format!("/api/pending-decisions?model_id={model}"), &Value::Null).await;
        let waiting = waiting.map_or(Value::Null, |(_, rows)| rows);
        for row in waiting.as_array().into_iter().flatten() {
            let path = format!("/api/pending-decisions/{}/approve", row["id"]);
            let approved = caller.call("POST", &path, &json!({})).await;
            tally.count(approved.is_some());
            tally.approved += usize::from(approved.is_some_and(|(_, answer)| answer["success"] == true));
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(50..600))).await;
    }
    tally
}

impl Tally {
    const fn count(&mut self, answered: bool) {
        if answered {
            self.answered += 1;
        } else {
            self.unanswered += 1;
        }
    }

    pub const fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.unanswered += other.unanswered;
        self.approved += other.approved;
    }
}
