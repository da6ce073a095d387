//! Providers through the API.

use super::lab::{HOME, KEY, Lab, OTHER_KEY, openrouter, saved};
use countersign::domain::access::TokenScope;
use countersign::domain::ids::ProviderId;
use countersign::domain::provider::AnswerMode;
use countersign::ports::language_model::ChatError;
use countersign::ports::store::{IncidentFilter, Page};
use serde_json::{Value, json};

on_each_database!(
    a_provider_is_saved_shown_changed_and_deleted,
    every_wrong_field_is_named_and_none_repeated,
    another_address_needs_the_key_again,
    two_who_change_the_same_provider_do_not_overwrite_each_other,
    a_list_is_what_the_provider_says_or_the_reason,
    a_test_finds_the_strictest_way_and_remembers_it,
    who_may_do_what,
);

async fn kinds(lab: &Lab) -> Vec<(String, String)> {
    let rows = lab.desk.store.incidents(IncidentFilter::default(), Page::first(50)).await.unwrap();
    rows.iter().map(|row| (row.kind.as_str().to_owned(), row.title.clone())).collect()
}

async fn a_provider_is_saved_shown_changed_and_deleted(lab: Lab) {
    let mut admin = lab.admin().await;
    let made = admin.post("/api/providers", openrouter()).await.expect(201);
    assert_eq!((&made["id"], &made["base_url"]), (&json!(2), &json!("https://openrouter.ai/api/v1")), "{made}");
    assert_eq!((&made["has_key"], &made["key_last4"]), (&json!(true), &json!("7Qx9")));
    assert_eq!((&made["input_price"], &made["output_price"]), (&json!("0.15"), &json!("0.6")));
    assert_eq!((&made["max_concurrency"], &made["timeout_seconds"]), (&json!(4), &json!(180)));
    let list = admin.get("/api/providers").await.expect(200);
    assert_eq!((&list[0]["id"], &list[0]["kind"]), (&json!(1), &json!("built_in")), "{list}");
    assert!(list[0]["models"].as_array().unwrap().contains(&json!("ema_cross")), "{list}");
    assert_eq!(list[1], made);
    assert_eq!(admin.get("/api/providers/2").await.expect(200), made);

    let edited =
        admin.api("PATCH", "/api/providers/2", json!({ "name": "Road", "input_price": null, "output_price": null }));
    let edited = edited.await.expect(200);
    assert_eq!(
        (&edited["name"], &edited["input_price"], &edited["version"]),
        (&json!("Road"), &Value::Null, &json!(2))
    );
    assert_eq!(edited["key_last4"], json!("7Qx9"), "the key stays");
    let again = admin.api("PUT", "/api/providers/2", json!({ "name": "Road" })).await.expect(200);
    assert_eq!(again["version"], json!(2), "nothing changed, so nothing is written");
    let replaced =
        admin.api("PATCH", "/api/providers/2", json!({ "api_key": format!(" {OTHER_KEY}\n") })).await.expect(200);
    assert_eq!(replaced["key_last4"], json!("Zz88"));
    assert_eq!(replaced["warnings"], json!(["api_key: spaces or line breaks were removed"]));
    let bare = admin.api("PATCH", "/api/providers/2", json!({ "remove_key": true })).await.expect(200);
    assert_eq!((&bare["has_key"], &bare["key_last4"]), (&json!(false), &Value::Null));

    admin.api("DELETE", "/api/providers/2", Value::Null).await.expect(200);
    admin.get("/api/providers/2").await.refused(404, "not_found");
    admin.api("DELETE", "/api/providers/2", Value::Null).await.refused(404, "not_found");
    admin.api("DELETE", "/api/providers/1", Value::Null).await.refused(409, "built_in_provider");
    let gone = lab.desk.store.provider(ProviderId(2)).await.unwrap().unwrap();
    assert!(gone.deleted_at.is_some() && gone.api_key.is_none());
    assert_eq!(saved(&mut admin, json!({ "name": "Road", "base_url": HOME })).await, 3, "the name is free again");

    let told = kinds(&lab).await;
    for (kind, title) in [
        ("CREDENTIALS_UPDATED", "Router: provider's key saved"),
        ("CREDENTIALS_UPDATED", "Road: provider's key replaced"),
        ("CREDENTIALS_DELETED", "Road: provider's key removed"),
    ] {
        assert!(told.contains(&(kind.to_owned(), title.to_owned())), "{title}: {told:?}");
    }
    let audit = lab.desk.store.audit(Page::first(50)).await.unwrap();
    for action in ["provider.create", "provider.update", "provider.delete", "provider.key.save", "provider.key.delete"]
    {
        assert!(audit.iter().any(|line| line.action == action && line.actor == "admin"), "{action}");
    }
}

