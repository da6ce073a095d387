//! Asking a provider: what leaves, what comes back, and every way in which that can go wrong.

use crate::support::fake_provider::{FakeProvider, Reply};
use countersign::adapters::llm::client::{ChatClient, ProviderKeys};
use countersign::domain::provider::{AnswerMode, Provider, ProviderKind, TokenUsage};
use countersign::ports::language_model::{ChatError, ChatMessage, ChatReply, ChatRequest, ChatRole, LanguageModels};
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "sk-fake-4b1d9c";

struct Keys(Result<Option<&'static str>, &'static str>);

impl ProviderKeys for Keys {
    fn open(&self, provider: &Provider) -> Result<Option<SecretString>, ChatError> {
        let locked = |why: &str| ChatError::KeyLocked { provider: provider.name.clone(), why: why.to_owned() };
        self.0.map(|key| key.map(Into::into)).map_err(locked)
    }
}

fn client() -> ChatClient {
    ChatClient::new(Arc::new(Keys(Ok(Some(KEY))))).unwrap()
}

fn request(mode: AnswerMode) -> ChatRequest {
    ChatRequest {
        model: "fake-1".into(),
        messages: vec![ChatMessage { role: ChatRole::User, content: "Decide.".into() }],
        temperature: Decimal::new(20, 2),
        max_tokens: 900,
        mode,
        schema: r#"{"zeta":1,"alpha":2}"#.into(),
    }
}

async fn ask(provider: &FakeProvider) -> Result<ChatReply, ChatError> {
    client().chat(&provider.provider(), &request(AnswerMode::JsonSchema)).await
}

/// The outcome after one scripted answer; pauses pass at once. Also how often was asked.
async fn after(reply: Reply) -> (Result<ChatReply, ChatError>, usize) {
    let provider = FakeProvider::start().await;
    provider.answer(reply);
    // No real time passes in pauses, and none is given to time-outs.
    tokio::time::pause();
    let mut row = provider.provider();
    row.timeout_seconds = 600;
    let outcome = client().chat(&row, &request(AnswerMode::JsonSchema)).await;
    (outcome, provider.requests().len())
}

#[tokio::test]
async fn what_leaves_is_what_was_asked_for() {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::says("{}"));
    let reply = ask(&provider).await.unwrap();
    assert_eq!((reply.content.as_str(), reply.finish_reason.as_deref(), reply.requests), ("{}", Some("stop"), 1));
    assert_eq!((reply.model.as_deref(), reply.usage), (Some("fake-1"), Some(TokenUsage { input: 12, output: 34 })));
    let asked = provider.requests().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(asked.body["messages"], json!([{ "role": "user", "content": "Decide." }]));
    assert_eq!((asked.body["temperature"].to_string(), &asked.body["stream"]), ("0.2".to_owned(), &json!(false)));
    assert_eq!((&asked.body["max_tokens"], asked.body.get("max_completion_tokens")), (&json!(900), None));
    let format = &asked.body["response_format"];
    assert_eq!((&format["type"], &format["json_schema"]["strict"]), (&json!("json_schema"), &json!(true)));
    assert_eq!(format["json_schema"]["schema"], json!({ "zeta": 1, "alpha": 2 }));
}

#[tokio::test]
async fn modes_and_kinds_differ_where_they_must() {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::says("{}"));
    let mut row = provider.provider();
    client().chat(&row, &request(AnswerMode::JsonObject)).await.unwrap();
    row.kind = ProviderKind::OpenAi;
    let keyless = ChatClient::new(Arc::new(Keys(Ok(None)))).unwrap();
    keyless.chat(&row, &request(AnswerMode::Plain)).await.unwrap();
    let asked = provider.requests();
    assert_eq!(asked[0].body["response_format"], json!({ "type": "json_object" }));
    assert_eq!(asked[1].body.get("response_format"), None);
    assert_eq!((&asked[1].body["max_completion_tokens"], asked[1].body.get("max_tokens")), (&json!(900), None));
    assert_eq!(asked[1].header("authorization"), None);
}

