//! Run, pause, resume, reset, delete; and what a cycle's page says.

use crate::support::House;
use countersign::domain::venue_kind::AutomationLevel;
use countersign::ports::store::Page;

on_each_database!(
    a_run_says_what_came_of_it_and_has_a_page,
    a_paused_model_does_not_run_until_it_is_resumed,
    a_model_is_deleted_by_its_name_only,
);

async fn a_run_says_what_came_of_it_and_has_a_page(house: House) {
    let model = house.model("Sage", AutomationLevel::SemiAutomated, &[]).await;
    let mut ann = house.ann().await;
    let answer = ann.post_form(&format!("/models/{}/run", model.id), &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, format!("/models/{}", model.id).as_str()));
    let cycle = house.desk.store.cycles(model.id, Page::first(1)).await.unwrap().remove(0);
    let page = ann.get(&format!("/cycles/{}", cycle.id)).await;
    assert!(page.body.contains(&format!("Cycle {} of Sage done: ", cycle.id)), "{}", page.body);
    for words in ["a person", "semi-automated", "Prices it saw", "What came of it"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert_eq!(ann.get("/cycles/999").await.status, 404);
}

async fn a_paused_model_does_not_run_until_it_is_resumed(house: House) {
    let model = house.model("Sage", AutomationLevel::SemiAutomated, &[]).await;
    let mut ann = house.ann().await;
    let url = |what: &str| format!("/models/{}/{what}", model.id);
    assert_eq!(ann.post_form(&url("pause"), &[("reason", "holiday")]).await.status, 303);
    assert_eq!(ann.post_form(&url("run"), &[]).await.status, 303);
    assert!(ann.get("/incidents").await.body.contains("Sage is paused: holiday. Resume it first."));
    assert!(house.desk.store.cycles(model.id, Page::first(1)).await.unwrap().is_empty());
    assert_eq!(ann.post_form(&url("resume"), &[]).await.status, 303);
    assert!(house.desk.store.trader(model.id).await.unwrap().unwrap().is_active());
    let answer = ann.post_form(&url("reset-high-water-mark"), &[]).await;
    assert_eq!(answer.header("location"), url("settings"));
    assert!(ann.get(&url("settings")).await.body.contains("The high-water mark of Sage is 10,000.00 USDT now."));
}

async fn a_model_is_deleted_by_its_name_only(house: House) {
    let model = house.model("Sage", AutomationLevel::Manual, &[]).await;
    let mut ann = house.ann().await;
    let url = format!("/models/{}/delete", model.id);
    assert!(ann.get(&url).await.body.contains("Type Sage to confirm"));
    let wrong = ann.post_form(&url, &[("name", "sage")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("That is not its name. Nothing was deleted."), "{}", wrong.body);
    assert!(house.desk.store.trader(model.id).await.unwrap().unwrap().deleted_at.is_none());
    let right = ann.post_form(&url, &[("name", "Sage")]).await;
    assert_eq!((right.status, right.header("location")), (303, "/models"));
    assert!(house.desk.store.trader(model.id).await.unwrap().unwrap().deleted_at.is_some());
    assert_eq!(ann.get(&url).await.status, 404);
}
