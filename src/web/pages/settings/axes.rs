//! The three toggles. Each change cancels what waits for the model; to htmx the panel is answered, to a plain form a
//! redirect to the settings.

use super::page;
use crate::domain::access::Permission;
use crate::domain::credential::{CheckCode, Credential};
use crate::domain::ids::TraderId;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{AutomationLevel, Axes, ExchangeEnvironment, TradingEnvironment};
use crate::services::desk::Desk;
use crate::services::models::{self, ModelError};
use crate::web::api::axes::require_arming;
use crate::web::api::models::model_error;
use crate::web::api::wire::model;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{FormInput, Input};
use crate::web::pages::html;
use crate::web::view::{Axis, AxisPanel, Tone};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// Built-in rules that open shorts, which spot does not have.
const SELL_SHORT: [&str; 2] = ["rsi_mean_reversion", "random"];
/// Why a viewer cannot choose.
const NOT_YOURS: &str = "Your role may look at this and not change it.";

/// The panel with all three, as things stand.
///
/// # Errors
/// When the database fails.
pub async fn panel(desk: &Desk, ctx: &Ctx, trader: &Trader) -> Result<AxisPanel, AppError> {
    let id = trader.id.0;
    let axes = trader.axes;
    let key = desk.store.credential(trader.id, axes.exchange_environment).await?;
    let note = live_note(trader, key.as_ref());
    let mut environment = Axis::environment(id, axes.trading_environment.as_str(), note);
    if let Some(live) = environment.options.last_mut() {
        if key.is_none() {
            live.consequence = format!("needs a {} key, see below", axes.exchange_environment);
        }
        let to = Axes { trading_environment: TradingEnvironment::Live, ..axes };
        live.blocked = real_money_blocked(desk, ctx, trader, to);
        if !live.blocked.is_empty() {
            live.consequence.clone_from(&live.blocked);
        }
    }
    let to = Axes { exchange_environment: ExchangeEnvironment::Mainnet, ..axes };
    let blocked = real_money_blocked(desk, ctx, trader, to);
    let exchange = Axis::exchange(id, axes.exchange_environment.as_str(), &blocked);
    let mut axes = vec![environment, Axis::automation(id, axes.automation_level.as_str()), exchange];
    if !ctx.actor.may(Permission::Operate) {
        for option in axes.iter_mut().flat_map(|axis| &mut axis.options) {
            NOT_YOURS.clone_into(&mut option.blocked);
        }
    }
    Ok(AxisPanel {
        csrf: ctx.csrf.clone(),
        model: trader.name.clone(),
        axes,
        confirm: None,
        done: String::new(),
        error: String::new(),
    })
}

/// Why this choice of real money would be refused; empty when it would not.
fn real_money_blocked(desk: &Desk, ctx: &Ctx, trader: &Trader, to: Axes) -> String {
    match require_arming(desk, ctx, trader, to) {
        Ok(()) => String::new(),
        Err(_) if !desk.policy.allow_mainnet => {
            "real money, switched off here: start the server with --allow-mainnet".to_owned()
        }
        Err(_) => "real money: only an administrator may choose it".to_owned(),
    }
}

/// What is missing before the model can trade live, said plainly.
fn live_note(trader: &Trader, key: Option<&Credential>) -> String {
    let mut sentences = Vec::new();
    let environment = trader.axes.exchange_environment;
    let is_live = trader.axes.trading_environment == TradingEnvironment::Live;
    match key {
        None => {
            let start = if is_live {
                "Live, but without exchange credentials"
            } else {
                "Missing for live: exchange credentials"
            };
            sentences.push(format!(
                "{start} for {environment}. Until a key is saved, every live cycle ends as EXCHANGE_NOT_CONFIGURED, and nothing is simulated instead."
            ));
        }
        Some(key) if key.check.as_ref().is_some_and(|check| check.code != CheckCode::Ok) => {
            sentences.push(format!(
                "The {environment} key did not pass its last check, so live cycles end as EXCHANGE_NOT_CONFIGURED."
            ));
        }
        Some(_) => {}
    }
    let mut uses = Vec::new();
    if trader.settings.max_leverage > 1 {
        uses.push(format!("leverage up to {} x", trader.settings.max_leverage));
    }
    if SELL_SHORT.contains(&trader.model_name.as_str()) {
        uses.push(format!("short positions ({} opens them)", trader.model_name));
    }
    if !uses.is_empty() {
        sentences.push(format!(
            "{} cannot go live as configured: it uses {}, which spot does not have. Such entries would be denied.",
            trader.name,
            uses.join(" and ")
        ));
    }
    sentences.join(" ")
}