#[tokio::test]
async fn a_key_that_cannot_be_opened_sends_nothing() {
    let provider = FakeProvider::start().await;
    let locked = ChatClient::new(Arc::new(Keys(Err("the vault is locked")))).unwrap();
    let outcome = locked.chat(&provider.provider(), &request(AnswerMode::Plain)).await;
    assert!(matches!(outcome, Err(ChatError::KeyLocked { .. })), "{outcome:?}");
    let broken = ChatClient::new(Arc::new(Keys(Ok(Some("sk\nX-Evil: 1"))))).unwrap();
    let error = broken.chat(&provider.provider(), &request(AnswerMode::Plain)).await.unwrap_err();
    assert!(matches!(error, ChatError::KeyLocked { .. }) && !error.to_string().contains("Evil"), "{error}");
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn odd_but_whole_answers_are_read() {
    let text = |value: Value| Reply::completes(json!({ "role": "assistant", "content": value, "reasoning": "hm" }));
    for (reply, content) in [
        (text(json!(null)), ""),
        (text(json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }])), "ab"),
        (Reply::json(200, json!({ "choices": [{ "message": { "content": "x" } }] })), "x"),
        (Reply::json(200, json!({ "error": null, "choices": [{ "message": { "content": "x" } }] })), "x"),
        (Reply::completes(json!({ "content": "x", "reasoning_content": "hm", "tool_calls": [] })), "x"),
    ] {
        let (outcome, count) = after(reply.clone()).await;
        assert_eq!((outcome.unwrap().content.as_str(), count), (content, 1), "{reply:?}");
        tokio::time::resume();
    }
    let refusing = Reply::completes(json!({ "content": null, "refusal": "I cannot." }));
    assert_eq!(after(refusing).await.0.unwrap().refusal.as_deref(), Some("I cannot."));
}

