//! The three toggles.

use crate::support::House;
use countersign::domain::access::Role;
use countersign::domain::ids::TraderId;
use countersign::domain::venue_kind::{AutomationLevel, Axes, TradingEnvironment};
use countersign::ports::store::{IncidentFilter, Page};

on_each_database!(
    a_toggle_changes_the_model_cancels_what_waits_and_leaves_an_incident,
    with_scripts_the_panel_alone_is_answered,
    full_automation_asks_once_more_also_without_scripts,
    real_money_is_refused_where_it_is_switched_off,
);

async fn axes(house: &House, id: TraderId) -> Axes {
    house.desk.store.trader(id).await.unwrap().unwrap().axes
}

async fn a_toggle_changes_the_model_cancels_what_waits_and_leaves_an_incident(house: House) {
    let (model, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    let settings = format!("/models/{}/settings", model.id);
    let answer = ann.post_form(&format!("/models/{}/environment", model.id), &[("environment", "live")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, settings.as_str()));
    assert_eq!(axes(&house, model.id).await.trading_environment, TradingEnvironment::Live);
    let cancelled = house.desk.store.decision(decision.id).await.unwrap().unwrap();
    assert_eq!(cancelled.status().as_str(), "cancelled");
    let incidents = house.desk.store.incidents(IncidentFilter::default(), Page::first(10)).await.unwrap();
    assert_eq!(incidents[0].kind.as_str(), "ENVIRONMENT_CHANGE");
    let page = ann.get(&settings).await;
    for words in [
        "Sage is live now. 1 waiting decision was cancelled.",
        "Live, but without exchange credentials",
        "EXCHANGE_NOT_CONFIGURED",
        "cannot go live as configured",
        "id=\"axis-environment-live\" name=\"environment\" value=\"live\" class=\"segment\" aria-pressed=\"true\"",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    ann.post_form(&format!("/models/{}/run", model.id), &[]).await;
    assert!(
        ann.get(&settings)
            .await
            .body
            .contains("Sage cannot trade live: the exchange is not configured for testnet: no testnet key is saved")
    );
}

async fn with_scripts_the_panel_alone_is_answered(house: House) {
    let (model, _) = house.waiting("Sage").await;
    let mut ann = house.ann().await.with_header("HX-Request", "true");
    let answer = ann.post_form(&format!("/models/{}/automation", model.id), &[("automation", "manual")]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.trim_start().starts_with("<section id=\"axes\"") && !answer.body.contains("<html"));
    assert!(answer.body.contains("Sage now only shows. 1 waiting decision was cancelled."), "{}", answer.body);
    let again = ann.post_form(&format!("/models/{}/automation", model.id), &[("automation", "manual")]).await;
    assert!(again.body.contains("Nothing changed"));
    let bad = ann.post_form(&format!("/models/{}/automation", model.id), &[("automation", "yolo")]).await;
    assert_eq!(bad.status, 422);
}

async fn full_automation_asks_once_more_also_without_scripts(house: House) {
    let model = house.model("Sage", AutomationLevel::SemiAutomated, &[]).await;
    let mut ann = house.ann().await;
    let url = format!("/models/{}/automation", model.id);
    let asked = ann.post_form(&url, &[("automation", "fully_automated")]).await;
    assert_eq!(asked.status, 428);
    assert!(asked.body.contains("Let Sage trade by itself?") && asked.body.contains("<html"), "{}", asked.body);
    assert_eq!(axes(&house, model.id).await.automation_level, AutomationLevel::SemiAutomated);
    let answer = ann.post_form(&url, &[("automation", "fully_automated"), ("confirm", "yes")]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(axes(&house, model.id).await.automation_level, AutomationLevel::FullyAutomated);
}

async fn real_money_is_refused_where_it_is_switched_off(house: House) {
    let model = house.model("Sage", AutomationLevel::Manual, &[]).await;
    let mut admin = house.person("admin", Role::Admin).await;
    let page = admin.get(&format!("/models/{}/settings", model.id)).await;
    assert!(page.body.contains("start the server with --allow-mainnet"), "{}", page.body);
    let url = format!("/models/{}/exchange-environment", model.id);
    let refused = admin.post_form(&url, &[("exchange_environment", "mainnet")]).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("--allow-mainnet"), "{}", refused.body);
    assert_eq!(axes(&house, model.id).await, model.axes);
    let mut eve = house.person("eve", Role::Viewer).await;
    let page = eve.get(&format!("/models/{}/settings", model.id)).await;
    assert!(page.body.contains("value=\"manual\" class=\"segment\" aria-pressed=\"true\" disabled"), "{}", page.body);
    assert_eq!(eve.post_form(&url, &[("exchange_environment", "testnet")]).await.status, 403);
}
