//! Providers of language models: saved with a sealed key, changed, deleted, tried. Nobody reads a key back, and none is
//! ever sent to another address than the one it was typed for.

mod given;
mod probe;

pub use given::{CONCURRENCY, CONCURRENCY_DEFAULT, GivenProvider, PRICE_MAX, TIMEOUT_SECONDS, TIMEOUT_SECONDS_DEFAULT};
pub use probe::{OFFERED_MAX, TestReport, Tried, discover, discover_unsaved, test};

use crate::domain::ids::{BUILT_IN_PROVIDER, ProviderId};
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::provider::Provider;
use crate::domain::shadow::Shadow;
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::observe;
use crate::ports::language_model::ChatError;
use crate::ports::store::{AuditEntry, Changes, CommitError, IdKind, StoreError, VaultKeyStep};
use crate::ports::vault::{SealContext, VAULT_KEY_IN_USE, VaultError};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;
use given::{ReadKey, ReadProvider};
use std::collections::BTreeMap;

/// Why it was not done. No text holds anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// There is no such provider (any more).
    #[error("there is no provider {0}")]
    NotFound(ProviderId),
    /// Fields are refused, each with its rule.
    #[error("some fields are refused")]
    Invalid(BTreeMap<String, String>),
    /// Another provider has this name.
    #[error("the name is already taken by another provider")]
    DuplicateName,
    /// Models need it.
    #[error("it is used by {}; give them another provider or delete them first", .0.join(", "))]
    InUse(Vec<String>),
    /// Somebody else changed it since it was shown.
    #[error("somebody else changed the provider meanwhile; look at it again")]
    Changed,
    /// There is no usable vault key.
    #[error("the vault is locked: {0}")]
    VaultLocked(VaultError),
    /// This desk has nothing to reach providers with.
    #[error("no language models are connected to this desk")]
    NotConnected,
    /// The provider gave no usable answer.
    #[error(transparent)]
    Failed(#[from] ChatError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A provider as it is now, and what was done with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedProvider {
    /// As it is now.
    pub provider: Provider,
    /// Spaces or line breaks were removed from the key.
    pub key_cleaned: bool,
}

/// A provider that is not deleted.
///
/// # Errors
/// [`ProviderError::NotFound`], for the built-in rules too: there is nothing about them to see or change.
pub async fn living(desk: &Desk, id: ProviderId) -> Result<Provider, ProviderError> {
    let provider = desk.store.provider(id).await?.filter(|provider| provider.deleted_at.is_none());
    provider.ok_or(ProviderError::NotFound(id))
}

/// The names of living models and running shadows that use a provider.
///
/// # Errors
/// When the store fails.
pub async fn used_by(desk: &Desk, id: ProviderId) -> Result<Vec<String>, StoreError> {
    Ok(users_among(&desk.store.traders(false).await?, &desk.store.active_shadows().await?, id))
}

/// Those of some models and shadows that use a provider, by name.
pub fn users_among(traders: &[Trader], shadows: &[Shadow], id: ProviderId) -> Vec<String> {
    let traders = traders.iter().filter(|trader| trader.provider_id == id).map(|trader| trader.name.clone());
    let shadows = shadows.iter().filter(|shadow| shadow.provider_id == id);
    traders.chain(shadows.map(|shadow| format!("{} (a shadow)", shadow.name))).collect()
}

/// Saves a new provider.
///
/// # Errors
/// [`ProviderError::Invalid`] names every bad field.
pub async fn create(desk: &Desk, given: &GivenProvider, by: &str) -> Result<SavedProvider, ProviderError> {
    let read = given::read(given).map_err(ProviderError::Invalid)?;
    let at = desk.clock.now();
    let provider = Provider {
        id: ProviderId(desk.next_id(IdKind::Provider).await?),
        name: read.name.clone(),
        kind: read.kind,
        base_url: read.base_url.clone(),
        api_key: None,
        key_last4: None,
        price: read.price,
        max_concurrency: read.max_concurrency,
        timeout_seconds: read.timeout_seconds,
        created_at: at,
        deleted_at: None,
        version: 1,
    };
    debug_assert_ne!(provider.id, BUILT_IN_PROVIDER, "the counter starts behind it");
    let mut changes = Changes::default();
    let provider = with_key(desk, &mut changes, provider, &read, by, at)?;
    let detail = format!("{} ({}) at {}", provider.name, provider.kind, provider.base_url);
    changes.audit.push(line(at, by, "provider.create", &provider, detail));
    changes.new_providers.push(provider.clone());
    commit(desk, changes, &provider, "created", by).await?;
    Ok(SavedProvider { provider, key_cleaned: read.key.is_some_and(|key| key.cleaned) })
}

