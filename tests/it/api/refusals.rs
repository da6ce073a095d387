//! Coming late, or with old terms: whoever is refused gets the row as it truly is.

use super::shorthand::{asking_model, buy_btc, waiting};
use crate::support::{Database, House, Stage};
use countersign::domain::access::TokenScope;
use countersign::domain::ids::{CycleId, TraderId};
use countersign::ports::store::IdKind;
use countersign::services::cycle_parts::cycle_lease;
use countersign::services::decide::expire_due;
use serde_json::{Value, json};
use std::time::Duration;

on_each_database!(
    after_a_price_drift_the_new_version_can_be_approved,
    an_expired_decision_is_gone_before_and_after_the_sweeper,
    modifications_are_terms_of_their_own_and_the_rules_judge_them,
    changing_where_a_model_trades_cancels_what_waits_and_nothing_is_simulated_instead,
    an_acknowledgement_is_no_success_and_an_unsent_order_can_be_cancelled,
    a_running_cycle_says_so_and_keeps_others_out,
    many_hands_at_once_make_one_decision_and_one_order_or_none,
);

/// A house in which nobody waits for an order.
struct Impatient(House);

impl Stage for Impatient {
    async fn on(database: Database) -> Self {
        Self(House::with(database, |_| {}, |desk| desk.policy.patience.order = Duration::ZERO).await)
    }
}

async fn after_a_price_drift_the_new_version_can_be_approved(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let decision = waiting(&buy_btc(&mut program, id).await);
    let path = format!("/api/pending-decisions/{decision}/approve");
    // A price sent in stands in for the market's: here with a decision for another coin.
    let moved = json!({
        "decisions": { "ETH": { "signal": "hold" } }, "market_data": { "BTC": { "price": "43600" } }
    });
    program.post(&format!("/api/models/{id}/cycle"), moved).await.expect(200);
    let refused = program.post(&path, json!({ "version": 1 })).await.refused(409, "price_drift");
    assert_eq!((&refused["decision"]["version"], &refused["decision"]["status"]), (&json!(2), &json!("pending")));
    assert_eq!(refused["decision"]["quote"]["price"], "43600");
    assert_eq!((&refused["drift"]["quoted"], &refused["drift"]["now"]), (&json!("43250"), &json!("43600")));
    let old = program.post(&path, json!({ "version": 1 })).await.refused(409, "terms_changed");
    assert_eq!(old["decision"]["version"], 2);
    let done = program.post(&path, json!({ "version": 2 })).await.expect(200);
    assert_eq!(done["result"]["status"], "executed");
    let late = program.post(&path, json!({})).await.refused(409, "already_decided");
    assert_eq!(
        (&late["decision"]["status"], &late["decision"]["order"]["status"]),
        (&json!("ordered"), &json!("filled"))
    );
}

async fn an_expired_decision_is_gone_before_and_after_the_sweeper(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let first = waiting(&buy_btc(&mut program, id).await);
    house.pass_minutes(61);
    let refused =
        program.post(&format!("/api/pending-decisions/{first}/approve"), json!({})).await.refused(410, "expired");
    assert_eq!(refused["decision"]["status"], "expired");

    let second = waiting(&buy_btc(&mut program, id).await);
    house.pass_minutes(61);
    assert_eq!(expire_due(&house.desk).await.unwrap(), 1);
    for verb in ["approve", "reject"] {
        let path = format!("/api/pending-decisions/{second}/{verb}");
        let refused = program.post(&path, json!({})).await.refused(410, "expired");
        assert_eq!(refused["decision"]["id"], second);
    }
}

