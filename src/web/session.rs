//! The session: a signed cookie with a random key, everything else on the server, where it can be revoked.
//!
//! Only people who logged in have a session; an anonymous visitor never makes the server store anything.

use super::csrf;
use super::ctx::{Visitor, WebState};
use super::error::AppError;
use crate::domain::access::{Actor, Role, User};
use crate::domain::ids::UserId;
use crate::services::access::{AccessService, NewSession, random_hex, sha256_hex};
use actix_session::config::{CookieContentSecurity, PersistentSession};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Key, SameSite};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// What the session remembers: the CSRF token.
const CSRF: &str = "csrf";
/// Whose it is, only while it is being opened.
const USER_ID: &str = "uid";
/// Browser and address, only while it is being opened.
const AGENT: &str = "agent";
/// See [`AGENT`].
const ADDRESS: &str = "address";
/// Filled in from the database at each request, never stored: who it is.
const WHO: &str = "who";
/// Filled in at each request, never stored: the hash of the session's key.
const HASH: &str = "hash";
/// Entries that the store keeps in columns of their own or fills in.
const NOT_STORED: [&str; 5] = [USER_ID, AGENT, ADDRESS, WHO, HASH];

/// Keeps sessions in the database.
#[derive(Clone)]
pub struct DbSessionStore {
    access: Arc<AccessService>,
}

/// The middleware that loads and keeps sessions.
pub fn middleware(state: &WebState) -> SessionMiddleware<DbSessionStore> {
    let secure = state.door.behind_tls_proxy;
    let seconds = state.access.session_limits().absolute_ms / 1_000;
    let lifecycle = PersistentSession::default().session_ttl(Duration::seconds(seconds));
    SessionMiddleware::builder(DbSessionStore { access: Arc::clone(&state.access) }, Key::from(state.secret.bytes()))
        .cookie_name(cookie_name(secure).to_owned())
        .cookie_secure(secure)
        .cookie_http_only(true)
        // Lax, not Strict: a link in a mail or a chat should find the person logged in.
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(lifecycle)
        .build()
}

/// The `__Host-` prefix keeps other hosts of the same domain from planting one; it needs TLS.
pub const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-sid" } else { "sid" }
}

/// Who a session belongs to, as found in the database at this request.
#[derive(Clone, Debug)]
pub struct SessionOwner {
    /// The person.
    pub actor: Actor,
    /// The session's CSRF token.
    pub csrf: String,
    /// SHA-256 of the session's key.
    pub hash: String,
}

#[derive(Serialize, Deserialize)]
struct Who {
    id: i64,
    name: String,
    role: String,
}

/// Whose session it is; nobody's before the login.
pub fn owner(session: &Session) -> Option<SessionOwner> {
    let who: Who = session.get(WHO).ok()??;
    let csrf: String = session.get(CSRF).ok()??;
    let hash: String = session.get(HASH).ok()??;
    let role = Role::parse(&who.role)?;
    Some(SessionOwner { actor: Actor::User { id: UserId(who.id), name: who.name, role }, csrf, hash })
}

/// Makes this the session of a person who just logged in. Its key is new, so that a key planted before is worth
/// nothing, and so is its CSRF token.
///
/// # Errors
/// When the values cannot be written, which is our own fault.
pub fn log_in(session: &Session, user: &User, visitor: &Visitor) -> Result<(), AppError> {
    session.clear();
    let failed = |error: actix_session::SessionInsertError| {
        AppError::internal(&std::io::Error::other(format!("opening a session failed: {error}")))
    };
    session.insert(USER_ID, user.id.0).map_err(failed)?;
    session.insert(CSRF, random_hex()).map_err(failed)?;
    session.insert(AGENT, &visitor.agent).map_err(failed)?;
    session.insert(ADDRESS, &visitor.address).map_err(failed)?;
    session.renew();
    Ok(())
}

/// Ends this session.
pub fn log_out(session: &Session) {
    session.purge();
}

/// Whether `given` is this session's CSRF token.
pub fn csrf_matches(owner: &SessionOwner, given: &str) -> bool {
    csrf::matches(&owner.csrf, given)
}

type State = HashMap<String, String>;

impl SessionStore for DbSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let found = self.access.session(key.as_ref()).await.map_err(|error| LoadError::Other(error.into()))?;
        let Some(live) = found else { return Ok(None) };
        let bad = |error: serde_json::Error| LoadError::Deserialization(error.into());
        let mut state: State = serde_json::from_str(&live.state).map_err(bad)?;
        let who =
            Who { id: live.user.id.0, name: live.user.username.to_string(), role: live.user.role.as_str().to_owned() };
        state.insert(WHO.to_owned(), serde_json::to_string(&who).map_err(bad)?);
        state.insert(HASH.to_owned(), serde_json::to_string(&sha256_hex(key.as_ref())).map_err(bad)?);
        Ok(Some(state))
    }

    async fn save(&self, state: State, _: &Duration) -> Result<SessionKey, SaveError> {
        let text = |name: &str| -> Option<String> { serde_json::from_str(state.get(name)?).ok() };
        let user_id = state.get(USER_ID).and_then(|id| id.parse().ok());
        let user_id = user_id.ok_or_else(|| SaveError::Other(anyhow::anyhow!("a session without a person")))?;
        let new = NewSession {
            user_id: UserId(user_id),
            agent: text(AGENT).unwrap_or_default(),
            address: text(ADDRESS).unwrap_or_default(),
            state: stored(state).map_err(|error| SaveError::Serialization(error.into()))?,
        };
        let key = self.access.open_session(new).await.map_err(|error| SaveError::Other(error.into()))?;
        key.try_into().map_err(|_| SaveError::Other(anyhow::anyhow!("a session key that is too long")))
    }

    async fn update(&self, key: SessionKey, state: State, _: &Duration) -> Result<SessionKey, UpdateError> {
        let state = stored(state).map_err(|error| UpdateError::Serialization(error.into()))?;
        // A session that was revoked meanwhile stays revoked: the update then finds no row.
        self.access.update_session(key.as_ref(), &state).await.map_err(|error| UpdateError::Other(error.into()))?;
        Ok(key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> Result<(), anyhow::Error> {
        // Loading a session pushes its idle end back already, at most every five minutes.
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        Ok(self.access.end_session(key.as_ref()).await?)
    }
}

fn stored(mut state: State) -> Result<String, serde_json::Error> {
    state.retain(|name, _| !NOT_STORED.contains(&name.as_str()));
    serde_json::to_string(&state)
}
