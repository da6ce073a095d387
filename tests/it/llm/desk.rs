//! A language model that drives a model of the desk: the whole program beside a scripted provider.

use crate::support::fake_provider::{FakeProvider, Reply};
use crate::support::{Client, House};
use serde_json::{Value, json};

on_each_database!(
    a_language_model_proposes_and_a_person_is_asked,
    an_answer_that_cannot_be_used_is_asked_again_with_its_exact_errors,
    what_still_cannot_be_used_is_a_model_error_and_never_a_hold,
    the_usable_part_of_a_first_answer_survives_a_spoiled_second_one,
    a_way_of_asking_that_works_is_remembered,
    a_provider_that_refuses_the_key_is_an_incident,
    a_zero_character_is_kept_billed_and_told,
);

const KEY: &str = "sk-canary-8d1f6a0c2b";

/// A provider and a model of it that follows BTC and ETH; the model's id.
pub async fn sage(admin: &mut Client, provider: &FakeProvider) -> i64 {
    let body = json!({ "name": "Fake", "kind": "other", "base_url": provider.url(), "api_key": KEY });
    let id = admin.post("/api/providers", body).await.expect(201)["id"].clone();
    let body = json!({
        "name": "Sage", "provider_id": id, "model_name": "small-1",
        "supported_assets": ["BTC", "ETH"], "ai_temperature": "0.3", "ai_strategy": "Buy what falls.",
    });
    let id = admin.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap();
    admin.post(&format!("/api/models/{id}/automation"), json!({ "automation": "semi_automated" })).await.expect(200);
    id
}

pub fn decision(coin: &str, fields: Value) -> Value {
    let mut decision = json!({
        "coin": coin, "signal": "hold", "quantity": null, "equity_pct": null, "leverage": null, "profit_target": null,
        "stop_loss": null, "confidence": "0.6", "justification": "Because.", "invalidation": null,
    });
    for (key, value) in fields.as_object().unwrap() {
        decision[key] = value.clone();
    }
    decision
}

pub fn answer(decisions: &[Value]) -> Reply {
    Reply::says(&json!({ "decisions": decisions }).to_string())
}

pub fn purchase() -> Value {
    json!({ "signal": "buy_to_enter", "equity_pct": "5", "invalidation": "A close below the low." })
}

pub async fn run(admin: &mut Client, model: i64) -> Value {
    admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.expect(200)
}

fn code(answer: &Value, coin: &str) -> Value {
    let skipped = answer["skipped"].as_array().unwrap();
    skipped.iter().find(|row| row["coin"] == coin).map_or(Value::Null, |row| row["code"].clone())
}

async fn a_language_model_proposes_and_a_person_is_asked(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let cycle = run(&mut admin, model).await;
    assert_eq!((&cycle["pending"][0]["coin"], code(&cycle, "ETH")), (&json!("BTC"), json!("hold")), "{cycle}");

    let waiting = admin.get("/api/pending-decisions").await.expect(200)[0].clone();
    let (quantity, price) = (&waiting["decision_data"]["quantity"], &waiting["quote"]["price"]);
    let number = |value: &Value| value.as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();
    let notional = number(quantity) * number(price);
    let (most, least) = (rust_decimal::Decimal::from(500), rust_decimal::Decimal::from(499));
    assert!(notional <= most && notional > least, "5 % of 10,000, rounded down to the grid: {notional}");
    let page = admin.get(&format!("/decisions/{}", waiting["id"])).await.body;
    assert!(page.contains("What would prove it wrong") && page.contains("A close below the low."), "{page}");

    let asked = &provider.requests()[0];
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!((&asked.body["model"], &asked.body["temperature"]), (&json!("small-1"), &json!(0.3)));
    assert_eq!(asked.body["response_format"]["type"], "json_schema");
    let brief = asked.body["messages"][1]["content"].as_str().unwrap();
    assert!(brief.contains("BTC") && asked.body["messages"].to_string().contains("Buy what falls."), "{brief}");
}

