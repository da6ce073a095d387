//! The red button: asks once, then stops everything; and the page while the stop is in force.

use super::html;
use super::shell::shell;
use crate::domain::access::Permission;
use crate::domain::decision::REASON_MAX;
use crate::services::desk::Desk;
use crate::services::emergency_stop::{self, StopReport};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::FormInput;
use crate::web::view::{ConfirmForm, FormPage, KeyValue, Nav, StoppedPage, Tone};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// `GET /stop`: what the stop would hit; while it is in force, who pulled it.
///
/// # Errors
/// When the database fails.
pub async fn form(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    if desk.stop.in_force().await.is_some() {
        let facts = vec![
            "Every model is paused and full automation is lowered to asking.".to_owned(),
            "Waiting decisions and orders that were not sent are cancelled; open orders are being cancelled."
                .to_owned(),
            "Positions stay as they are, and their stops stay watched.".to_owned(),
            "The stop is still being recorded in the database. Until that is complete nothing is sent.".to_owned(),
        ];
        let shell = shell(&desk, &ctx, Nav::Other, "Stopped").await?;
        return html(StatusCode::OK, &StoppedPage { shell, facts });
    }
    confirmation(&desk, &ctx, StatusCode::OK, "", "").await
}

/// `POST /stop`
///
/// # Errors
/// When the database fails.
pub async fn stop(desk: web::Data<Desk>, ctx: Ctx, form: FormInput) -> Result<HttpResponse, AppError> {
    ctx.require(Permission::Operate)?;
    let mut form = form.0;
    let reason = form.text("reason", REASON_MAX).unwrap_or_default();
    // A reason that is too long must not keep anything running: it is shortened, never refused.
    let typed = form.typed("reason");
    let reason: String = if reason.is_empty() { typed.chars().take(REASON_MAX).collect() } else { reason };
    match emergency_stop::stop_all(&desk, &ctx.actor.name(), reason.trim()).await {
        Ok(report) if report.recorded => Ok(flash::redirect(&ctx, "/models", Tone::Wait, &words(&report))),
        Ok(_) => Ok(flash::redirect(&ctx, "/stop", Tone::Wait, "Stopped. Recording it goes on.")),
        Err(error) => {
            let why = format!("Stopped in this process, but a restart would forget it: {error}. Try again.");
            confirmation(&desk, &ctx, StatusCode::SERVICE_UNAVAILABLE, &reason, &why).await
        }
    }
}

/// `POST /stop/lift`: completes the recording of the stop, which then ends. Every model stays paused.
///
/// # Errors
/// When the database fails.
pub async fn lift(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    match emergency_stop::finish(&desk).await? {
        None => Ok(flash::redirect(&ctx, "/models", Tone::Plain, "The stop is lifted. Models stay paused.")),
        Some(report) if report.recorded => {
            Ok(flash::redirect(&ctx, "/models", Tone::Plain, "The stop is lifted. Models stay paused."))
        }
        Some(_) => Ok(flash::redirect(&ctx, "/stop", Tone::Bad, "The stop could not be lifted: its file stays.")),
    }
}

fn words(report: &StopReport) -> String {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    format!(
        "Stopped: {} paused, {} and {} cancelled.",
        show::plural(count(report.stopped.len()), "model", "models"),
        show::plural(count(report.cancelled_orders), "order", "orders"),
        show::plural(count(report.cancelled_decisions), "decision", "decisions"),
    )
}

async fn confirmation(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    reason: &str,
    error: &str,
) -> Result<HttpResponse, AppError> {
    let traders = desk.store.traders(false).await?;
    let running = traders.iter().filter(|trader| trader.is_active()).count();
    let open = desk.store.open_orders(None).await?.len();
    let counts = desk.store.tab_counts(None).await?;
    let terms = vec![
        KeyValue::new("Models", format!("{running} running of {}", traders.len())),
        KeyValue::new("Open orders", open.to_string()),
        KeyValue::new("Waiting decisions", (counts.pending + counts.displayed).to_string()),
    ];
    let mut form = ConfirmForm::stop(&ctx.csrf, terms, error);
    if let Some(field) = form.fields.first_mut() {
        reason.clone_into(&mut field.value);
    }
    if ctx.is_htmx {
        return html(status, &form);
    }
    let shell = shell(desk, ctx, Nav::Other, "Stop all").await?;
    html(status, &FormPage { shell, back_url: "/".to_owned(), back: "Back to the desk".to_owned(), form })
}
