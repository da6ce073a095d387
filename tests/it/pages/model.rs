//! One model: positions, reasons, closing, and what stays readable.

use super::desk::testnet_book;
use crate::support::House;
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::TradingEnvironment;
use countersign::services::models;
use countersign::services::observe_equity::observe_all;

on_each_database!(
    a_position_shows_with_its_reasons_and_closes_with_a_definite_answer,
    an_emergency_stop_refuses_the_close_and_says_that_nothing_was_sent,
    a_model_without_history_says_what_happens_next_and_a_deleted_one_stays_readable,
    the_curve_stands_beside_holding_bitcoin,
    a_result_says_which_fees_it_is_told_after,
);

async fn with_position(house: &House) -> Trader {
    let (model, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    let answer = ann.post_form(&format!("/decisions/{}/approve", decision.id), &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    model
}

async fn a_position_shows_with_its_reasons_and_closes_with_a_definite_answer(house: House) {
    let model = with_position(&house).await;
    let mut ann = house.ann().await;
    let page = ann.get(&format!("/models/{}", model.id)).await;
    assert_eq!(page.status, 200);
    for words in [
        "0.0100",
        "42,000.00",
        "45,000.00",
        "Rising on volume.",
        "43,180.20",
        "rules checked, none against it",
        "Closed, won / lost",
        "0 / 0",
        "Nothing: the decisions were sent in.",
    ] {
        assert!(page.body.contains(words), "{words} is missing: {}", page.body);
    }
    let url = format!("/models/{}/positions/BTC/close", model.id);
    assert!(page.body.contains(&url));
    house.price(model.id, "BTC", "43900");
    let form = ann.get(&url).await;
    assert!(form.body.contains("Keep the position") && form.body.contains("43,900.00"), "{}", form.body);
    let answer = ann.post_form(&url, &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, format!("/models/{}", model.id).as_str()));
    let page = ann.get(&format!("/models/{}", model.id)).await;
    assert!(page.body.contains("Closing BTC. Filled"), "{}", page.body);
    assert!(page.body.contains("No position.") && page.body.contains("1 closed trade"), "{}", page.body);
    assert_eq!(ann.post_form(&url, &[]).await.status, 303);
    assert!(ann.get("/orders").await.body.contains("There is no open BTC position any more. Nothing was sent."));
}

async fn an_emergency_stop_refuses_the_close_and_says_that_nothing_was_sent(house: House) {
    let model = with_position(&house).await;
    let mut ann = house.ann().await;
    let order = countersign::ports::stop_switch::StopOrder {
        by: "ann".into(),
        at: house.desk.clock.now(),
        reason: "smoke".into(),
    };
    house.desk.stop.raise(&order).await.unwrap();
    let answer = ann.post_form(&format!("/models/{}/positions/BTC/close", model.id), &[]).await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("Nothing was sent: the emergency stop is in force."), "{}", answer.body);
}

async fn a_model_without_history_says_what_happens_next_and_a_deleted_one_stays_readable(house: House) {
    let (model, _) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    let url = format!("/models/{}", model.id);
    let page = ann.get(&url).await;
    for words in ["No position.", "Approve one of its decisions", "No curve yet.", "No order yet."] {
        assert!(page.body.contains(words), "{words} is missing: {}", page.body);
    }
    let earlier = ann.get(&format!("{url}?book=testnet")).await;
    assert!(earlier.body.contains("No testnet book yet."), "{}", earlier.body);
    models::delete(&house.desk, model.id, "Sage", "ann").await.unwrap();
    let page = ann.get(&url).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("This model was deleted on") && page.body.contains("Rising on volume."));
    assert!(!page.body.contains(&format!("{url}/run")), "nothing can be run any more");
    assert_eq!(ann.get("/models/999").await.status, 404);
}

async fn the_curve_stands_beside_holding_bitcoin(house: House) {
    let model = with_position(&house).await;
    house.clock.advance_ms(3 * 3_600_000);
    observe_all(&house.desk).await.unwrap();
    let mut ann = house.ann().await;
    for path in [format!("/models/{}", model.id), "/".to_owned()] {
        let page = ann.get(&path).await;
        assert!(page.body.contains("data-chart") && page.body.contains("data-name=\"hold BTC\""), "{}", page.body);
        assert!(page.body.contains("as a table"));
    }
}

async fn a_result_says_which_fees_it_is_told_after(house: House) {
    let model = with_position(&house).await;
    let mut ann = house.ann().await;
    let url = format!("/models/{}", model.id);
    let simulated = ann.get(&url).await.body;
    assert!(simulated.contains("after all fees"), "{simulated}");
    // At an exchange, the account may pay in BNB what is no part of any book.
    models::set_environment(&house.desk, model.id, TradingEnvironment::Live, "ann").await.unwrap();
    testnet_book(&house, model.id).await;
    let at_exchange = ann.get(&url).await.body;
    assert!(at_exchange.contains("after fees, without those in BNB"), "{at_exchange}");
    assert!(!at_exchange.contains("after all fees"));
}
