//! Page structs: display-ready values and the templates they render.
//!
//! A *page* carries a [`Shell`] and extends `layout/base.html`. A *component* is a struct with a template of its own that
//! can be put into any page with `{{ name }}` or answered alone to htmx, so that a page and its fragment can never differ.
//!
//! What handlers and the page agree on:
//!
//! - `GET` always may answer the full page: htmx takes its part out of it (`hx-select`). Answering only the component when
//!   `HX-Request` is set is an optimisation.
//! - `POST` on a decision with `HX-Request` answers [`DecisionUpdate`] (200, 409, 410, 422 and 428 are swapped alike); without it,
//!   303 to the decision, or the inbox page with the notice set. A refused form answers 422 with its [`FormPage`] or its
//!   [`ConfirmForm`]: where a dialog is open, the script puts it back there.
//! - Changing an axis answers [`AxisPanel`] with `HX-Request`, otherwise 303 to the settings.
//! - Fragments of their own: `/fragments/topbar` ([`Topbar`] with `oob`), `/fragments/inbox-news` ([`InboxNews`]),
//!   `/fragments/decisions/{id}/row` ([`DecisionRow`]). Live refreshes come from `/events`, one stream a page.
//!
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
mod conversations;
mod costs;
mod credentials;
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
mod prompt;
mod providers;
mod reask;
mod reconciliation;
mod settings;
mod shadow;
mod shell;
mod unknown;

pub use account::*;
pub use api_docs::*;
pub use atoms::*;
pub use auth::*;
pub use chart::*;
pub use conversations::*;
pub use costs::*;
pub use credentials::*;
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
pub use prompt::*;
pub use providers::*;
pub use reask::*;
pub use reconciliation::*;
pub use settings::*;
pub use shadow::*;
pub use shell::*;
pub use unknown::*;
