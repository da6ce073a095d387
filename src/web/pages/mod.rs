//! Pages for people: each handler gathers display-ready values and renders a page of [`super::view`].

pub mod account;
pub mod advisor;
mod answers;
pub mod arming;
pub mod auth;
pub mod conversations;
pub mod costs;
pub mod credentials;
pub mod cycles;
pub mod decisions;
pub mod desk;
pub mod error;
pub mod inbox;
pub mod incidents;
mod language_model_fields;
pub mod lens;
pub mod model;
pub mod model_actions;
pub mod models;
pub mod notifications;
pub mod orders;
pub mod prompt;
pub mod providers;
pub mod reasks;
pub mod reconciliation;
pub mod settings;
pub mod shadow_steps;
pub mod shadows;
pub mod shell;
pub mod stop;
pub mod unknown_orders;

use crate::web::error::AppError;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use askama::Template;
use std::cell::RefCell;

thread_local! {
    /// Where a server thread writes its pages: a text that grows to a page's size is copied at each step.
    static ROOM: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Answers a rendered page or fragment.
///
/// # Errors
/// When the template fails, which is our own fault.
pub fn html(status: StatusCode, page: &impl Template) -> Result<HttpResponse, AppError> {
    let body = ROOM.with_borrow_mut(|room| {
        room.clear();
        page.render_into(room).map(|()| Bytes::copy_from_slice(room.as_bytes()))
    });
    let body = body.map_err(|error| AppError::internal(&error))?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(body))
}
