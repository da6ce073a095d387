//! What every story needs: a server with a database of its own, a clock moved by hand, a client that acts like a browser.
//!
//! ```ignore
//! let app = spawn_app().await;                       // SQLite; `spawn_app_on(Database::Postgres)` for the other
//! let mut ada = app.admin().await;                   // logged in
//! let page = ada.get("/inbox").await;
//! let answer = ada.post_form("/decisions/1/reject", &[("reason", "no")]).await;
//! let answer = ada.api("POST", "/api/models", json!({ "name": "Sage" })).await;
//! let bot = app.token(TokenScope::Propose).await;    // the same with a bearer token
//! ```
#![allow(dead_code, unused_imports, reason = "shared by all stories; none needs everything")]

pub mod app;
pub mod client;
pub mod clock;
pub mod postgres;
pub mod process;

pub use app::{Database, PASSWORD, TestApp, spawn_app, spawn_app_on, spawn_app_with};
pub use client::{Answer, Client};
pub use clock::ManualClock;

/// Runs each story on SQLite and on PostgreSQL, as two tests `story::sqlite` and `story::postgres`.
macro_rules! on_each_database {
    ($(async fn $name:ident($app:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a story may need none of its module's imports")]
            use super::*;

            async fn story($app: $crate::support::TestApp) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story($crate::support::spawn_app().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = $crate::support::postgres::new_database().await {
                    story($crate::support::spawn_app_on(database).await).await;
                }
            }
        }
    )+};
}
