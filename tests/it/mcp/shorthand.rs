//! Messages to the desk, and what comes back.

use crate::support::Client;
use serde_json::{Value, json};

/// A request under the id 1.
pub fn request(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

/// The result of a request.
pub async fn result(agent: &mut Client, method: &str, params: Value) -> Value {
    let answer = agent.post("/mcp", request(method, params)).await.expect(200);
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(1)), "{answer}");
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].clone()
}

/// What a tool says, and whether that is a failure. Its text says the same.
pub async fn tool(agent: &mut Client, name: &str, arguments: Value) -> (bool, Value) {
    let result = result(agent, "tools/call", json!({ "name": name, "arguments": arguments })).await;
    let said = result["structuredContent"].clone();
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, said);
    (result["isError"].as_bool().unwrap(), said)
}

/// What a tool says when it goes well.
pub async fn told(agent: &mut Client, name: &str, arguments: Value) -> Value {
    let (failed, said) = tool(agent, name, arguments).await;
    assert!(!failed, "{name}: {said}");
    said
}

/// The code with which a tool fails.
pub async fn refusal(agent: &mut Client, name: &str, arguments: Value) -> String {
    let (failed, said) = tool(agent, name, arguments).await;
    assert!(failed, "{name}: {said}");
    assert!(!said["error"]["message"].as_str().unwrap().is_empty());
    said["error"]["code"].as_str().unwrap().to_owned()
}

/// Arguments of a small purchase.
pub fn purchase(model: i64) -> Value {
    json!({
        "model_id": model, "coin": "BTC", "signal": "buy_to_enter", "quantity": "0.001", "confidence": 0.7,
        "stop_loss": null, "justification": "Rising on volume."
    })
}
