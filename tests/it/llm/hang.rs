//! A provider that says nothing delays nobody else: the whole program with its scheduler, on a clock moved by hand.

use super::desk::{answer, decision};
use crate::support::fake_provider::FakeProvider;
use crate::support::{Client, TestApp};
use countersign::domain::ids::TraderId;
use countersign::domain::time::MINUTE_MS;
use countersign::ports::store::Page;
use serde_json::{Value, json};
use std::time::Duration;

on_each_database!(a_provider_that_hangs_delays_no_other_model);

/// Longer than anything below takes; a story that needs it has failed.
const WATCHDOG: Duration = Duration::from_secs(40);
/// Cycles that the other models run while one waits.
const CYCLES: usize = 3;

async fn provider(admin: &mut Client, name: &str, url: &str) -> Value {
    let body = json!({ "name": name, "kind": "other", "base_url": url });
    admin.post("/api/providers", body).await.expect(201)["id"].clone()
}

async fn model(admin: &mut Client, name: &str, provider: &Value, model_name: &str) -> TraderId {
    let body = json!({
        "name": name, "provider_id": provider, "model_name": model_name, "supported_assets": ["BTC"],
        "trading_interval_minutes": 1,
    });
    TraderId(admin.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap())
}

async fn a_provider_that_hangs_delays_no_other_model(app: TestApp) {
    let (silent, quick) = (FakeProvider::start().await, FakeProvider::start().await);
    silent.answer(answer(&[decision("BTC", json!({}))]).hangs());
    quick.answer(answer(&[decision("BTC", json!({}))]));
    let mut admin = app.admin().await;
    let (mute, lively) =
        (provider(&mut admin, "Mute", &silent.url()).await, provider(&mut admin, "Lively", &quick.url()).await);
    let waits = model(&mut admin, "Waits", &mute, "small-1").await;
    silent.has_been_asked(1).await;
    let others = [
        model(&mut admin, "Talks", &lively, "small-1").await,
        model(&mut admin, "Rules", &json!(1), "ema_cross").await,
    ];
    let mut feed = app.desk.live.subscribe();
    let cycles = async |id| app.desk.store.cycles(id, Page::first(10)).await.unwrap().len();
    let go_on = async {
        loop {
            let mut fewest = usize::MAX;
            for id in others {
                fewest = fewest.min(cycles(id).await);
            }
            if fewest >= CYCLES {
                return;
            }
            app.clock.advance_ms(MINUTE_MS);
            // Whatever happens next on the desk: both models tell of each cycle.
            feed.recv().await.unwrap();
        }
    };
    tokio::time::timeout(WATCHDOG, go_on).await.expect("the others wait for the one that hangs");
    assert_eq!((cycles(waits).await, silent.requests().len()), (0, 1), "it still waits for its one answer");
    silent.release();
}
