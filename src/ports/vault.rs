//! Seals secrets for storage. What is sealed for one model, environment and field opens for no other.

use crate::domain::credential::Sealed;
use crate::domain::ids::TraderId;
use crate::domain::venue_kind::ExchangeEnvironment;
use secrecy::SecretString;

/// What a secret belongs to: part of the seal, so that stored rows cannot be swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealContext {
    /// Whose.
    pub trader_id: TraderId,
    /// For which environment.
    pub environment: ExchangeEnvironment,
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

    /// Opens what was sealed for exactly this context.
    ///
    /// # Errors
    /// [`VaultError`].
    fn open(&self, context: SealContext, sealed: &Sealed) -> Result<SecretString, VaultError>;
}
