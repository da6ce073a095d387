//! The red button while an order of ours lies open at the exchange.
//!
//! What we send never waits there by itself: it goes to the market, or is immediate or cancel. An exchange that has an
//! order of our name and says that it is open is taken at its word all the same, and that is how these stories get one.

use super::scene::Scene;
use crate::campaign::world::ANN;
use countersign::adapters::paper_exchange::{Action, Fault};
use countersign::adapters::store::connect;
use countersign::domain::order::{Order, OrderStatus};
use countersign::services::emergency_stop::{finish, stop_all};
use countersign::services::submit_order::{SubmitError, cancel};
use countersign::settings::DATABASE_FILE;
use serde_json::json;

/// An order that both sides say is open: the account's owner placed it under the name that ours has.
async fn open_order(scene: &Scene) -> Order {
    let order = scene.approved().await;
    let placed = format!(
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=49000&quantity=0.01&newClientOrderId={}",
        order.client_order_id.as_str()
    );
    assert_eq!(scene.owner.place(&placed).await["status"], "NEW");
    scene.house.send().await;
    let order = row(scene, &order).await;
    assert_eq!(order.status(), OrderStatus::Accepted, "adopted: {order:?}");
    order
}

async fn row(scene: &Scene, order: &Order) -> Order {
    scene.house.desk.store.order(order.id).await.unwrap().unwrap()
}

async fn status_there(scene: &Scene) -> serde_json::Value {
    let all = scene.at_exchange("BUY").await;
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]["status"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cancel_reaches_the_exchange_while_another_writer_holds_the_database() {
    let scene = Scene::open("").await;
    let order = open_order(&scene).await;
    let other = connect(&format!("sqlite:{}", scene.dir.path().join(DATABASE_FILE).display())).await.unwrap();
    let lock = other.begin().await.unwrap();
    let desk = &scene.house.desk;
    let report = stop_all(desk, ANN, "fire").await.unwrap();
    assert!(!report.recorded, "the database is held");
    assert_eq!(status_there(&scene).await, json!("CANCELED"));
    assert_eq!(row(&scene, &order).await.status(), OrderStatus::Accepted, "nothing could be written yet");
    lock.rollback().await.unwrap();

    let report = finish(desk).await.unwrap().unwrap();
    assert!(report.recorded);
    assert_eq!(report.cancelled_orders, 1);
    assert_eq!(row(&scene, &order).await.status(), OrderStatus::Canceled);
    assert!(!desk.store.trader(scene.trader.id).await.unwrap().unwrap().is_active());
    scene.books_agree().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_never_arrived_is_sent_again_by_the_stop() {
    let scene = Scene::open("").await;
    let order = open_order(&scene).await;
    let desk = &scene.house.desk;
    scene.exchange.faults().add(Fault::once("DELETE", "/api/v3/order", Action::DropBefore));
    let lost = cancel(desk, order.id, ANN).await;
    assert!(matches!(lost, Err(SubmitError::Venue { .. })), "{lost:?}");
    assert_eq!(row(&scene, &order).await.status(), OrderStatus::PendingCancel);
    assert_eq!(status_there(&scene).await, json!("NEW"));

    let report = stop_all(desk, ANN, "fire").await.unwrap();
    assert!(report.recorded);
    assert_eq!(status_there(&scene).await, json!("CANCELED"));
    assert_eq!(row(&scene, &order).await.status(), OrderStatus::Canceled);
    scene.books_agree().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_not_sent_yet_never_leaves() {
    let scene = Scene::open("").await;
    let order = scene.approved().await;
    stop_all(&scene.house.desk, ANN, "fire").await.unwrap();
    scene.house.send().await;
    assert_eq!(row(&scene, &order).await.status(), OrderStatus::Denied);
    assert_eq!(scene.at_exchange("BUY").await.len(), 0);
    scene.books_agree().await;
    scene.end().await;
}
