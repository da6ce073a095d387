//! From testnet keys to a filled order and back, as the contract tells it; and what never happens instead.

use super::house::{KEY, World, until, waiting};
use crate::paper_exchange::house::amount;
use countersign::adapters::paper_exchange::{Action, Fault};
use rust_decimal::Decimal;
use serde_json::{Value, json};

on_each_database!(
    keys_are_saved_and_checked_a_decision_is_approved_and_its_order_is_at_the_exchange,
    what_the_exchange_does_not_do_is_said_and_never_simulated,
    a_lost_reply_is_one_order,
    whatever_changes_where_a_model_trades_cancels_what_waits,
);

/// What an approval of 0.001 BTC answers when all goes well.
fn bought(approved: &Value) -> &Value {
    let result = &approved["result"];
    assert_eq!(approved["success"], true, "{approved}");
    assert_eq!((&result["status"], &result["environment"]), (&json!("executed"), &json!("live")));
    assert_eq!((&result["coin"], &result["quantity"]), (&json!("BTC"), &json!("0.001")));
    // A thousandth, taken from the coin that was bought.
    assert_eq!(result["fees"], json!([{ "asset": "BTC", "amount": "0.000001" }]));
    result
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

async fn keys_are_saved_and_checked_a_decision_is_approved_and_its_order_is_at_the_exchange(mut world: World) {
    let id = world.model("Sage").await;
    let path = |tail: &str| format!("/api/models/{id}/{tail}");
    let none = world.get(&path("exchange/credentials")).await;
    assert_eq!((&none["configured"], &none["is_active"]), (&json!(false), &json!(false)));
    let unchecked = world.post(&path("exchange/validate"), Value::Null).await.expect(200);
    assert_eq!((&unchecked["valid"], &unchecked["code"]), (&json!(false), &json!("not_configured")));

    world.save_keys(id).await;
    let valid = world.post(&path("exchange/validate"), Value::Null).await.expect(200);
    assert_eq!((&valid["valid"], &valid["code"]), (&json!(true), &json!("ok")), "{valid}");
    assert_eq!(valid["permissions"]["can_trade"], true);
    let saved = world.get(&path("exchange/credentials")).await;
    let flags = ["configured", "has_testnet", "has_mainnet", "is_active"].map(|name| saved[name].as_bool().unwrap());
    assert_eq!(flags, [true, true, false, true]);
    assert_eq!(saved["testnet_key_last4"], json!(&KEY[KEY.len() - 4..]));
    assert!(saved["last_validated"].is_string(), "{saved}");
    world.go_live(id).await;
    let config = json!({ "environment": "live", "automation": "semi_automated", "exchange_environment": "testnet" });
    assert_eq!(world.get(&path("config")).await, config);

    let cycle = world.propose(id).await;
    assert_eq!((&cycle["environment"], &cycle["automation"]), (&json!("live"), &json!("semi_automated")));
    assert_eq!(cycle["warnings"], json!(["market_data_ignored"]));
    assert_eq!((&cycle["pending"][0]["coin"], &cycle["pending"][0]["quantity"]), (&json!("BTC"), &json!("0.001")));
    let decision = waiting(&cycle);
    let row = world.get(&format!("/api/decisions/{decision}")).await;
    let quoted: Decimal = amount(&row["quote"]["price"]);
    assert!(quoted > dec("1000"), "the price sent in counts in simulation only: {quoted}");
    assert_eq!(world.owner.orders("BTCUSDT").await, Vec::<Value>::new(), "nothing is sent before it is approved");

    let approved = world.approve(&cycle).await.expect(200);
    let result = bought(&approved).clone();
    let at_exchange = world.owner.orders("BTCUSDT").await;
    assert_eq!(at_exchange.len(), 1, "{at_exchange:?}");
    assert_eq!(at_exchange[0]["orderId"], result["order_id"]);
    assert_eq!(at_exchange[0]["clientOrderId"], result["client_order_id"]);
    assert_eq!((&at_exchange[0]["status"], &at_exchange[0]["side"]), (&json!("FILLED"), &json!("BUY")));
    assert_eq!(amount(&at_exchange[0]["executedQty"]), dec("0.001"));
    assert_eq!(world.owner.free("BTC").await, dec("1.000999"));
    let response = &result["exchange_response"];
    assert_eq!((&response["orderId"], &response["status"]), (&result["order_id"], &json!("FILLED")), "{result}");

    let order = world.get(&format!("/api/orders/{}", result["id"])).await;
    assert_eq!(
        (&order["status"], &order["book"], &order["filled"]),
        (&json!("filled"), &json!("testnet"), &json!("0.001"))
    );
    assert_eq!(&order["exchange_response"], response, "kept as it came");
    assert!(world.page(&format!("/orders/{}", result["id"])).await.contains("What the exchange answered"));
    let trades = world.get(&path("trades")).await;
    assert_eq!((&trades[0]["quantity"], &trades[0]["decision_id"]), (&json!("0.001"), &json!(decision)));
    assert_eq!((&trades[0]["environment"], &trades[0]["side"]), (&json!("live"), &json!("buy")));
    let events = world.get(&format!("/api/decisions/{decision}")).await["events"].clone();
    let names: Vec<&str> = events.as_array().unwrap().iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["asked", "approved"]);
    assert!(events[1]["by"].as_str().unwrap().contains("ada"), "{events}");
    let portfolio = world.get(&path("portfolio")).await["portfolio"].clone();
    let position = &portfolio["positions"][0];
    assert_eq!((&position["coin"], &position["quantity"]), (&json!("BTC"), &json!("0.000999")));
    let spent = amount(&at_exchange[0]["cummulativeQuoteQty"]);
    assert_eq!(amount(&portfolio["cash"]), dec("10000") - spent, "the allocation less what was paid");
    let messages = world.get("/api/notifications?unread=true").await;
    let titles: Vec<&Value> = messages.as_array().unwrap().iter().map(|message| &message["title"]).collect();
    assert!(titles.contains(&&json!("Trade executed: BUY 0.001 BTC")), "{titles:?}");
    assert_eq!(world.get(&path("orders?book=simulation")).await, json!([]), "nothing is simulated besides");

    let closed = world.post(&path("positions/BTC/close"), json!({})).await.expect(200);
    assert_eq!((&closed["success"], &closed["result"]["quantity"]), (&json!(true), &json!("0.00099")), "{closed}");
    assert_eq!(world.owner.free("BTC").await, dec("1.000009"), "what could be sold, and nothing that was there before");
    let dust = world.get(&path("portfolio")).await["portfolio"]["positions"].clone();
    assert_eq!((dust.as_array().unwrap().len(), &dust[0]["quantity"]), (1, &json!("0.000009")));
    world.post(&path("positions/BTC/close"), json!({})).await.refused(422, "dust");
    let page = world.page(&format!("/models/{id}")).await;
    assert!(page.contains("dust: too little to sell here"), "{page}");
    for path in ["/orders", "/inbox?tab=approved", &format!("/models/{id}/settings"), "/reconciliation", "/incidents"] {
        world.page(path).await;
    }
    world.end().await;
}

