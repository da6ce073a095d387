//! Who decides for a model, changed: other rules, another provider, another language model.

use super::html;
use super::models::advisors::{ADVISOR, LANGUAGE_MODEL, advisor_fields, name_advisor_fields, split_advisor};
use super::models::rows;
use super::shell::shell;
use crate::domain::ids::BUILT_IN_PROVIDER;
use crate::domain::trader::{MODEL_NAME_MAX, Trader};
use crate::services::desk::Desk;
use crate::services::models::{self, ModelEdit, ModelError};
use crate::web::api::models::model_error;
use crate::web::api::wire::model;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::flash;
use crate::web::form::FormInput;
use crate::web::offered::OfferedNames;
use crate::web::view::{AdvisorPage, Nav, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

const LOOK_AGAIN: &str = "Some fields need another look. Nothing was changed.";

/// `GET /models/{id}/advisor`
///
/// # Errors
/// 404, or when the database fails.
pub async fn form(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let (provider, name) = (trader.provider_id, trader.model_name.as_str());
    let chosen = match provider {
        BUILT_IN_PROVIDER => (format!("{provider}:{name}"), ""),
        _ => (format!("{provider}:"), name),
    };
    page(&desk, &ctx, &offered, &trader, StatusCode::OK, (&chosen.0, chosen.1), &BTreeMap::new()).await
}

/// `POST /models/{id}/advisor`: what was typed stays in a form that is refused.
///
/// # Errors
/// 404, 409, or when the database fails.
pub async fn save(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
    mut input: FormInput,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let (chosen, typed) = (input.typed(ADVISOR), input.typed(LANGUAGE_MODEL));
    let advisor = input.required_text(ADVISOR, MODEL_NAME_MAX);
    let language_model = input.text(LANGUAGE_MODEL, MODEL_NAME_MAX).unwrap_or_default();
    input.refuse_unknown();
    let mut errors = input.errors().clone();
    let (provider_id, model_name) = split_advisor(&advisor, &language_model);
    if errors.is_empty() {
        let edit = ModelEdit { advisor: Some((provider_id, model_name)), ..ModelEdit::default() };
        match models::edit(&desk, trader.id, &edit, &ctx.actor.name()).await {
            Ok(now) => {
                let text = format!("{} decides for {} from the next cycle on.", rows::advisor(&desk, &now), now.name);
                return Ok(flash::redirect(&ctx, &format!("/models/{}/settings", now.id), Tone::Good, &text));
            }
            Err(ModelError::Invalid(fields)) => errors = fields,
            Err(error) => return Err(model_error(error)),
        }
        name_advisor_fields(provider_id, &mut errors);
    }
    page(&desk, &ctx, &offered, &trader, StatusCode::UNPROCESSABLE_ENTITY, (&chosen, &typed), &errors).await
}

async fn page(
    desk: &Desk,
    ctx: &Ctx,
    offered: &OfferedNames,
    trader: &Trader,
    status: StatusCode,
    typed: (&str, &str),
    errors: &BTreeMap<String, String>,
) -> Result<HttpResponse, AppError> {
    let page = AdvisorPage {
        shell: shell(desk, ctx, Nav::Models, format!("Who decides for {}", trader.name)).await?,
        id: trader.id.0,
        name: trader.name.clone(),
        now: rows::advisor(desk, trader),
        error: if errors.is_empty() { String::new() } else { LOOK_AGAIN.to_owned() },
        fields: advisor_fields(desk, offered, typed, errors).await?.into(),
    };
    html(status, &page)
}
