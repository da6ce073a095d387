//! Real money: what is approved must be named to the last digit.

use super::shorthand::{asking_model, waiting};
use crate::credentials::house::{FakeExchanges, mainnet_pair};
use crate::support::{Database, House, Stage};
use countersign::domain::venue_kind::VenueKind;
use countersign::services::reconcile::reconcile_due;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

on_each_database!(an_approval_of_real_money_names_version_and_digest);

/// A house in which real money may be chosen, with prices like everywhere.
struct Armed(House);

impl Stage for Armed {
    async fn on(database: Database) -> Self {
        let house = House::with(
            database,
            |settings| settings.allow_mainnet = true,
            |desk| {
                desk.markets.live.insert(VenueKind::Mainnet, Arc::clone(&desk.markets.simulation));
                desk.exchanges = Some(FakeExchanges::of(desk));
                desk.policy.patience.order = Duration::ZERO;
            },
        );
        Self(house.await)
    }
}

async fn an_approval_of_real_money_names_version_and_digest(armed: Armed) {
    let Armed(house) = armed;
    house.hold_orders();
    let mut program = house.admin().await;
    let id = asking_model(&mut program, "Sage").await;
    for (what, body) in [
        ("exchange/credentials", mainnet_pair()),
        ("exchange/environment", json!({ "exchange_environment": "mainnet" })),
        ("environment", json!({ "environment": "live" })),
        ("exchange/validate", json!({})),
    ] {
        program.post(&format!("/api/models/{id}/{what}"), body).await.expect(200);
    }
    let armed = program.post_form(&format!("/models/{id}/arm"), &[("name", "Sage")]).await;
    assert_eq!(armed.status, 303, "{}", armed.body);
    assert_eq!(reconcile_due(&house.desk).await.unwrap(), 1);
    let body = json!({ "decisions": { "BTC": { "signal": "buy_to_enter", "quantity": "0.001" } } });
    let cycle = program.post(&format!("/api/models/{id}/cycle"), body).await.expect(200);
    let decision = waiting(&cycle);
    let row = program.get(&format!("/api/decisions/{decision}")).await.expect(200);
    let (version, digest) = (&row["version"], &row["digest"]);
    let approve = format!("/api/pending-decisions/{decision}/approve");
    for incomplete in [json!({}), json!({ "version": version }), json!({ "digest": digest })] {
        let refused = program.post(&approve, incomplete).await.refused(428, "terms_required");
        assert_eq!(refused["decision"]["status"], "pending", "it waits as before");
    }
    let mut ann = house.ann().await;
    let page = ann.post_form(&format!("/decisions/{decision}/approve"), &[]).await;
    assert_eq!(page.status, 428, "{}", page.body);
    let wrong = json!({ "version": version, "digest": "0".repeat(64) });
    program.post(&approve, wrong).await.refused(409, "terms_changed");
    assert!(house.desk.store.outbox(10).await.unwrap().is_empty());
    let named = json!({ "version": version, "digest": digest });
    let approved = program.post(&approve, named).await.expect(202);
    assert_eq!((&approved["success"], &approved["result"]["status"]), (&json!(false), &json!("submitted")));
    assert_eq!(house.desk.store.outbox(10).await.unwrap().len(), 1);
}
