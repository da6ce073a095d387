//! Who may what, and from where.

use super::shorthand::plain_model;
use crate::support::House;
use countersign::domain::access::TokenScope;
use countersign::web::routes::{Access, ROUTES};
use serde_json::{Value, json};

on_each_database!(
    each_scope_reaches_exactly_its_own_rows,
    nothing_of_the_api_answers_without_a_session_or_token,
    a_session_writes_only_with_its_token_and_from_our_own_pages,
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
