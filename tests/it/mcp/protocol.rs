//! The protocol: handshake, versions, batches, and who is let in.

use super::shorthand::{request, result, told};
use crate::support::House;
use countersign::domain::access::TokenScope;
use countersign::web::routes::ROUTES;
use serde_json::{Value, json};

on_each_database!(
    the_handshake_agrees_on_a_version,
    only_versions_that_are_spoken_are_listened_to,
    a_batch_is_taken_where_the_version_knows_batches,
    remarks_get_no_answer_and_there_is_no_stream,
    no_token_or_a_revoked_one_is_refused_as_everywhere,
    another_site_is_turned_away_even_with_a_token,
);

async fn the_handshake_agrees_on_a_version(house: House) {
    let mut agent = house.token(TokenScope::Propose).await;
    for (wanted, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
        ("", "2025-11-25"),
    ] {
        let hello = json!({
            "protocolVersion": wanted, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" }
        });
        let result = result(&mut agent, "initialize", hello).await;
        assert_eq!(result["protocolVersion"], agreed, "{wanted}");
        assert_eq!(result["serverInfo"]["name"], "countersign");
        assert_eq!(result["capabilities"], json!({ "tools": { "listChanged": false } }), "tools and nothing else");
        assert!(result["instructions"].as_str().unwrap().contains("a person approves or rejects"));
    }
    assert_eq!(result(&mut agent, "ping", Value::Null).await, json!({}));
}

async fn only_versions_that_are_spoken_are_listened_to(house: House) {
    let agent = house.token(TokenScope::Propose).await;
    for (version, status) in [("2025-11-25", 200), ("2024-11-05", 200), ("2026-07-28", 400), ("latest", 400)] {
        let mut agent = agent.clone().with_header("mcp-protocol-version", version);
        let answer = agent.post("/mcp", request("ping", json!({}))).await.expect(status);
        if status == 400 {
            assert_eq!(answer["error"]["code"], -32_022, "{version}: {answer}");
            assert_eq!(answer["error"]["data"]["supported"][0], "2025-11-25");
        }
    }
}

async fn a_batch_is_taken_where_the_version_knows_batches(house: House) {
    let agent = house.token(TokenScope::Propose).await;
    let remark = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let mut ping = request("ping", json!({}));
    ping["id"] = json!("second");
    let batch = json!([remark, request("nothing", json!({})), ping, 7, request("initialize", json!({}))]);
    for mut agent in [agent.clone(), agent.clone().with_header("mcp-protocol-version", "2025-03-26")] {
        let answers = agent.post("/mcp", batch.clone()).await.expect(200);
        let told: Vec<(&Value, &Value)> = answers
            .as_array()
            .unwrap()
            .iter()
            .map(|answer| {
                (&answer["id"], if answer["error"].is_null() { &answer["result"] } else { &answer["error"]["code"] })
            })
            .collect();
        let expected = [
            (&json!(1), &json!(-32_601)),
            (&json!("second"), &json!({})),
            (&Value::Null, &json!(-32_600)),
            (&json!(1), &json!(-32_600)),
        ];
        assert_eq!(told, expected);
        assert_eq!(agent.post("/mcp", json!([remark, remark])).await.status, 202);
        for wrong in [json!([]), Value::Array(vec![ping.clone(); 21])] {
            assert_eq!(agent.post("/mcp", wrong).await.expect(400)["error"]["code"], -32_600);
        }
    }
    for version in ["2025-06-18", "2025-11-25"] {
        let mut agent = agent.clone().with_header("mcp-protocol-version", version);
        assert_eq!(agent.post("/mcp", batch.clone()).await.expect(400)["error"]["code"], -32_600, "{version}");
    }
}

async fn remarks_get_no_answer_and_there_is_no_stream(house: House) {
    let mut agent = house.token(TokenScope::Propose).await;
    for remark in [
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }),
        json!({ "jsonrpc": "2.0", "id": 4, "result": {} }),
        // A call that nobody waits for does nothing.
        json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "list_models" } }),
    ] {
        let answer = agent.post("/mcp", remark.clone()).await;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{remark}");
    }
    for method in ["GET", "DELETE", "PUT"] {
        let answer = agent.send(method, "/mcp", None, None).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
}

async fn no_token_or_a_revoked_one_is_refused_as_everywhere(house: House) {
    let mut agent = house.token(TokenScope::Propose).await;
    told(&mut agent, "list_models", json!({})).await;
    let (token, _) = house.access.tokens(None).await.unwrap().remove(0);
    assert!(house.access.revoke_token(token.id).await.unwrap());
    for mut stranger in [house.client(), house.client().with_token("cs_nope"), agent] {
        for method in ["initialize", "tools/list", "tools/call"] {
            let answer = stranger.post("/mcp", request(method, json!({ "name": "list_models" }))).await;
            answer.refused(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    // A browser needs its page's token, here as everywhere.
    let mut browser = house.admin().await;
    assert_eq!(browser.post("/mcp", request("ping", json!({}))).await.status, 200);
    browser.csrf = None;
    browser.post("/mcp", request("ping", json!({}))).await.refused(403, "csrf");
    assert!(ROUTES.iter().any(|entry| entry.path == "/mcp"));
}

async fn another_site_is_turned_away_even_with_a_token(house: House) {
    let agent = house.token(TokenScope::Admin).await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let mut elsewhere = agent.clone().with_header(name, value);
        let answer = elsewhere.post("/mcp", request("tools/list", json!({}))).await.expect(403);
        assert_eq!(answer["error"]["code"], -32_600, "{name}: {value}");
        assert!(answer.get("result").is_none());
    }
    let mut here = agent.clone().with_header("origin", &house.url);
    here.post("/mcp", request("ping", json!({}))).await.expect(200);
    let mut rebound = agent.with_header("host", "evil.example");
    rebound.post("/mcp", request("ping", json!({}))).await.refused(421, "wrong_host");
}
