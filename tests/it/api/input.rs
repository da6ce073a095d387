//! Whatever is sent: a clear refusal, nothing changed, nothing repeated, and the process stays up.

use super::shorthand::{asking_model, buy_btc, waiting};
use crate::support::{Answer, Client, House};
use countersign::domain::access::TokenScope;
use serde_json::{Value, json};

on_each_database!(
    nonsense_in_any_field_of_any_body_changes_nothing,
    nonsense_in_a_decision_is_that_coins_model_error,
    what_is_missing_unknown_or_no_json_is_said_so,
);

/// Looks like a secret that slipped into the wrong field.
const CANARY: &str = "hunter2hunter2";

/// Values that no field takes.
fn nonsense() -> Vec<String> {
    let long = "x".repeat(10_000);
    let secret = format!("\"{CANARY}\"");
    vec![
        secret,
        format!("\"{long}\""),
        "\"<script>alert(1)</script>\"".to_owned(),
        "\"NaN\"".to_owned(),
        "\"1e5\"".to_owned(),
        "1e5".to_owned(),
        "-1".to_owned(),
        "\"-1\"".to_owned(),
        "\"+1\"".to_owned(),
        "\"１\"".to_owned(),
        "\"1,000\"".to_owned(),
        "1e400".to_owned(),
        "99999999999999999999999999999999".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "[[1]]".to_owned(),
        "\"\\u0000\"".to_owned(),
    ]
}

/// What is kept of the house, to see that nothing changed.
async fn state(program: &mut Client) -> Vec<Value> {
    let mut state = Vec::new();
    for path in
        ["/api/models", "/api/pending-decisions", "/api/decision-history", "/api/incidents", "/api/notifications"]
    {
        state.push(program.get(path).await.expect(200));
    }
    state
}

#[track_caller]
fn clear_refusal(what: &str, answer: &Answer) {
    assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.body);
    let error = &answer.json()["error"];
    assert!(error["code"].is_string() && error["message"].is_string() && error["fields"].is_object(), "{what}");
    for secret in [CANARY, "<script>", "xxxxxxxxxx", "999999999999"] {
        assert!(!answer.body.contains(secret), "{what} repeats what was sent: {}", answer.body);
    }
}

