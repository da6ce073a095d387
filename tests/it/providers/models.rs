//! Models that choose a provider, and providers that are chosen.

use super::lab::{Lab, openrouter, saved};
use countersign::domain::ids::{ProviderId, TraderId};
use countersign::ports::store::{Changes, CommitError, Guard};
use serde_json::{Value, json};

on_each_database!(
    a_model_chooses_any_provider_and_any_name,
    a_provider_in_use_stays,
    a_provider_chosen_while_it_is_deleted_stays_or_is_refused,
);

fn model(name: &str, provider: i64, model_name: &str) -> Value {
    json!({ "name": name, "provider_id": provider, "model_name": model_name })
}

async fn a_model_chooses_any_provider_and_any_name(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = saved(&mut admin, openrouter()).await;
    let sage = admin.post("/api/models", model("Sage", id, "meta/llama-3:free")).await.expect(201);
    assert_eq!((&sage["provider_id"], &sage["model_name"]), (&json!(id), &json!("meta/llama-3:free")));
    for (body, field) in [
        (model("A", 99, "x"), "provider_id"),
        (model("A", 1, "gpt-4o"), "model_name"),
        (model("A", id, " x"), "model_name"),
        (model("A", id, "x\u{7}"), "model_name"),
    ] {
        let refusal = admin.post("/api/models", body).await.refused(422, "invalid");
        assert!(refusal["error"]["fields"][field].is_string(), "{field}: {refusal}");
    }
    let path = format!("/api/models/{}", sage["id"]);
    let refusal = admin.api("PATCH", &path, json!({ "provider_id": 99 })).await.refused(422, "invalid");
    assert!(refusal["error"]["fields"]["provider_id"].is_string(), "{refusal}");
    let edited = admin.api("PATCH", &path, json!({ "provider_id": 1, "model_name": "ema_cross" })).await.expect(200);
    assert_eq!(edited["provider_id"], json!(1));
    let back = admin.api("PATCH", &path, json!({ "provider_id": id, "model_name": "small-1" })).await.expect(200);
    assert_eq!((&back["provider_id"], &back["model_name"]), (&json!(id), &json!("small-1")));

    let page = admin.get("/models/new").await.body;
    for words in ["Router (language model)", "name=\"language_model\"", "<option value=\"small-1\">"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let advisor = format!("{id}:");
    let fields = [
        ("name", "Drift"),
        ("model_name", advisor.as_str()),
        ("automation_level", "manual"),
        ("supported_assets", "BTC"),
    ];
    let refused = admin.post_form("/models", &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Language model must be"), "{}", refused.body);
    assert!(refused.body.contains(&format!("value=\"{advisor}\" selected")), "what was chosen stays: {}", refused.body);
    let made = admin.post_form("/models", &[&fields[..], &[("language_model", " large-2 ")]].concat()).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let drift = lab.desk.store.traders(false).await.unwrap().pop().unwrap();
    assert_eq!((drift.provider_id, drift.model_name.as_str()), (ProviderId(id), "large-2"));
}

async fn a_provider_in_use_stays(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = saved(&mut admin, openrouter()).await;
    let path = format!("/api/providers/{id}");
    let sage = admin.post("/api/models", model("Sage", id, "small-1")).await.expect(201)["id"].clone();
    admin.post("/api/models", model("Drift", id, "small-1")).await.expect(201);
    let refusal = admin.api("DELETE", &path, Value::Null).await.refused(409, "provider_in_use");
    let words = refusal["error"]["message"].as_str().unwrap();
    assert!(words.contains("used by Sage, Drift"), "{words}");
    assert_eq!(admin.get(&path).await.expect(200)["used_by"], json!(["Sage", "Drift"]));
    let confirm = format!("/providers/{id}/delete");
    let page = admin.post_form(&confirm, &[]).await;
    assert_eq!(page.status, 409);
    assert!(page.body.contains("Not deleted: it is used by Sage, Drift"), "{}", page.body);

    admin.api("PATCH", &format!("/api/models/{sage}"), model("Sage", 1, "ema_cross")).await.expect(200);
    admin.api("DELETE", &path, Value::Null).await.refused(409, "provider_in_use");
    let drift = lab.desk.store.traders(false).await.unwrap().pop().unwrap();
    admin.api("DELETE", &format!("/api/models/{}?confirm=Drift", drift.id), Value::Null).await.expect(200);
    admin.api("DELETE", &path, Value::Null).await.expect(200);
}

/// Whichever commit is second sees the first.
async fn a_provider_chosen_while_it_is_deleted_stays_or_is_refused(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = ProviderId(saved(&mut admin, openrouter()).await);
    let store = &lab.desk.store;
    let before = store.provider(id).await.unwrap().unwrap();
    let mut gone = before.clone();
    (gone.api_key, gone.key_last4, gone.deleted_at, gone.version) = (None, None, Some(before.created_at), 2);
    let deletes = Changes { updated_providers: vec![(gone, before.version)], ..Changes::default() };
    let sage = admin.post("/api/models", model("Sage", id.0, "small-1")).await.expect(201)["id"].as_i64().unwrap();
    // It was looked at before Sage chose it; its version is the same, and yet it must stay.
    assert!(matches!(store.commit(deletes.clone()).await, Err(CommitError::Conflict(_))));
    assert_eq!(store.provider(id).await.unwrap().unwrap(), before);
    let sage = store.trader(TraderId(sage)).await.unwrap().unwrap();
    admin.api("PATCH", &format!("/api/models/{}", sage.id), model("Sage", 1, "ema_cross")).await.expect(200);
    store.commit(deletes).await.unwrap();
    let relies = Changes { guards: vec![Guard::Provider { id, version: before.version }], ..Changes::default() };
    assert!(matches!(store.commit(relies).await, Err(CommitError::Conflict(_))));
}
