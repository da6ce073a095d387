//! Real money: what is approved must be named to the last digit.

use super::shorthand::{asking_model, waiting};
use crate::support::{Database, House, Stage};
use async_trait::async_trait;
use countersign::domain::order::Order;
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::JournaledOrder;
use countersign::ports::venue::{CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue, VenueDirectory};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

on_each_database!(an_approval_of_real_money_names_version_and_digest);

/// A mainnet that answers no order: these stories end before one is sent.
struct Mainnet;

#[async_trait]
impl Venue for Mainnet {
    fn kind(&self) -> VenueKind {
        VenueKind::Mainnet
    }

    async fn submit(&self, _: &JournaledOrder, _: OrderContext<'_>) -> SubmitOutcome {
        unreachable!("the story holds its orders")
    }

    async fn query(&self, _: &Order, _: OrderContext<'_>) -> QueryOutcome {
        QueryOutcome::Unavailable { why: "nobody is there".to_owned() }
    }

    async fn cancel(&self, _: &Order, _: OrderContext<'_>) -> CancelOutcome {
        CancelOutcome::Unavailable { why: "nobody is there".to_owned() }
    }
}

struct OnlyMainnet;

impl VenueDirectory for OnlyMainnet {
    fn find(&self, kind: VenueKind) -> Option<Arc<dyn Venue>> {
        (kind == VenueKind::Mainnet).then(|| Arc::new(Mainnet) as Arc<dyn Venue>)
    }
}

/// A house in which real money may be chosen, with prices like everywhere.
struct Armed(House);

impl Stage for Armed {
    async fn on(database: Database) -> Self {
        let house = House::with(
            database,
            |settings| settings.allow_mainnet = true,
            |desk| {
                desk.markets.live.insert(VenueKind::Mainnet, Arc::clone(&desk.markets.simulation));
                desk.venues = Arc::new(OnlyMainnet);
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
        ("exchange/environment", json!({ "exchange_environment": "mainnet" })),
        ("environment", json!({ "environment": "live" })),
    ] {
        program.post(&format!("/api/models/{id}/{what}"), body).await.expect(200);
    }
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
