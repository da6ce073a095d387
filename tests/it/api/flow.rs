//! From a model to a trade and back, as the contract tells it.

use super::shorthand::{asking_model, buy_btc, plain_model, waiting};
use crate::support::House;
use countersign::domain::access::TokenScope;
use countersign::domain::market::Symbol;
use serde_json::{Value, json};

on_each_database!(
    a_decision_sent_in_is_approved_executed_and_shown_everywhere,
    one_bad_coin_is_reported_and_the_good_ones_go_on,
    a_manual_model_shows_and_a_person_may_ask_for_approval,
    full_automation_executes_within_the_cycle_unless_a_program_only_proposes,
    the_red_button_stops_every_model_and_cancels_what_waits,
    models_are_edited_ranked_and_deleted_by_name,
);

async fn a_decision_sent_in_is_approved_executed_and_shown_everywhere(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let body = json!({ "name": "Sage", "provider_id": 1, "model_name": "ema_cross", "max_position_size_pct": 12.5 });
    let model = program.post("/api/models", body).await.expect(201);
    assert_eq!(model["trading_environment"], "simulation");
    assert_eq!(model["automation_level"], "manual");
    assert_eq!(model["initial_capital"], "10000");
    assert_eq!(model["settings"]["max_position_size_pct"].to_string(), "12.5");
    let id = model["id"].as_i64().unwrap();
    let path = format!("/api/models/{id}/automation");
    let changed = program.post(&path, json!({ "automation": "semi_automated" })).await.expect(200);
    assert_eq!(changed, json!({ "success": true, "automation": "semi_automated" }));

    let cycle = buy_btc(&mut program, id).await;
    assert_eq!(cycle["environment"], "simulation");
    assert_eq!(cycle["pending"][0]["quantity"], "0.001");
    for empty in ["executed", "displayed", "skipped", "failed", "warnings"] {
        assert_eq!(cycle[empty], json!([]), "{empty}");
    }
    let again = program.get(&format!("/api/cycles/{}", cycle["cycle_id"])).await.expect(200);
    assert_eq!(again, cycle);

    let decision = waiting(&cycle);
    let rows = program.get(&format!("/api/pending-decisions?model_id={id}")).await.expect(200);
    let row = &rows[0];
    assert_eq!(row["status"], "pending");
    assert_eq!(row["quote"]["price"], "43250");
    assert_eq!(row["decision_data"]["confidence"].to_string(), "0.7");
    assert_eq!(row["digest"].as_str().unwrap().len(), 64);
    assert!(row["risk"]["rules"].as_array().unwrap().iter().any(|rule| rule["rule"] == "POSITION_SIZE"));

    let terms = json!({ "version": row["version"], "digest": row["digest"] });
    let approved = program.post(&format!("/api/pending-decisions/{decision}/approve"), terms).await.expect(200);
    let result = &approved["result"];
    assert_eq!(approved["success"], true);
    assert_eq!(result["status"], "executed");
    // Slippage of 0.05 % against the buyer.
    assert_eq!(result["price"], "43271.63");
    assert_eq!(result["quantity"], "0.001");
    assert_eq!(result["fees"][0]["asset"], "USDT");

    let order = program.get(&format!("/api/orders/{}", result["id"])).await.expect(200);
    assert_eq!(order["status"], "filled");
    assert_eq!(order["client_order_id"], result["client_order_id"]);
    assert_eq!(order["fills"].as_array().unwrap().len(), 1);
    let trades = program.get(&format!("/api/models/{id}/trades")).await.expect(200);
    assert_eq!((&trades[0]["quantity"], &trades[0]["decision_id"]), (&json!("0.001"), &json!(decision)));
    let portfolio = program.get(&format!("/api/models/{id}/portfolio")).await.expect(200);
    let position = &portfolio["portfolio"]["positions"][0];
    assert_eq!(
        (&position["coin"], &position["side"], &position["quantity"]),
        (&json!("BTC"), &json!("long"), &json!("0.001"))
    );
    assert_eq!(position["current_price"], "43250");
    assert!(!portfolio["account_value_history"].as_array().unwrap().is_empty());
    let messages = program.get("/api/notifications?unread=true").await.expect(200);
    let titles: Vec<&Value> = messages.as_array().unwrap().iter().map(|message| &message["title"]).collect();
    assert!(titles.contains(&&json!("Trade executed: BUY 0.001 BTC")), "{titles:?}");
    let history = program.get("/api/decision-history?status=approved").await.expect(200);
    assert_eq!(history[0]["order"]["status"], "filled");

    let closed = program.post(&format!("/api/models/{id}/positions/BTC/close"), json!({})).await.expect(200);
    assert_eq!((&closed["success"], &closed["result"]["signal"]), (&json!(true), &json!("close_position")));
    let portfolio = program.get(&format!("/api/models/{id}/portfolio")).await.expect(200)["portfolio"].clone();
    assert_eq!(portfolio["positions"], json!([]));
    assert_eq!(portfolio["cash"], portfolio["total_value"]);
    program.post(&format!("/api/models/{id}/positions/BTC/close"), json!({})).await.refused(404, "not_found");
}

