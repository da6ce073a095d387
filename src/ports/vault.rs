//! Seals secrets for storage. What is sealed for one model, environment and field opens for no other.

use crate::domain::credential::{KeyField, Sealed};
use crate::domain::ids::{ProviderId, TraderId};
use crate::domain::venue_kind::ExchangeEnvironment;
use secrecy::SecretString;

/// Whose secret it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealOwner {
    /// A model's, for one of the exchange's environments.
    Exchange {
        /// Whose.
        trader_id: TraderId,
        /// For which environment.
        environment: ExchangeEnvironment,
    },
    /// A provider's of language models.
    Provider(ProviderId),
}

/// What a secret belongs to: part of the seal, so that stored rows cannot be swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealContext {
    /// Whose.
    pub owner: SealOwner,
    /// Which field: `api_key` or `api_secret`.
    pub field: &'static str,
}

/// Why the vault could not do it. The text names no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no usable key: live trading is off, everything else works.
    #[error("{0}")]
    Locked(String),
    /// Sealed with a key that this vault does not have.
    #[error("it was sealed with the vault key {0}, which is not in use")]
    OtherKey(String),
    /// Changed by other hands, or moved between rows.
    #[error("the sealed value was changed or belongs elsewhere")]
    Damaged,
}

impl SealContext {
    /// The two halves of a pair, by where they belong.
    pub const fn of(trader_id: TraderId, environment: ExchangeEnvironment, field: KeyField) -> Self {
        Self { owner: SealOwner::Exchange { trader_id, environment }, field: field.as_str() }
    }

    /// The key of a provider of language models.
    pub const fn provider(id: ProviderId) -> Self {
        Self { owner: SealOwner::Provider(id), field: KeyField::ApiKey.as_str() }
    }
}

/// The name under which the store remembers the id of the vault key in use: what is sealed under another one is not
/// committed, so that a rotation and a process that missed it cannot cross.
pub const VAULT_KEY_IN_USE: &str = "vault_key";

/// Seals and opens.
pub trait Vault: Send + Sync {
    /// The id of the key in use; why there is none otherwise.
    ///
    /// # Errors
    /// [`VaultError::Locked`] says what to do.
    fn key_id(&self) -> Result<String, VaultError>;

    /// Seals a secret under a fresh data key and nonce.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    fn seal(&self, context: SealContext, secret: &SecretString) -> Result<Sealed, VaultError>;

    /// Whether the key that sealed it is at hand; opens nothing.
    ///
    /// # Errors
    /// [`VaultError`].
    fn check(&self, sealed: &Sealed) -> Result<(), VaultError>;

    /// Opens what was sealed for exactly this context.
    ///
    /// # Errors
    /// [`VaultError`].
    fn open(&self, context: SealContext, sealed: &Sealed) -> Result<SecretString, VaultError>;
}

/// A vault that holds nothing: for a desk that only simulates.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVault;

impl NoVault {
    fn locked<T>() -> Result<T, VaultError> {
        Err(VaultError::Locked("there is no vault here".to_owned()))
    }
}

impl Vault for NoVault {
    fn key_id(&self) -> Result<String, VaultError> {
        Self::locked()
    }

    fn seal(&self, _: SealContext, _: &SecretString) -> Result<Sealed, VaultError> {
        Self::locked()
    }

    fn check(&self, _: &Sealed) -> Result<(), VaultError> {
        Self::locked()
    }

    fn open(&self, _: SealContext, _: &Sealed) -> Result<SecretString, VaultError> {
        Self::locked()
    }
}

/// A moment of a rotation at which the process may end without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationStep {
    /// Nothing was changed.
    Begun,
    /// Everything is wrapped anew, in memory only.
    Rewrapped,
    /// The next key is written under a name that nobody reads.
    NextWritten,
    /// The next key is durable and accepted beside the current one.
    Staged,
    /// The store holds what is wrapped anew, and the id of the next key.
    Committed,
    /// The next key has taken the place of the current one.
    Renamed,
}

impl RotationStep {
    /// Every step, in order.
    pub const ALL: &'static [Self] =
        &[Self::Begun, Self::Rewrapped, Self::NextWritten, Self::Staged, Self::Committed, Self::Renamed];
}

/// Called at each step of a rotation.
pub type AtStep<'a> = &'a (dyn Fn(RotationStep) + Send + Sync);

/// Replaces the vault key: the next one is staged beside the current, everything is wrapped anew, and only then does
/// it take the current one's place. At any moment whatever the store holds can be opened with what is at hand.
pub trait KeyRotation: Send + Sync {
    /// The id of the next key.
    fn next_id(&self) -> String;

    /// Makes the next key durable beside the current one.
    ///
    /// # Errors
    /// When it cannot be written.
    fn stage(&self, step: AtStep<'_>) -> Result<(), VaultError>;

    /// Wraps the data key of a sealed value anew. The secret itself stays sealed.
    ///
    /// # Errors
    /// When no key at hand has sealed it.
    fn rewrap(&self, context: SealContext, sealed: &Sealed) -> Result<Sealed, VaultError>;

    /// Lets the next key take the current one's place.
    ///
    /// # Errors
    /// When the file cannot be renamed.
    fn finish(&self) -> Result<(), VaultError>;
}
