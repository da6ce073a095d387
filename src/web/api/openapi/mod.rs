//! The OpenAPI document and its readable page, both from one source: the URL map says which operations there are and who
//! may call them, [`operations`] says what they mean, and the answers' types describe themselves.

mod document;
mod model_operations;
mod operation;
mod operations;
mod page;
mod provider_operations;

pub use document::build;
pub use operation::Operation;
pub use operations::operations;
pub use page::page;

use actix_web::HttpResponse;
use std::sync::LazyLock;

/// The document never changes while the program runs.
static DOCUMENT: LazyLock<serde_json::Value> = LazyLock::new(build);

/// `GET /api/openapi.json`
pub async fn document() -> HttpResponse {
    HttpResponse::Ok().json(&*DOCUMENT)
}
