//! Asking again and shadows, as a person and a program meet them.

use super::desk::{answer, decision, purchase, sage};
use crate::api::document::conforms;
use crate::support::fake_provider::{FakeProvider, Reply};
use crate::support::{Client, House};
use countersign::domain::access::{Role, TokenScope};
use countersign::domain::ids::ShadowId;
use countersign::services::follow_record::follow;
use serde_json::{Value, json};

on_each_database!(
    a_person_asks_another_model_and_reads_both_answers,
    a_program_asks_another_model,
    a_slow_answer_is_waited_for_on_its_page,
    a_person_starts_compares_and_ends_a_shadow,
    a_program_starts_compares_and_ends_a_shadow,
    who_may_only_look_starts_nothing,
    a_person_changes_who_decides,
);

async fn provider(admin: &mut Client, at: &FakeProvider) -> Value {
    let body =
        json!({ "name": "Other", "kind": "other", "base_url": at.url(), "input_price": "2", "output_price": "10" });
    admin.post("/api/providers", body).await.expect(201)["id"].clone()
}

/// Two providers, a model of the first, and one cycle of it.
async fn scene(admin: &mut Client) -> (FakeProvider, FakeProvider, i64, Value, Value) {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    first.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    second.answer(answer(&[
        decision("BTC", json!({ "justification": "<b>Too hot</b>" })),
        decision("ETH", json!({ "signal": "buy_to_enter", "quantity": "5000" })),
    ]));
    let model = sage(admin, &first).await;
    let other = provider(admin, &second).await;
    let cycle = admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.expect(200)["cycle_id"].clone();
    (first, second, model, other, cycle)
}

async fn a_person_asks_another_model_and_reads_both_answers(house: House) {
    let mut admin = house.admin().await;
    let (_first, second, _, other, cycle) = scene(&mut admin).await;
    let url = format!("/cycles/{cycle}/ask");
    assert!(admin.get(&url).await.body.contains("Nothing is ordered"));
    let other = other.to_string();
    let refused = admin.post_form(&url, &[("provider_id", &other), ("model_name", ""), ("template", "current")]).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("Language model is required.") && refused.body.contains("value=\"current\" selected")
    );

    let asked = [("provider_id", other.as_str()), ("model_name", "big-2"), ("template", "recorded")];
    let done = admin.post_form(&url, &asked).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let page = admin.get(done.header("location")).await.body;
    for words in
        ["big-2 · Other", "small-1 · Fake", "Nothing was ordered", "passes", "denied", "POSITION_SIZE", "0.0004 USD"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("&#60;b&#62;Too hot&#60;/b&#62;") && !page.contains("<b>Too hot"),
        "text from outside is text"
    );
    assert!(admin.get(&url).await.body.contains("big-2 · Other"), "what was asked before is listed");

    second.forget_answers();
    second.answer(Reply::json(401, json!({})));
    let failed = admin.post_form(&url, &asked).await;
    let page = admin.get(failed.header("location")).await.body;
    assert!(page.contains("no answer") && page.contains("refuses the key"), "{page}");
    assert_eq!(admin.get("/cycles/999/ask").await.status, 404);
    assert_eq!(admin.get("/answers/999").await.status, 404);
}

async fn a_program_asks_another_model(house: House) {
    let mut admin = house.admin().await;
    let (_first, _second, _, other, cycle) = scene(&mut admin).await;
    let url = format!("/api/cycles/{cycle}/ask");
    let refused = admin.post(&url, json!({ "provider_id": 999, "model_name": "big-2" })).await.refused(422, "invalid");
    assert!(refused["error"]["fields"]["provider_id"].is_string(), "{refused}");
    let refused = admin.post(&url, json!({ "provider_id": other, "template": "mine" })).await.refused(422, "invalid");
    let fields = refused["error"]["fields"].as_object().unwrap();
    assert!(fields.contains_key("model_name") && fields.contains_key("template"), "{refused}");
    let row = admin.post(&url, json!({ "provider_id": other, "model_name": "big-2" })).await.expect(200);
    assert_eq!((&row["status"], &row["template"]), (&json!("answered"), &json!("recorded")));
    let rulings: Vec<&Value> = row["decisions"].as_array().unwrap().iter().map(|one| &one["ruling"]).collect();
    assert_eq!(rulings, ["hold", "denied"], "{row}");
    let document = admin.get("/api/openapi.json").await.expect(200);
    conforms(&document, "post", "/api/cycles/{id}/ask", "200", &row);
    assert_eq!(admin.get(&format!("/api/cycles/{cycle}/answers")).await.expect(200), json!([row]));
    let outside = json!({ "decisions": { "BTC": { "signal": "hold" } } });
    let model = row["cycle_id"].as_i64().unwrap();
    let sent = admin.post(&format!("/api/models/{model}/cycle"), outside).await;
    if sent.status == 200 {
        let sent = sent.json()["cycle_id"].clone();
        let url = format!("/api/cycles/{sent}/ask");
        admin.post(&url, json!({ "provider_id": other, "model_name": "big-2" })).await.refused(409, "no_question");
    }
}