async fn an_answer_that_cannot_be_used_is_asked_again_with_its_exact_errors(house: House) {
    let provider = FakeProvider::start().await;
    let both = json!({ "signal": "buy_to_enter", "quantity": "0.01", "equity_pct": "5" });
    provider.answer(answer(&[decision("BTC", both), decision("ETH", json!({}))]));
    provider.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let cycle = run(&mut admin, model).await;
    assert_eq!(cycle["pending"][0]["coin"], "BTC", "{cycle}");
    let asked = provider.requests();
    assert_eq!(asked.len(), 2);
    let messages = asked[1].body["messages"].as_array().unwrap();
    let again = messages.last().unwrap()["content"].as_str().unwrap();
    assert!(again.contains("BTC: ") && again.contains("equity_pct") && !again.contains("ETH: "), "{again}");
    assert_eq!(messages[messages.len() - 2]["role"], "assistant");
}

async fn what_still_cannot_be_used_is_a_model_error_and_never_a_hold(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::says("I would <b>hold</b> for now."));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let cycle = run(&mut admin, model).await;
    assert_eq!(provider.requests().len(), 2, "asked again once, and not for ever");
    assert_eq!((code(&cycle, "BTC"), code(&cycle, "ETH")), (json!("model_error"), json!("model_error")), "{cycle}");
    let incidents = admin.get("/api/incidents").await.expect(200);
    let mine = incidents.as_array().unwrap().iter().filter(|incident| incident["type"] == "MODEL_ERROR").count();
    assert_eq!(mine, 1, "one answer that fails as a whole is one incident: {incidents}");
    let page = admin.get(&format!("/cycles/{}", cycle["cycle_id"])).await.body;
    assert!(page.contains("I would &#60;b&#62;hold&#60;/b&#62; for now."), "shown as it was said, as text: {page}");
}

async fn the_usable_part_of_a_first_answer_survives_a_spoiled_second_one(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(answer(&[decision("BTC", purchase())]));
    provider.answer(Reply::text(500, "<html>Bad gateway</html>").with("retry-after", "600"));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let cycle = run(&mut admin, model).await;
    assert_eq!((&cycle["pending"][0]["coin"], code(&cycle, "ETH")), (&json!("BTC"), json!("model_error")), "{cycle}");
}

async fn a_way_of_asking_that_works_is_remembered(house: House) {
    let provider = FakeProvider::start().await;
    let refusal = json!({ "error": { "message": "response_format json_schema is not supported", "code": 400 } });
    provider.answer(Reply::json(400, refusal));
    provider.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    run(&mut admin, model).await;
    run(&mut admin, model).await;
    let asked = provider.requests();
    let formats: Vec<&Value> = asked.iter().map(|asked| &asked.body["response_format"]["type"]).collect();
    assert_eq!(formats, ["json_schema", "json_object", "json_object"]);
    let system = asked[2].body["messages"][0]["content"].as_str().unwrap();
    assert!(system.contains("additionalProperties"), "without schema mode the schema stands in the prompt: {system}");
}

async fn a_provider_that_refuses_the_key_is_an_incident(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::json(401, json!({ "error": { "message": format!("bad key {KEY}") } })));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let refused = admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.refused(503, "advisor_failed");
    assert!(!refused.to_string().contains(KEY), "{refused}");
    let incidents = admin.get("/api/incidents").await.expect(200);
    let mine = incidents.as_array().unwrap().iter().find(|incident| incident["type"] == "MODEL_ERROR").unwrap();
    assert!(mine.to_string().contains("refuses the key") && !incidents.to_string().contains(KEY), "{mine}");
    assert_eq!(admin.get("/api/pending-decisions").await.expect(200), json!([]));
}

async fn a_zero_character_is_kept_billed_and_told(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::says("I hold.\u{0}"));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let cycle = run(&mut admin, model).await;
    assert_eq!(code(&cycle, "BTC"), "model_error", "{cycle}");
    assert!(admin.get(&format!("/cycles/{}", cycle["cycle_id"])).await.body.contains("I hold.\u{fffd}"));
    let costs = admin.get(&format!("/api/models/{model}/ai-costs")).await.expect(200);
    assert_eq!(costs["total"]["calls"], 2, "{costs}");
}