async fn one_bad_coin_is_reported_and_the_good_ones_go_on(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let body = json!({ "decisions": {
        "BTC": { "signal": "buy_to_enter", "quantity": "0.001" },
        "ETH": { "signal": "hunter2", "quantity": "0.1" },
        "SOL": { "signal": "hold" },
        "PEPE": { "signal": "buy_to_enter", "quantity": "1" },
        "no coin": { "signal": "hold" }
    }});
    let answer = program.post(&format!("/api/models/{id}/cycle"), body).await;
    assert!(!answer.body.contains("hunter2") && !answer.body.contains("no coin"), "{}", answer.body);
    let cycle = answer.expect(200);
    assert_eq!(cycle["pending"].as_array().unwrap().len(), 1);
    let code = |coin: &str| {
        let skipped = cycle["skipped"].as_array().unwrap();
        skipped.iter().find(|row| row["coin"] == coin).unwrap_or_else(|| panic!("{coin}: {cycle}"))["code"].clone()
    };
    assert_eq!(code("ETH"), "model_error");
    assert_eq!(code("SOL"), "hold");
    assert_eq!(code("PEPE"), "INSTRUMENT");
    assert_eq!(code("UNREADABLE1"), "model_error");
}

async fn a_manual_model_shows_and_a_person_may_ask_for_approval(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = plain_model(&mut program, "Sage").await;
    let cycle = buy_btc(&mut program, id).await;
    assert_eq!(cycle["pending"], json!([]));
    let decision = cycle["displayed"][0]["decision_id"].as_i64().unwrap();
    let path = format!("/api/decisions/{decision}/request-approval");
    let asked = program.post(&path, json!({})).await.expect(200);
    assert_eq!(asked["decision"]["status"], "pending");
    let again = program.post(&path, json!({})).await.refused(409, "already_decided");
    assert_eq!(again["decision"]["id"], decision);
    let rejected = program
        .post(&format!("/api/pending-decisions/{decision}/reject"), json!({ "reason": "too early" }))
        .await
        .expect(200);
    assert_eq!(
        (&rejected["decision"]["status"], &rejected["decision"]["reason"]),
        (&json!("rejected"), &json!("too early"))
    );
    let events = program.get(&format!("/api/decisions/{decision}")).await.expect(200)["events"].clone();
    let names: Vec<&str> = events.as_array().unwrap().iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["displayed", "asked", "rejected"]);
}

async fn full_automation_executes_within_the_cycle_unless_a_program_only_proposes(house: House) {
    let mut operator = house.token(TokenScope::Operate).await;
    let id = plain_model(&mut operator, "Sage").await;
    operator
        .post(&format!("/api/models/{id}/automation"), json!({ "automation": "fully_automated" }))
        .await
        .expect(200);
    let cycle = buy_btc(&mut operator, id).await;
    assert_eq!((&cycle["executed"][0]["status"], &cycle["executed"][0]["coin"]), (&json!("executed"), &json!("BTC")));

    let mut proposer = house.token(TokenScope::Propose).await;
    let body = json!({ "decisions": { "ETH": { "signal": "buy_to_enter", "quantity": "0.01" } } });
    let path = format!("/api/models/{id}/cycle");
    let cycle = proposer.post(&path, body.clone()).await.expect(200);
    assert_eq!((cycle["pending"].as_array().unwrap().len(), &cycle["executed"]), (1, &json!([])));
    operator.post(&format!("/api/models/{id}/settings"), json!({ "external_autonomy": true })).await.expect(200);
    let cycle = proposer.post(&path, body).await.expect(200);
    assert_eq!(cycle["executed"][0]["status"], "executed");
    proposer.post(&path, json!({})).await.refused(403, "forbidden");
}