async fn a_slow_answer_is_waited_for_on_its_page(house: House) {
    let mut admin = house.admin().await;
    let (_first, second, _, other, cycle) = scene(&mut admin).await;
    second.forget_answers();
    second.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]).hangs());
    let (mut asking, body) = (admin.clone(), json!({ "provider_id": other, "model_name": "big-2" }));
    let url = format!("/api/cycles/{cycle}/ask");
    let waits = tokio::spawn(async move { asking.post(&url, body).await });
    second.has_been_asked(1).await;
    let answers = admin.get(&format!("/api/cycles/{cycle}/answers")).await.expect(200);
    assert_eq!(answers[0]["status"], "asking");
    let page = admin.get(&format!("/answers/{}", answers[0]["id"])).await.body;
    assert!(page.contains("http-equiv=\"refresh\"") && page.contains("It is being asked"), "{page}");
    second.release();
    assert_eq!(waits.await.unwrap().expect(200)["status"], "answered");
    let page = admin.get(&format!("/answers/{}", answers[0]["id"])).await.body;
    assert!(!page.contains("http-equiv=\"refresh\""));
}

async fn a_person_starts_compares_and_ends_a_shadow(house: House) {
    let mut admin = house.admin().await;
    let (_first, second, model, other, _) = scene(&mut admin).await;
    let url = format!("/models/{model}/shadows");
    assert!(admin.get(&url).await.body.contains("No shadow yet."));
    let other = other.to_string();
    let bad = [("name", "Candidate"), ("provider_id", &other), ("model_name", "big-2"), ("template", "{% oops %}")];
    let refused = admin.post_form(&url, &bad).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Template line 1") && refused.body.contains("{% oops %}"), "{}", refused.body);
    let good = [("name", "Candidate"), ("provider_id", other.as_str()), ("model_name", "big-2"), ("template", "")];
    assert_eq!(admin.post_form(&url, &good).await.status, 303);
    assert!(admin.get(&url).await.body.contains("waits for the next cycle"));
    assert_eq!(admin.post_form(&url, &good).await.status, 409, "the name is taken");

    second.forget_answers();
    second.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    for _ in 0..2 {
        house.pass_minutes(60);
        admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.expect(200);
        assert!(follow(&house.desk, ShadowId(1)).await.unwrap());
    }
    let page = admin.get(&url).await.body;
    for words in ["Candidate", "follows", "big-2 · Other", "Return since the first record", "100 %"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = admin.get("/shadows/1").await.body;
    for words in ["It never trades", "Holds on paper", "bought", "Record by record", "End this shadow"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("/shadows/1/steps/2"), "each record is a page: {page}");
    let page = admin.get("/shadows/1/steps/1").await.body;
    for words in ["Candidate on paper · big-2 · Other", "bought", "In the cycle", "Question 1", "Because."] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(admin.get("/shadows/1/steps/3").await.status, 404);
    let providers = admin.get("/providers").await.body;
    assert!(providers.contains("Candidate (a shadow)"), "{providers}");
    assert_eq!(admin.post_form("/shadows/1/stop", &[]).await.status, 303);
    let page = admin.get("/shadows/1").await.body;
    assert!(page.contains("ended") && !page.contains("End this shadow"));
    assert!(admin.get(&format!("/api/models/{model}/orders")).await.expect(200).as_array().unwrap().is_empty());
}

async fn a_program_starts_compares_and_ends_a_shadow(house: House) {
    let mut admin = house.admin().await;
    let (_first, _second, model, other, _) = scene(&mut admin).await;
    let url = format!("/api/models/{model}/shadows");
    let refused =
        admin.post(&url, json!({ "name": " x", "provider_id": 1, "model_name": "m" })).await.refused(422, "invalid");
    assert!(refused["error"]["fields"]["name"].is_string(), "{refused}");
    let refused =
        admin.post(&url, json!({ "name": "x", "provider_id": 1, "model_name": "m" })).await.refused(422, "invalid");
    assert!(
        refused["error"]["fields"]["provider_id"].is_string(),
        "the built-in rules are no language model: {refused}"
    );
    let body = json!({ "name": "Candidate", "provider_id": other, "model_name": "big-2" });
    let row = admin.post(&url, body.clone()).await.expect(201);
    assert_eq!((&row["status"], &row["progress"]), (&json!("active"), &Value::Null));
    admin.post(&url, body).await.refused(409, "duplicate_name");
    admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.expect(200);
    assert!(follow(&house.desk, ShadowId(row["id"].as_i64().unwrap())).await.unwrap());
    let id = &row["id"];
    let row = admin.get(&format!("/api/shadows/{id}")).await.expect(200);
    let document = admin.get("/api/openapi.json").await.expect(200);
    conforms(&document, "get", "/api/shadows/{id}", "200", &row);
    let progress = &row["progress"];
    assert_eq!((&progress["records"], &progress["denied"], &progress["agreed"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!((&progress["cost"], &progress["model"]["cost"]), (&json!("0.000364"), &json!("0")));
    let steps = admin.get(&format!("/api/shadows/{id}/steps")).await.expect(200);
    conforms(&document, "get", "/api/shadows/{id}/steps", "200", &steps);
    assert_eq!(
        (steps.as_array().unwrap().len(), &steps[0]["fills"], &steps[0]["error"]),
        (1, &json!([]), &Value::Null)
    );
    let step = admin.get(&format!("/api/shadows/{id}/steps/1")).await.expect(200);
    conforms(&document, "get", "/api/shadows/{id}/steps/{number}", "200", &step);
    assert_eq!(step["step"], steps[0]);
    let rulings: Vec<&Value> = step["decisions"].as_array().unwrap().iter().map(|row| &row["ruling"]).collect();
    assert!(rulings.contains(&&json!("denied")), "{step}");
    admin.get(&format!("/api/shadows/{id}/steps/2")).await.refused(404, "not_found");
    assert_eq!(admin.get(&url).await.expect(200)[0]["id"], *id);
    assert_eq!(admin.post(&format!("/api/shadows/{id}/stop"), json!({})).await.expect(200)["status"], "stopped");
    admin.post(&format!("/api/shadows/{id}/stop"), json!({})).await.refused(409, "shadow_changed");
    admin.get("/api/shadows/99").await.refused(404, "not_found");
}

async fn who_may_only_look_starts_nothing(house: House) {
    let mut admin = house.admin().await;
    let (_first, _second, model, other, cycle) = scene(&mut admin).await;
    let mut viewer = house.person("vera", Role::Viewer).await;
    assert!(!viewer.get(&format!("/models/{model}/shadows")).await.body.contains("Start shadow"));
    assert!(!viewer.get(&format!("/cycles/{cycle}/ask")).await.body.contains(">Ask</button>"));
    let mut program = house.token(TokenScope::Propose).await;
    let body = json!({ "name": "x", "provider_id": other, "model_name": "m" });
    for url in [format!("/api/models/{model}/shadows"), format!("/api/cycles/{cycle}/ask")] {
        program.post(&url, body.clone()).await.refused(403, "forbidden");
        assert_eq!(viewer.post(&url, body.clone()).await.status, 403);
    }
}

async fn a_person_changes_who_decides(house: House) {
    let mut admin = house.admin().await;
    let (_first, _second, model, other, _) = scene(&mut admin).await;
    let url = format!("/models/{model}/advisor");
    let page = admin.get(&url).await.body;
    assert!(page.contains("now small-1") && page.contains("value=\"small-1\""), "{page}");
    let advisor = format!("{other}:");
    let refused = admin.post_form(&url, &[("model_name", &advisor), ("language_model", "")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Language model must be the provider"), "{}", refused.body);
    let done = admin.post_form(&url, &[("model_name", &advisor), ("language_model", "big-2")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let now = admin.get(&format!("/api/models/{model}")).await.expect(200);
    assert_eq!((&now["provider_id"], &now["model_name"]), (&other, &json!("big-2")));
    let done = admin.post_form(&url, &[("model_name", "1:ema_cross"), ("language_model", "")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(admin.get(&format!("/api/models/{model}")).await.expect(200)["model_name"], "ema_cross");
}
