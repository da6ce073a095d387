//! The template of a model's prompts as JSON.

use super::wire::model;
use crate::ports::language_model::TEMPLATE_MAX_BYTES;
use crate::services::desk::Desk;
use crate::services::templates::{self, CurrentTemplate, TemplateSaveError};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::JsonInput;
use crate::web::show;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

/// The longest version that a body names.
const VERSION_MAX: usize = 64;

/// The template that a model's prompts are written from.
#[derive(Serialize, ToSchema)]
pub struct PromptRow {
    /// The text.
    pub template: String,
    /// The name of its content, 16 hexadecimal digits.
    pub version: String,
    /// Whether it is the program's default.
    pub is_default: bool,
}

impl From<CurrentTemplate> for PromptRow {
    fn from(current: CurrentTemplate) -> Self {
        Self { template: current.text, version: current.version, is_default: current.is_default }
    }
}

/// `GET /api/models/{id}/prompt`
///
/// # Errors
/// 404.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *id).await?;
    Ok(HttpResponse::Ok().json(PromptRow::from(templates::current(&desk, trader.id).await?)))
}

/// `POST /api/models/{id}/prompt`: a template, or `is_default` to go back to the program's own.
///
/// # Errors
/// 404, 409 when another version is in force than the one named, or 422 with the line.
pub async fn change(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *id).await?;
    let text = input.text("template", TEMPLATE_MAX_BYTES);
    let version = input.text("version", VERSION_MAX);
    let is_default = input.boolean("is_default").unwrap_or(false);
    if is_default && text.is_some() {
        input.fail("template", "must be left out to go back to the default");
    }
    if !is_default && text.is_none() {
        input.fail("template", "is required");
    }
    input.refuse_unknown();
    input.0.finish()?;
    let saved = templates::save(&desk, trader.id, text.as_deref(), version.as_deref(), &ctx.actor.name()).await;
    Ok(HttpResponse::Ok().json(PromptRow::from(saved.map_err(save_error)?)))
}

/// Why a template was not saved, as an answer.
pub fn save_error(error: TemplateSaveError) -> AppError {
    match error {
        TemplateSaveError::NotFound(_) => AppError::not_found("model"),
        TemplateSaveError::Refused(error) => AppError::invalid([("template".to_owned(), error.to_string())].into()),
        error @ TemplateSaveError::Changed => {
            AppError::conflict("template_changed", show::sentence(&error.to_string()))
        }
        TemplateSaveError::Store(error) => error.into(),
    }
}
