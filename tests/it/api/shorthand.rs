//! What most of these stories begin with.

use crate::support::Client;
use serde_json::{Value, json};

/// A model that asks before it trades, and its id.
pub async fn asking_model(program: &mut Client, name: &str) -> i64 {
    let id = plain_model(program, name).await;
    let path = format!("/api/models/{id}/automation");
    program.post(&path, json!({ "automation": "semi_automated" })).await.expect(200);
    id
}

/// A model as it is created, and its id.
pub async fn plain_model(program: &mut Client, name: &str) -> i64 {
    let body = json!({ "name": name, "provider_id": 1, "model_name": "buy_and_hold" });
    program.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap()
}

/// Sends one decision to buy 0.001 BTC and returns what the cycle made of it.
pub async fn buy_btc(program: &mut Client, model: i64) -> Value {
    let body = json!({
        "decisions": { "BTC": { "signal": "buy_to_enter", "quantity": "0.001", "confidence": 0.7 } },
        "market_data": { "BTC": { "price": "43250.0" } }
    });
    program.post(&format!("/api/models/{model}/cycle"), body).await.expect(200)
}

/// The id of the only decision that waits in a cycle's answer.
pub fn waiting(cycle: &Value) -> i64 {
    cycle["pending"][0]["decision_id"].as_i64().unwrap_or_else(|| panic!("nothing waits: {cycle}"))
}