/// `POST /models/{id}/environment`
///
/// # Errors
/// 403 for real money without the right to it, 404, 422.
pub async fn set_environment(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let to = word(&mut form, "environment", &["simulation", "live"], TradingEnvironment::parse);
    let to = form.0.done(to)?;
    let before = model(&desk, *path).await?;
    require_arming(&desk, &ctx, &before, Axes { trading_environment: to, ..before.axes })?;
    let waiting = waiting(&desk, before.id).await?;
    let changed = models::set_environment(&desk, before.id, to, &ctx.actor.name()).await;
    let words = match to {
        TradingEnvironment::Simulation => "now trades in simulation",
        TradingEnvironment::Live => "is live now",
    };
    answer(&desk, &ctx, &before, changed, waiting, words).await
}

/// `POST /models/{id}/automation`: full automation asks once more.
///
/// # Errors
/// 404, 422; 428 is the page with the question.
pub async fn set_automation(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let words = &["manual", "semi_automated", "fully_automated"];
    let to = word(&mut form, "automation", words, AutomationLevel::parse);
    let is_confirmed = form.text("confirm", 10).is_some_and(|word| word == "yes");
    let to = form.0.done(to)?;
    let before = model(&desk, *path).await?;
    let is_full = to == AutomationLevel::FullyAutomated;
    if is_full && before.axes.automation_level != to && !is_confirmed {
        let mut panel = panel(&desk, &ctx, &before).await?;
        panel.confirm = Some(AxisPanel::confirm_full(&ctx.csrf, before.id.0, &before.name));
        return show_panel(&desk, &ctx, StatusCode::PRECONDITION_REQUIRED, &before, panel).await;
    }
    let waiting = waiting(&desk, before.id).await?;
    let changed = models::set_automation(&desk, before.id, to, &ctx.actor.name()).await;
    let words = match to {
        AutomationLevel::Manual => "now only shows",
        AutomationLevel::SemiAutomated => "now asks in the inbox",
        AutomationLevel::FullyAutomated => "now trades by itself within its limits",
    };
    answer(&desk, &ctx, &before, changed, waiting, words).await
}

/// `POST /models/{id}/exchange-environment`
///
/// # Errors
/// 403 `mainnet_disabled`, or without the right to real money; 404, 422.
pub async fn set_exchange_environment(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let to = word(&mut form, "exchange_environment", &["testnet", "mainnet"], ExchangeEnvironment::parse);
    let to = form.0.done(to)?;
    let before = model(&desk, *path).await?;
    require_arming(&desk, &ctx, &before, Axes { exchange_environment: to, ..before.axes })?;
    let waiting = waiting(&desk, before.id).await?;
    let changed = models::set_exchange_environment(&desk, before.id, to, &ctx.actor.name()).await;
    let words = match to {
        ExchangeEnvironment::Testnet => "uses the test network when live",
        ExchangeEnvironment::Mainnet => "uses real money when live",
    };
    answer(&desk, &ctx, &before, changed, waiting, words).await
}

fn word<T>(form: &mut Input, name: &str, words: &[&str], parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    if !form.was_sent(name) {
        form.fail(name, "is required");
    }
    form.word(name, words, parse)
}

async fn waiting(desk: &Desk, id: TraderId) -> Result<usize, AppError> {
    Ok(desk.store.waiting_decisions(Some(id)).await?.len())
}

async fn answer(
    desk: &Desk,
    ctx: &Ctx,
    before: &Trader,
    changed: Result<Trader, ModelError>,
    waited: usize,
    words: &str,
) -> Result<HttpResponse, AppError> {
    let now = changed.map_err(model_error)?;
    let done = if now.axes == before.axes {
        format!("Nothing changed: {} is set like that already.", now.name)
    } else {
        let gone = waited.saturating_sub(waiting(desk, now.id).await?);
        let gone = u64::try_from(gone).unwrap_or(u64::MAX);
        match gone {
            0 => format!("{} {words}.", now.name),
            _ => {
                let gone = show::plural(gone, "waiting decision was", "waiting decisions were");
                format!("{} {words}. {gone} cancelled.", now.name)
            }
        }
    };
    // Another venue may change the frame around every page, which no fragment reaches.
    let venue_changed = now.axes.venue_kind() != before.axes.venue_kind();
    if !ctx.is_htmx || venue_changed {
        return Ok(flash::redirect(ctx, &format!("/models/{}/settings", now.id), Tone::Good, &done));
    }
    let panel = AxisPanel { done, ..panel(desk, ctx, &now).await? };
    html(StatusCode::OK, &panel)
}

async fn show_panel(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    trader: &Trader,
    panel: AxisPanel,
) -> Result<HttpResponse, AppError> {
    if ctx.is_htmx {
        return html(status, &panel);
    }
    page(desk, ctx, status, trader, panel, &super::Filled::of(&trader.settings)).await
}
