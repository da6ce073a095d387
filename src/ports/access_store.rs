//! Where users, sessions and tokens are kept.

use crate::domain::access::{Role, Token, TokenScope, User, Username};
use crate::domain::ids::{TokenId, UserId};
use crate::domain::time::Timestamp;
use async_trait::async_trait;

/// The most sessions that one person may have; the longest unused one makes room for a new one.
pub const SESSIONS_PER_USER_MAX: usize = 50;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum AccessStoreError {
    /// Another person has this name.
    #[error("this user name is taken")]
    NameTaken,
    /// The database failed.
    #[error("{attempt} failed")]
    Database {
        /// What was attempted.
        attempt: &'static str,
        /// The database's reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A person together with the hash of the password.
#[derive(Clone, Debug)]
pub struct UserRecord {
    /// The person.
    pub user: User,
    /// A PHC string.
    pub password_hash: String,
}

/// A person to be created.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The name.
    pub username: Username,
    /// What the person may do.
    pub role: Role,
    /// A PHC string.
    pub password_hash: String,
    /// Wall-clock time.
    pub at: Timestamp,
}

/// A session that lives on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// SHA-256 of the session's key, in hex.
    pub key_hash: String,
    /// Whose it is.
    pub user_id: UserId,
    /// What the session remembers, as JSON.
    pub state: String,
    /// The browser, as it names itself.
    pub agent: String,
    /// The address that logged in.
    pub address: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used, to five minutes.
    pub seen_at: Timestamp,
    /// When it ends for want of use.
    pub idle_expires_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

/// A token to be created.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose it is.
    pub user_id: UserId,
    /// What it is for.
    pub label: String,
    /// What it may do.
    pub scope: TokenScope,
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    /// Wall-clock time.
    pub at: Timestamp,
}

/// The state of the first-start page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetupState {
    /// SHA-256 of the setup token in force, in hex.
    pub token_hash: Option<String>,
    /// Set once the first administrator exists; then the page is closed for ever.
    pub closed_at: Option<Timestamp>,
}

/// Keeps users, sessions, tokens and the state of the first-start page.
///
/// # Errors
/// Every method fails with [`AccessStoreError::Database`] when the database does.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// Whether the database answers and has every migration.
    async fn is_ready(&self) -> Result<(), AccessStoreError>;

    /// The person of this name, in lower case.
    async fn user_by_key(&self, username_key: &str) -> Result<Option<UserRecord>, AccessStoreError>;
    /// The person of this identity.
    async fn user(&self, id: UserId) -> Result<Option<UserRecord>, AccessStoreError>;
    /// Creates a person; an administrator closes the first-start page in the same transaction.
    async fn create_user(&self, new: NewUser) -> Result<User, AccessStoreError>;
    /// Creates the first administrator and closes the first-start page, or does nothing when it is closed already.
    async fn create_first_admin(&self, new: NewUser) -> Result<Option<User>, AccessStoreError>;
    /// Sets a password and ends every session of the person but `keep`; answers how many ended.
    async fn set_password(
        &self,
        id: UserId,
        password_hash: &str,
        at: Timestamp,
        keep: Option<&str>,
    ) -> Result<u64, AccessStoreError>;

    /// The state of the first-start page.
    async fn setup_state(&self) -> Result<SetupState, AccessStoreError>;
    /// Replaces the setup token.
    async fn set_setup_token(&self, token_hash: &str) -> Result<(), AccessStoreError>;

    /// The session with this key and its owner; expired ones are not found.
    async fn session(&self, key_hash: &str, now: Timestamp) -> Result<Option<(SessionRecord, User)>, AccessStoreError>;
    /// Keeps a new session; beyond [`SESSIONS_PER_USER_MAX`] the longest unused one goes.
    async fn insert_session(&self, session: SessionRecord) -> Result<(), AccessStoreError>;
    /// Replaces what a session remembers; `false` when the session has ended meanwhile.
    async fn update_session(&self, key_hash: &str, state: &str) -> Result<bool, AccessStoreError>;
    /// Notes that a session is in use.
    async fn touch_session(
        &self,
        key_hash: &str,
        seen_at: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<(), AccessStoreError>;
    /// Ends one session.
    async fn delete_session(&self, key_hash: &str) -> Result<(), AccessStoreError>;
    /// Ends every session of a person but `keep`; answers how many ended.
    async fn delete_sessions_of(&self, user: UserId, keep: Option<&str>) -> Result<u64, AccessStoreError>;
    /// The living sessions of a person, last used first.
    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<SessionRecord>, AccessStoreError>;
    /// Deletes expired sessions; answers how many.
    async fn purge_sessions(&self, now: Timestamp) -> Result<u64, AccessStoreError>;

    /// Keeps a new token.
    async fn create_token(&self, new: NewToken) -> Result<Token, AccessStoreError>;
    /// The token with this hash and its owner, unless revoked.
    async fn token_by_hash(&self, token_hash: &str) -> Result<Option<(Token, User)>, AccessStoreError>;
    /// Every token with its owner, newest first; of one person when given.
    async fn tokens(&self, user: Option<UserId>) -> Result<Vec<(Token, User)>, AccessStoreError>;
    /// Notes that a token is in use.
    async fn touch_token(&self, id: TokenId, at: Timestamp) -> Result<(), AccessStoreError>;
    /// Refuses a token from now on; `false` when there is none or it was revoked before.
    async fn revoke_token(&self, id: TokenId, at: Timestamp) -> Result<bool, AccessStoreError>;
}
