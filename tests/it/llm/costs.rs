//! What language models cost, the budgets that stop asking, and safe mode.

use super::desk::{answer, decision, purchase, run, sage};
use crate::support::House;
use crate::support::fake_provider::{FakeProvider, Reply};
use serde_json::{Value, json};

on_each_database!(
    each_call_is_on_the_bill_with_the_tokens_that_the_provider_counted,
    a_provider_that_does_not_count_is_estimated_and_that_is_said,
    a_budget_warns_once_and_then_stops_asking,
    a_budget_without_prices_asks_nobody,
    three_unusable_answers_are_safe_mode_until_one_can_be_used,
);

async fn prices(admin: &mut crate::support::Client, input: &str, output: &str) {
    let id = admin.get("/api/providers").await.expect(200).as_array().unwrap().last().unwrap()["id"].clone();
    let body = json!({ "input_price": input, "output_price": output });
    admin.api("PATCH", &format!("/api/providers/{id}"), body).await.expect(200);
}

async fn settings(admin: &mut crate::support::Client, model: i64, body: Value) {
    admin.post(&format!("/api/models/{model}/settings"), body).await.expect(200);
}

async fn costs(admin: &mut crate::support::Client, model: i64) -> Value {
    admin.get(&format!("/api/models/{model}/ai-costs")).await.expect(200)
}

async fn each_call_is_on_the_bill_with_the_tokens_that_the_provider_counted(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::says("no object at all"));
    provider.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    prices(&mut admin, "1000", "2000").await;
    run(&mut admin, model).await;
    let costs = costs(&mut admin, model).await;
    let today = &costs["today"];
    // Two calls of 12 tokens asked and 34 answered, at 0.001 and 0.002 dollars.
    assert_eq!((&today["calls"], &today["input_tokens"], &today["output_tokens"]), (&json!(2), &json!(24), &json!(68)));
    assert_eq!((&today["cost"], &today["estimated_calls"]), (&json!("0.16"), &json!(0)));
    assert_eq!((&today["decisions"], &costs["cost_per_decision"]), (&json!(2), &json!("0.08")));
    assert_eq!((&costs["month"]["cost"], &costs["total"]["cost"]), (&json!("0.16"), &json!("0.16")));
    assert_eq!((&costs["pnl"], &costs["pnl_after_ai_cost"]), (&json!("0"), &json!("-0.16")));
    let page = admin.get(&format!("/models/{model}/costs")).await.body;
    assert!(page.contains("0.1600 USD") && page.contains("2 calls"), "{page}");
    assert!(admin.get(&format!("/models/{model}")).await.body.contains("AI cost this month"));
}

async fn a_provider_that_does_not_count_is_estimated_and_that_is_said(house: House) {
    let provider = FakeProvider::start().await;
    let text = json!({ "decisions": [decision("BTC", json!({})), decision("ETH", json!({}))] }).to_string();
    provider.answer(Reply::json(200, json!({ "choices": [{ "message": { "role": "assistant", "content": text } }] })));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    run(&mut admin, model).await;
    let today = costs(&mut admin, model).await["today"].clone();
    assert_eq!((&today["estimated_calls"], &today["unpriced_calls"]), (&json!(1), &json!(1)), "{today}");
    assert!(today["output_tokens"].as_u64().unwrap() >= text.len() as u64 / 3);
    let page = admin.get(&format!("/models/{model}/costs")).await.body;
    assert!(page.contains("estimated") && page.contains("no price"), "{page}");
}

async fn a_budget_warns_once_and_then_stops_asking(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    // A call costs 0.08 dollars.
    prices(&mut admin, "1000", "2000").await;
    settings(&mut admin, model, json!({ "ai_budget_day": "0.2" })).await;
    for asked in 1..=3 {
        run(&mut admin, model).await;
        assert_eq!(provider.requests().len(), asked);
    }
    let refused = admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.refused(503, "advisor_failed");
    assert!(refused.to_string().contains("budget of this day is spent"), "{refused}");
    assert_eq!(provider.requests().len(), 3, "nobody is asked any more");
    let incidents = admin.get("/api/incidents").await.expect(200);
    let titles: Vec<&str> = incidents.as_array().unwrap().iter().filter_map(|row| row["title"].as_str()).collect();
    let count = |words: &str| titles.iter().filter(|title| title.contains(words)).count();
    assert_eq!((count("most of the AI budget of this day"), count("AI budget stops it")), (1, 1), "{titles:?}");

    house.pass_minutes(24 * 60);
    let mut admin = house.admin().await;
    run(&mut admin, model).await;
    assert_eq!(provider.requests().len(), 4, "the next day has a budget of its own");
}

async fn a_budget_without_prices_asks_nobody(house: House) {
    let provider = FakeProvider::start().await;
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    settings(&mut admin, model, json!({ "ai_budget_month": "5" })).await;
    let refused = admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.refused(503, "advisor_failed");
    assert!(refused.to_string().contains("name its prices"), "{refused}");
    assert_eq!(provider.requests().len(), 0);
}

async fn three_unusable_answers_are_safe_mode_until_one_can_be_used(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::says("Sorry, I can't."));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let path = format!("/models/{model}");
    for _ in 0..2 {
        run(&mut admin, model).await;
    }
    assert!(!admin.get(&path).await.body.contains("Safe mode"));
    run(&mut admin, model).await;
    assert!(admin.get(&path).await.body.contains("Safe mode: its last answers could not be used."));
    let safe = |incidents: &Value| {
        let mut rows = incidents.as_array().unwrap().iter().filter(|row| row["type"] == "SAFE_MODE");
        rows.next().map_or(Value::Null, |row| row["status"].clone())
    };
    assert_eq!(safe(&admin.get("/api/incidents").await.expect(200)), json!("open"));

    // Nobody opens a position for it, neither its first usable answer nor a decision that is sent in.
    let sent = json!({ "decisions": { "BTC": { "signal": "buy_to_enter", "quantity": "0.001" } } });
    let cycle = admin.post(&format!("/api/models/{model}/cycle"), sent).await.expect(200);
    assert_eq!(cycle["skipped"][0]["code"], "SAFE_MODE", "{cycle}");
    provider.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let cycle = run(&mut admin, model).await;
    let denied = cycle["skipped"].as_array().unwrap().iter().find(|row| row["coin"] == "BTC").unwrap();
    assert_eq!(denied["code"], "SAFE_MODE", "{cycle}");
    assert_eq!(safe(&admin.get("/api/incidents?status=resolved").await.expect(200)), json!("resolved"));

    let cycle = run(&mut admin, model).await;
    assert_eq!(cycle["pending"][0]["coin"], "BTC", "{cycle}");
}