async fn every_wrong_field_is_named_and_none_repeated(lab: Lab) {
    let mut admin = lab.admin().await;
    for (change, field, says) in [
        (json!({ "name": " " }), "name", "1 to 60"),
        (json!({ "name": KEY.repeat(3) }), "name", "1 to 60"),
        (json!({ "kind": KEY }), "kind", "must be one of"),
        (json!({ "base_url": format!("https://ada:{KEY}@host.example/v1") }), "base_url", "no user name"),
        (json!({ "base_url": format!("https://host.example/v1?key={KEY}") }), "base_url", "no query"),
        (json!({ "base_url": "http://api.openai.com/v1" }), "base_url", "in the clear"),
        (json!({ "base_url": null }), "base_url", "required"),
        (json!({ "input_price": "1e3" }), "input_price", "plain digits"),
        (json!({ "output_price": "" }), "output_price", "both prices or none"),
        (json!({ "output_price": "10000.01" }), "output_price", "0 to 10000"),
        (json!({ "max_concurrency": 33 }), "max_concurrency", "1 to 32"),
        (json!({ "timeout_seconds": "4" }), "timeout_seconds", "5 to 600"),
        (json!({ "api_key": format!("Bearer {KEY}") }), "api_key", "without the word Bearer"),
        (json!({ "api_key": format!("{KEY}ν") }), "api_key", "plain ASCII"),
        (json!({ "api_key": [KEY] }), "api_key", "must be a text"),
        (json!({ "secret": KEY }), "secret", "is not known"),
    ] {
        let mut body = openrouter();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = admin.post("/api/providers", body).await;
        let refusal = answer.refused(422, "invalid");
        let why = refusal["error"]["fields"][field].as_str().unwrap_or_else(|| panic!("{field}: {refusal}"));
        assert!(why.contains(says), "{field}: {why}");
        assert!(!answer.body.contains(&KEY[..10]), "{}", answer.body);
    }
    assert!(lab.desk.store.providers().await.unwrap().is_empty());
    saved(&mut admin, openrouter()).await;
    admin.post("/api/providers", openrouter()).await.refused(409, "duplicate_name");
}

async fn another_address_needs_the_key_again(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = saved(&mut admin, openrouter()).await;
    let path = format!("/api/providers/{id}");
    admin.post(&format!("{path}/test"), json!({ "model_name": "small-1" })).await.expect(200);
    for base_url in ["https://evil.example/api/v1", "https://openrouter.ai/api/v2", "http://127.0.0.1:9/v1"] {
        let refusal = admin.api("PATCH", &path, json!({ "base_url": base_url })).await.refused(422, "invalid");
        let why = refusal["error"]["fields"]["api_key"].as_str().unwrap();
        assert!(why.contains("is required again"), "{why}");
    }
    let discovered = || admin_models(id);
    admin.post("/api/providers/models", discovered()).await.expect(200);
    assert_eq!(lab.models.last_call(), ("https://openrouter.ai/api/v1".to_owned(), Some(KEY.to_owned())));
    // Slashes at the end are no other address.
    admin.api("PATCH", &path, json!({ "base_url": "https://openrouter.ai/api/v1//" })).await.expect(200);
    let moved = json!({ "base_url": "https://host.example/v1", "api_key": OTHER_KEY });
    assert_eq!(
        admin.api("PATCH", &path, moved).await.expect(200)["models"],
        json!([]),
        "nothing is known of the new host"
    );
    admin.post("/api/providers/models", discovered()).await.expect(200);
    assert_eq!(lab.models.last_call(), ("https://host.example/v1".to_owned(), Some(OTHER_KEY.to_owned())));
    admin.api("PATCH", &path, json!({ "base_url": HOME, "remove_key": true })).await.expect(200);
    admin.post("/api/providers/models", discovered()).await.expect(200);
    assert_eq!(lab.models.last_call(), (HOME.to_owned(), None));
    admin.api("PATCH", &path, json!({ "base_url": "http://localhost:8080" })).await.expect(200);
}

fn admin_models(id: i64) -> Value {
    json!({ "provider_id": id })
}

async fn two_who_change_the_same_provider_do_not_overwrite_each_other(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = saved(&mut admin, openrouter()).await;
    let path = format!("/api/providers/{id}");
    admin.api("PATCH", &path, json!({ "version": 1, "timeout_seconds": 60 })).await.expect(200);
    admin.api("PATCH", &path, json!({ "version": 1, "timeout_seconds": 90 })).await.refused(409, "contended");
    assert_eq!(admin.get(&path).await.expect(200)["timeout_seconds"], json!(60));
}