async fn the_red_button_stops_every_model_and_cancels_what_waits(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let sage = asking_model(&mut program, "Sage").await;
    let owl = plain_model(&mut program, "Owl").await;
    let decision = waiting(&buy_btc(&mut program, sage).await);
    let stopped = program.post("/api/emergency-stop-all", json!({ "reason": "drill" })).await.expect(200);
    assert_eq!(stopped["success"], true);
    assert_eq!(stopped["cancelled_decisions"], 1);
    assert_eq!(stopped["cancelled_orders"], 0);
    assert_eq!(
        stopped["stopped"],
        json!([
            { "model_id": sage, "model_name": "Sage", "previous": "semi_automated" },
            { "model_id": owl, "model_name": "Owl", "previous": "manual" }
        ])
    );
    assert!(stopped["message"].as_str().unwrap().starts_with("2 models paused"));
    let row = program.get(&format!("/api/decisions/{decision}")).await.expect(200);
    assert_eq!(row["status"], "cancelled");
    let incidents = program.get("/api/incidents?status=open").await.expect(200);
    assert_eq!((&incidents[0]["type"], &incidents[0]["severity"]), (&json!("EMERGENCY_STOP_ALL"), &json!("critical")));
    program.post(&format!("/api/models/{sage}/cycle"), json!({})).await.refused(409, "model_paused");
    program.post(&format!("/api/models/{sage}/resume"), json!({})).await.expect(200);
    assert_eq!(buy_btc(&mut program, sage).await["pending"].as_array().unwrap().len(), 1);

    let incident = incidents[0]["id"].as_i64().unwrap();
    let path = format!("/api/incidents/{incident}");
    let seen = program.post(&format!("{path}/acknowledge"), json!({ "note": "a drill" })).await.expect(200);
    assert_eq!((&seen["incident"]["status"], &seen["incident"]["note"]), (&json!("acknowledged"), &json!("a drill")));
    let twice = program.post(&format!("{path}/acknowledge"), json!({})).await.refused(409, "already_moved");
    assert_eq!(twice["incident"]["status"], "acknowledged");
    program.post(&format!("{path}/resolve"), json!({})).await.expect(200);
    program.post("/api/notifications/read", json!({})).await.expect(200);
    assert_eq!(program.get("/api/notifications?unread=true").await.expect(200), json!([]));
}

async fn models_are_edited_ranked_and_deleted_by_name(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = plain_model(&mut program, "Sage").await;
    let path = format!("/api/models/{id}");
    let edit = json!({ "name": "Sage II", "model_name": "random", "max_daily_trades": 7 });
    let edited = program.api("PATCH", &path, edit).await.expect(200);
    assert_eq!((&edited["name"], &edited["model_name"]), (&json!("Sage II"), &json!("random")));
    assert_eq!(edited["settings"]["max_daily_trades"], 7);
    let put = program.api("PUT", &path, json!({ "taker_fee_pct": "0.2" })).await.expect(200);
    assert_eq!(put["settings"]["taker_fee_pct"].to_string(), "0.2");
    assert_eq!(
        program.get(&format!("{path}/config")).await.expect(200),
        json!({
            "environment": "simulation", "automation": "manual", "exchange_environment": "testnet"
        })
    );
    let board = program.get("/api/leaderboard").await.expect(200);
    assert_eq!((&board[0]["account_value"], board[0]["returns"].to_string()), (&json!("10000"), "0".to_owned()));
    let summary = program.get("/api/models/all-summary").await.expect(200);
    assert_eq!(summary["totals"]["simulation"]["total_value"], "10000");
    assert_eq!(summary["totals"].as_object().unwrap().len(), 1);
    let limits = program.get(&format!("{path}/risk-status")).await.expect(200);
    assert!(limits.as_array().unwrap().iter().all(|limit| limit["status"] == "ok"), "{limits}");
    let prices = program.get("/api/market/prices").await.expect(200);
    let btc = Symbol("BTCUSDT".to_owned());
    let quotes = house.desk.markets.simulation.quotes(std::slice::from_ref(&btc)).await.unwrap();
    let price = quotes[&btc].price.to_string();
    assert_eq!((&prices["BTC"]["price"], &prices["BTC"]["source"]), (&json!(price), &json!("synthetic")));
    let providers = program.get("/api/providers").await.expect(200);
    assert_eq!(providers[0]["models"], json!(["buy_and_hold", "ema_cross", "rsi_mean_reversion", "random"]));
    let offered = program.post("/api/providers/models", json!({ "provider_id": 1 })).await.expect(200);
    assert_eq!(offered["models"].as_array().unwrap().len(), 4);

    program.api("DELETE", &path, Value::Null).await.refused(428, "confirmation_required");
    program.api("DELETE", &format!("{path}?confirm=Sage"), Value::Null).await.refused(422, "invalid");
    let gone = program.api("DELETE", &format!("{path}?confirm=Sage%20II"), Value::Null).await.expect(200);
    assert_eq!(gone, json!({ "success": true, "message": "Model deleted" }));
    program.get(&path).await.refused(404, "not_found");
    program.get(&format!("{path}/trades")).await.expect(200);
}
