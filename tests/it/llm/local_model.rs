//! A real small language model: asked for six coins with a schema and without. It needs a server of its own, so it runs
//! only when `COUNTERSIGN_LLM_URL` names one, such as `http://127.0.0.1:8080/v1`.

use super::coins;
use crate::support::{Database, House, Stage};
use countersign::adapters::llm::answer::StrictReader;
use countersign::adapters::llm::client::{ChatClient, ProviderKeys};
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::decision::DecisionState;
use countersign::domain::ids::{CycleId, ProviderId, TraderId};
use countersign::domain::provider::{AnswerMode, Provider, ProviderKind};
use countersign::domain::time::Timestamp;
use countersign::ports::language_model::{
    AnswerReader, ChatError, ChatMessage, ChatRequest, ChatRole, LanguageModels, ReadAnswer,
};
use countersign::ports::store::{Changes, KnownMode, Page};
use countersign::services::replay_bundle::replay_stored;
use countersign::services::run_cycle::{CycleError, CycleRequest, run};
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;

/// Where the server is.
const URL_VARIABLE: &str = "COUNTERSIGN_LLM_URL";
/// How many cycles in each mode.
const CYCLES_VARIABLE: &str = "COUNTERSIGN_LLM_CYCLES";
const CYCLES: u32 = 10;

struct NoKey;

impl ProviderKeys for NoKey {
    fn open(&self, _: &Provider) -> Result<Option<SecretString>, ChatError> {
        Ok(None)
    }
}

/// The server, when one is named.
fn server() -> Option<String> {
    let url = std::env::var(URL_VARIABLE).ok();
    if url.is_none() {
        eprintln!("SKIPPED: no language model is asked, because {URL_VARIABLE} is not set");
    }
    url
}

/// Drives a trader: every coin of every answer ends as a decision, a denial or a model error, and each call is billed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_model_drives_a_trader() {
    let Some(url) = server() else { return };
    let cycles = std::env::var(CYCLES_VARIABLE).map_or(CYCLES, |count| count.parse().unwrap());
    let house = House::on(Database::Sqlite).await;
    let mut admin = house.admin().await;
    let body = json!({ "name": "Local", "kind": "llama_cpp", "base_url": url, "timeout_seconds": 600 });
    let provider = admin.post("/api/providers", body).await.expect(201)["id"].as_i64().unwrap();
    let offered = admin.post("/api/providers/models", json!({ "provider_id": provider })).await.expect(200);
    let name = offered["models"][0]["model_name"].as_str().expect("a list of models").to_owned();
    // Indicators without candles: a small model on one core reads some fifty tokens a second.
    let body = json!({
        "name": "Sage", "provider_id": provider, "model_name": name, "ai_prompt_tokens": 3_900, "ai_temperature": "0.2",
    });
    let model = admin.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap();
    admin.post(&format!("/api/models/{model}/automation"), json!({ "automation": "semi_automated" })).await.expect(200);
    // Both ways of asking by turns, so that a run which is cut short has tried both.
    for number in 1..=cycles {
        for mode in [AnswerMode::JsonSchema, AnswerMode::Plain] {
            let at = house.desk.clock.now();
            let known = KnownMode { provider_id: ProviderId(provider), model_name: name.clone(), mode, at };
            house.desk.store.commit(Changes { answer_modes: vec![known], ..Changes::default() }).await.unwrap();
            house.pass_minutes(60);
            let cycle = run(&house.desk, CycleRequest::ask(TraderId(model), CycleTrigger::Api, "test")).await;
            println!("{mode} {number}: {}", outcome(&house, TraderId(model), cycle).await);
        }
    }
    // Twenty hours have passed: a session has ended since.
    let costs = house.admin().await.get(&format!("/api/models/{model}/ai-costs")).await.expect(200);
    println!("in all: {}", costs["total"]);
}

/// What came of a cycle, in a line; every answer has its decisions, its tokens, its time and its record.
async fn outcome(house: &House, model: TraderId, cycle: Result<CycleId, CycleError>) -> String {
    let id = match cycle {
        Ok(id) => id,
        Err(error) => return format!("no answer: {error}"),
    };
    let calls = house.desk.store.ai_calls(id).await.unwrap();
    assert!(!calls.is_empty() && calls.iter().all(|call| !call.is_estimated), "the server counts tokens");
    let told = calls.iter().map(|call| {
        format!("{} tokens in, {} out, {} s", call.usage.input, call.usage.output, call.latency_ms / 1_000)
    });
    let decisions = house.desk.store.decisions_of_cycle(id).await.unwrap();
    assert!(decisions.len() >= 6, "every coin has its outcome");
    let kept = house.desk.store.cycles(model, Page::first(1)).await.unwrap().remove(0).bundle.unwrap();
    let (_, again) = replay_stored(&house.desk, &kept).await.unwrap();
    assert!(again.is_identical(), "{:?}", again.differences);
    let words = decisions.iter().map(|one| match &one.state {
        DecisionState::ModelError { why } => format!("{} model_error ({why})", one.coin),
        _ => format!("{} {}", one.coin, one.status()),
    });
    format!("{} [{}]", words.collect::<Vec<_>>().join(", "), told.collect::<Vec<_>>().join("; "))
}

#[tokio::test]
async fn a_real_model_is_asked_and_read() {
    let Some(url) = server() else { return };
    let provider = Provider {
        id: ProviderId(9),
        name: "Local".into(),
        kind: ProviderKind::LlamaCpp,
        base_url: url.trim_end_matches('/').to_owned(),
        api_key: None,
        key_last4: None,
        price: None,
        max_concurrency: 1,
        timeout_seconds: 600,
        created_at: Timestamp(0),
        deleted_at: None,
        version: 1,
    };
    let client = ChatClient::new(Arc::new(NoKey)).unwrap();
    let offered = client.offered(&provider).await.unwrap();
    println!("offered: {offered:?}");
    let six = coins(&["BTC", "ETH", "SOL", "XRP", "ADA", "DOGE"]);
    let schema = StrictReader.schema(&six);
    for mode in [AnswerMode::JsonSchema, AnswerMode::Plain] {
        let system = format!("You trade crypto. Answer with one JSON object that follows this schema:\n{schema}");
        let user = "Equity 10000 USDT, no positions. BTC 43250, ETH 2510, SOL 98, XRP 0.61, ADA 0.52, DOGE 0.08. \
                    Decide about each coin once."
            .to_owned();
        let messages = vec![
            ChatMessage { role: ChatRole::System, content: system },
            ChatMessage { role: ChatRole::User, content: user },
        ];
        let (model, temperature) = (offered[0].clone(), Decimal::new(2, 1));
        let request = ChatRequest { model, messages, temperature, max_tokens: 1_500, mode, schema: schema.clone() };
        let reply = client.chat(&provider, &request).await.unwrap();
        println!("{mode}: {} ms, {:?}, stopped by {:?}", reply.latency_ms, reply.usage, reply.finish_reason);
        println!("{}", reply.content);
        match StrictReader.read(&reply.content, &six) {
            ReadAnswer::Unusable(why) => println!("-> unusable: {why}"),
            ReadAnswer::Coins(answers) => {
                assert!(answers.iter().zip(&six).all(|((coin, _), asked)| coin == asked));
                for (coin, answer) in answers {
                    match answer {
                        Ok(proposal) => println!("-> {coin}: {} {:?}", proposal.signal, proposal.quantity),
                        Err(why) => println!("-> {coin}: unusable: {why}"),
                    }
                }
            }
        }
    }
}
