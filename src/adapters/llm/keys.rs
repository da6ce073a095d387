//! Keys of providers, opened from the vault for one call at a time.

use super::client::ProviderKeys;
use crate::domain::provider::Provider;
use crate::ports::language_model::ChatError;
use crate::ports::vault::{SealContext, Vault};
use secrecy::SecretString;
use std::sync::Arc;

/// The vault as the client of language models sees it.
pub struct VaultKeys {
    vault: Arc<dyn Vault>,
}

impl VaultKeys {
    /// Over the vault that sealed the keys.
    pub fn new(vault: Arc<dyn Vault>) -> Self {
        Self { vault }
    }
}

impl ProviderKeys for VaultKeys {
    fn open(&self, provider: &Provider) -> Result<Option<SecretString>, ChatError> {
        let Some(sealed) = &provider.api_key else { return Ok(None) };
        let opened = self.vault.open(SealContext::provider(provider.id), sealed);
        let locked = |why: String| ChatError::KeyLocked { provider: provider.name.clone(), why };
        opened.map(Some).map_err(|error| locked(error.to_string()))
    }
}
