//! Letting people and programs in: first start, login, sessions, tokens, passwords.
//!
//! Secrets (session keys, tokens, the setup token) are 256 random bits, so their plain SHA-256 is kept and a stolen
//! database opens nothing. Passwords are not random, so they go through Argon2id. Guessing is throttled by account and
//! by address, before anything is looked up: the answer for an unknown name and for a wrong password is the same.

use crate::domain::access::{
    AccessInputError, Actor, Role, Token, TokenScope, User, Username, check_new_password, check_token_label,
};
use crate::domain::ids::{TokenId, UserId};
use crate::domain::time::{HOUR_MS, MINUTE_MS, Timestamp};
use crate::observe;
use crate::ports::access_store::{AccessStore, AccessStoreError, NewToken, NewUser, SessionRecord};
use crate::ports::clock::Clock;
use crate::services::passwords::{PasswordError, Passwords};
use crate::services::throttle::{Rate, Throttle, TooMany};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Failures of one account before it has to wait.
const ACCOUNT_RATE: Rate = Rate { burst: 5, refill_ms: 30 * 1_000 };
/// Failures from one address before it has to wait: an office shares one.
const ADDRESS_RATE: Rate = Rate { burst: 20, refill_ms: 6 * 1_000 };
/// Uses of a session or token closer together than this are not written down.
const TOUCH_EVERY_MS: i64 = 5 * MINUTE_MS;
/// What a token starts with, so that a leaked one is recognised for what it is.
const TOKEN_PREFIX: &str = "cs_";
/// The longest text that is looked at as a token.
const TOKEN_TEXT_MAX: usize = 200;
/// The longest name of a browser that is kept, in characters.
const AGENT_MAX: usize = 200;

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without use, in milliseconds.
    pub idle_ms: i64,
    /// In any case, in milliseconds.
    pub absolute_ms: i64,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { idle_ms: 12 * HOUR_MS, absolute_ms: 7 * 24 * HOUR_MS }
    }
}

/// Why somebody was not let in, or a change not made.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Wrong name or wrong password; which of the two is not said.
    #[error("user name or password is wrong")]
    WrongCredentials,
    /// Too many failures.
    #[error("too many attempts; try again in {} s", .0.retry_after_s)]
    Throttled(TooMany),
    /// The setup token is wrong.
    #[error("the setup token is wrong")]
    WrongSetupToken,
    /// An administrator exists: the first-start page is closed for ever.
    #[error("setup is closed")]
    SetupClosed,
    /// Nobody has this name.
    #[error("there is no user of this name")]
    UnknownUser,
    /// Another person has this name.
    #[error("this user name is taken")]
    NameTaken,
    /// The user name is refused.
    #[error("user name {0}")]
    BadUsername(AccessInputError),
    /// The new password is refused.
    #[error("password {0}")]
    BadPassword(AccessInputError),
    /// The label is refused.
    #[error("token name {0}")]
    BadLabel(AccessInputError),
    /// The store failed.
    #[error(transparent)]
    Store(AccessStoreError),
    /// Hashing failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl From<AccessStoreError> for AccessError {
    fn from(error: AccessStoreError) -> Self {
        match error {
            AccessStoreError::NameTaken => Self::NameTaken,
            other => Self::Store(other),
        }
    }
}

/// A living session and who it belongs to.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// The person.
    pub user: User,
    /// What the session remembers, as JSON.
    pub state: String,
}

/// A session about to be opened.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Whose it is.
    pub user_id: UserId,
    /// What it remembers, as JSON.
    pub state: String,
    /// The browser, as it names itself.
    pub agent: String,
    /// The address that logged in.
    pub address: String,
}

/// Lets people and programs in.
pub struct AccessService {
    store: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    limits: SessionLimits,
    accounts: Throttle,
    addresses: Throttle,
}

impl AccessService {
    /// A service over a store.
    pub fn new(store: Arc<dyn AccessStore>, clock: Arc<dyn Clock>, limits: SessionLimits) -> Self {
        Self {
            store,
            clock,
            passwords: Passwords::default(),
            limits,
            accounts: Throttle::new(ACCOUNT_RATE),
            addresses: Throttle::new(ADDRESS_RATE),
        }
    }

    /// The longest that a session lives, in milliseconds: how long the browser should keep its cookie.
    pub const fn session_limits(&self) -> SessionLimits {
        self.limits
    }

    // First start

