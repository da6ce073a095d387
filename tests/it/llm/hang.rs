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

/// Models of the provider that says nothing, each with a cycle under way.
const WAITING: usize = 40;
/// As many questions as a provider may be asked at once; its other models wait for a place.
const AT_ONCE: usize = 32;
/// Longer than anything below takes; a story that needs it has failed.
const WATCHDOG: Duration = Duration::from_secs(40);
/// Cycles that the other models run while one waits.
const CYCLES: usize = 3;

async fn provider(admin: &mut Client, name: &str, url: &str) -> Value {
    let body = json!({ "name": name, "kind": "other", "base_url": url, "max_concurrency": AT_ONCE });
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
    let mut waiting = Vec::new();
    for number in 0..WAITING {
        waiting.push(model(&mut admin, &format!("Waits {number}"), &mute, "small-1").await);
    }
    silent.has_been_asked(AT_ONCE).await;
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
    for id in waiting {
        assert_eq!(cycles(id).await, 0, "it still waits");
    }
    assert_eq!(silent.requests().len(), AT_ONCE, "each has asked once or waits for its place");
    silent.answer(answer(&[decision("BTC", json!({}))]));
    (0..AT_ONCE).for_each(|_| silent.release());
}
