//! The list and the form for a new model.

use crate::support::House;
use countersign::domain::access::Role;
use countersign::domain::venue_kind::AutomationLevel;

on_each_database!(
    a_model_is_created_from_the_form_with_what_was_typed,
    a_refused_form_keeps_what_was_typed_and_names_each_rule,
    who_only_reads_creates_nothing,
);

const GOOD: [(&str, &str); 8] = [
    ("name", "Sage"),
    ("model_name", "1:ema_cross"),
    ("automation_level", "semi_automated"),
    ("initial_capital", "2500"),
    ("trading_interval_minutes", "15"),
    ("supported_assets", "BTC"),
    ("supported_assets", "ETH"),
    ("max_daily_loss_pct", "4"),
];

fn with(key: &str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    GOOD.iter().map(|(name, old)| if *name == key { (*name, value) } else { (*name, *old) }).collect()
}

async fn a_model_is_created_from_the_form_with_what_was_typed(house: House) {
    let mut ann = house.ann().await;
    let empty = ann.get("/models").await;
    assert!(empty.body.contains("No model yet.") && empty.body.contains("/models/new"), "{}", empty.body);
    let form = ann.get("/models/new").await;
    assert!(form.body.contains("EMA cross (rules, not AI)"), "{}", form.body);
    let answer = ann.post_form("/models", &GOOD).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let models = house.desk.store.traders(false).await.unwrap();
    let model = &models[0];
    assert_eq!(answer.header("location"), format!("/models/{}", model.id));
    assert_eq!(model.model_name, "ema_cross");
    assert_eq!(model.axes.automation_level, AutomationLevel::SemiAutomated);
    assert_eq!(model.settings.get("supported_assets").as_deref(), Some("BTC,ETH"));
    assert_eq!(model.settings.get("initial_capital").as_deref(), Some("2500"));
    let page = ann.get(answer.header("location")).await;
    assert!(page.body.contains("Sage is created in simulation."), "{}", page.body);
    assert!(ann.get("/models").await.body.contains("2,500.00"));
}

async fn a_refused_form_keeps_what_was_typed_and_names_each_rule(house: House) {
    let mut ann = house.ann().await;
    let mut fields = with("initial_capital", "5");
    fields.retain(|(name, _)| *name != "supported_assets");
    let answer = ann.post_form("/models", &fields).await;
    assert_eq!(answer.status, 422);
    for words in [
        "Initial capital must be a number between 10 and 1000000000.",
        "Coins must list 1 to 50 different coins",
        "value=\"Sage\"",
        "value=\"5\"",
        "value=\"15\"",
    ] {
        assert!(answer.body.contains(words), "{words} is missing: {}", answer.body);
    }
    let nameless = ann.post_form("/models", &with("name", " ")).await;
    assert_eq!(nameless.status, 422);
    assert!(nameless.body.contains("Name is required."), "{}", nameless.body);
    let full = ann.post_form("/models", &with("automation_level", "fully_automated")).await;
    assert_eq!(full.status, 422, "full automation asks once more, which this form cannot");
    assert!(house.desk.store.traders(true).await.unwrap().is_empty());

    ann.post_form("/models", &GOOD).await;
    let taken = ann.post_form("/models", &GOOD).await;
    assert_eq!(taken.status, 422);
    assert!(taken.body.contains("Name is already taken by another model."), "{}", taken.body);
}

async fn who_only_reads_creates_nothing(house: House) {
    let mut eve = house.person("eve", Role::Viewer).await;
    assert_eq!(eve.post_form("/models", &GOOD).await.status, 403);
    assert!(house.desk.store.traders(true).await.unwrap().is_empty());
}
