//! The list of models, and the form for a new one.

pub mod advisors;
mod new;
pub mod rows;

pub use new::{create, form};

use super::desk::no_models;
use super::html;
use super::shell::shell;
use crate::services::desk::Desk;
use crate::services::read::standings;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::view::{ModelsPage, Nav};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// `GET /models`
///
/// # Errors
/// When the database fails.
pub async fn list(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    let standings = standings(&desk).await?;
    let page = ModelsPage {
        shell: shell(&desk, &ctx, Nav::Models, "Models").await?,
        models: rows::model_rows(&desk, &standings).await?,
        empty: no_models(),
    };
    html(StatusCode::OK, &page)
}
