//! For whoever keeps the process running: is it alive, can it work.

use super::ctx::WebState;
use actix_web::{HttpResponse, web};
use serde_json::json;

/// `GET /health/live`: the process answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// `GET /health/ready`: the database answers with every migration, and every worker beats.
pub async fn ready(state: web::Data<WebState>) -> HttpResponse {
    let report = state.health.report().await;
    let word = |ok: bool| if ok { "ok" } else { "failing" };
    let workers: serde_json::Map<_, _> =
        report.workers.iter().map(|(name, ok)| (name.clone(), word(*ok).into())).collect();
    let stopping = state.shutdown.has_begun();
    let is_ready = report.is_ready() && !stopping;
    let status = if stopping {
        "stopping"
    } else if is_ready {
        "ready"
    } else {
        "not_ready"
    };
    let body = json!({ "status": status, "checks": { "database": word(report.database_ok), "workers": workers } });
    if is_ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}
