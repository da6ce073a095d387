//! The settings form.

use crate::support::House;
use countersign::domain::access::Role;
use countersign::domain::ids::TraderId;
use countersign::domain::trader_settings::{SPECS, SettingKind, SettingSpec, TraderSettings};
use countersign::domain::venue_kind::AutomationLevel;

on_each_database!(
    settings_that_are_typed_come_back,
    every_setting_out_of_range_is_named_with_its_range_and_nothing_is_saved,
    an_emptied_field_and_a_form_without_coins_are_refused,
);

/// What a browser sends: a switch that is on comes twice, and each ticked coin once.
fn form(settings: &TraderSettings, bad: Option<(&str, &str)>) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    for spec in SPECS {
        let stored = settings.get(spec.key).unwrap();
        let value = bad.filter(|(key, _)| *key == spec.key).map_or(stored, |(_, value)| value.to_owned());
        match spec.kind {
            SettingKind::Bool if value == "true" => {
                pairs.extend([(spec.key, "false".to_owned()), (spec.key, value)]);
            }
            SettingKind::Coins => pairs.extend(value.split(',').map(|coin| (spec.key, coin.to_owned()))),
            _ => pairs.push((spec.key, value)),
        }
    }
    pairs
}

fn borrowed<'a>(pairs: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

async fn stored(house: &House, id: TraderId) -> TraderSettings {
    house.desk.store.trader(id).await.unwrap().unwrap().settings
}

async fn settings_that_are_typed_come_back(house: House) {
    let model = house.model("Sage", AutomationLevel::Manual, &[]).await;
    let mut ann = house.ann().await;
    let mut wanted = TraderSettings::default();
    for (key, value) in [
        ("initial_capital", "2500"),
        ("max_daily_loss_pct", "4.5"),
        ("max_leverage", "3"),
        ("supported_assets", "ETH,BTC"),
        ("order_style", "protected"),
        ("auto_pause_enabled", "false"),
        ("external_autonomy", "true"),
        ("explanation_level", "beginner"),
    ] {
        wanted.set(key, value).unwrap();
    }
    let url = format!("/models/{}/settings", model.id);
    let answer = ann.post_form(&url, &borrowed(&form(&wanted, None))).await;
    assert_eq!((answer.status, answer.header("location")), (303, url.as_str()));
    assert_eq!(stored(&house, model.id).await, wanted);
    let page = ann.get(&url).await;
    assert!(page.body.contains("Settings of Sage saved."), "{}", page.body);
    assert!(page.body.contains("value=\"4.5\"") && page.body.contains("uses leverage up to 3 x and short positions"));
    for spec in SPECS {
        assert!(page.body.contains(&format!("name=\"{}\"", spec.key)), "{} is not on the page", spec.key);
    }
    let mut eve = house.person("eve", Role::Viewer).await;
    assert_eq!(eve.get(&url).await.status, 200);
    assert_eq!(eve.post_form(&url, &borrowed(&form(&wanted, None))).await.status, 403);
}

/// A value that breaks the rule of this kind of setting, where the form can send one.
fn bad_value(spec: &SettingSpec) -> &'static str {
    match spec.kind {
        SettingKind::Decimal(..) => "99999999999",
        SettingKind::Integer(..) => "1.5",
        SettingKind::Bool => "perhaps",
        SettingKind::Choice(_) => "sideways",
        SettingKind::Coins => "btc!",
        SettingKind::Text(_) => "\0",
    }
}

async fn every_setting_out_of_range_is_named_with_its_range_and_nothing_is_saved(house: House) {
    let model = house.model("Sage", AutomationLevel::Manual, &[]).await;
    let mut ann = house.ann().await;
    let mut wanted = TraderSettings::default();
    wanted.set("max_daily_trades", "7").unwrap();
    let url = format!("/models/{}/settings", model.id);
    for spec in SPECS {
        let bad = bad_value(spec);
        let answer = ann.post_form(&url, &borrowed(&form(&wanted, Some((spec.key, bad))))).await;
        let words = format!("{} {}.", spec.label, spec.rule());
        assert_eq!(answer.status, 422, "{}", spec.key);
        assert!(answer.body.contains(&words), "{words:?} is missing: {}", answer.body);
        assert!(answer.body.contains(&format!("{} needs another look. Nothing was saved.", spec.label)));
        if spec.key != "max_daily_trades" {
            assert!(
                answer.body.contains(
                    "name=\"max_daily_trades\" type=\"text\" inputmode=\"decimal\" class=\"num\" value=\"7\""
                )
            );
        }
        if matches!(spec.kind, SettingKind::Decimal(..) | SettingKind::Integer(..)) {
            assert!(answer.body.contains(&format!("value=\"{bad}\"")), "what was typed into {} is gone", spec.key);
        }
        assert_eq!(stored(&house, model.id).await, TraderSettings::default(), "{}", spec.key);
    }
}

async fn an_emptied_field_and_a_form_without_coins_are_refused(house: House) {
    let model = house.model("Sage", AutomationLevel::Manual, &[]).await;
    let mut ann = house.ann().await;
    let url = format!("/models/{}/settings", model.id);
    let mut pairs = form(&TraderSettings::default(), Some(("max_drawdown_pct", "")));
    pairs.retain(|(key, _)| *key != "supported_assets");
    let answer = ann.post_form(&url, &borrowed(&pairs)).await;
    assert_eq!(answer.status, 422);
    for words in ["Drawdown is required.", "Coins must list 1 to", "2 fields need another look"] {
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
    }
    pairs.push(("sneaky", "1".to_owned()));
    assert_eq!(ann.post_form(&url, &borrowed(&pairs)).await.status, 422);
    assert_eq!(ann.get("/models/999/settings").await.status, 404);
}