async fn nonsense_in_any_field_of_any_body_changes_nothing(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let decision = waiting(&buy_btc(&mut program, id).await);
    let approve = format!("/api/pending-decisions/{decision}/approve");
    let settings: Vec<String> = program
        .get(&format!("/api/models/{id}/settings"))
        .await
        .expect(200)
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let before = state(&mut program).await;
    let mut tried = 0;
    for value in nonsense() {
        for (path, body) in [
            ("/api/models".to_owned(), format!(r#"{{"name": "Owl", "provider_id": {value}, "model_name": "random"}}"#)),
            ("/api/models".to_owned(), format!(r#"{{"name": "Owl", "provider_id": 1, "model_name": {value}}}"#)),
            (format!("/api/models/{id}/environment"), format!(r#"{{"environment": {value}}}"#)),
            (format!("/api/models/{id}/automation"), format!(r#"{{"automation": {value}}}"#)),
            (format!("/api/models/{id}/exchange/environment"), format!(r#"{{"exchange_environment": {value}}}"#)),
            (approve.clone(), format!(r#"{{"version": {value}}}"#)),
            (approve.clone(), format!(r#"{{"modified": {value}}}"#)),
            (approve.clone(), format!(r#"{{"modified": true, "modifications": {value}}}"#)),
            (approve.clone(), format!(r#"{{"modifications": {{"quantity": {value}}}}}"#)),
            (approve.clone(), format!(r#"{{"modifications": {{"leverage": {value}}}}}"#)),
            (approve.clone(), format!(r#"{{"modifications": {{"stop_loss": {value}}}}}"#)),
            (approve.clone(), format!(r#"{{"modifications": {{"profit_target": {value}}}}}"#)),
            (format!("/api/models/{id}/cycle"), format!(r#"{{"market_data": {{"BTC": {{"price": {value}}}}}}}"#)),
            (format!("/api/models/{id}/cycle"), format!(r#"{{"decisions": {value}}}"#)),
            ("/api/providers/models".to_owned(), format!(r#"{{"provider_id": {value}}}"#)),
        ] {
            // Large numbers are prices like any other, and a list of nothing is a list.
            let answer = program.api_text("POST", &path, &body).await;
            clear_refusal(&format!("{path} {}", &body[..body.len().min(120)]), &answer);
            tried += 1;
        }
        for key in settings.iter().filter(|key| !matches!(key.as_str(), "ai_strategy")) {
            let body = format!(r#"{{"{key}": {value}, "max_leverage": 2}}"#);
            let body = if key == "max_leverage" { format!(r#"{{"{key}": {value}}}"#) } else { body };
            let answer = program.api_text("POST", &format!("/api/models/{id}/settings"), &body).await;
            clear_refusal(&format!("settings {}", &body[..body.len().min(120)]), &answer);
            assert!(answer.json()["error"]["fields"][key].is_string(), "{key}: {}", answer.body);
            tried += 1;
        }
    }
    assert!(tried > 500);
    assert_eq!(state(&mut program).await, before);
}

async fn nonsense_in_a_decision_is_that_coins_model_error(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    for (field, good) in [
        ("signal", "\"buy_to_enter\""),
        ("quantity", "\"0.001\""),
        ("leverage", "1"),
        ("confidence", "0.5"),
        ("profit_target", "50000"),
        ("stop_loss", "40000"),
        ("sneaky", "1"),
    ] {
        for value in nonsense() {
            let mut fields: Vec<String> =
                vec![r#""signal": "buy_to_enter""#.to_owned(), r#""quantity": "0.001""#.to_owned()];
            fields.retain(|pair| !pair.contains(field));
            fields.push(format!("\"{field}\": {value}"));
            let body = format!(r#"{{"decisions": {{"BTC": {{{}}}, "SOL": {{"signal": "hold"}}}}}}"#, fields.join(", "));
            let answer = program.api_text("POST", &format!("/api/models/{id}/cycle"), &body).await;
            let cycle = answer.expect(200);
            assert!(!answer.body.contains(CANARY) && !answer.body.contains("script"), "{}", answer.body);
            assert_eq!(cycle["pending"], json!([]), "{field} {value} {good}");
            assert_eq!(cycle["skipped"].as_array().unwrap().len(), 2, "{field} {value}");
            let row = cycle["skipped"].as_array().unwrap().iter().find(|row| row["coin"] == "BTC").unwrap();
            let is_huge = value.starts_with("1e400") || value.starts_with("999");
            assert!(row["code"] == "model_error" || is_huge, "{field} {value}: {row}");
            if row["code"] == "model_error" {
                assert!(row["message"].as_str().unwrap().contains(field), "{field} {value}: {row}");
            }
        }
    }
    // Missing: an entry without a size, a decision without a signal.
    for body in [json!({ "BTC": { "signal": "buy_to_enter" } }), json!({ "BTC": { "quantity": "0.001" } })] {
        let cycle = program.post(&format!("/api/models/{id}/cycle"), json!({ "decisions": body })).await.expect(200);
        assert_eq!(cycle["skipped"][0]["code"], "model_error");
    }
}

async fn what_is_missing_unknown_or_no_json_is_said_so(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let empty = program.post("/api/models", json!({})).await.refused(422, "invalid");
    let fields: Vec<&str> = empty["error"]["fields"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["model_name", "name", "provider_id"]);
    let id = asking_model(&mut program, "Sage").await;
    let twice = json!({ "name": "Sage", "provider_id": 1, "model_name": "random" });
    program.post("/api/models", twice).await.refused(409, "duplicate_name");
    let unknown =
        program.post(&format!("/api/models/{id}/settings"), json!({ "max_laverage": 2, "max_leverage": 3 })).await;
    let unknown = unknown.refused(422, "invalid");
    assert_eq!(unknown["error"]["fields"], json!({ "max_laverage": "is not known" }));
    let settings = program.get(&format!("/api/models/{id}/settings")).await.expect(200);
    assert_eq!(settings["max_leverage"], 1);
    for bad in ["{", "[1]", "\"x\"", "{\"a\": hunter2hunter2}", "nul"] {
        let answer = program.api_text("POST", "/api/models", bad).await;
        answer.refused(400, "malformed_json");
        assert!(!answer.body.contains(CANARY));
    }
    let huge = format!("{{\"name\": \"{}\"}}", "x".repeat(600 * 1_024));
    program.api_text("POST", "/api/models", &huge).await.refused(413, "too_large");
    for path in [
        "/api/models/999",
        "/api/orders/999",
        "/api/decisions/999",
        "/api/cycles/999",
        "/api/models/x",
        "/api/models/99999999999999999999",
    ] {
        program.get(path).await.refused(404, "not_found");
    }
    for path in [
        "/api/models/999/cycle",
        "/api/models/999/pause",
        "/api/models/999/resume",
        "/api/models/999/settings",
        "/api/pending-decisions/999/approve",
        "/api/pending-decisions/999/reject",
        "/api/decisions/999/request-approval",
        "/api/orders/999/cancel",
        "/api/incidents/999/resolve",
        "/api/models/999/positions/BTC/close",
        "/api/models/1/positions/%3Cscript%3E/close",
    ] {
        program.post(path, json!({})).await.refused(404, "not_found");
    }
}
