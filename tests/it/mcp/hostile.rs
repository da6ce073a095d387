//! Input that means no good, or no sense.

use super::shorthand::{refusal, request, told};
use crate::api::shorthand::asking_model;
use crate::support::House;
use countersign::domain::access::TokenScope;
use serde_json::{Value, json};

on_each_database!(
    what_is_no_message_is_refused_and_never_repeated,
    what_is_too_large_is_refused_unread,
    what_does_not_exist_is_said_so,
);

async fn what_is_no_message_is_refused_and_never_repeated(house: House) {
    let mut agent = house.token(TokenScope::Propose).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (text, status, code) in [
        ("", 400, -32_700),
        ("hunter2", 400, -32_700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1", 400, -32_700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} {}", 400, -32_700),
        ("\u{feff}{}", 400, -32_700),
        (deep.as_str(), 400, -32_700),
        ("null", 400, -32_600),
        ("\"hunter2\"", 400, -32_600),
        ("{}", 400, -32_600),
        (r#"{"jsonrpc":"2.0","id":{"hunter2":1},"method":"ping"}"#, 400, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":["hunter2"]}"#, 400, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"hunter2"}"#, 400, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"hunter2"}"#, 200, -32_601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, 200, -32_602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#, 200, -32_602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hunter2"}}"#, 200, -32_602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_models","arguments":[]}}"#,
            200,
            -32_602,
        ),
    ] {
        let answer = agent.api_text("POST", "/mcp", text).await;
        assert_eq!(answer.expect(status)["error"]["code"], code, "{}", text.chars().take(80).collect::<String>());
        assert!(!answer.body.contains("hunter2"), "{}", answer.body);
    }
    let bytes = agent.send("POST", "/mcp", Some(("text/plain", "\0\0".to_owned())), None).await;
    assert_eq!(bytes.expect(400)["error"]["code"], -32_700);
}

async fn what_is_too_large_is_refused_unread(house: House) {
    let mut agent = house.token(TokenScope::Propose).await;
    let huge = request("ping", json!({ "x": "y".repeat(600 * 1_024) }));
    let answer = agent.post("/mcp", huge).await.expect(413);
    assert_eq!((&answer["jsonrpc"], &answer["error"]["code"]), (&json!("2.0"), &json!(-32_600)));
    let large = request("ping", json!({ "x": "y".repeat(400 * 1_024) }));
    agent.post("/mcp", large).await.expect(200);
}

async fn what_does_not_exist_is_said_so(house: House) {
    let mut agent = house.token(TokenScope::Propose).await;
    let mut operator = house.token(TokenScope::Operate).await;
    asking_model(&mut operator, "Sage").await;
    for name in ["get_portfolio", "get_limits", "list_decisions"] {
        assert_eq!(refusal(&mut agent, name, json!({ "model_id": 4_000 })).await, "not_found", "{name}");
        for wrong in
            [json!({}), json!({ "model_id": null }), json!({ "model_id": [1] }), json!({ "model_id": "1; DROP" })]
        {
            assert_eq!(refusal(&mut agent, name, wrong).await, "invalid", "{name}");
        }
    }
    assert_eq!(refusal(&mut agent, "get_decision", json!({ "decision_id": 4_000 })).await, "not_found");
    for huge in [json!(9_223_372_036_854_775_807_i64), json!("99999999999999999999"), json!(1.5), json!(true)] {
        let code = refusal(&mut agent, "get_decision", json!({ "decision_id": huge })).await;
        assert!(["invalid", "not_found"].contains(&code.as_str()), "{huge}: {code}");
    }
    assert_eq!(refusal(&mut agent, "list_models", json!({ "limit": 1 })).await, "invalid");
    let missing: Value = told(&mut agent, "list_models", Value::Null).await;
    assert_eq!(missing["items"][0]["name"], "Sage");
}
