//! Providers in the browser, without scripts and with them.

use super::lab::{HOME, KEY, Lab, OTHER_KEY, openrouter, saved};
use countersign::domain::access::Role;
use countersign::domain::provider::AnswerMode;
use countersign::ports::language_model::ChatError;

on_each_database!(
    a_provider_is_added_tried_changed_and_deleted_without_scripts,
    a_refused_form_keeps_what_was_typed_but_the_key,
    whatever_goes_wrong_with_a_provider_is_said_in_the_panel,
    who_may_not_save_sees_no_form,
);

fn keys_in(body: &str) -> bool {
    [KEY, OTHER_KEY].iter().any(|key| body.contains(&key[..10]))
}

async fn a_provider_is_added_tried_changed_and_deleted_without_scripts(lab: Lab) {
    let mut admin = lab.admin().await;
    let empty = admin.get("/providers").await.body;
    assert!(empty.contains("No provider yet.") && empty.contains("EMA cross"), "{empty}");
    let form = admin.get("/providers/new").await.body;
    for words in ["https://openrouter.ai/api/v1", "name=\"api_key\" type=\"password\"", "value=\"180\""] {
        assert!(form.contains(words), "{words}: {form}");
    }
    let pasted = format!("{KEY} ");
    let fields = [
        ("name", "Router <b>"),
        ("kind", "openrouter"),
        ("base_url", "https://openrouter.ai/api/v1/"),
        ("api_key", pasted.as_str()),
        ("input_price", "0.15"),
        ("output_price", "0.60"),
        ("max_concurrency", "2"),
        ("timeout_seconds", "60"),
    ];
    let made = admin.post_form("/providers", &fields).await;
    assert_eq!((made.status, made.header("location")), (303, "/providers/2"), "{}", made.body);
    let page = admin.get("/providers/2").await.body;
    for words in ["Spaces or line breaks were removed", "…7Qx9", "$0.15 / $0.6", "no model", "Router &#60;b&#62;"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!keys_in(&page));

    let found = admin.post_form("/providers/2/discover", &[]).await;
    for words in ["offers 2 models", "small-1", "large-&#60;2&#62;", "<option value=\"small-1\">"] {
        assert!(found.body.contains(words), "{words}: {}", found.body);
    }
    *lab.models.lacks.lock().unwrap() = vec![AnswerMode::JsonSchema];
    let tested = admin.post_form("/providers/2/test", &[("model_name", "small-1")]).await;
    assert_eq!(tested.status, 200);
    for words in [
        "small-1 works with JSON object",
        "not supported",
        "120 ms",
        "200 in, 40 out",
        "$0.000054",
        "response_format &#60;b&#62;",
    ] {
        assert!(tested.body.contains(words), "{words}: {}", tested.body);
    }
    assert!(admin.get("/providers/2").await.body.contains("JSON object worked"));
    assert!(
        admin.get("/models/new").await.body.contains("<option value=\"large-&#60;2&#62;\">"),
        "what it offers is suggested"
    );

    let saved = admin.post_form("/providers/2", &[("name", "Road"), ("version", "1")]).await;
    assert_eq!((saved.status, saved.header("location")), (303, "/providers/2"), "{}", saved.body);
    assert!(admin.get("/providers").await.body.contains("Road"));
    let late = admin.post_form("/providers/2", &[("name", "Lane"), ("version", "1")]).await;
    assert_eq!(late.status, 409);
    assert!(late.body.contains("somebody else changed the provider"), "{}", late.body);
    assert!(admin.get("/providers/2/delete").await.body.contains("Delete Road?"));
    let gone = admin.post_form("/providers/2/delete", &[]).await;
    assert_eq!((gone.status, gone.header("location")), (303, "/providers"));
    assert!(admin.get("/providers").await.body.contains("Road is deleted."));
    assert_eq!(admin.get("/providers/2").await.status, 404);
}

