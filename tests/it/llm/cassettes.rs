//! Exchanges in the words of each provider, played to a whole cycle: what is asked for, what comes of the answer, coin by
//! coin, and what is on the bill. A cassette is a JSON file; one more file is one more story.

use crate::support::fake_provider::{FakeProvider, Reply};
use crate::support::{Database, House, Stage};
use countersign::domain::ids::{CycleId, TraderId};
use countersign::ports::store::Page;
use countersign::services::replay_bundle::replay_stored;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Cassettes that there are at least: one of each kind of provider.
const CASSETTES_MIN: usize = 9;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cassette {
    /// What it shows, in words.
    shows: String,
    kind: String,
    exchanges: Vec<Exchange>,
    /// What becomes of each coin.
    decisions: BTreeMap<String, String>,
    /// The way of asking that is remembered.
    mode: String,
    /// Tokens in and out, of all answers.
    tokens: [u64; 2],
    /// In the provider's word.
    answered_by: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    /// `response_format`, or `plain`.
    asked_for: String,
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cassette_ends_as_it_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/llm/cassettes");
    let mut paths: Vec<_> = directory.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= CASSETTES_MIN, "{} cassettes", paths.len());
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let cassette = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        play(&name, cassette).await;
    }
}

async fn play(name: &str, cassette: Cassette) {
    println!("{name}: {}", cassette.shows);
    let provider = FakeProvider::start().await;
    for exchange in &cassette.exchanges {
        let mut reply = Reply::Http(exchange.status, Vec::new(), exchange.body.to_string());
        for (header, value) in &exchange.headers {
            reply = reply.with(Box::leak(header.clone().into_boxed_str()), value);
        }
        provider.answer(reply);
    }
    let house = House::on(Database::Sqlite).await;
    let mut admin = house.admin().await;
    let body = json!({
        "name": "Played", "kind": cassette.kind, "base_url": provider.url(), "input_price": "1", "output_price": "2",
    });
    let id = admin.post("/api/providers", body).await.expect(201)["id"].clone();
    let coins: Vec<&String> = cassette.decisions.keys().collect();
    let body = json!({ "name": "Sage", "provider_id": id, "model_name": "played-1", "supported_assets": coins });
    let model = admin.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap();
    admin.post(&format!("/api/models/{model}/automation"), json!({ "automation": "semi_automated" })).await.expect(200);
    let ran = admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.expect(200);
    let cycle = CycleId(ran["cycle_id"].as_i64().unwrap());

    let asked = provider.requests();
    let formats: Vec<&str> =
        asked.iter().map(|asked| asked.body["response_format"]["type"].as_str().unwrap_or("plain")).collect();
    let expected: Vec<&str> = cassette.exchanges.iter().map(|exchange| exchange.asked_for.as_str()).collect();
    assert_eq!(formats, expected, "{name}: how it was asked");
    let decisions = house.desk.store.decisions_of_cycle(cycle).await.unwrap();
    let ended: BTreeMap<String, String> =
        decisions.iter().map(|one| (one.coin.to_string(), one.status().to_string())).collect();
    assert_eq!(ended, cassette.decisions, "{name}: what became of it");

    let calls = house.desk.store.ai_calls(cycle).await.unwrap();
    assert!(calls.iter().all(|call| !call.is_estimated), "{name}: the provider counts");
    let sum = calls.iter().fold([0, 0], |[input, output], call| [input + call.usage.input, output + call.usage.output]);
    assert_eq!(sum, cassette.tokens, "{name}: what is on the bill");
    let provider_id = countersign::domain::ids::ProviderId(id.as_i64().unwrap());
    let mode = house.desk.store.answer_mode(provider_id, "played-1").await.unwrap();
    assert_eq!(mode.map(|mode| mode.as_str()), Some(cassette.mode.as_str()), "{name}: what is remembered");
    let kept = house.desk.store.cycles(TraderId(model), Page::first(1)).await.unwrap().remove(0).bundle.unwrap();
    let (bundle, again) = replay_stored(&house.desk, &kept).await.unwrap();
    assert!(again.is_identical(), "{name}: {:?}", again.differences);
    let replies: Vec<_> = bundle.conversation().unwrap().replies().collect();
    assert!(
        replies.iter().all(|reply| reply.model.as_deref() == Some(cassette.answered_by.as_str())),
        "{name}: {replies:?}"
    );
}