async fn modifications_are_terms_of_their_own_and_the_rules_judge_them(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let decision = waiting(&buy_btc(&mut program, id).await);
    let path = format!("/api/pending-decisions/{decision}/approve");
    let modified = |fields: Value| json!({ "modified": true, "modifications": fields });
    let denied = program.post(&path, modified(json!({ "quantity": "1" }))).await.refused(422, "risk_denied");
    assert_eq!(denied["decision"]["status"], "pending");
    let rule = denied["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "POSITION_SIZE").unwrap();
    assert_eq!(rule["verdict"], "deny");
    let both = program.post(&path, json!({ "modified": true })).await.refused(422, "invalid");
    assert!(both["error"]["fields"]["modifications"].is_string());
    let wrong =
        program.post(&path, modified(json!({ "quantity": "1e-3", "coin": "ETH" }))).await.refused(422, "invalid");
    assert!(wrong["error"]["fields"]["modifications.quantity"].is_string());
    assert!(wrong["error"]["fields"]["modifications.coin"].is_string());
    let fields = json!({ "quantity": "0.0005", "stop_loss": 40000, "profit_target": null });
    let done = program.post(&path, modified(fields)).await.expect(200);
    assert_eq!(done["result"]["quantity"], "0.0005");
    let portfolio = program.get(&format!("/api/models/{id}/portfolio")).await.expect(200);
    assert_eq!(portfolio["portfolio"]["positions"][0]["stop_loss"], "40000");
}

async fn changing_where_a_model_trades_cancels_what_waits_and_nothing_is_simulated_instead(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let decision = waiting(&buy_btc(&mut program, id).await);
    let live =
        program.post(&format!("/api/models/{id}/environment"), json!({ "environment": "live" })).await.expect(200);
    assert_eq!(live, json!({ "success": true, "environment": "live" }));
    let refused = program
        .post(&format!("/api/pending-decisions/{decision}/approve"), json!({}))
        .await
        .refused(409, "already_decided");
    assert_eq!(refused["decision"]["status"], "cancelled");
    assert!(refused["decision"]["reason"].as_str().unwrap().contains("changed"));
    let body = json!({ "decisions": { "BTC": { "signal": "buy_to_enter", "quantity": "0.001" } } });
    program.post(&format!("/api/models/{id}/cycle"), body).await.refused(409, "EXCHANGE_NOT_CONFIGURED");
    program.get(&format!("/api/models/{id}/portfolio")).await.refused(404, "not_found");
    let book = program.get(&format!("/api/models/{id}/portfolio?book=simulation")).await.expect(200);
    assert_eq!(book["portfolio"]["cash"], "10000");
    let incidents = program.get(&format!("/api/models/{id}/incidents")).await.expect(200);
    let kinds: Vec<&str> = incidents.as_array().unwrap().iter().filter_map(|row| row["type"].as_str()).collect();
    assert!(kinds.contains(&"ENVIRONMENT_CHANGE") && kinds.contains(&"EXCHANGE_NOT_CONFIGURED"), "{kinds:?}");
    let path = format!("/api/models/{id}/exchange/environment");
    program.post(&path, json!({ "exchange_environment": "mainnet" })).await.refused(403, "mainnet_disabled");
    assert_eq!(program.get(&path).await.expect(200), json!({ "exchange_environment": "testnet" }));
}

async fn an_acknowledgement_is_no_success_and_an_unsent_order_can_be_cancelled(impatient: Impatient) {
    let Impatient(house) = impatient;
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let decision = waiting(&buy_btc(&mut program, id).await);
    house.hold_orders();
    let approved = program.post(&format!("/api/pending-decisions/{decision}/approve"), json!({})).await.expect(202);
    assert_eq!((&approved["success"], &approved["result"]["status"]), (&json!(false), &json!("submitted")));
    let order = approved["result"]["id"].as_i64().unwrap();
    let cancelled = program.post(&format!("/api/orders/{order}/cancel"), json!({})).await.expect(200);
    assert_eq!(cancelled["status"], "denied");
    program.post(&format!("/api/orders/{order}/cancel"), json!({})).await.refused(409, "not_cancellable");
}

async fn a_running_cycle_says_so_and_keeps_others_out(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let now = house.desk.clock.now();
    let cycle = house.desk.next_id(IdKind::Cycle).await.unwrap();
    let until = now.plus_ms(60_000);
    let name = cycle_lease(TraderId(id));
    let lease = house.desk.store.acquire_lease(&name, "another process", now, until, Some(CycleId(cycle))).await;
    let lease = lease.unwrap().unwrap();
    let running = program.get(&format!("/api/cycles/{cycle}")).await.expect(200);
    assert_eq!(running, json!({ "cycle_id": cycle, "status": "running" }));
    let body = json!({ "decisions": { "BTC": { "signal": "hold" } } });
    let path = format!("/api/models/{id}/cycle");
    program.post(&path, body.clone()).await.refused(409, "cycle_running");
    house.desk.store.release_lease(&lease).await.unwrap();
    program.post(&path, body).await.expect(200);
}

async fn many_hands_at_once_make_one_decision_and_one_order_or_none(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    for round in 0..4 {
        let decision = waiting(&buy_btc(&mut program, id).await);
        let hands = (0..8).map(|hand| {
            let (mut program, verb) = (program.clone(), if hand % 2 == 0 { "approve" } else { "reject" });
            tokio::spawn(async move {
                let path = format!("/api/pending-decisions/{decision}/{verb}");
                (verb, program.post(&path, json!({})).await)
            })
        });
        let mut winners = Vec::new();
        for hand in hands.collect::<Vec<_>>() {
            let (verb, answer) = hand.await.unwrap();
            if answer.status == 200 {
                winners.push(verb);
            } else {
                assert_eq!(answer.refused(409, "already_decided")["decision"]["id"], decision);
            }
        }
        let row = program.get(&format!("/api/decisions/{decision}")).await.expect(200);
        assert_eq!(winners.len(), 1, "round {round}: {winners:?} {row}");
        assert_eq!(row["status"], if winners[0] == "approve" { "ordered" } else { "rejected" });
        let orders = program.get(&format!("/api/models/{id}/orders?limit=200")).await.expect(200);
        let of_it = orders.as_array().unwrap().iter().filter(|order| order["decision_id"] == decision).count();
        assert_eq!(of_it, usize::from(winners[0] == "approve"));
    }
}