async fn a_list_is_what_the_provider_says_or_the_reason(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = saved(&mut admin, openrouter()).await;
    let models = "/api/providers/models";
    let list = admin.post(models, json!({ "provider_id": id })).await.expect(200);
    assert_eq!((&list["provider_id"], &list["models"][1]["model_name"]), (&json!(id), &json!("large-<2>")), "{list}");
    assert_eq!(list["models"][0]["is_rules"], json!(false));
    let rules = admin.post(models, json!({ "provider_id": 1 })).await.expect(200);
    assert_eq!(rules["models"][0]["is_rules"], json!(true));

    let unsaved = json!({ "base_url": "https://host.example/v1", "kind": "other", "api_key": OTHER_KEY });
    assert_eq!(admin.post(models, unsaved.clone()).await.expect(200)["provider_id"], Value::Null);
    assert_eq!(lab.models.last_call(), ("https://host.example/v1".to_owned(), Some(OTHER_KEY.to_owned())));
    assert_eq!(lab.desk.store.providers().await.unwrap().len(), 1, "nothing is kept of it");
    admin.post(models, json!({ "base_url": "http://host.example/v1" })).await.refused(422, "invalid");

    *lab.models.down.lock().unwrap() = Some(ChatError::Unauthorized { provider: "Router".to_owned(), status: 401 });
    let refusal = admin.post(models, json!({ "provider_id": id })).await.refused(502, "provider_failed");
    assert_eq!(refusal["error"]["message"], "Router refuses the key (HTTP 401).");
    let calls = lab.models.calls.lock().unwrap().len();
    let mut program = lab.token(TokenScope::Operate).await;
    program.post(models, unsaved).await.refused(403, "forbidden");
    assert_eq!(lab.models.calls.lock().unwrap().len(), calls, "whoever may not save an address may not call it");
    admin.post(models, json!({ "provider_id": 99 })).await.refused(404, "not_found");
    admin.post(models, json!({})).await.refused(422, "invalid");
}

async fn a_test_finds_the_strictest_way_and_remembers_it(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = saved(&mut admin, openrouter()).await;
    let test = format!("/api/providers/{id}/test");
    let body = || json!({ "model_name": "small-1" });
    let mode = async || lab.desk.store.answer_mode(ProviderId(id), "small-1").await.unwrap();
    let found = admin.post(&test, body()).await.expect(200);
    assert_eq!((&found["success"], &found["mode"]), (&json!(true), &json!("json_schema")), "{found}");
    assert_eq!(found["tried"].as_array().unwrap().len(), 3);
    assert_eq!(found["usage"], json!({ "input_tokens": 300, "output_tokens": 60 }));
    // 300 x 0.15 + 60 x 0.60 for a million.
    assert_eq!(found["cost"], json!("0.000081"));
    assert_eq!(mode().await, Some(AnswerMode::JsonSchema));
    for asked in lab.models.asked.lock().unwrap().iter() {
        assert!(asked.schema.contains("BTC") && asked.messages[0].content.contains(&asked.schema), "{asked:?}");
    }

    *lab.models.lacks.lock().unwrap() = vec![AnswerMode::JsonSchema];
    *lab.models.usage.lock().unwrap() = None;
    let found = admin.post(&test, body()).await.expect(200);
    assert_eq!((&found["mode"], &found["usage"], &found["cost"]), (&json!("json_object"), &Value::Null, &Value::Null));
    assert_eq!(found["tried"][0]["outcome"], json!("unsupported"));
    assert_eq!(mode().await, Some(AnswerMode::JsonObject));
    assert_eq!(admin.get(&format!("/api/providers/{id}")).await.expect(200)["models"], json!(["small-1"]));

    *lab.models.says.lock().unwrap() = "I think BTC will rise".to_owned();
    let found = admin.post(&test, body()).await.expect(200);
    assert_eq!((&found["success"], &found["mode"]), (&json!(false), &Value::Null), "{found}");
    assert_eq!(found["tried"][1]["why"], json!("there is no object"));
    assert_eq!(mode().await, Some(AnswerMode::JsonObject), "what worked before is not forgotten");

    *lab.models.down.lock().unwrap() = Some(ChatError::TimedOut { provider: "Router".to_owned(), seconds: 90 });
    let found = admin.post(&test, body()).await.expect(200);
    assert_eq!((&found["failed"], &found["tried"]), (&json!("Router did not answer within 90 s"), &json!([])));
    admin.post(&test, json!({ "model_name": " " })).await.refused(422, "invalid");
    admin.post("/api/providers/1/test", body()).await.refused(409, "built_in_provider");
}

async fn who_may_do_what(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = saved(&mut admin, openrouter()).await;
    let path = format!("/api/providers/{id}");
    let mut operator = lab.token(TokenScope::Operate).await;
    let mut viewer = lab.token(TokenScope::Read).await;
    assert_eq!(viewer.get(&path).await.status, 200);
    for client in [&mut operator, &mut viewer] {
        client.post("/api/providers", openrouter()).await.refused(403, "forbidden");
        client.api("PATCH", &path, json!({ "name": "Mine" })).await.refused(403, "forbidden");
        client.api("DELETE", &path, Value::Null).await.refused(403, "forbidden");
    }
    let (test, models) = (format!("{path}/test"), json!({ "provider_id": id }));
    operator.post(&test, json!({ "model_name": "small-1" })).await.expect(200);
    operator.post("/api/providers/models", models.clone()).await.expect(200);
    viewer.post(&test, json!({ "model_name": "small-1" })).await.refused(403, "forbidden");
    viewer.post("/api/providers/models", models).await.refused(403, "forbidden");
    viewer.post("/api/providers/models", json!({ "provider_id": 1 })).await.expect(200);
}
