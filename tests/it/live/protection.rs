//! A stop and a target at an exchange: met, they close the position there, once.

use super::house::until;
use super::scene::Scene;
use crate::paper_exchange::house::amount;
use countersign::adapters::paper_exchange::{Action, Fault};
use countersign::domain::incident::{Incident, IncidentKind};
use countersign::domain::order::{Order, OrderCause, OrderStatus};
use countersign::ports::store::{IncidentFilter, Page};
use countersign::services::protect::{Watch, watch};
use rust_decimal::Decimal;

/// Looks as the guardian does, until it has journaled an exit; prices are kept for a moment.
async fn fires(scene: &Scene, guardian: &mut Watch) -> Order {
    let desk = &scene.house.desk;
    let journaled =
        until("an exit", async || Some(watch(desk, guardian).await.unwrap()).filter(|count| *count > 0)).await;
    assert_eq!(journaled, 1);
    let open = desk.store.open_orders(Some(scene.trader.id)).await.unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    open[0].clone()
}

/// Looks several times more: nothing is journaled.
async fn is_quiet(scene: &Scene, guardian: &mut Watch) {
    for _ in 0..3 {
        assert_eq!(watch(&scene.house.desk, guardian).await.unwrap(), 0);
    }
}

/// What a person is told of a stop or target that could not be executed.
async fn unprotected(scene: &Scene) -> Option<Incident> {
    let all = scene.house.desk.store.incidents(IncidentFilter::default(), Page::first(50)).await.unwrap();
    all.into_iter().find(|incident| incident.kind == IncidentKind::PositionUnprotected)
}

async fn met(price: &str, worst: Decimal, best: Decimal) {
    let scene = Scene::open("").await;
    let position = scene.holding().await;
    // A thousandth stayed with the exchange, which leaves a whole number of steps.
    assert_eq!(position.quantity.decimal(), "0.00999".parse().unwrap());
    let mut guardian = Watch::default();
    is_quiet(&scene, &mut guardian).await;
    scene.price(price).await;
    let exit = fires(&scene, &mut guardian).await;
    assert_eq!(exit.intent.cause, OrderCause::Protective(position.id));
    is_quiet(&scene, &mut guardian).await;
    scene.house.send().await;
    is_quiet(&scene, &mut guardian).await;

    let sold = scene.at_exchange("SELL").await;
    assert_eq!(sold.len(), 1, "once: {sold:?}");
    assert_eq!(
        (&sold[0]["status"], &sold[0]["clientOrderId"]),
        (&"FILLED".into(), &exit.client_order_id.as_str().into())
    );
    assert_eq!(amount(&sold[0]["executedQty"]), position.quantity.decimal());
    let average = amount(&sold[0]["cummulativeQuoteQty"]) / amount(&sold[0]["executedQty"]);
    assert!(average > worst && average < best, "at the exchange's prices of now: {average}");
    assert!(scene.held().await.is_none(), "nothing is held any more");
    assert_eq!(unprotected(&scene).await, None, "an exit on its way is no reason to complain");
    scene.books_agree().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_through_the_stop_closes_the_position_at_the_exchange_once() {
    met("47000", Decimal::from(46_900), Decimal::from(47_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_beyond_the_target_closes_the_position_at_the_exchange_once() {
    met("54000", Decimal::from(53_900), Decimal::from(54_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_whose_answer_is_lost_is_asked_about_and_never_fired_again() {
    let scene = Scene::open("").await;
    scene.holding().await;
    let mut guardian = Watch::default();
    scene.price("47000").await;
    let exit = fires(&scene, &mut guardian).await;
    scene.exchange.faults().add(Fault::once("POST", "/api/v3/order", Action::DropAfterAccept));
    scene.house.send().await;
    let desk = &scene.house.desk;
    assert_eq!(desk.store.order(exit.id).await.unwrap().unwrap().status(), OrderStatus::Unknown);
    scene.price("46000").await;
    is_quiet(&scene, &mut guardian).await;
    let rounds = scene.house.start_rounds(&scene.story);
    scene.house.settled().await.unwrap();
    drop(rounds);
    is_quiet(&scene, &mut guardian).await;
    assert_eq!(scene.at_exchange("SELL").await.len(), 1);
    assert!(scene.held().await.is_none());
    scene.books_agree().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_the_exchange_cannot_be_asked_for_is_told_and_fires_when_it_can() {
    let scene = Scene::open("").await;
    scene.holding().await;
    let mut guardian = Watch::default();
    scene.price("47000").await;
    let down = Action::Status { status: 503, accepted: false };
    scene.exchange.faults().add(Fault { count: None, ..Fault::once("GET", "/api/v3/account", down) });
    let desk = &scene.house.desk;
    let told = async || {
        assert_eq!(watch(desk, &mut guardian).await.unwrap(), 0);
        unprotected(&scene).await
    };
    let incident = until("that it is unprotected", told).await;
    assert!(incident.title.contains("BTC"), "{incident:?}");
    assert_eq!(scene.at_exchange("SELL").await.len(), 0);
    scene.exchange.faults().clear();
    fires(&scene, &mut guardian).await;
    scene.house.send().await;
    assert_eq!(scene.at_exchange("SELL").await.len(), 1);
    assert!(scene.held().await.is_none());
    scene.books_agree().await;
    scene.end().await;
}
