//! The vault put together: where its key may be, and what the store knows of it.

use super::House;
use crate::adapters::store::SqlStore;
use crate::adapters::vault::{FileKeyRotation, FileVault, VaultSource, VaultUse};
use crate::ports::store::{ProviderReads, Reads, Store, StoreError};
use crate::ports::vault::{AtStep, VAULT_KEY_IN_USE};
use crate::services::rotate_keys::{RotateError, Rotated, rotate};
use crate::settings::StoreSettings;
use std::path::Path;

fn source(settings: &StoreSettings) -> VaultSource {
    VaultSource { given: settings.vault_key.clone(), data_dir: settings.data_dir.clone() }
}

async fn known(store: &dyn Store) -> Result<VaultUse, StoreError> {
    let key_id = store.meta(VAULT_KEY_IN_USE).await?;
    let has_secrets = !store.credentials(None).await?.is_empty()
        || store.providers().await?.iter().any(|provider| provider.api_key.is_some());
    Ok(VaultUse { key_id, has_secrets })
}

/// Opens the vault of a data directory; a locked one is opened too, and says why it is locked.
pub(super) async fn open(settings: &StoreSettings, store: &dyn Store) -> Result<FileVault, StoreError> {
    Ok(FileVault::open(&source(settings), &known(store).await?))
}

impl House {
    /// Replaces the vault key by the one in a file. `step` is called at each step.
    ///
    /// # Errors
    /// [`RotateError`]; nothing that was saved is lost, whatever goes wrong.
    pub async fn rotate_vault_key(
        &self,
        settings: &StoreSettings,
        new_key_file: &Path,
        step: AtStep<'_>,
    ) -> Result<Rotated, RotateError> {
        let store = SqlStore::new(self.db.clone());
        let rotation = FileKeyRotation::prepare(&source(settings), &known(&store).await?, new_key_file)?;
        rotate(&store, self.clock.as_ref(), &rotation, "command line", step).await
    }

    /// How many saved keys the vault opens now, and how many it does not.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_openable_keys(&self, settings: &StoreSettings) -> Result<(usize, usize), StoreError> {
        use crate::domain::credential::KeyField;
        use crate::ports::vault::{SealContext, Vault};
        let store = SqlStore::new(self.db.clone());
        let vault = open(settings, &store).await?;
        let credentials = store.credentials(None).await?;
        let opens = credentials.iter().filter(|held| {
            let place = |field| SealContext::of(held.trader_id, held.environment, field);
            vault.open(place(KeyField::ApiKey), &held.api_key).is_ok()
                && vault.open(place(KeyField::ApiSecret), &held.api_secret).is_ok()
        });
        let opened = opens.count();
        let providers = store.providers().await?;
        let sealed = providers.iter().filter_map(|held| Some((SealContext::provider(held.id), held.api_key.as_ref()?)));
        let sealed: Vec<bool> = sealed.map(|(place, key)| vault.open(place, key).is_ok()).collect();
        let all = credentials.len() + sealed.len();
        let opened = opened + sealed.iter().filter(|opens| **opens).count();
        Ok((opened, all - opened))
    }
}
