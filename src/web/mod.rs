//! The browser's and the API's door.
//!
//! ```text
//! request -> tracing (request id) -> harden (host check; headers and error bodies on the way out)
//!         -> compress (files by the framework, pages by ours) -> session -> the route's guard (who is it, may it, CSRF) -> handler
//! ```
//! [`routes`] is the whole URL map. A handler takes a [`ctx::Ctx`], reads input through [`form`], and fails with an
//! [`error::AppError`]; how an error looks (JSON, page, redirect to the login) is decided in one place on the way out.

pub mod api;
pub mod assets;
pub mod compress;
pub mod csrf;
pub mod ctx;
pub mod error;
pub mod flash;
pub mod form;
pub mod guard;
pub mod health;
pub mod hx;
pub mod live;
pub mod mcp;
pub mod offered;
pub mod pages;
pub mod routes;
pub mod security;
pub mod server;
pub mod session;
pub mod show;
pub mod view;
