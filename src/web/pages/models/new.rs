//! A new model: who decides, what it trades, and the limits it starts with. What was typed stays when it is refused.

use super::super::html;
use super::super::shell::shell;
use super::advisors::{ADVISOR, LANGUAGE_MODEL, advisor_fields, name_advisor_fields, split_advisor};
use crate::domain::access::Permission;
use crate::domain::market::Coin;
use crate::domain::trader::{MODEL_NAME_MAX, NAME_MAX};
use crate::domain::trader_settings::{ASSETS_MAX, SettingKind, SettingSpec, TraderSettings, spec};
use crate::domain::venue_kind::{AutomationLevel, Axes};
use crate::services::desk::Desk;
use crate::services::models::{self as service, ModelError, NewModel};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::flash;
use crate::web::form::FormInput;
use crate::web::offered::OfferedNames;
use crate::web::view::{Choice, Field, FieldGroup, FieldKind, Nav, NewModelPage, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::{BTreeMap, BTreeSet};

/// Settings that the form asks for beside the coins; everything else starts with its default.
const TRADING: [&str; 2] = ["initial_capital", "trading_interval_minutes"];
/// Limits that the form asks for.
const LIMITS: [&str; 5] =
    ["max_position_size_pct", "max_daily_loss_pct", "max_open_positions", "min_cash_reserve_pct", "max_leverage"];
/// The key of the coins.
const COINS: &str = "supported_assets";
/// Coins that are offered to tick beside the usual ones; an exchange knows hundreds.
const COINS_OFFERED: usize = 18;
/// The longest value of a setting that is read, in characters.
const VALUE_MAX: usize = 40;

/// What stands in the form.
struct Typed {
    name: String,
    advisor: String,
    /// The provider's name of a model, for an advisor that is a provider.
    language_model: String,
    automation: String,
    coins: Vec<String>,
    settings: BTreeMap<&'static str, String>,
}

impl Typed {
    /// What an untouched form shows.
    fn fresh(desk: &Desk) -> Self {
        let defaults = TraderSettings::default();
        let first = desk.advisors.providers().into_iter().find_map(|provider| {
            provider.models.iter().find(|info| info.model_name == FIRST).map(|info| (provider.id.0, info.model_name))
        });
        let value = |key: &'static str| (key, defaults.get(key).unwrap_or_default());
        Self {
            name: String::new(),
            advisor: first.map_or_else(String::new, |(provider, name)| format!("{provider}:{name}")),
            language_model: String::new(),
            automation: AutomationLevel::SemiAutomated.as_str().to_owned(),
            coins: defaults.supported_assets.iter().map(ToString::to_string).collect(),
            settings: TRADING.into_iter().chain(LIMITS).map(value).collect(),
        }
    }
}

/// The advisor that is chosen in an untouched form.
const FIRST: &str = "ema_cross";

/// `GET /models/new`
///
/// # Errors
/// When the database fails.
pub async fn form(desk: web::Data<Desk>, ctx: Ctx, offered: web::Data<OfferedNames>) -> Result<HttpResponse, AppError> {
    let typed = Typed::fresh(&desk);
    page(&desk, &ctx, &offered, StatusCode::OK, &typed, &BTreeMap::new(), "").await
}

/// `POST /models`
///
/// # Errors
/// When the database fails.
pub async fn create(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    input: FormInput,
) -> Result<HttpResponse, AppError> {
    ctx.require(Permission::Operate)?;
    let mut input = input.0;
    let mut typed = Typed {
        name: input.typed("name"),
        advisor: input.typed(ADVISOR),
        language_model: input.typed(LANGUAGE_MODEL),
        automation: input.typed("automation_level"),
        coins: Vec::new(),
        settings: TRADING.into_iter().chain(LIMITS).map(|key| (key, input.typed(key))).collect(),
    };
    let name = input.required_text("name", NAME_MAX).trim().to_owned();
    let advisor = input.required_text(ADVISOR, MODEL_NAME_MAX);
    let language_model = input.text(LANGUAGE_MODEL, MODEL_NAME_MAX).unwrap_or_default();
    let levels: Vec<&str> = OFFERED_LEVELS.iter().map(|level| level.0.as_str()).collect();
    let level = input.word("automation_level", &levels, |word| {
        AutomationLevel::parse(word).filter(|level| OFFERED_LEVELS.iter().any(|offered| offered.0 == *level))
    });
    typed.coins = input.texts(COINS, ASSETS_MAX, VALUE_MAX).unwrap_or_default();
    let mut settings = vec![(COINS.to_owned(), typed.coins.join(","))];
    for key in TRADING.into_iter().chain(LIMITS) {
        // A field that was not sent keeps its default; an emptied one is refused by the setting's own rule.
        if input.was_sent(key) {
            settings.push((key.to_owned(), input.text(key, VALUE_MAX).unwrap_or_default()));
        }
    }
    let mut errors = input.errors().clone();
    let (provider_id, model_name) = split_advisor(&advisor, &language_model);
    // The service is asked only when every field could be read, but all settings are named at once either way.
    if !errors.is_empty() {
        let mut trial = TraderSettings::default();
        for (key, value) in &settings {
            if let Err(why) = trial.set(key, value) {
                errors.entry(key.clone()).or_insert_with(|| why.to_string());
            }
        }
        return page(&desk, &ctx, &offered, StatusCode::UNPROCESSABLE_ENTITY, &typed, &errors, LOOK_AGAIN).await;
    }
    let axes = Axes { automation_level: level.unwrap_or(AutomationLevel::Manual), ..Axes::default() };
    let new = NewModel { name, provider_id, model_name, settings, axes };
    match service::create(&desk, new, &ctx.actor.name()).await {
        Ok(trader) => {
            let then = match trader.axes.automation_level {
                AutomationLevel::SemiAutomated => "and will ask you in the inbox",
                AutomationLevel::Manual | AutomationLevel::FullyAutomated => "and will show what it would do",
            };
            let text = format!("{} is created in simulation. It runs in a moment {then}.", trader.name);
            Ok(flash::redirect(&ctx, &format!("/models/{}", trader.id), Tone::Good, &text))
        }
        Err(ModelError::Invalid(mut errors)) => {
            name_advisor_fields(provider_id, &mut errors);
            page(&desk, &ctx, &offered, StatusCode::UNPROCESSABLE_ENTITY, &typed, &errors, LOOK_AGAIN).await
        }
        Err(ModelError::DuplicateName) => {
            let errors = BTreeMap::from([("name".to_owned(), "is already taken by another model".to_owned())]);
            page(&desk, &ctx, &offered, StatusCode::UNPROCESSABLE_ENTITY, &typed, &errors, LOOK_AGAIN).await
        }
        Err(ModelError::Store(error)) => Err(error.into()),
        Err(error) => {
            page(&desk, &ctx, &offered, StatusCode::UNPROCESSABLE_ENTITY, &typed, &BTreeMap::new(), &error.to_string())
                .await
        }
    }
}

/// Said above a form that was refused.
const LOOK_AGAIN: &str = "Some fields need another look. Nothing was created.";

/// Levels that a new model may start with. Full automation asks once more, which the settings do.
const OFFERED_LEVELS: [(AutomationLevel, &str); 2] = [
    (AutomationLevel::SemiAutomated, "Semi-automated: asks before each trade"),
    (AutomationLevel::Manual, "Manual: shows and never trades"),
];

async fn page(
    desk: &Desk,
    ctx: &Ctx,
    offered: &OfferedNames,
    status: StatusCode,
    typed: &Typed,
    errors: &BTreeMap<String, String>,
    error: &str,
) -> Result<HttpResponse, AppError> {
    let advisors = advisor_fields(desk, offered, (&typed.advisor, &typed.language_model), errors).await?;
    let groups = groups(typed, errors, advisors, coins(desk, &typed.coins).await);
    let shell = shell(desk, ctx, Nav::Models, "New model").await?;
    html(status, &NewModelPage { shell, error: error.to_owned(), groups })
}

/// The usual coins, what the market knows beside them, and what was chosen.
async fn coins(desk: &Desk, chosen: &[String]) -> Vec<Choice> {
    let mut offered: Vec<Coin> = TraderSettings::default().supported_assets;
    if let Ok(instruments) = desk.markets.simulation.instruments().await {
        // Where the market has no such coin, ticking it would only ever yield "no price".
        offered.retain(|coin| instruments.of_coin(coin).is_some());
        let known: BTreeSet<&Coin> = instruments.coins().collect();
        let more: Vec<Coin> = known.into_iter().filter(|coin| !offered.contains(coin)).cloned().collect();
        offered.extend(more.into_iter().take(COINS_OFFERED));
    }
    let mut choices: Vec<Choice> = offered
        .iter()
        .map(|coin| Choice::new(coin.as_str(), coin.as_str(), chosen.iter().any(|chosen| chosen == coin.as_str())))
        .collect();
    let typed = chosen.iter().filter(|chosen| !offered.iter().any(|coin| coin.as_str() == chosen.as_str()));
    choices.extend(typed.map(|coin| Choice::new(coin, coin, true)));
    choices
}

fn groups(
    typed: &Typed,
    errors: &BTreeMap<String, String>,
    [choice, language_model]: [Field; 2],
    coins: Vec<Choice>,
) -> Vec<FieldGroup> {
    let error = |key: &str, label: &str| errors.get(key).map_or_else(String::new, |why| format!("{label} {why}."));
    let levels =
        OFFERED_LEVELS.map(|(level, label)| Choice::new(level.as_str(), label, level.as_str() == typed.automation));
    let setting = |key: &'static str| {
        let value = typed.settings.get(key).map_or("", String::as_str);
        spec(key).map(|spec| number_field(spec, value, &error(key, spec.label)))
    };
    let mut trading: Vec<Field> = TRADING.into_iter().filter_map(setting).collect();
    trading.push(
        Field::new(COINS, "Coins", FieldKind::Assets, "")
            .help("The coins that the model is shown and may trade.")
            .choices(coins)
            .error(error(COINS, "Coins")),
    );
    vec![
        FieldGroup {
            title: "Who decides".to_owned(),
            note: "The advisor proposes, the risk rules check, and you have the last word.".to_owned(),
            fields: vec![
                Field::new("name", "Name", FieldKind::Text, &typed.name)
                    .help("How you will recognise it.")
                    .range(format!("1 to {NAME_MAX} characters"))
                    .error(error("name", "Name"))
                    .required()
                    .autofocus(),
                Field::new("automation_level", "How it acts", FieldKind::Select, "")
                    .help("Full automation is switched on in its settings, which ask once more.")
                    .choices(levels.into())
                    .error(error("automation_level", "How it acts")),
                choice,
                language_model,
            ],
        },
        FieldGroup { title: "What it trades".to_owned(), note: String::new(), fields: trading },
        FieldGroup {
            title: "Limits".to_owned(),
            note: "Checked when it proposes, when you approve, and when an order is sent. More of them are in its \
                   settings."
                .to_owned(),
            fields: LIMITS.into_iter().filter_map(setting).collect(),
        },
    ]
}

fn number_field(spec: &SettingSpec, value: &str, error: &str) -> Field {
    let range = match spec.kind {
        SettingKind::Decimal(low, high) => format!("{low} to {high}"),
        SettingKind::Integer(low, high) => format!("{low} to {high}"),
        _ => String::new(),
    };
    Field::new(spec.key, spec.label, FieldKind::Number, value).help(spec.help).unit(spec.unit).range(range).error(error)
}
