//! Replaces the vault key, safe at every step: whenever the process ends, what the store holds opens with a key that is
//! at hand, and doing it again completes it.

use crate::domain::credential::{Credential, KeyField};
use crate::domain::provider::Provider;
use crate::ports::clock::Clock;
use crate::ports::store::{AuditEntry, Changes, CommitError, Store, StoreError, VaultKeyStep};
use crate::ports::vault::{AtStep, KeyRotation, RotationStep, SealContext, VAULT_KEY_IN_USE, VaultError};

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The id of the key in use from now on.
    pub key_id: String,
    /// Pairs of exchange keys that were wrapped anew.
    pub credentials: usize,
    /// Keys of providers that were wrapped anew.
    pub providers: usize,
}

/// Why the key was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// A server works with the key at this moment.
    #[error(
        "a server runs on this database, or ended within the last half minute without saying so: stop it, wait for 30 s, \
         and try again"
    )]
    Served,
    /// A key file is missing or unreadable, or something was sealed with a key that is not here.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody changed credentials or providers meanwhile. Nothing was written.
    #[error("the credentials changed meanwhile; nothing was written, try again")]
    Contended,
}

/// Replaces the vault key. `step` is called at each step, for those who want to watch.
///
/// # Errors
/// [`RotateError`]; the old key stays in use.
pub async fn rotate(
    store: &dyn Store,
    clock: &dyn Clock,
    rotation: &dyn KeyRotation,
    by: &str,
    step: AtStep<'_>,
) -> Result<Rotated, RotateError> {
    refuse_while_served(store, clock).await?;
    step(RotationStep::Begun);
    let in_use = store.meta(VAULT_KEY_IN_USE).await?;
    let mut saved_credentials = Vec::new();
    for credential in store.credentials(None).await? {
        let expected = credential.version;
        saved_credentials.push((rewrap(rotation, credential)?, Some(expected)));
    }
    let mut updated_providers = Vec::new();
    for provider in store.providers().await?.into_iter().filter(|provider| provider.api_key.is_some()) {
        let expected = provider.version;
        updated_providers.push((rewrap_provider(rotation, provider)?, expected));
    }
    step(RotationStep::Rewrapped);
    rotation.stage(step)?;
    step(RotationStep::Staged);
    refuse_while_served(store, clock).await?;
    let rotated = Rotated {
        key_id: rotation.next_id(),
        credentials: saved_credentials.len(),
        providers: updated_providers.len(),
    };
    let detail = format!("{} -> {}", in_use.as_deref().unwrap_or("none"), rotated.key_id);
    let changes = Changes {
        vault_key: Some(VaultKeyStep { from: in_use, to: rotated.key_id.clone() }),
        saved_credentials,
        updated_providers,
        audit: vec![AuditEntry {
            at: clock.now(),
            actor: by.to_owned(),
            action: "vault.rotate",
            subject: "vault".to_owned(),
            detail,
        }],
        ..Changes::default()
    };
    store.commit(changes).await.map_err(|error| match error {
        CommitError::Store(error) => RotateError::Store(error),
        _ => RotateError::Contended,
    })?;
    step(RotationStep::Committed);
    rotation.finish()?;
    step(RotationStep::Renamed);
    Ok(rotated)
}

async fn refuse_while_served(store: &dyn Store, clock: &dyn Clock) -> Result<(), RotateError> {
    // No process is called like this, so all of them are others.
    if store.others_live("", clock.now()).await? { Err(RotateError::Served) } else { Ok(()) }
}

fn rewrap(rotation: &dyn KeyRotation, mut credential: Credential) -> Result<Credential, VaultError> {
    let place = |field| SealContext::of(credential.trader_id, credential.environment, field);
    let api_key = rotation.rewrap(place(KeyField::ApiKey), &credential.api_key)?;
    let api_secret = rotation.rewrap(place(KeyField::ApiSecret), &credential.api_secret)?;
    credential.api_key = api_key;
    credential.api_secret = api_secret;
    credential.version += 1;
    Ok(credential)
}

fn rewrap_provider(rotation: &dyn KeyRotation, mut provider: Provider) -> Result<Provider, VaultError> {
    if let Some(sealed) = &provider.api_key {
        provider.api_key = Some(rotation.rewrap(SealContext::provider(provider.id), sealed)?);
        provider.version += 1;
    }
    Ok(provider)
}
