//! Models: listed, created, edited, paused, resumed, deleted.

use super::settings::{as_json, read_settings, with_range_errors};
use super::wire::{done, list, model, read_page, time};
use crate::domain::decision::REASON_MAX;
use crate::domain::ids::TraderId;
use crate::domain::trader::{MODEL_NAME_MAX, NAME_MAX, Trader, TradingState};
use crate::services::desk::Desk;
use crate::services::models::{self, ModelEdit, ModelError, NewModel};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{JsonInput, QueryInput};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A model.
#[derive(Serialize, ToSchema)]
pub struct ModelRow {
    /// Its id.
    pub id: i64,
    /// Unique among models.
    pub name: String,
    /// Who answers; 1 is the built-in provider.
    pub provider_id: i64,
    /// Which of the provider's models.
    pub model_name: String,
    /// `binance`.
    pub exchange_type: &'static str,
    /// `simulation` or `live`.
    pub trading_environment: &'static str,
    /// `manual`, `semi_automated` or `fully_automated`.
    pub automation_level: &'static str,
    /// `testnet` or `mainnet`; used when live.
    pub exchange_environment: &'static str,
    /// `active` or `paused`.
    pub status: &'static str,
    /// Who paused it, when and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<PausedBy>,
    /// What its account starts with.
    pub initial_capital: String,
    /// Every setting.
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// Market time of the next scheduled cycle; null means as soon as possible.
    pub next_run_at: Option<String>,
    /// When it was created.
    pub created_at: String,
}

/// A pause.
#[derive(Serialize, ToSchema)]
pub struct PausedBy {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: String,
}

/// The answer to a pause or resumption.
#[derive(Serialize, ToSchema)]
pub struct ModelDone {
    /// Always true.
    pub success: bool,
    /// The model as it is now.
    pub model: ModelRow,
}

impl ModelRow {
    /// A model as the API shows it.
    pub fn of(trader: &Trader) -> Self {
        let paused = match &trader.state {
            TradingState::Active => None,
            TradingState::Paused { by, reason, at } => {
                Some(PausedBy { by: by.clone(), reason: reason.clone(), at: time(*at) })
            }
        };
        Self {
            id: trader.id.0,
            name: trader.name.clone(),
            provider_id: trader.provider_id.0,
            model_name: trader.model_name.clone(),
            exchange_type: trader.exchange_type.as_str(),
            trading_environment: trader.axes.trading_environment.as_str(),
            automation_level: trader.axes.automation_level.as_str(),
            exchange_environment: trader.axes.exchange_environment.as_str(),
            status: if paused.is_some() { "paused" } else { "active" },
            paused,
            initial_capital: trader.settings.initial_capital.normalize().to_string(),
            settings: as_json(&trader.settings),
            next_run_at: trader.next_run_at.map(time),
            created_at: time(trader.created_at),
        }
    }
}

/// `GET /api/models`
///
/// # Errors
/// 422 for a bad query.
pub async fn index(desk: Data<Desk>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let page = read_page(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let mut traders = desk.store.traders(false).await?;
    traders.sort_unstable_by_key(|trader| std::cmp::Reverse(trader.id));
    traders.retain(|trader| page.before.is_none_or(|before| trader.id.0 < before));
    traders.truncate(page.limit as usize);
    let rows: Vec<ModelRow> = traders.iter().map(ModelRow::of).collect();
    Ok(list(&rows, page, rows.last().map(|row| row.id)))
}

/// `GET /api/models/{id}`
///
/// # Errors
/// 404.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    Ok(HttpResponse::Ok().json(ModelRow::of(&model(&desk, *id).await?)))
}

/// `POST /api/models`: in simulation, shown only; where it trades and how it acts is changed afterwards.
///
/// # Errors
/// 409 for a name that is taken, 422 with every field that was wrong.
pub async fn create(desk: Data<Desk>, ctx: Ctx, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let name = input.required_text("name", NAME_MAX);
    let model_name = input.required_text("model_name", MODEL_NAME_MAX);
    let before = input.errors().len();
    let provider_id = input.integer("provider_id", 1..=i64::MAX);
    if provider_id.is_none() && input.errors().len() == before {
        input.fail("provider_id", "is required");
    }
    let settings = read_settings(&mut input);
    input.refuse_unknown();
    if !input.errors().is_empty() {
        return Err(AppError::invalid(with_range_errors(input.errors().clone(), &settings)));
    }
    let new =
        NewModel { name, provider_id: provider_id.unwrap_or_default(), model_name, settings, ..NewModel::default() };
    let trader = models::create(&desk, new, &ctx.actor.name()).await.map_err(model_error)?;
    Ok(HttpResponse::Created().json(ModelRow::of(&trader)))
}