async fn what_the_exchange_does_not_do_is_said_and_never_simulated(mut world: World) {
    let keyless = world.model("Keyless").await;
    world.go_live(keyless).await;
    let refused = world.cycle(keyless, "buy_to_enter").await.refused(409, "EXCHANGE_NOT_CONFIGURED");
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(said.contains("no testnet key is saved") && said.contains("nothing was simulated"), "{said}");
    let (severity, detail) = world.incident(keyless, "EXCHANGE_NOT_CONFIGURED").await;
    assert_eq!(severity, "high");
    assert!(detail.contains("no testnet key is saved"), "{detail}");

    let id = world.live_model("Sage").await;
    let short = world.cycle(id, "sell_to_enter").await.expect(200);
    assert_eq!(short["skipped"][0]["code"], "SHORT_NOT_SUPPORTED", "{short}");
    assert_eq!(world.owner.free("BTC").await, dec("1"), "what the account holds is never sold instead");

    let waits = world.propose(id).await;
    let words = "Account has insufficient balance for requested action.";
    let broke = Action::Error { code: -2010, status: 400, message: words.to_owned(), accepted: false };
    world.exchange.faults().add(Fault::once("POST", "/api/v3/order", broke));
    let refused = world.approve(&waits).await.expect(200);
    assert_eq!((&refused["success"], &refused["result"]["status"]), (&json!(false), &json!("rejected")), "{refused}");
    let error = refused["result"]["error"].as_str().unwrap();
    assert!(error.contains("-2010") && error.contains(words), "{error}");
    assert_eq!(refused["result"]["exchange_response"], json!({ "code": -2010, "msg": words }));
    assert_eq!(world.incident(id, "TRADE_REJECTED").await.0, "high");

    let down = Action::Error { code: -1001, status: 503, message: "Internal error.".to_owned(), accepted: false };
    world.exchange.faults().add(Fault { count: None, ..Fault::once("GET", "/api/v3/account", down) });
    let refused = world.cycle(id, "buy_to_enter").await.refused(502, "EXCHANGE_API_ERROR");
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(said.contains("-1001") && said.contains("Internal error."), "{said}");
    let (severity, detail) = world.incident(id, "EXCHANGE_API_ERROR").await;
    assert_eq!(severity, "high");
    assert!(detail.contains("-1001"), "{detail}");
    world.exchange.faults().clear();

    for model in [keyless, id] {
        for list in ["orders?book=simulation", "trades?book=simulation", "trades"] {
            assert_eq!(world.get(&format!("/api/models/{model}/{list}")).await, json!([]), "{list}");
        }
    }
    assert_eq!(world.owner.orders("BTCUSDT").await, Vec::<Value>::new());
    world.end().await;
}

