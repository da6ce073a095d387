//! What a person does with a model beside its settings: run it now, pause, resume, reset its mark, delete it.

use super::html;
use super::inbox::current_path;
use super::lens::amount;
use super::model::conflict;
use super::shell::shell;
use crate::domain::cycle::CycleTrigger;
use crate::domain::decision::REASON_MAX;
use crate::domain::ids::{CycleId, TraderId};
use crate::domain::trader::NAME_MAX;
use crate::services::desk::Desk;
use crate::services::models::{self, ModelError};
use crate::services::read::{CycleAnswer, CycleState, cycle_answer};
use crate::services::run_cycle::{self, CycleError, CycleRequest};
use crate::web::api::models::model_error;
use crate::web::api::wire::model;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::flash;
use crate::web::form::FormInput;
use crate::web::view::{ConfirmForm, FormPage, Nav, Toast, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use std::time::Duration;

/// How long a click waits for the cycle; a slower one goes on and shows where it is looked for.
const RUN_WAIT: Duration = Duration::from_secs(10);
/// How long a click waits for the orders of its cycle.
const ORDERS_WAIT: Duration = Duration::from_millis(1_500);

/// `POST /models/{id}/run`: one cycle now, told plainly; 409 with the model's page while another one runs.
///
/// # Errors
/// 404, or when the database fails.
pub async fn run(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let back = back(&request, trader.id);
    let asked = CycleRequest::ask(trader.id, CycleTrigger::Operator, &ctx.actor.name());
    let worker = desk.clone();
    // A task of its own: a browser that hangs up must not leave a cycle half done.
    let task = desk.background.spawn(async move { run_cycle::run(&worker, asked).await });
    let (tone, text) = match tokio::time::timeout(RUN_WAIT, task).await {
        Err(_) => {
            (Tone::Wait, format!("The cycle of {} is still running. Its decisions appear as they come.", trader.name))
        }
        Ok(outcome) => match outcome.map_err(|panic| AppError::internal(&panic))? {
            Ok(cycle) => ended(&desk, cycle, &trader.name).await?,
            Err(CycleError::NotFound(_)) => return Err(AppError::not_found("model")),
            Err(CycleError::Running) => {
                let text = format!("A cycle of {} is running already. Yours was not started.", trader.name);
                return conflict(&desk, &ctx, trader, Toast { text, tone: Tone::Wait }).await;
            }
            Err(CycleError::Store(error)) => return Err(error.into()),
            Err(error) => refused(&trader.name, &error),
        },
    };
    Ok(flash::redirect(&ctx, &back, tone, &text))
}

async fn ended(desk: &Desk, id: CycleId, name: &str) -> Result<(Tone, String), AppError> {
    Ok(match cycle_answer(desk, None, id, ORDERS_WAIT).await? {
        CycleState::Done(answer) => (Tone::Good, format!("Cycle {id} of {name} done: {}.", counted(&answer))),
        CycleState::Failed(cycle) => {
            let why = cycle.error.unwrap_or_default();
            (Tone::Bad, format!("Cycle {id} of {name} failed: {why}."))
        }
        CycleState::Running(_) | CycleState::Unknown => (Tone::Wait, format!("Cycle {id} of {name} is running.")),
    })
}

/// For example `2 pending, 1 executed, 3 denied`.
fn counted(answer: &CycleAnswer) -> String {
    let held = answer.skipped.iter().filter(|coin| coin.code == "hold").count();
    let unusable = answer.skipped.iter().filter(|coin| coin.code == "model_error").count();
    let counts = [
        (answer.pending.len(), "pending"),
        (answer.displayed.len(), "shown"),
        (answer.executed.len(), "executed"),
        (answer.failed.len(), "not executed"),
        (answer.skipped.len() - held - unusable, "denied"),
        (unusable, "unusable"),
        (held, "held"),
    ];
    let words: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { "no decision".to_owned() } else { words.join(", ") }
}

fn refused(name: &str, error: &CycleError) -> (Tone, String) {
    match error {
        CycleError::Paused { reason } if reason.is_empty() => {
            (Tone::Wait, format!("{name} is paused. Resume it first."))
        }
        CycleError::Paused { reason } => (Tone::Wait, format!("{name} is paused: {reason}. Resume it first.")),
        CycleError::Stopped => (Tone::Bad, "Nothing runs: the emergency stop is in force.".to_owned()),
        CycleError::Live(refusal) => (Tone::Bad, format!("{name} cannot trade live: {refusal}.")),
        other => (Tone::Bad, format!("The cycle of {name} failed: {other}.")),
    }
}

/// `POST /models/{id}/pause`
///
/// # Errors
/// 404, 422.
pub async fn pause(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let reason = form.text("reason", REASON_MAX).unwrap_or_default();
    form.0.finish()?;
    let trader = models::pause(&desk, TraderId(*path), reason.trim(), &ctx.actor.name()).await.map_err(model_error)?;
    let text = format!("{} is paused. Its positions stay, and their stops stay watched.", trader.name);
    Ok(flash::redirect(&ctx, &back(&request, trader.id), Tone::Plain, &text))
}

/// `POST /models/{id}/resume`
///
/// # Errors
/// 404.
pub async fn resume(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let trader = models::resume(&desk, TraderId(*path), &ctx.actor.name()).await.map_err(model_error)?;
    let text = format!("{} runs again.", trader.name);
    Ok(flash::redirect(&ctx, &back(&request, trader.id), Tone::Good, &text))
}

/// `POST /models/{id}/reset-high-water-mark`
///
/// # Errors
/// 404, 409, or when the database fails.
pub async fn reset_high_water_mark(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let url = format!("/models/{}/settings", trader.id);
    let (tone, text) = match models::reset_high_water_mark(&desk, trader.id, &ctx.actor.name()).await {
        Ok(mark) => (Tone::Good, format!("The high-water mark of {} is {} now.", trader.name, amount(mark))),
        Err(ModelError::Invalid(_)) => {
            (Tone::Bad, "Not reset: a held coin has no current price, so the equity is unknown.".to_owned())
        }
        // A live model that never ran has no book yet, and so no mark.
        Err(ModelError::NotFound(_)) => (Tone::Wait, "There is no mark yet: this account was never opened.".to_owned()),
        Err(error) => return Err(model_error(error)),
    };
    Ok(flash::redirect(&ctx, &url, tone, &text))
}

/// `GET /models/{id}/delete`: asks for the name.
///
/// # Errors
/// 404, or when the database fails.
pub async fn delete_form(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let form = ConfirmForm::delete_model(&ctx.csrf, trader.id.0, &trader.name, "");
    confirmation(&desk, &ctx, StatusCode::OK, &trader.name, form).await
}

/// `POST /models/{id}/delete`
///
/// # Errors
/// 404, or when the database fails.
pub async fn delete(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let typed = form.text("name", NAME_MAX).unwrap_or_default();
    let refused = |field: &str| ConfirmForm::delete_model(&ctx.csrf, trader.id.0, &trader.name, field);
    match models::delete(&desk, trader.id, &typed, &ctx.actor.name()).await {
        Ok(_) => {
            let text = format!("{} is deleted. Its history stays readable.", trader.name);
            Ok(flash::redirect(&ctx, "/models", Tone::Plain, &text))
        }
        Err(ModelError::NameMismatch) => {
            let form = refused("That is not its name. Nothing was deleted.");
            confirmation(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, &trader.name, form).await
        }
        Err(ModelError::OrdersUnderWay(count)) => {
            let mut form = refused("");
            form.error = format!("Not deleted: {count} of its orders are under way. Cancel them or wait for them.");
            confirmation(&desk, &ctx, StatusCode::CONFLICT, &trader.name, form).await
        }
        Err(error) => Err(model_error(error)),
    }
}

async fn confirmation(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    name: &str,
    form: ConfirmForm,
) -> Result<HttpResponse, AppError> {
    if ctx.is_htmx {
        return html(status, &form);
    }
    let shell = shell(desk, ctx, Nav::Models, format!("Delete {name}")).await?;
    html(status, &FormPage { shell, back_url: form.cancel_url.clone(), back: format!("Settings of {name}"), form })
}

/// Where the button was pressed, if that is a page that shows the model; its own page otherwise.
fn back(request: &HttpRequest, id: TraderId) -> String {
    let own = format!("/models/{id}");
    let known = ["/".to_owned(), "/models".to_owned(), format!("{own}/settings")];
    current_path(request).filter(|path| known.contains(path)).unwrap_or(own)
}
