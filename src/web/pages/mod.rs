//! Pages for people: each handler gathers display-ready values and renders a page of [`super::view`].

pub mod auth;
pub mod error;
pub(crate) mod plain;
