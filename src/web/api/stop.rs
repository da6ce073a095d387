//! The red button.

use crate::domain::decision::REASON_MAX;
use crate::services::desk::Desk;
use crate::services::emergency_stop::stop_all;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::JsonInput;
use crate::web::show::plural;
use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

/// What the stop did.
#[derive(Serialize, ToSchema)]
pub struct StopAnswer {
    /// Always true: nothing is sent any more.
    pub success: bool,
    /// Every model.
    pub stopped: Vec<StoppedRow>,
    /// Orders cancelled or not sent.
    pub cancelled_orders: usize,
    /// Decisions cancelled.
    pub cancelled_decisions: usize,
    /// In a sentence.
    pub message: String,
}

/// A stopped model.
#[derive(Serialize, ToSchema)]
pub struct StoppedRow {
    /// Which.
    pub model_id: i64,
    /// Its name.
    pub model_name: String,
    /// Its automation level before.
    pub previous: &'static str,
}

/// `POST /api/emergency-stop-all`
///
/// # Errors
/// 422 for a bad reason; 503 when the stop holds in this process but could not be made durable.
pub async fn emergency_stop_all(desk: Data<Desk>, ctx: Ctx, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let reason = input.text("reason", REASON_MAX).unwrap_or_default();
    input.refuse_unknown();
    input.0.finish()?;
    let report = stop_all(&desk, &ctx.actor.name(), reason.trim()).await.map_err(|_| {
        let message = "Everything is stopped in this process, but the stop could not be written down: do not restart \
                       the server before the disk answers again.";
        AppError::unavailable("stop_not_durable", message)
    })?;
    let models = plural(report.stopped.len() as u64, "model", "models");
    let message = if report.recorded {
        format!("{models} paused; nothing is sent any more.")
    } else {
        format!("{models} stopped; the database is busy, and pausing and cancelling go on in the background.")
    };
    let stopped = report.stopped.into_iter().map(|model| StoppedRow {
        model_id: model.id.0,
        model_name: model.name,
        previous: model.previous.as_str(),
    });
    Ok(HttpResponse::Ok().json(StopAnswer {
        success: true,
        stopped: stopped.collect(),
        cancelled_orders: report.cancelled_orders,
        cancelled_decisions: report.cancelled_decisions,
        message,
    }))
}