/// Changes a provider that still is at `version`. Another address needs the key again, or its removal: what was typed for
/// one host is never sent to another.
///
/// # Errors
/// [`ProviderError::Invalid`] names every bad field; [`ProviderError::Changed`] when somebody was first.
pub async fn update(
    desk: &Desk,
    id: ProviderId,
    version: i64,
    given: &GivenProvider,
    by: &str,
) -> Result<SavedProvider, ProviderError> {
    let before = living(desk, id).await?;
    if before.version != version {
        return Err(ProviderError::Changed);
    }
    let read = read_change(given, &before).map_err(ProviderError::Invalid)?;
    let at = desk.clock.now();
    let mut changes = Changes::default();
    let mut provider = Provider {
        name: read.name.clone(),
        kind: read.kind,
        base_url: read.base_url.clone(),
        price: read.price,
        max_concurrency: read.max_concurrency,
        timeout_seconds: read.timeout_seconds,
        ..before.clone()
    };
    if given.remove_key && provider.api_key.take().is_some() {
        provider.key_last4 = None;
        note_key(&mut changes, &provider, IncidentKind::CredentialsDeleted, "removed", by, at);
    }
    let mut provider = with_key(desk, &mut changes, provider, &read, by, at)?;
    let key_cleaned = read.key.is_some_and(|key| key.cleaned);
    if provider == before {
        return Ok(SavedProvider { provider, key_cleaned });
    }
    if provider.base_url != before.base_url || provider.kind != before.kind {
        changes.forgotten_modes.push(id);
    }
    provider.version += 1;
    changes.audit.push(line(at, by, "provider.update", &provider, difference(&before, &provider)));
    changes.updated_providers.push((provider.clone(), version));
    commit(desk, changes, &provider, "changed", by).await?;
    Ok(SavedProvider { provider, key_cleaned })
}

/// Deletes a provider that no living model uses, with its key. What it was asked stays readable.
///
/// # Errors
/// [`ProviderError::InUse`] names the models.
pub async fn delete(desk: &Desk, id: ProviderId, by: &str) -> Result<Provider, ProviderError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let mut provider = living(desk, id).await?;
        let users = used_by(desk, id).await?;
        if !users.is_empty() {
            return Err(ProviderError::InUse(users));
        }
        let (at, expected) = (desk.clock.now(), provider.version);
        let mut changes = Changes::default();
        if provider.api_key.take().is_some() {
            note_key(&mut changes, &provider, IncidentKind::CredentialsDeleted, "deleted", by, at);
        }
        provider.key_last4 = None;
        provider.deleted_at = Some(at);
        provider.version += 1;
        changes.audit.push(line(at, by, "provider.delete", &provider, provider.name.clone()));
        changes.forgotten_modes.push(id);
        changes.updated_providers.push((provider.clone(), expected));
        match commit(desk, changes, &provider, "deleted", by).await {
            Ok(()) => return Ok(provider),
            // Changed, or chosen by a model since it was looked at: look again.
            Err(ProviderError::Changed) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ProviderError::Changed)
}

/// Every rule of [`given::read`], and the one about another address.
fn read_change(given: &GivenProvider, before: &Provider) -> Result<ReadProvider, BTreeMap<String, String>> {
    let mut read = given::read(given);
    let moved = given::read_base_url(&given.base_url).is_ok_and(|base_url| base_url != before.base_url);
    let why = if moved && before.api_key.is_some() && given.api_key.is_none() && !given.remove_key {
        "is required again: the address changed, and a key is never sent to another one than it was given for"
    } else if given.remove_key && given.api_key.is_some() {
        "must be empty when the key is to be removed"
    } else {
        return read;
    };
    let mut fields = read.as_mut().err().map(std::mem::take).unwrap_or_default();
    fields.entry("api_key".to_owned()).or_insert_with(|| why.to_owned());
    Err(fields)
}

