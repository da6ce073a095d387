//! What every story needs: a server with a database of its own, a clock moved by hand, a client that acts like a browser.
//!
//! ```ignore
//! on_each_database!(an_operator_rejects);            // two tests: `::sqlite` and `::postgres`
//!
//! async fn an_operator_rejects(house: House) {       // the whole program, but nothing moves by itself
//!     let mut ada = house.admin().await;             // logged in
//!     let page = ada.get("/inbox").await;
//!     let answer = ada.post_form("/decisions/1/reject", &[("reason", "no")]).await;
//!     let answer = ada.post("/api/models", json!({ "name": "Sage" })).await;
//!     let bot = house.token(TokenScope::Propose).await; // the same with a bearer token
//! }
//! ```
//! A story that takes a [`TestApp`] instead has all workers running. The test runner plays as many stories at once as
//! there are processors; each has a copy of one migrated database.
#![allow(dead_code, unused_imports, reason = "shared by all stories; none needs everything")]

pub mod app;
pub mod client;
pub mod clock;
pub mod fake_provider;
pub mod hand_market;
pub mod house;
pub mod hurried;
pub mod postgres;
pub mod process;
pub mod sqlite;
pub mod venue;
pub mod wiretap;

pub use app::{Database, TestApp, spawn_app, spawn_app_on, spawn_app_with};
pub use client::{Answer, Client, PASSWORD};
pub use clock::ManualClock;
pub use house::{House, buy};
pub use hurried::Hurried;
pub use venue::OneVenue;

/// What a story plays on.
pub trait Stage {
    async fn on(database: Database) -> Self;
}

/// Plays a story on SQLite.
pub async fn play_on_sqlite<S: Stage>(story: impl AsyncFnOnce(S)) {
    story(S::on(Database::Sqlite).await).await;
}

/// Plays a story on PostgreSQL, where that is installed.
pub async fn play_on_postgres<S: Stage>(story: impl AsyncFnOnce(S)) {
    if let Some(database) = postgres::new_database().await {
        story(S::on(database).await).await;
    }
}

/// Runs each story on SQLite and on PostgreSQL, as two tests `story::sqlite` and `story::postgres`. Takes the names of
/// stories, or stories that play on a [`TestApp`].
macro_rules! on_each_database {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::support::play_on_sqlite(super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::support::play_on_postgres(super::$name).await;
            }
        }
    )+};
    ($(async fn $name:ident($app:ident) $body:block)+) => {
        $(async fn $name($app: $crate::support::TestApp) $body)+
        on_each_database!($($name),+);
    };
}
