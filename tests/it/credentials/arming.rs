//! Real money: the steps before it, who takes them, and what ends it.

use super::house::{House, KEY, SECRET, keys, mainnet_pair, validate};
use crate::support::{Client, Database, postgres};
use countersign::domain::access::Role;
use countersign::domain::credential::KeyPermissions;
use countersign::domain::ids::TraderId;
use countersign::services::arming::is_armed;
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;

async fn armed(house: &House, id: i64) -> bool {
    let trader = house.desk.store.trader(TraderId(id)).await.unwrap().unwrap();
    is_armed(&house.desk, &trader, house.now()).await.unwrap()
}

async fn type_name(admin: &mut Client, id: i64, name: &str) -> u16 {
    admin.post_form(&format!("/models/{id}/arm"), &[("name", name)]).await.status
}

/// A model that lacks nothing but the arm.
async fn ready(house: &House, admin: &mut Client) -> i64 {
    let id = house.model("Sage").await;
    let set = async |admin: &mut Client, path: &str, body: Value| {
        let answer = admin.api("POST", &format!("/api/models/{id}/{path}"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    set(admin, "exchange/credentials", mainnet_pair()).await;
    set(admin, "exchange/environment", json!({ "exchange_environment": "mainnet" })).await;
    set(admin, "environment", json!({ "environment": "live" })).await;
    set(admin, "exchange/validate", Value::Null).await;
    id
}

async fn arming_is_the_last_of_five_steps(database: Database) {
    let house = House::open(database, |settings| {
        settings.allow_mainnet = true;
        settings.arm_hours = 3;
    })
    .await;
    let mut admin = house.admin().await;
    let id = house.model("Sage").await;
    let page = format!("/models/{id}/settings");
    let arm = format!("/models/{id}/arm");
    let missing = async |admin: &mut Client, says: &str| {
        let answer = admin.post_form(&arm, &[("name", "Sage")]).await;
        assert_eq!(answer.status, 409, "{}", answer.body);
        assert!(answer.body.contains(says), "{says}: {}", answer.body);
    };
    missing(&mut admin, "does not trade live on mainnet").await;
    for (path, body) in [
        ("exchange/environment", json!({ "exchange_environment": "mainnet" })),
        ("environment", json!({ "environment": "live" })),
    ] {
        assert_eq!(admin.api("POST", &format!("/api/models/{id}/{path}"), body).await.status, 200);
    }
    missing(&mut admin, "no mainnet key").await;
    assert_eq!(admin.api("POST", &keys(id), mainnet_pair()).await.status, 200);
    missing(&mut admin, "verified within the last 24 hours").await;
    *house.exchanges.answer.lock().unwrap() =
        Ok(KeyPermissions { can_trade: true, can_withdraw: Some(true), ..KeyPermissions::default() });
    assert_eq!(admin.api("POST", &validate(id), Value::Null).await.json()["code"], "key_can_withdraw");
    missing(&mut admin, "verified within the last 24 hours").await;
    *house.exchanges.answer.lock().unwrap() = Ok(super::house::trades_only());
    assert_eq!(admin.api("POST", &validate(id), Value::Null).await.json()["valid"], true);

    let mut operator = house.person("ann", Role::Operator).await;
    assert_eq!(type_name(&mut operator, id, "Sage").await, 403);
    assert_eq!(type_name(&mut admin, id, "sage").await, 422);
    assert!(!armed(&house, id).await);
    assert_eq!(type_name(&mut admin, id, "Sage").await, 303);
    assert!(armed(&house, id).await);
    let (kind, severity, _) = house.incidents().await.remove(0);
    assert_eq!((kind.as_str(), severity.as_str()), ("MAINNET_ARMED", "critical"));
    let shown = admin.get(&page).await.body;
    assert!(shown.contains("ARMED: Sage may spend real money"), "{shown}");

    house.clock.advance_ms(3 * HOUR_MS - 1);
    assert!(armed(&house, id).await);
    house.clock.advance_ms(1);
    assert!(!armed(&house, id).await, "it ends by itself");

    assert_eq!(type_name(&mut admin, id, "Sage").await, 303);
    let disarm = format!("/models/{id}/disarm");
    assert_eq!(operator.post_form(&disarm, &[]).await.status, 303, "an operator may always take it back");
    assert!(!armed(&house, id).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arming_is_the_last_of_five_steps_on_sqlite() {
    arming_is_the_last_of_five_steps(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arming_is_the_last_of_five_steps_on_postgres() {
    if let Some(database) = postgres::new_database().await {
        arming_is_the_last_of_five_steps(database).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_another_place_more_freedom_or_an_old_check_ends_it() {
    let house = House::open(Database::Sqlite, |settings| {
        settings.allow_mainnet = true;
        settings.arm_hours = 48;
    })
    .await;
    let mut admin = house.admin().await;
    let id = ready(&house, &mut admin).await;
    let arm = async |admin: &mut Client| {
        admin.api("POST", &validate(id), Value::Null).await;
        assert_eq!(type_name(admin, id, "Sage").await, 303);
        assert!(armed(&house, id).await);
    };
    arm(&mut admin).await;
    let level = format!("/api/models/{id}/automation");
    admin.api("POST", &level, json!({ "automation": "manual" })).await;
    assert!(armed(&house, id).await, "less freedom ends nothing");
    admin.api("POST", &level, json!({ "automation": "fully_automated" })).await;
    assert!(!armed(&house, id).await);

    arm(&mut admin).await;
    admin.api("POST", &keys(id), json!({ "api_key": KEY, "api_secret": SECRET })).await;
    assert!(!armed(&house, id).await);
    admin.api("POST", &validate(id), Value::Null).await;
    assert!(!armed(&house, id).await, "a new key needs a new arm, verified or not");

    arm(&mut admin).await;
    let place = format!("/api/models/{id}/environment");
    admin.api("POST", &place, json!({ "environment": "simulation" })).await;
    admin.api("POST", &place, json!({ "environment": "live" })).await;
    assert!(!armed(&house, id).await, "coming back is no arming");

    arm(&mut admin).await;
    house.clock.advance_ms(25 * HOUR_MS);
    // Sessions ended meanwhile.
    let mut admin = house.admin().await;
    assert!(!armed(&house, id).await, "a check older than a day is none");
    assert_eq!(admin.api("POST", &validate(id), Value::Null).await.json()["valid"], true);
    assert!(armed(&house, id).await, "the arm itself still holds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_red_frame_stands_around_every_page_while_anybody_is_armed() {
    let house = House::open(Database::Sqlite, |settings| settings.allow_mainnet = true).await;
    let mut admin = house.admin().await;
    let id = ready(&house, &mut admin).await;
    assert_eq!(type_name(&mut admin, id, "Sage").await, 303);
    // The figures of the frame are read at most once a second.
    for path in ["/", "/inbox", "/models", "/orders", "/incidents", "/notifications", "/account"] {
        let body = admin.get(path).await.body;
        assert!(body.contains("data-frame=\"mainnet\"") && body.contains("REAL MONEY"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_flag_nobody_is_armed() {
    let house = House::open(Database::Sqlite, |settings| settings.allow_mainnet = true).await;
    let mut admin = house.admin().await;
    let id = ready(&house, &mut admin).await;
    assert_eq!(type_name(&mut admin, id, "Sage").await, 303);
    let mut house = house;
    house.settings.allow_mainnet = false;
    let house = house.restart(|_| {}).await;
    assert!(!armed(&house, id).await);
    let mut admin = house.admin().await;
    assert_eq!(type_name(&mut admin, id, "Sage").await, 403);
    let page = admin.get(&format!("/models/{id}/settings")).await.body;
    assert!(page.contains("Real money is switched off for this installation."), "{page}");
}
