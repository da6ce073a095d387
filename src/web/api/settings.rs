//! A model's settings as JSON: the table of the domain decides about keys, types and ranges.

use super::models::model_error;
use super::wire::model;
use crate::domain::ids::TraderId;
use crate::domain::trader_settings::{ASSETS_MAX, SPECS, SettingKind, SettingSpec, TraderSettings};
use crate::services::desk::Desk;
use crate::services::models::{self, ModelEdit};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, JsonInput};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde_json::{Map, Value};

/// `GET /api/models/{id}/settings`
///
/// # Errors
/// 404.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *id).await?;
    Ok(HttpResponse::Ok().json(as_json(&trader.settings)))
}

/// `POST /api/models/{id}/settings`: any subset, all or nothing.
///
/// # Errors
/// 404, or 422 with every field that was wrong.
pub async fn change(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    model(&desk, *id).await?;
    let settings = read_settings(&mut input);
    input.refuse_unknown();
    let input = input.0;
    // The services check the ranges; what is wrong here and there is told in one answer.
    let shape = input.errors().clone();
    if !shape.is_empty() {
        return Err(AppError::invalid(with_range_errors(shape, &settings)));
    }
    let edit = ModelEdit { settings, ..ModelEdit::default() };
    let trader = models::edit(&desk, TraderId(*id), &edit, &ctx.actor.name()).await.map_err(model_error)?;
    Ok(HttpResponse::Ok().json(as_json(&trader.settings)))
}

/// Adds what the ranges say about the values whose shape is right.
pub fn with_range_errors(
    mut errors: std::collections::BTreeMap<String, String>,
    settings: &[(String, String)],
) -> std::collections::BTreeMap<String, String> {
    let mut scratch = TraderSettings::default();
    for (key, text) in settings {
        if let Err(error) = scratch.set(key, text) {
            errors.entry(key.clone()).or_insert_with(|| error.to_string());
        }
    }
    errors
}

/// Takes every setting out of a body, as text for the domain's parser.
pub fn read_settings(input: &mut Input) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    for spec in SPECS {
        let Some(value) = input.raw(spec.key) else { continue };
        match setting_text(spec, value) {
            Some(text) => settings.push((spec.key.to_owned(), text)),
            None => input.fail(spec.key, spec.rule()),
        }
    }
    settings
}

/// A JSON value as the text of a setting; none when its type is not the setting's.
fn setting_text(spec: &SettingSpec, value: Value) -> Option<String> {
    match (spec.kind, value) {
        (SettingKind::Decimal(..) | SettingKind::Integer(..), Value::Number(number)) => Some(number.to_string()),
        (SettingKind::Decimal(..) | SettingKind::Integer(..), Value::String(text)) => {
            // Spaces around a number are forgiven in forms, not here.
            (text.trim() == text).then_some(text)
        }
        (SettingKind::Bool, Value::Bool(value)) => Some(value.to_string()),
        (SettingKind::Choice(_) | SettingKind::Text(_), Value::String(text)) => Some(text),
        (SettingKind::Coins, Value::Array(items)) if items.len() <= ASSETS_MAX => {
            let coin = |item: &Value| item.as_str().filter(|text| !text.contains([',', ' '])).map(str::to_owned);
            items.iter().map(coin).collect::<Option<Vec<_>>>().map(|coins| coins.join(","))
        }
        _ => None,
    }
}

/// All settings as the API shows them.
pub fn as_json(settings: &TraderSettings) -> Map<String, Value> {
    let value = |spec: &SettingSpec| {
        let text = settings.get(spec.key).unwrap_or_default();
        match spec.kind {
            // Money is a text; shares, multiples and counts are numbers.
            SettingKind::Decimal(..) if spec.unit == crate::domain::instrument::QUOTE_ASSET => Value::String(text),
            SettingKind::Decimal(..) | SettingKind::Integer(..) => text.parse().map_or(Value::Null, Value::Number),
            SettingKind::Bool => Value::Bool(text == "true"),
            SettingKind::Choice(_) | SettingKind::Text(_) => Value::String(text),
            SettingKind::Coins => {
                settings.supported_assets.iter().map(|coin| Value::String(coin.as_str().to_owned())).collect()
            }
        }
    };
    SPECS.iter().map(|spec| (spec.key.to_owned(), value(spec))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_written_with_the_types_of_the_contract() {
        let json = Value::Object(as_json(&TraderSettings::default()));
        assert_eq!(json["initial_capital"], json!("10000"));
        assert_eq!(json["max_position_size_pct"].to_string(), "10");
        assert_eq!(json["maker_fee_pct"].to_string(), "0.1");
        assert_eq!(json["max_leverage"], json!(1));
        assert_eq!(json["external_autonomy"], json!(false));
        assert_eq!(json["order_style"], json!("market"));
        assert_eq!(json["supported_assets"], json!(["BTC", "ETH", "SOL", "BNB", "XRP", "DOGE"]));
    }

    #[test]
    fn what_is_written_can_be_sent_back() {
        let mut input = Input::from_json(as_json(&TraderSettings::default()));
        let settings = read_settings(&mut input);
        input.refuse_unknown();
        input.finish().unwrap();
        let mut copy = TraderSettings::default();
        for (key, text) in settings {
            copy.set(&key, &text).unwrap();
        }
        assert_eq!(copy, TraderSettings::default());
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_the_rule() {
        let body = json!({
            "max_leverage": true, "auto_pause_enabled": "true", "order_style": 1, "supported_assets": "BTC",
            "max_drawdown_pct": [1], "slippage_pct": " 1"
        });
        let Value::Object(body) = body else { unreachable!() };
        let mut input = Input::from_json(body);
        assert!(read_settings(&mut input).is_empty());
        assert_eq!(input.errors().len(), 6);
        assert!(input.errors().values().all(|why| why.starts_with("must")));
    }
}
