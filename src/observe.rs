//! One function per meaningful event: it logs and counts. Business code holds no log format strings.
//!
//! Passwords, tokens, cookies and bodies never come here.

mod keys;
mod paper;
mod trading;

pub use keys::*;
pub use paper::*;
pub use trading::*;

use crate::domain::access::{Token, User};
use crate::domain::ids::TokenId;
use std::error::Error;
use tracing::{error, info, warn};

/// The texts of an error and of everything that caused it, on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// The server listens.
pub fn server_started(address: &std::net::SocketAddr) {
    info!(%address, "server started");
}

/// The process was asked to end and drains.
pub fn stopping() {
    info!("stopping: no new work is taken, work in flight finishes");
}

/// The process has drained.
pub fn stopped() {
    info!("stopped");
}

/// The database does not answer or lacks migrations.
pub fn database_not_ready(cause: &dyn Error) {
    error!(cause = chain(cause), "database is not ready");
}

/// A request failed for a reason of our own; the id is shown to the person.
pub fn request_failed(request_id: &str, cause: &str) {
    metrics::counter!("countersign_request_failures_total").increment(1);
    error!(request_id, cause, "request failed");
}

/// A person came to be.
pub fn user_created(user: &User, by: &str) {
    info!(user_id = user.id.0, username = user.username.as_str(), role = user.role.as_str(), by, "user created");
}

/// A person's password changed.
pub fn password_changed(user: &User, by: &str) {
    info!(user_id = user.id.0, username = user.username.as_str(), by, "password changed");
}

/// Somebody logged in.
pub fn logged_in(user: &User, address: &str) {
    metrics::counter!("countersign_logins_total", "outcome" => "ok").increment(1);
    info!(user_id = user.id.0, username = user.username.as_str(), address, "logged in");
}

/// A login failed. The name is not logged: people type passwords into the wrong field.
pub fn login_refused(address: &str) {
    metrics::counter!("countersign_logins_total", "outcome" => "refused").increment(1);
    warn!(address, "login refused");
}

/// A login came too early after failures.
pub fn login_throttled(address: &str) {
    metrics::counter!("countersign_logins_total", "outcome" => "throttled").increment(1);
    warn!(address, "login throttled");
}

/// Somebody tried the first-start page with a wrong token.
pub fn setup_refused(address: &str) {
    warn!(address, "setup refused: wrong setup token");
}

/// A token came to be.
pub fn token_created(token: &Token, user: &User) {
    info!(token_id = token.id.0, scope = token.scope.as_str(), username = user.username.as_str(), "token created");
}

/// A token is refused from now on.
pub fn token_revoked(id: TokenId) {
    info!(token_id = id.0, "token revoked");
}
