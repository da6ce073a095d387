//! The JSON API: each handler reads an [`super::form::Input`], calls a service, answers JSON.
//!
//! [`wire`] says how values look, [`openapi`] describes every row of the URL map; a test holds the two together.

pub mod activity;
pub mod ai_costs;
pub mod axes;
pub mod books;
pub mod credentials;
pub mod cycle;
pub mod decision_row;
pub mod decisions;
pub mod execution;
pub mod given;
pub mod models;
pub mod openapi;
pub mod orders;
pub mod overview;
pub mod prompt;
pub mod providers;
pub mod reasks;
pub mod records;
pub mod settings;
pub mod shadows;
pub mod stop;
pub mod whoami;
pub mod wire;
