//! The three independent choices of a model. Each change cancels what waits for the model and leaves an incident.

use super::models::model_error;
use super::wire::model;
use crate::domain::access::Permission;
use crate::domain::ids::TraderId;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{AutomationLevel, Axes, ExchangeEnvironment, TradingEnvironment, VenueKind};
use crate::services::desk::Desk;
use crate::services::models;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::JsonInput;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

/// Where orders go.
#[derive(Serialize, ToSchema)]
pub struct EnvironmentAnswer {
    /// Only after a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// `simulation` or `live`.
    pub environment: &'static str,
}

/// What happens with a decision that passed the risk rules.
#[derive(Serialize, ToSchema)]
pub struct AutomationAnswer {
    /// Only after a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// `manual`, `semi_automated` or `fully_automated`.
    pub automation: &'static str,
}

/// Which of the exchange's worlds a live model uses.
#[derive(Serialize, ToSchema)]
pub struct ExchangeEnvironmentAnswer {
    /// Only after a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// `testnet` or `mainnet`.
    pub exchange_environment: &'static str,
}

/// All three choices.
#[derive(Serialize, ToSchema)]
pub struct ConfigAnswer {
    /// `simulation` or `live`.
    pub environment: &'static str,
    /// `manual`, `semi_automated` or `fully_automated`.
    pub automation: &'static str,
    /// `testnet` or `mainnet`.
    pub exchange_environment: &'static str,
}

/// `GET /api/models/{id}/config`
///
/// # Errors
/// 404.
pub async fn config(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let axes = model(&desk, *id).await?.axes;
    Ok(HttpResponse::Ok().json(ConfigAnswer {
        environment: axes.trading_environment.as_str(),
        automation: axes.automation_level.as_str(),
        exchange_environment: axes.exchange_environment.as_str(),
    }))
}

/// `GET /api/models/{id}/environment`
///
/// # Errors
/// 404.
pub async fn environment(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let axes = model(&desk, *id).await?.axes;
    Ok(HttpResponse::Ok().json(EnvironmentAnswer { success: None, environment: axes.trading_environment.as_str() }))
}

/// `POST /api/models/{id}/environment`
///
/// # Errors
/// 403 for real money without the right to it, 404, 422.
pub async fn set_environment(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    mut input: JsonInput,
) -> Result<HttpResponse, AppError> {
    let to = word(&mut input, "environment", &["simulation", "live"], TradingEnvironment::parse);
    input.refuse_unknown();
    let to = input.0.done(to)?;
    let trader = model(&desk, *id).await?;
    require_arming(&desk, &ctx, &trader, Axes { trading_environment: to, ..trader.axes })?;
    let trader = models::set_environment(&desk, TraderId(*id), to, &ctx.actor.name()).await.map_err(model_error)?;
    let environment = trader.axes.trading_environment.as_str();
    Ok(HttpResponse::Ok().json(EnvironmentAnswer { success: Some(true), environment }))
}

/// `GET /api/models/{id}/automation`
///
/// # Errors
/// 404.
pub async fn automation(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let axes = model(&desk, *id).await?.axes;
    Ok(HttpResponse::Ok().json(AutomationAnswer { success: None, automation: axes.automation_level.as_str() }))
}

/// `POST /api/models/{id}/automation`
///
/// # Errors
/// 404, 422.
pub async fn set_automation(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    mut input: JsonInput,
) -> Result<HttpResponse, AppError> {
    let words = &["manual", "semi_automated", "fully_automated"];
    let to = word(&mut input, "automation", words, AutomationLevel::parse);
    input.refuse_unknown();
    let to = input.0.done(to)?;
    let trader = models::set_automation(&desk, TraderId(*id), to, &ctx.actor.name()).await.map_err(model_error)?;
    let automation = trader.axes.automation_level.as_str();
    Ok(HttpResponse::Ok().json(AutomationAnswer { success: Some(true), automation }))
}

/// `GET /api/models/{id}/exchange/environment`
///
/// # Errors
/// 404.
pub async fn exchange_environment(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let exchange_environment = model(&desk, *id).await?.axes.exchange_environment.as_str();
    Ok(HttpResponse::Ok().json(ExchangeEnvironmentAnswer { success: None, exchange_environment }))
}

/// `POST /api/models/{id}/exchange/environment`
///
/// # Errors
/// 403 `mainnet_disabled`, or without the right to real money; 404, 422.
pub async fn set_exchange_environment(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    mut input: JsonInput,
) -> Result<HttpResponse, AppError> {
    let to = word(&mut input, "exchange_environment", &["testnet", "mainnet"], ExchangeEnvironment::parse);
    input.refuse_unknown();
    let to = input.0.done(to)?;
    let trader = model(&desk, *id).await?;
    require_arming(&desk, &ctx, &trader, Axes { exchange_environment: to, ..trader.axes })?;
    let changed = models::set_exchange_environment(&desk, TraderId(*id), to, &ctx.actor.name()).await;
    let exchange_environment = changed.map_err(model_error)?.axes.exchange_environment.as_str();
    Ok(HttpResponse::Ok().json(ExchangeEnvironmentAnswer { success: Some(true), exchange_environment }))
}

/// Real money is let in by an administrator only; that it is switched off altogether is said first.
///
/// # Errors
/// 403.
pub fn require_arming(desk: &Desk, ctx: &Ctx, trader: &Trader, to: Axes) -> Result<(), AppError> {
    let real_money = |axes: Axes| {
        axes.venue_kind() == VenueKind::Mainnet || axes.exchange_environment == ExchangeEnvironment::Mainnet
    };
    let grows = to != trader.axes && real_money(to) && to.venue_kind() >= trader.axes.venue_kind();
    if !grows {
        return Ok(());
    }
    if !desk.policy.allow_mainnet {
        return Err(model_error(models::ModelError::MainnetDisabled));
    }
    ctx.require(Permission::Arm)
}

fn word<T>(input: &mut JsonInput, name: &str, words: &[&str], parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let before = input.errors().len();
    let value = input.word(name, words, parse);
    if value.is_none() && input.errors().len() == before {
        input.fail(name, "is required");
    }
    value
}
