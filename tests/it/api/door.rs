//! Who may what, and from where.

use super::house::{Answer, Caller, House, PASSWORD, plain_model};
use countersign::domain::access::TokenScope;
use countersign::web::routes::{Access, ROUTES};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scope_reaches_exactly_its_own_rows() {
    let house = House::open().await;
    let operator = house.program(TokenScope::Operate).await;
    plain_model(&operator, "Sage").await;
    for scope in TokenScope::ALL {
        let program = house.program(*scope).await;
        for entry in ROUTES {
            let Access::Api(permission) = entry.access else { continue };
            if scope.may(permission) {
                continue;
            }
            let path = entry.path.replace("{id}", "1").replace("{coin}", "BTC");
            let answer = program.send(entry.method.as_str(), &path, Some("{}".to_owned())).await;
            answer.refused(403, "forbidden");
        }
    }
    let reader = house.program(TokenScope::Read).await;
    for path in ["/api/models/1", "/api/models/1/portfolio", "/api/openapi.json", "/api/whoami"] {
        reader.get(path).await.expect(200);
    }
    let docs = reader.get("/api/docs").await;
    assert_eq!(docs.status, 200, "{}", docs.text);
    assert!(docs.text.contains("/api/pending-decisions/{id}/approve"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_api_answers_without_a_session_or_token() {
    let house = House::open().await;
    let strangers = [
        Caller::new(&house.url, Vec::new()),
        Caller::new(&house.url, Vec::new()).with("authorization", "Bearer cs_nope"),
    ];
    for stranger in strangers {
        for entry in ROUTES.iter().filter(|entry| matches!(entry.access, Access::Api(_))) {
            let path = entry.path.replace("{id}", "1").replace("{coin}", "BTC");
            stranger.send(entry.method.as_str(), &path, None).await.refused(401, "unauthorized");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_writes_only_with_its_token_and_from_our_own_pages() {
    let house = House::open().await;
    let browser = log_in(&house).await;
    let me = browser.get("/api/whoami").await.expect(200);
    let token = me["csrf_token"].as_str().unwrap();
    let body = json!({ "name": "Sage", "provider_id": 1, "model_name": "random" });
    browser.post("/api/models", body.clone()).await.refused(403, "csrf");
    browser.with("x-csrf-token", "0000").post("/api/models", body.clone()).await.refused(403, "csrf");
    let elsewhere = browser.with("x-csrf-token", token).with("sec-fetch-site", "cross-site");
    elsewhere.post("/api/models", body.clone()).await.refused(403, "csrf");
    assert_eq!(browser.get("/api/models").await.expect(200), json!([]));
    browser.with("x-csrf-token", token).post("/api/models", body).await.expect(201);
}

/// The administrator's browser.
async fn log_in(house: &House) -> Caller {
    let visitor = Caller::new(&house.url, Vec::new());
    let form = visitor.get("/login").await;
    let token = form.text.split_once("name=\"csrf_token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let fields = [("username", "admin"), ("password", PASSWORD), ("csrf_token", &token)];
    let encode = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let kind = "application/x-www-form-urlencoded";
    let answer = visitor.with("cookie", &cookie(&form)).send_as(kind, "POST", "/login", Some(fields.join("&"))).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    visitor.with("cookie", &cookie(&answer))
}

fn cookie(answer: &Answer) -> String {
    answer.headers["set-cookie"].split(';').next().unwrap().to_owned()
}