async fn a_lost_reply_is_one_order(mut world: World) {
    let id = world.live_model("Sage").await;
    let cycle = world.propose(id).await;
    world.exchange.faults().add(Fault::once("POST", "/api/v3/order", Action::DropAfterAccept));
    let approved = world.approve(&cycle).await;
    let order = approved.json()["result"]["id"].as_i64().unwrap_or_else(|| panic!("{}", approved.body));
    let path = format!("/api/orders/{order}");
    let found = until("the order found", async || {
        let row = world.get(&path).await;
        (row["status"] == "filled").then_some(row)
    });
    let found = found.await;
    assert_eq!(found["filled"], "0.001");
    let at_exchange = world.owner.orders("BTCUSDT").await;
    assert_eq!(at_exchange.len(), 1, "asked about, and never sent again");
    assert_eq!(at_exchange[0]["clientOrderId"], found["client_order_id"]);
    let events: Vec<&str> =
        found["events"].as_array().unwrap().iter().filter_map(|event| event["event"].as_str()).collect();
    assert!(events.contains(&"lose"), "{events:?}");
    assert_eq!(world.incident(id, "ORDER_OUTCOME_UNKNOWN").await.0, "high");
    let portfolio = world.get(&format!("/api/models/{id}/portfolio")).await;
    assert_eq!(portfolio["portfolio"]["positions"][0]["quantity"], "0.000999");
    world.end().await;
}

async fn whatever_changes_where_a_model_trades_cancels_what_waits(mut world: World) {
    let id = world.live_model("Sage").await;
    let path = |tail: &str| format!("/api/models/{id}/{tail}");
    for what in ["order style", "credentials", "exchange environment", "environment", "deleted credentials"] {
        let cycle = world.propose(id).await;
        let decision = waiting(&cycle);
        match what {
            "order style" => {
                world.post(&path("settings"), json!({ "order_style": "protected" })).await.expect(200);
            }
            "credentials" => world.save_keys(id).await,
            "exchange environment" => {
                let mainnet = json!({ "exchange_environment": "mainnet" });
                world.post(&path("exchange/environment"), mainnet).await.expect(200);
            }
            "environment" => {
                world.post(&path("environment"), json!({ "environment": "simulation" })).await.expect(200);
            }
            _ => {
                let gone = world.call("DELETE", &path("exchange/credentials"), Value::Null).await.expect(200);
                assert_eq!(gone, json!({ "success": true, "message": "Exchange credentials deleted" }));
            }
        }
        let row = world.get(&format!("/api/decisions/{decision}")).await;
        assert_eq!(row["status"], "cancelled", "{what}: {row}");
        assert!(
            row["events"]
                .as_array()
                .unwrap()
                .iter()
                .any(|event| event["event"] == "cancelled" && event["detail"] != "")
        );
        // With the terms that were true when it was asked.
        let terms = json!({ "version": 1, "digest": row["digest"] });
        for terms in [terms, json!({})] {
            let path = format!("/api/pending-decisions/{decision}/approve");
            let refused = world.post(&path, terms).await.refused(409, "already_decided");
            assert_eq!(refused["decision"]["status"], "cancelled", "{what}");
        }
        if what != "deleted credentials" {
            world.go_live(id).await;
        }
    }
    world.cycle(id, "buy_to_enter").await.refused(409, "EXCHANGE_NOT_CONFIGURED");
    assert_eq!(world.get(&path("orders")).await, json!([]));
    assert_eq!(world.owner.orders("BTCUSDT").await, Vec::<Value>::new());
    for kind in ["ENVIRONMENT_CHANGE", "EXCHANGE_ENV_CHANGE", "CREDENTIALS_UPDATED", "CREDENTIALS_DELETED"] {
        world.incident(id, kind).await;
    }
    world.end().await;
}
