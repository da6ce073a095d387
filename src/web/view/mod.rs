//! Page structs: display-ready values and the templates they render.
//!
//! A *page* carries a [`Shell`] and extends `layout/base.html`. A *component* is a struct with a template of its own that
//! can be put into any page with `{{ name }}` or answered alone to htmx, so that a page and its fragment can never differ.
//! Templates hold no arithmetic: whatever needs computing arrives as a finished string from [`crate::web::show`].

/// Declares component structs: their rendered template may stand inside another one without being escaped twice.
macro_rules! components {
    ($($name:ty),+ $(,)?) => { $(impl askama::filters::HtmlSafe for $name {})+ };
}

mod account;
mod api_docs;
mod atoms;
mod auth;
mod chart;
mod cycle;
mod decision;
mod desk;
mod error;
mod form;
mod inbox;
mod incidents;
mod model;
mod models;
mod notifications;
mod orders;
mod settings;
mod shell;

pub use account::*;
pub use api_docs::*;
pub use atoms::*;
pub use auth::*;
pub use chart::*;
pub use cycle::*;
pub use decision::*;
pub use desk::*;
pub use error::*;
pub use form::*;
pub use inbox::*;
pub use incidents::*;
pub use model::*;
pub use models::*;
pub use notifications::*;
pub use orders::*;
pub use settings::*;
pub use shell::*;
