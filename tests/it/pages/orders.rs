//! Orders and the red button.

use crate::support::House;
use countersign::services::decide::{ApproveRequest, approve};

on_each_database!(
    an_order_shows_its_time_line_attempts_fills_and_ledger,
    an_order_that_was_not_sent_can_be_cancelled,
    the_red_button_says_what_it_hits_and_what_it_hit,
);

async fn an_order_shows_its_time_line_attempts_fills_and_ledger(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    ann.post_form(&format!("/decisions/{}/approve", decision.id), &[]).await;
    let order =
        house.desk.store.orders(Default::default(), countersign::ports::store::Page::first(1)).await.unwrap().remove(0);
    let page = ann.get(&format!("/orders/{}", order.id)).await;
    for words in
        ["journaled it", "sent it", "booked a fill", "100 % filled", "taker", "csa1b2c3-d", "cash", "margin BTC"]
    {
        assert!(page.body.contains(words), "{words} is missing: {}", page.body);
    }
    let late = ann.post_form(&format!("/orders/{}/cancel", order.id), &[]).await;
    assert_eq!(late.status, 303);
    assert!(ann.get(&format!("/orders/{}", order.id)).await.body.contains("cannot be cancelled"));
}

async fn an_order_that_was_not_sent_can_be_cancelled(house: House) {
    house.hold_orders();
    let (_, decision) = house.waiting("Sage").await;
    let request =
        ApproveRequest { id: decision.id, version: None, digest: None, modifications: None, by: "ann".into() };
    let (_, order) = approve(&house.desk, &request).await.unwrap();
    let mut ann = house.ann().await;
    let open = ann.get("/orders?status=open").await;
    assert!(open.body.contains("queued") && open.body.contains(&format!("/orders/{order}/cancel")));
    let answer = ann.post_form(&format!("/orders/{order}/cancel"), &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, format!("/orders/{order}").as_str()));
    let page = ann.get(&format!("/orders/{order}")).await;
    assert!(page.body.contains("Not sent: cancelled by ann"), "{}", page.body);
    assert!(ann.get("/orders?status=open").await.body.contains("No order is open."));
    assert!(ann.get("/orders?status=denied").await.body.contains("not sent"));
}

async fn the_red_button_says_what_it_hits_and_what_it_hit(house: House) {
    let (model, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    let form = ann.get("/stop").await;
    assert!(form.body.contains("1 running of 1") && form.body.contains("Stop all trading now"), "{}", form.body);
    let answer = ann.post_form("/stop", &[("reason", "smoke")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/models"));
    let page = ann.get(&format!("/decisions/{}", decision.id)).await;
    assert!(page.body.contains("Stopped: 1 model paused, 0 orders and 1 decision cancelled."), "{}", page.body);
    assert!(page.body.contains("cancelled"));
    assert!(!house.desk.store.trader(model.id).await.unwrap().unwrap().is_active());
}