#[tokio::test]
async fn what_is_no_answer_is_told_as_what_it_is() {
    let long = "x".repeat(1024 * 1024 + 1);
    let error = |code: Value| json!({ "error": { "message": "no", "code": code } });
    for (case, reply, expected, count) in [
        ("html", Reply::text(200, "<html>hello</html>"), "Fake gave an answer that cannot be read: it is HTML", 1),
        ("nothing", Reply::text(200, ""), "Fake gave an answer that cannot be read: it is empty", 1),
        ("half", Reply::text(200, "{\"choices\":["), "it is not JSON, or was cut off", 1),
        ("truncated", Reply::Truncated, "the connection broke before the answer was whole", 1),
        ("a gigabyte", Reply::Endless, "it is longer than 4 MB", 1),
        ("a long text", Reply::says(&long), "its content is longer than 1 MB", 1),
        ("no choice", Reply::json(200, json!({ "choices": [] })), "it holds no choice", 1),
        ("no completion", Reply::json(200, json!({ "data": [] })), "it is no chat completion", 1),
        ("no message", Reply::json(200, json!({ "choices": [{}] })), "its choice holds no message", 1),
        ("a number", Reply::completes(json!({ "content": 5 })), "its content is no text", 1),
        ("401", Reply::json(401, error(json!("bad"))), "Fake refuses the key (HTTP 401)", 1),
        ("403", Reply::text(403, "<html>no</html>"), "Fake refuses the key (HTTP 403)", 1),
        ("404", Reply::json(404, error(json!("model_not_found"))), "Fake refuses the request (HTTP 404): no", 1),
        ("404 html", Reply::text(404, "<html>x</html>"), "it answered with HTML", 1),
        ("302", Reply::text(302, "").with("location", "/elsewhere"), "which is not followed", 1),
        ("500", Reply::text(500, "oops"), "Fake failed (HTTP 500)", 4),
        ("503", Reply::json(503, error(json!(503))), "Fake failed (HTTP 503)", 4),
        ("429", Reply::json(429, error(json!(429))).with("retry-after", "7"), "Fake asks to wait, 7 s", 4),
        ("429 for an hour", Reply::text(429, "").with("retry-after", "3600"), "Fake asks to wait, 3600 s", 1),
        ("an error in a success", Reply::json(200, error(json!(429))), "Fake asks to wait", 4),
        ("its code in words", Reply::json(200, error(json!("x"))), "Fake failed (HTTP 500)", 4),
    ] {
        let (outcome, asked) = after(reply).await;
        let told = outcome.unwrap_err().to_string();
        assert!(told.contains(expected) && asked == count, "{case}: {told}, {asked} requests");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_shape_that_is_not_supported_is_told_apart() {
    let refusal = |words: &str| Reply::json(400, json!({ "error": { "message": words, "code": 400 } }));
    for words in ["Unknown parameter: 'response_format'", "Invalid schema for response", "json_schema is not supported"]
    {
        let (outcome, count) = after(refusal(words)).await;
        assert!(matches!(outcome, Err(ChatError::ModeUnsupported { .. })) && count == 1, "{words}: {outcome:?}");
        tokio::time::resume();
    }
    let (outcome, _) = after(refusal("maximum context length is 4096 tokens")).await;
    assert!(matches!(outcome, Err(ChatError::Refused { status: 400, .. })), "{outcome:?}");
}

#[tokio::test]
async fn words_of_a_provider_are_cut_and_hold_no_key() {
    let words = format!("bad\u{1b}[2J {KEY} {}", "y".repeat(1_000));
    let (outcome, _) = after(Reply::json(400, json!({ "error": { "message": words } }))).await;
    let Err(ChatError::Refused { why, .. }) = &outcome else { panic!("{outcome:?}") };
    assert!(!why.contains(KEY) && !why.chars().any(char::is_control), "{why}");
    assert_eq!(why.chars().count(), 201);
    assert!(!format!("{outcome:?} {:?}", client()).contains(KEY));
}

#[tokio::test]
async fn a_failure_that_passes_is_repeated_until_it_does() {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::text(503, ""));
    provider.answer(Reply::text(429, "").with("retry-after", "20"));
    provider.answer(Reply::says("done"));
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let mut row = provider.provider();
    row.timeout_seconds = 600;
    let reply = client().chat(&row, &request(AnswerMode::Plain)).await.unwrap();
    assert_eq!((reply.content.as_str(), reply.requests, provider.requests().len()), ("done", 3, 3));
    assert!(begun.elapsed() >= Duration::from_secs(21), "it waits as long as it was asked to");
}

#[tokio::test]
async fn nobody_there_is_told_after_the_retries() {
    let provider = FakeProvider::start().await;
    let mut row = provider.provider();
    row.timeout_seconds = 600;
    drop(provider);
    tokio::task::yield_now().await;
    tokio::time::pause();
    let outcome = client().chat(&row, &request(AnswerMode::Plain)).await;
    assert!(matches!(&outcome, Err(ChatError::Unreachable { .. })), "{outcome:?}");
}

#[tokio::test]
async fn the_time_out_is_over_everything() {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::says("never").hangs());
    let client = client();
    let row = provider.provider();
    let request = request(AnswerMode::Plain);
    let asking = client.chat(&row, &request);
    tokio::pin!(asking);
    tokio::select! {
        _ = &mut asking => panic!("it hangs"),
        () = provider.has_been_asked(1) => tokio::time::pause(),
    }
    let expected = ChatError::TimedOut { provider: "Fake".into(), seconds: 30 };
    assert_eq!(asking.await, Err(expected));
}

#[tokio::test]
async fn models_are_listed_as_offered_or_not_at_all() {
    let provider = FakeProvider::start().await;
    let list = json!({ "object": "list", "data": [{ "id": "b", "owned_by": "x" }, { "id": "models/a" }] });
    provider.answer(Reply::json(200, list));
    assert_eq!(client().offered(&provider.provider()).await.unwrap(), ["b", "models/a"]);
    let asked = provider.requests().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/v1/models"));
    for bad in
        [json!([]), json!({ "data": 1 }), json!({ "data": [{ "name": "x" }] }), json!({ "data": [{ "id": "" }] })]
    {
        provider.answer(Reply::json(200, bad.clone()));
        let outcome = client().offered(&provider.provider()).await;
        assert!(matches!(outcome, Err(ChatError::Unreadable { .. })), "{bad}: {outcome:?}");
    }
}
