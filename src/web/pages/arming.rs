//! Arming a model for real money, and taking it back. Only in the browser, by typing the model's name.

use super::html;
use super::shell::shell;
use crate::domain::arming::Unarmed;
use crate::domain::trader::{NAME_MAX, Trader};
use crate::services::arming::{self, ArmError, gate};
use crate::services::desk::Desk;
use crate::web::api::credentials::arm_error;
use crate::web::api::wire::model;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::FormInput;
use crate::web::view::{ConfirmForm, FormPage, KeyValue, Nav, Tone};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// `GET /models/{id}/arm`: asks for the name, and shows for which account.
///
/// # Errors
/// 404, or when the database fails.
pub async fn form(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    confirmation(&desk, &ctx, StatusCode::OK, &trader, "").await
}

/// `POST /models/{id}/arm`
///
/// # Errors
/// 403 when real money is switched off, 404, or when the database fails.
pub async fn arm(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    ctx.person()?;
    let trader = model(&desk, *path).await?;
    let typed = form.text("name", NAME_MAX).unwrap_or_default();
    match arming::arm(&desk, trader.id, &typed, &ctx.actor.name()).await {
        Ok(arm) => {
            let until = show::timestamp(arm.until.0);
            let text = format!("{} is armed until {until}: it may spend real money.", trader.name);
            Ok(flash::redirect(&ctx, &settings_url(&trader), Tone::Bad, &text))
        }
        Err(ArmError::NameMismatch) => {
            let why = "That is not its name. Nothing was armed.";
            confirmation(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, &trader, why).await
        }
        Err(ArmError::NotReady(missing)) if missing != Unarmed::SwitchedOff => {
            let why = format!("Not armed: {missing}.");
            confirmation(&desk, &ctx, StatusCode::CONFLICT, &trader, &why).await
        }
        Err(error) => Err(arm_error(error)),
    }
}

/// `POST /models/{id}/disarm`
///
/// # Errors
/// 404, or when the database fails.
pub async fn disarm(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let was = arming::disarm(&desk, trader.id, &ctx.actor.name()).await.map_err(arm_error)?;
    let text = if was {
        format!("{} is disarmed: it opens nothing on mainnet any more. Closing still works.", trader.name)
    } else {
        format!("{} was not armed.", trader.name)
    };
    Ok(flash::redirect(&ctx, &settings_url(&trader), Tone::Plain, &text))
}

async fn confirmation(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    trader: &Trader,
    error: &str,
) -> Result<HttpResponse, AppError> {
    let gate = gate(desk, trader, desk.clock.now()).await?;
    let mut terms = vec![KeyValue::new("How it acts", trader.axes.automation_level.as_str().replace('_', " "))];
    if let Some(credential) = &gate.credential {
        terms.push(KeyValue::new("Key ending in", format!("…{}", credential.key_last4)));
        terms.push(KeyValue::new("Account fingerprint", credential.fingerprint.as_str()));
    }
    let error = match gate.missing {
        Some(missing) if error.is_empty() => format!("Not possible yet: {missing}."),
        _ => error.to_owned(),
    };
    let form = ConfirmForm::arm(&ctx.csrf, trader.id.0, &trader.name, desk.policy.arm_hours, terms, error);
    if ctx.is_htmx {
        return html(status, &form);
    }
    let shell = shell(desk, ctx, Nav::Models, format!("Arm {}", trader.name)).await?;
    html(
        status,
        &FormPage { shell, back_url: settings_url(trader), back: format!("Settings of {}", trader.name), form },
    )
}

fn settings_url(trader: &Trader) -> String {
    format!("/models/{}/settings", trader.id)
}