/// Seals a new key, if one was given, under the vault key that is in use at the commit.
fn with_key(
    desk: &Desk,
    changes: &mut Changes,
    mut provider: Provider,
    read: &ReadProvider,
    by: &str,
    at: Timestamp,
) -> Result<Provider, ProviderError> {
    let Some(key) = &read.key else { return Ok(provider) };
    let verb = if provider.api_key.is_some() { "replaced" } else { "saved" };
    seal(desk, &mut provider, key)?;
    let in_use = desk.vault.key_id().map_err(ProviderError::VaultLocked)?;
    changes.vault_key = Some(VaultKeyStep { from: Some(in_use.clone()), to: in_use });
    note_key(changes, &provider, IncidentKind::CredentialsUpdated, verb, by, at);
    Ok(provider)
}

fn seal(desk: &Desk, provider: &mut Provider, key: &ReadKey) -> Result<(), ProviderError> {
    let sealed = desk.vault.seal(SealContext::provider(provider.id), &key.secret);
    provider.api_key = Some(sealed.map_err(ProviderError::VaultLocked)?);
    provider.key_last4 = key.last4();
    Ok(())
}

async fn commit(desk: &Desk, changes: Changes, provider: &Provider, verb: &str, by: &str) -> Result<(), ProviderError> {
    let raised = !changes.incidents.is_empty();
    match desk.store.commit(changes).await {
        Ok(()) => {
            observe::provider_changed(provider, verb, by);
            if raised {
                desk.live.publish(Topic::Incident, None, None);
            }
            Ok(())
        }
        Err(CommitError::Duplicate(_)) => Err(ProviderError::DuplicateName),
        Err(CommitError::Conflict(VAULT_KEY_IN_USE)) => {
            let why = "another vault key is in use by now; start this server again".to_owned();
            Err(ProviderError::VaultLocked(VaultError::Locked(why)))
        }
        Err(error) if is_conflict(&error) => Err(ProviderError::Changed),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(_) => Err(ProviderError::Changed),
    }
}

fn note_key(changes: &mut Changes, provider: &Provider, kind: IncidentKind, verb: &str, by: &str, at: Timestamp) {
    let action = if kind == IncidentKind::CredentialsDeleted { "provider.key.delete" } else { "provider.key.save" };
    let last4 = provider.key_last4.as_ref().map_or_else(String::new, |last4| format!(" ending in {last4}"));
    changes.audit.push(line(at, by, action, provider, format!("{verb} the key{last4}")));
    changes.incidents.push(NewIncident {
        kind,
        severity: Severity::Medium,
        trader_id: None,
        title: format!("{}: provider's key {verb}", provider.name),
        detail: format!("The key{last4} for {} was {verb} by {by}.", provider.base_url),
        fingerprint: format!("provider {} {} {verb}", provider.id, provider.version),
        at,
    });
}

fn line(at: Timestamp, by: &str, action: &'static str, provider: &Provider, detail: String) -> AuditEntry {
    AuditEntry { at, actor: by.to_owned(), action, subject: format!("provider {}", provider.id), detail }
}

fn difference(old: &Provider, new: &Provider) -> String {
    let price = |provider: &Provider| match provider.price {
        Some(price) => format!("{}/{}", price.input.normalize(), price.output.normalize()),
        None => "unknown".to_owned(),
    };
    let fields = [
        ("name", old.name.clone(), new.name.clone()),
        ("kind", old.kind.to_string(), new.kind.to_string()),
        ("base_url", old.base_url.clone(), new.base_url.clone()),
        ("price", price(old), price(new)),
        ("max_concurrency", old.max_concurrency.to_string(), new.max_concurrency.to_string()),
        ("timeout_seconds", old.timeout_seconds.to_string(), new.timeout_seconds.to_string()),
    ];
    let changed = fields.into_iter().filter(|(_, old, new)| old != new);
    changed.map(|(key, old, new)| format!("{key} {old} -> {new}")).collect::<Vec<_>>().join(", ")
}