/// `PUT` and `PATCH /api/models/{id}`: changes what is named and leaves the rest.
///
/// # Errors
/// 404, 409 for a name that is taken, 422 with every field that was wrong.
pub async fn edit(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *id).await?;
    let name = input.text("name", NAME_MAX);
    let provider_id = input.integer("provider_id", 1..=i64::MAX);
    let model_name = input.text("model_name", MODEL_NAME_MAX);
    let settings = read_settings(&mut input);
    input.refuse_unknown();
    if !input.errors().is_empty() {
        return Err(AppError::invalid(with_range_errors(input.errors().clone(), &settings)));
    }
    let advisor = (provider_id.is_some() || model_name.is_some())
        .then(|| (provider_id.unwrap_or(trader.provider_id.0), model_name.unwrap_or(trader.model_name)));
    let edit = ModelEdit { name, advisor, settings };
    let trader = models::edit(&desk, TraderId(*id), &edit, &ctx.actor.name()).await.map_err(model_error)?;
    Ok(HttpResponse::Ok().json(ModelRow::of(&trader)))
}

/// `DELETE /api/models/{id}?confirm=NAME`, or the name in the body: a number is too easily mistyped.
///
/// # Errors
/// 404, 409 while orders are under way, 422 for another name, 428 without one.
pub async fn delete(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    mut query: QueryInput,
    mut input: JsonInput,
) -> Result<HttpResponse, AppError> {
    let confirm = query.text("confirm", NAME_MAX);
    let name = input.text("name", NAME_MAX);
    query.refuse_unknown();
    input.refuse_unknown();
    query.0.finish()?;
    input.0.finish()?;
    let trader = model(&desk, *id).await?;
    let Some(typed) = confirm.or(name) else {
        let message = "Deleting a model asks for its name: ?confirm=NAME, or \"name\" in the body.";
        return Err(
            AppError::precondition_required("confirmation_required", message).with_field("confirm", "is required")
        );
    };
    models::delete(&desk, trader.id, &typed, &ctx.actor.name()).await.map_err(model_error)?;
    Ok(done("Model deleted"))
}

/// `POST /api/models/{id}/pause`
///
/// # Errors
/// 404, 422.
pub async fn pause(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let reason = input.text("reason", REASON_MAX).unwrap_or_default();
    input.refuse_unknown();
    input.0.finish()?;
    let by = ctx.actor.name();
    let trader = models::pause(&desk, TraderId(*id), reason.trim(), &by).await.map_err(model_error)?;
    Ok(HttpResponse::Ok().json(ModelDone { success: true, model: ModelRow::of(&trader) }))
}

/// `POST /api/models/{id}/resume`
///
/// # Errors
/// 404, 422.
pub async fn resume(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    input.refuse_unknown();
    input.0.finish()?;
    let trader = models::resume(&desk, TraderId(*id), &ctx.actor.name()).await.map_err(model_error)?;
    Ok(HttpResponse::Ok().json(ModelDone { success: true, model: ModelRow::of(&trader) }))
}

/// `POST /api/models/{id}/reset-high-water-mark`: re-opens entries after a drawdown.
///
/// # Errors
/// 404, 422 while the equity is unknown.
pub async fn reset_high_water_mark(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    mut input: JsonInput,
) -> Result<HttpResponse, AppError> {
    input.refuse_unknown();
    input.0.finish()?;
    let by = ctx.actor.name();
    let mark = models::reset_high_water_mark(&desk, TraderId(*id), &by).await.map_err(model_error)?;
    Ok(HttpResponse::Ok().json(HighWaterMark { success: true, high_water_mark: mark.round().to_string() }))
}

/// The new reference of the drawdown rule.
#[derive(Serialize, ToSchema)]
pub struct HighWaterMark {
    /// Always true.
    pub success: bool,
    /// The equity now, from which a drawdown is measured.
    pub high_water_mark: String,
}

/// What a refused change of a model says.
pub fn model_error(error: ModelError) -> AppError {
    match error {
        ModelError::NotFound(_) => AppError::not_found("model"),
        ModelError::DuplicateName => {
            AppError::conflict("duplicate_name", "Another model has this name.").with_field("name", "is already taken")
        }
        ModelError::Invalid(fields) => AppError::invalid(fields),
        ModelError::MainnetDisabled => {
            AppError::forbidden("mainnet_disabled", "Mainnet is switched off: start the server with --allow-mainnet.")
        }
        ModelError::ConfirmationRequired => {
            AppError::precondition_required("confirmation_required", "This change must be confirmed.")
        }
        ModelError::NameMismatch => {
            AppError::invalid([("confirm".to_owned(), "must be the model's name".to_owned())].into())
        }
        ModelError::OrdersUnderWay(count) => AppError::conflict(
            "orders_under_way",
            format!("{count} orders of this model are under way; cancel them or wait until they are done."),
        ),
        ModelError::Contended => AppError::conflict("contended", "The model keeps changing. Try again."),
        ModelError::Store(error) => error.into(),
    }
}
