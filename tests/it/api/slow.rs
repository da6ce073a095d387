//! What takes long: the answer says that the work goes on, and where to ask.

use super::shorthand::asking_model;
use crate::support::{Client, Hurried};
use countersign::domain::access::TokenScope;
use countersign::services::desk::{Desk, Patience};
use serde_json::{Value, json};
use std::time::Duration;

on_each_database!(a_slow_cycle_is_accepted_and_asked_for_until_it_is_done, one_slow_cycle_keeps_every_other_out,);

/// Longer than anything below takes; a story that needs it has failed.
const WATCHDOG: Duration = Duration::from_secs(20);

#[test]
fn an_answer_waits_as_long_as_the_api_promises() {
    let patience = Patience::default();
    assert_eq!((patience.order.as_secs(), patience.cycle.as_secs()), (15, 30));
}

/// The cycle once it does not run any more.
async fn done(desk: &Desk, program: &mut Client, path: &str) -> Value {
    let mut feed = desk.live.subscribe();
    let asking = async {
        loop {
            let cycle = program.get(path).await.expect(200);
            if cycle["status"] != "running" {
                return cycle;
            }
            feed.recv().await.unwrap();
        }
    };
    tokio::time::timeout(WATCHDOG, asking).await.expect("the cycle never ends")
}

async fn a_slow_cycle_is_accepted_and_asked_for_until_it_is_done(hurried: Hurried) {
    let Hurried { house, thinker } = hurried;
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let accepted = program.post(&format!("/api/models/{id}/cycle"), json!({})).await.expect(202);
    let cycle = accepted["cycle_id"].as_i64().expect("an id to ask for");
    let path = format!("/api/cycles/{cycle}");
    for _ in 0..2 {
        let running = program.get(&path).await.expect(200);
        assert_eq!(running, json!({ "cycle_id": cycle, "status": "running" }));
    }
    thinker.goes_on.add_permits(1);
    let answer = done(&house.desk, &mut program, &path).await;
    assert_eq!((&answer["cycle_id"], &answer["automation"]), (&json!(cycle), &json!("semi_automated")));
    assert_eq!(answer["pending"][0]["quantity"], "0.001", "{answer}");
}

async fn one_slow_cycle_keeps_every_other_out(hurried: Hurried) {
    let Hurried { house, thinker } = hurried;
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let path = format!("/api/models/{id}/cycle");
    let cycle = program.post(&path, json!({})).await.expect(202)["cycle_id"].clone();
    thinker.begins.notified().await;

    let mut ann = house.ann().await;
    let run = format!("/models/{id}/run");
    let clicked = ann.post_form(&run, &[]).await;
    assert_eq!(clicked.status, 409);
    for words in ["data-toast", "A cycle of Sage is running already. Yours was not started.", "<!doctype html>"] {
        assert!(clicked.body.contains(words), "{words} is missing: {}", clicked.body);
    }
    let fragment = ann.clone().with_header("hx-request", "true").post_form(&run, &[]).await;
    assert_eq!(fragment.status, 409);
    assert!(fragment.body.contains("hx-swap-oob=\"beforeend\"") && !fragment.body.contains("<!doctype html>"));

    thinker.goes_on.add_permits(1);
    done(&house.desk, &mut program, &format!("/api/cycles/{cycle}")).await;
    let cycles = program.get(&format!("/api/models/{id}/conversations")).await.expect(200);
    assert_eq!(cycles.as_array().unwrap().len(), 1, "the clicks ran nothing");
}
