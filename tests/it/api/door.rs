//! Who may what, and from where.

use super::shorthand::{asking_model, buy_btc, plain_model};
use crate::support::{Client, House};
use actix_web::http::Method;
use countersign::domain::access::TokenScope;
use countersign::web::routes::{Access, ROUTES};
use serde_json::{Value, json};

on_each_database!(
    each_scope_reaches_exactly_its_own_rows,
    nothing_of_the_api_answers_without_a_session_or_token,
    a_session_writes_only_with_its_token_and_from_our_own_pages,
    a_propose_token_changes_nothing_but_by_proposing,
);

async fn each_scope_reaches_exactly_its_own_rows(house: House) {
    let mut operator = house.token(TokenScope::Operate).await;
    plain_model(&mut operator, "Sage").await;
    for scope in TokenScope::ALL {
        let mut program = house.token(*scope).await;
        for entry in ROUTES {
            let Access::Api(permission) = entry.access else { continue };
            if scope.may(permission) {
                continue;
            }
            let path = entry.path.replace("{id}", "1").replace("{coin}", "BTC");
            let answer = program.api(entry.method.as_str(), &path, json!({})).await;
            answer.refused(403, "forbidden");
        }
    }
    let mut reader = house.token(TokenScope::Read).await;
    for path in ["/api/models/1", "/api/models/1/portfolio", "/api/openapi.json", "/api/whoami"] {
        reader.get(path).await.expect(200);
    }
    let docs = reader.get("/api/docs").await;
    assert_eq!(docs.status, 200, "{}", docs.body);
    assert!(docs.body.contains("/api/pending-decisions/{id}/approve"));
}

async fn nothing_of_the_api_answers_without_a_session_or_token(house: House) {
    for mut stranger in [house.client(), house.client().with_token("cs_nope")] {
        for entry in ROUTES.iter().filter(|entry| matches!(entry.access, Access::Api(_))) {
            let path = entry.path.replace("{id}", "1").replace("{coin}", "BTC");
            stranger.api(entry.method.as_str(), &path, Value::Null).await.refused(401, "unauthorized");
        }
    }
}

async fn a_session_writes_only_with_its_token_and_from_our_own_pages(house: House) {
    let mut browser = house.admin().await;
    let body = json!({ "name": "Sage", "provider_id": 1, "model_name": "random" });
    for token in [None, Some("0000".to_owned())] {
        let mut forged = browser.clone();
        forged.csrf = token;
        forged.post("/api/models", body.clone()).await.refused(403, "csrf");
    }
    let mut elsewhere = browser.clone().with_header("sec-fetch-site", "cross-site");
    elsewhere.post("/api/models", body.clone()).await.refused(403, "csrf");
    assert_eq!(browser.get("/api/models").await.expect(200), json!([]));
    browser.post("/api/models", body).await.expect(201);
}

/// Routes that a token of scope `propose` is let into although they are no GET, and what each is for.
const OPEN_TO_PROPOSERS: &[(&str, &str)] = &[
    ("/mcp", "reads and proposes, as the API"),
    ("/api/models/{id}/cycle", "proposes"),
    ("/api/cycles/{id}/replay", "judges a record again and keeps nothing"),
    ("/api/providers/models", "asks a saved provider what it offers"),
];

async fn a_propose_token_changes_nothing_but_by_proposing(house: House) {
    let mut operator = house.token(TokenScope::Operate).await;
    let model = asking_model(&mut operator, "Sage").await;
    buy_btc(&mut operator, model).await;
    let before = everything(&mut operator).await;
    let mut proposer = house.token(TokenScope::Propose).await;
    let mut open = Vec::new();
    for entry in ROUTES.iter().filter(|entry| entry.access != Access::Public) {
        let path = entry.path.replace("{id}", "1").replace("{coin}", "BTC").replace("{environment}", "testnet");
        let path = path.replace("{account}", "1");
        if path == "/events" {
            continue;
        }
        let answer = proposer.api(entry.method.as_str(), &path, json!({})).await;
        match entry.access {
            // Pages are for people: a token does not open them.
            Access::Page(_) => assert!(matches!(answer.status, 303 | 401), "{path}: {}", answer.status),
            // What a route needs to be found is not always there; what matters is that the door is open.
            _ if entry.method == Method::GET => {
                assert!(matches!(answer.status, 200 | 404), "{path}: {}", answer.status)
            }
            _ if answer.status == 403 && !is_open(entry.path) => {
                answer.refused(403, "forbidden");
            }
            _ => open.push(entry.path),
        }
    }
    open.sort_unstable();
    let mut allowed: Vec<&str> = OPEN_TO_PROPOSERS.iter().map(|(path, _)| *path).collect();
    allowed.sort_unstable();
    assert_eq!(open, allowed);
    assert_eq!(everything(&mut operator).await, before, "a walk through every door changed something");
    // Nor may it ask the model itself, which costs money and is nobody's proposal.
    proposer.post(&format!("/api/models/{model}/cycle"), json!({})).await.refused(403, "forbidden");
    let said = json!({ "decisions": { "BTC": { "signal": "hold" } } });
    proposer.post(&format!("/api/models/{model}/cycle"), said).await.expect(200);
    assert_ne!(everything(&mut operator).await, before);
}

fn is_open(path: &str) -> bool {
    OPEN_TO_PROPOSERS.iter().any(|(open, _)| *open == path)
}

/// The state of the desk, as far as the API shows it.
async fn everything(program: &mut Client) -> Vec<Value> {
    let mut shown = Vec::new();
    for path in [
        "/api/models",
        "/api/models/1/settings",
        "/api/models/1/config",
        "/api/models/1/prompt",
        "/api/models/1/portfolio",
        "/api/models/1/orders",
        "/api/models/1/conversations",
        "/api/models/1/exchange/credentials",
        "/api/decision-history",
        "/api/pending-decisions",
        "/api/incidents",
        "/api/notifications",
        "/api/providers",
    ] {
        shown.push(program.get(path).await.expect(200));
    }
    shown
}