async fn a_refused_form_keeps_what_was_typed_but_the_key(lab: Lab) {
    let mut admin = lab.admin().await;
    let fields =
        [("name", "Router"), ("base_url", "http://api.openai.com/v1"), ("api_key", KEY), ("input_price", "1,5")];
    let refused = admin.post_form("/providers", &fields).await;
    assert_eq!(refused.status, 422);
    for words in [
        "value=\"Router\"",
        "value=\"http://api.openai.com/v1\"",
        "value=\"1,5\"",
        "The key is not kept: paste it once more.",
        "in the clear",
    ] {
        assert!(refused.body.contains(words), "{words}: {}", refused.body);
    }
    assert!(!keys_in(&refused.body));
    let id = saved(&mut admin, openrouter()).await;
    let moved = admin.post_form(&format!("/providers/{id}"), &[("base_url", HOME)]).await;
    assert_eq!(moved.status, 422);
    assert!(moved.body.contains("Key is required again: the address changed"), "{}", moved.body);
    assert!(moved.body.contains(&format!("value=\"{HOME}\"")), "{}", moved.body);
    let mut scripted = admin.clone().with_header("HX-Request", "true");
    let moved = scripted
        .post_form(&format!("/providers/{id}"), &[("base_url", HOME), ("api_key", OTHER_KEY), ("timeout_seconds", "x")])
        .await;
    assert_eq!(moved.status, 422);
    assert!(!keys_in(&moved.body), "{}", moved.body);
}

async fn whatever_goes_wrong_with_a_provider_is_said_in_the_panel(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = saved(&mut admin, openrouter()).await;
    let (test, discover) = (format!("/providers/{id}/test"), format!("/providers/{id}/discover"));
    *lab.models.says.lock().unwrap() = "<script>alert(1)</script>".to_owned();
    let tested = admin.post_form(&test, &[("model_name", "small-1")]).await;
    assert!(tested.body.contains("No way of asking worked with small-1") && tested.body.contains("unusable answer"));
    *lab.models.down.lock().unwrap() =
        Some(ChatError::Unreachable { provider: "Router".to_owned(), why: "connection refused".to_owned() });
    let tested = admin.post_form(&test, &[("model_name", "small-1")]).await;
    assert!(
        tested.body.contains("The test ended: Router could not be reached: connection refused."),
        "{}",
        tested.body
    );
    assert!(!tested.body.contains("Tokens used"), "nothing was answered, so nothing was used");
    let mut scripted = admin.clone().with_header("HX-Request", "true");
    let listed = scripted.post_form(&discover, &[]).await;
    assert_eq!(listed.status, 200);
    assert!(listed.body.contains("No list of models: Router could not be reached"), "{}", listed.body);
    assert!(!listed.body.contains("What it offers"));
    let nameless = admin.post_form(&test, &[("model_name", "")]).await;
    assert_eq!(nameless.status, 422);
    assert!(nameless.body.contains("Model must be 1 to 120 characters"), "{}", nameless.body);
}

async fn who_may_not_save_sees_no_form(lab: Lab) {
    let mut admin = lab.admin().await;
    let id = saved(&mut admin, openrouter()).await;
    let page = format!("/providers/{id}");
    let mut ann = lab.ann().await;
    let seen = ann.get(&page).await.body;
    assert!(seen.contains("Only an administrator may save") && seen.contains("Test this model"), "{seen}");
    assert!(!seen.contains("name=\"api_key\""));
    assert!(!ann.get("/providers/new").await.body.contains("name=\"api_key\""));
    assert_eq!(ann.post_form(&page, &[("name", "Mine")]).await.status, 403);
    assert_eq!(ann.post_form(&format!("{page}/delete"), &[]).await.status, 403);
    let mut vic = lab.person("vic", Role::Viewer).await;
    assert!(vic.get(&page).await.body.contains("Viewers may look"));
    assert_eq!(vic.post_form(&format!("{page}/test"), &[("model_name", "small-1")]).await.status, 403);
}