    /// Makes a fresh setup token when no administrator exists yet; earlier ones are void.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prepare_setup(&self) -> Result<Option<SecretString>, AccessError> {
        if self.store.setup_state().await?.closed_at.is_some() {
            return Ok(None);
        }
        let token = random_hex();
        self.store.set_setup_token(&sha256_hex(&token)).await?;
        Ok(Some(token.into()))
    }

    /// Whether the first-start page is still open.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn setup_is_open(&self) -> Result<bool, AccessError> {
        Ok(self.store.setup_state().await?.closed_at.is_none())
    }

    /// Creates the first administrator and closes the page for ever.
    ///
    /// # Errors
    /// When the page is closed, the token is wrong, the address guesses too often, or name or password are refused.
    pub async fn complete_setup(
        &self,
        setup_token: &str,
        username: &str,
        password: SecretString,
        address: &str,
    ) -> Result<User, AccessError> {
        let state = self.store.setup_state().await?;
        if state.closed_at.is_some() {
            return Err(AccessError::SetupClosed);
        }
        self.addresses.take(address, self.clock.now()).map_err(AccessError::Throttled)?;
        let expected = state.token_hash.unwrap_or_default();
        let given = sha256_hex(setup_token.trim());
        if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
            observe::setup_refused(address);
            return Err(AccessError::WrongSetupToken);
        }
        self.addresses.give_back(address);
        let new = self.new_user(username, Role::Admin, password).await?;
        let user = self.store.create_first_admin(new).await?.ok_or(AccessError::SetupClosed)?;
        observe::user_created(&user, "setup page");
        Ok(user)
    }

    // People

    /// Creates a person.
    ///
    /// # Errors
    /// When name or password are refused or the name is taken.
    pub async fn create_user(
        &self,
        username: &str,
        role: Role,
        password: SecretString,
        by: &Actor,
    ) -> Result<User, AccessError> {
        let new = self.new_user(username, role, password).await?;
        let user = self.store.create_user(new).await?;
        observe::user_created(&user, &by.name());
        Ok(user)
    }

    /// Sets somebody's password and ends all of the person's sessions; answers how many ended.
    ///
    /// # Errors
    /// When nobody has this name or the password is refused.
    pub async fn reset_password(&self, username: &str, password: SecretString, by: &Actor) -> Result<u64, AccessError> {
        let user = self.user_by_name(username).await?;
        let ended = self.store_password(&user, password, None).await?;
        self.accounts.forgive(&user.username.key());
        observe::password_changed(&user, &by.name());
        Ok(ended)
    }

    /// Changes one's own password and ends all other sessions of the person; answers how many ended.
    ///
    /// # Errors
    /// When the current password is wrong, guessed too often, or the new one is refused.
    pub async fn change_password(
        &self,
        id: UserId,
        current: SecretString,
        new: SecretString,
        keep_session: Option<&str>,
    ) -> Result<u64, AccessError> {
        let record = self.store.user(id).await?.ok_or(AccessError::UnknownUser)?;
        let account = record.user.username.key();
        self.accounts.take(&account, self.clock.now()).map_err(AccessError::Throttled)?;
        if !self.passwords.verify(current, Some(record.password_hash)).await? {
            return Err(AccessError::WrongCredentials);
        }
        self.accounts.forgive(&account);
        let ended = self.store_password(&record.user, new, keep_session).await?;
        observe::password_changed(&record.user, &record.user.username.to_string());
        Ok(ended)
    }

    /// Checks a login. `address` is where it comes from.
    ///
    /// # Errors
    /// [`AccessError::WrongCredentials`] for a wrong name and a wrong password alike, and equally late.
    pub async fn login(&self, username: &str, password: SecretString, address: &str) -> Result<User, AccessError> {
        let now = self.clock.now();
        let name = Username::parse(username).ok();
        let account = name.as_ref().map_or_else(|| "(not a name)".to_owned(), Username::key);
        let throttled = |too_many| {
            observe::login_throttled(address);
            AccessError::Throttled(too_many)
        };
        // The address first: a flood from one place must not lock an account out for everyone.
        self.addresses.take(address, now).map_err(throttled)?;
        self.accounts.take(&account, now).map_err(throttled)?;
        let record = match &name {
            Some(name) => self.store.user_by_key(&name.key()).await?,
            None => None,
        };
        let stored = record.as_ref().map(|record| record.password_hash.clone());
        let right = self.passwords.verify(password, stored).await?;
        match record {
            Some(record) if right => {
                self.accounts.forgive(&account);
                self.addresses.give_back(address);
                observe::logged_in(&record.user, address);
                Ok(record.user)
            }
            _ => {
                observe::login_refused(address);
                Err(AccessError::WrongCredentials)
            }
        }
    }

    /// The person of this name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn user_by_name(&self, username: &str) -> Result<User, AccessError> {
        let name = Username::parse(username).map_err(AccessError::BadUsername)?;
        let record = self.store.user_by_key(&name.key()).await?.ok_or(AccessError::UnknownUser)?;
        Ok(record.user)
    }

    // Sessions

    /// Opens a session and answers its key, which only the browser keeps.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open_session(&self, new: NewSession) -> Result<String, AccessError> {
        let (key, now) = (random_hex(), self.clock.now());
        let session = SessionRecord {
            key_hash: sha256_hex(&key),
            user_id: new.user_id,
            state: new.state,
            agent: new.agent.chars().filter(|c| !c.is_control()).take(AGENT_MAX).collect(),
            address: new.address,
            created_at: now,
            seen_at: now,
            idle_expires_at: now.plus_ms(self.limits.idle_ms.min(self.limits.absolute_ms)),
            expires_at: now.plus_ms(self.limits.absolute_ms),
        };
        self.store.insert_session(session).await?;
        Ok(key)
    }

    /// The living session of a key; its use is written down now and then, which pushes its idle end back.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn session(&self, key: &str) -> Result<Option<LiveSession>, AccessError> {
        let now = self.clock.now();
        let key_hash = sha256_hex(key);
        let Some((session, user)) = self.store.session(&key_hash, now).await? else { return Ok(None) };
        if now.since(session.seen_at) >= TOUCH_EVERY_MS {
            let idle_expires_at = now.plus_ms(self.limits.idle_ms).min(session.expires_at);
            self.store.touch_session(&key_hash, now, idle_expires_at).await?;
        }
        Ok(Some(LiveSession { user, state: session.state }))
    }

    /// Whether the session with this key hash still lives; event streams ask now and then.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn session_is_live(&self, key_hash: &str) -> Result<bool, AccessError> {
        Ok(self.store.session(key_hash, self.clock.now()).await?.is_some())
    }

    /// Replaces what a session remembers; a session that ended meanwhile stays ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn update_session(&self, key: &str, state: &str) -> Result<bool, AccessError> {
        Ok(self.store.update_session(&sha256_hex(key), state).await?)
    }

    /// Ends one session.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_session(&self, key: &str) -> Result<(), AccessError> {
        Ok(self.store.delete_session(&sha256_hex(key)).await?)
    }

    /// Ends every session of a person; answers how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn log_out_everywhere(&self, user: UserId) -> Result<u64, AccessError> {
        Ok(self.store.delete_sessions_of(user, None).await?)
    }

    /// The living sessions of a person, last used first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<SessionRecord>, AccessError> {
        Ok(self.store.sessions_of(user, self.clock.now()).await?)
    }

    /// Deletes what has expired; a worker calls it now and then. Answers how many sessions went.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn purge_expired(&self) -> Result<u64, AccessError> {
        Ok(self.store.purge_sessions(self.clock.now()).await?)
    }

    // Tokens

    /// Makes a token for a person; the secret is answered once and never again.
    ///
    /// # Errors
    /// When nobody has this name or the label is refused.
    pub async fn create_token(
        &self,
        username: &str,
        label: &str,
        scope: TokenScope,
    ) -> Result<(Token, SecretString), AccessError> {
        check_token_label(label).map_err(AccessError::BadLabel)?;
        let user = self.user_by_name(username).await?;
        let secret = format!("{TOKEN_PREFIX}{}", random_hex());
        let token_hash = sha256_hex(&secret);
        let at = self.clock.now();
        let new = NewToken { user_id: user.id, label: label.to_owned(), scope, token_hash, at };
        let token = self.store.create_token(new).await?;
        observe::token_created(&token, &user);
        Ok((token, secret.into()))
    }

    /// Who acts with this bearer token; nobody when it is unknown or revoked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn token_actor(&self, secret: &SecretString) -> Result<Option<Actor>, AccessError> {
        let text = secret.expose_secret();
        if text.len() > TOKEN_TEXT_MAX || !text.starts_with(TOKEN_PREFIX) {
            return Ok(None);
        }
        let Some((token, user)) = self.store.token_by_hash(&sha256_hex(text)).await? else { return Ok(None) };
        let now = self.clock.now();
        if token.used_at.is_none_or(|used| now.since(used) >= TOUCH_EVERY_MS) {
            self.store.touch_token(token.id, now).await?;
        }
        Ok(Some(Actor::Token {
            id: token.id,
            label: token.label,
            user_id: user.id,
            user_name: user.username.to_string(),
            role: user.role,
            scope: token.scope,
        }))
    }

    /// Every token with its owner, newest first; of one person when given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tokens(&self, user: Option<UserId>) -> Result<Vec<(Token, User)>, AccessError> {
        Ok(self.store.tokens(user).await?)
    }

    /// Refuses a token from now on; `false` when there is none or it was revoked before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_token(&self, id: TokenId) -> Result<bool, AccessError> {
        let revoked = self.store.revoke_token(id, self.clock.now()).await?;
        if revoked {
            observe::token_revoked(id);
        }
        Ok(revoked)
    }

    async fn new_user(&self, username: &str, role: Role, password: SecretString) -> Result<NewUser, AccessError> {
        let username = Username::parse(username).map_err(AccessError::BadUsername)?;
        check_new_password(password.expose_secret(), &username).map_err(AccessError::BadPassword)?;
        let password_hash = self.passwords.hash(password).await?;
        Ok(NewUser { username, role, password_hash, at: self.clock.now() })
    }

    async fn store_password(
        &self,
        user: &User,
        password: SecretString,
        keep: Option<&str>,
    ) -> Result<u64, AccessError> {
        check_new_password(password.expose_secret(), &user.username).map_err(AccessError::BadPassword)?;
        let hash = self.passwords.hash(password).await?;
        let at: Timestamp = self.clock.now();
        Ok(self.store.set_password(user.id, &hash, at, keep).await?)
    }
}

/// 256 random bits in hex.
pub fn random_hex() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// SHA-256 of a text, in hex.
pub fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
