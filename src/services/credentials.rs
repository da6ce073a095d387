//! Exchange keys of a model: saved sealed, replaced, verified by a signed call, deleted. Nobody reads them back.
//!
//! Saving and deleting cancel whatever waits for the model, in the same commit: what was proposed for one account is
//! never sent to another.

use crate::domain::credential::{
    AccountFingerprint, CheckCode, Credential, KeyCheck, KeyField, KeyPair, KeyPermissions, KeyProblem, judge,
};
use crate::domain::ids::TraderId;
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::order::OrderStatus;
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{ExchangeEnvironment, ExchangeType, VenueKind};
use crate::observe;
use crate::ports::exchange::ExchangeError;
use crate::ports::store::{AuditEntry, Changes, CommitError, Guard, StoreError, VaultKeyStep};
use crate::ports::vault::{SealContext, VAULT_KEY_IN_USE, VaultError};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;
use crate::services::run_cycle::told;
use crate::services::settle::{Settled, cancel_waiting};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// How long a check may take, the client's own limits included.
const VERIFY_WITHIN: Duration = Duration::from_secs(40);
/// How often a check is repeated when the key changed meanwhile; each time is a call to the exchange.
const VERIFY_ATTEMPTS: u32 = 3;
/// What makes two reports about the vault the same incident.
const VAULT_INCIDENT: &str = "vault";

/// A pair as it was pasted; a half that was not sent is empty.
#[derive(Clone, Debug)]
pub struct GivenPair {
    /// For which of the exchange's environments.
    pub environment: ExchangeEnvironment,
    /// The API key.
    pub api_key: SecretString,
    /// Its secret.
    pub api_secret: SecretString,
}

/// One field that is refused, and the rule it breaks.
pub type FieldProblem = (ExchangeEnvironment, KeyField, KeyProblem);

/// What saving or deleting did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialsChanged {
    /// Fields from which spaces or line breaks were removed.
    pub cleaned: Vec<(ExchangeEnvironment, KeyField)>,
    /// What was waiting and was cancelled.
    pub settled: Settled,
    /// Pairs that were saved or deleted.
    pub pairs: usize,
}

/// Why it was not done. No text holds anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// There is no such model (any more).
    #[error("there is no model {0}")]
    NotFound(TraderId),
    /// Fields are refused.
    #[error("some fields are refused")]
    Invalid(Vec<FieldProblem>),
    /// Orders at the exchange could not be asked for any more.
    #[error("{count} orders on {environment} are open or unknown; cancel them or wait until they are final")]
    OrdersUnresolved {
        /// Where they are.
        environment: ExchangeEnvironment,
        /// How many.
        count: usize,
    },
    /// There is no usable vault key.
    #[error("the vault is locked: {0}")]
    VaultLocked(VaultError),
    /// Others kept changing the model.
    #[error("the model is being changed by others; try again")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The venue that an exchange environment is.
pub const fn venue_of(environment: ExchangeEnvironment) -> VenueKind {
    match environment {
        ExchangeEnvironment::Testnet => VenueKind::Testnet,
        ExchangeEnvironment::Mainnet => VenueKind::Mainnet,
    }
}

/// Saves pairs, all or none; a pair that is not given stays as it is.
///
/// # Errors
/// [`CredentialError::Invalid`] names every field that is refused.
pub async fn save(
    desk: &Desk,
    id: TraderId,
    given: &[GivenPair],
    by: &str,
) -> Result<CredentialsChanged, CredentialError> {
    let pairs = parse(given).map_err(CredentialError::Invalid)?;
    let environments: Vec<ExchangeEnvironment> = pairs.iter().map(|(environment, _)| *environment).collect();
    let mut outcome = change(desk, id, &environments, by, async |trader, changes, at| {
        let stored = desk.store.credentials(Some(id)).await?;
        refuse_shared(&pairs, &stored).map_err(CredentialError::Invalid)?;
        for (environment, pair) in &pairs {
            let before = stored.iter().find(|credential| credential.environment == *environment);
            let credential = seal(desk, trader, *environment, pair, before, at)?;
            let detail = format!("{environment} key ending in {}", credential.key_last4);
            let verb = if before.is_some() { "replaced" } else { "saved" };
            note(changes, trader, IncidentKind::CredentialsUpdated, verb, *environment, &detail, by, at);
            changes.saved_credentials.push((credential, before.map(|credential| credential.version)));
        }
        let key = desk.vault.key_id().map_err(CredentialError::VaultLocked)?;
        changes.vault_key = Some(VaultKeyStep { from: Some(key.clone()), to: key });
        Ok(())
    })
    .await?;
    outcome.cleaned =
        pairs.iter().flat_map(|(environment, pair)| pair.cleaned.iter().map(|field| (*environment, *field))).collect();
    Ok(outcome)
}

/// Deletes the pairs of these environments; one that is not there is gone already.
///
/// # Errors
/// [`CredentialError::OrdersUnresolved`] while the exchange must still be asked about orders.
pub async fn delete(
    desk: &Desk,
    id: TraderId,
    environments: &[ExchangeEnvironment],
    by: &str,
) -> Result<CredentialsChanged, CredentialError> {
    change(desk, id, environments, by, async |trader, changes, at| {
        for credential in desk.store.credentials(Some(id)).await? {
            let environment = credential.environment;
            if environments.contains(&environment) {
                let detail = format!("{environment} key ending in {}", credential.key_last4);
                note(changes, trader, IncidentKind::CredentialsDeleted, "deleted", environment, &detail, by, at);
                changes.deleted_credentials.push((id, environment, credential.version));
            }
        }
        Ok(())
    })
    .await
}

/// Asks the exchange, signed, what a key may do. What was found out about the key is kept; an exchange that did not
/// answer changes nothing.
///
/// # Errors
/// When the model is gone or the store fails; everything about the key is an answer.
pub async fn verify(
    desk: &Desk,
    id: TraderId,
    environment: ExchangeEnvironment,
    by: &str,
) -> Result<KeyCheck, CredentialError> {
    for _ in 0..VERIFY_ATTEMPTS {
        let trader = living(desk, id).await?;
        let Some(mut credential) = desk.store.credential(id, environment).await? else {
            let message = format!("There is no {environment} key.");
            return Ok(found(desk, CheckCode::NotConfigured, message, KeyPermissions::default()));
        };
        let check = ask(desk, &credential).await;
        observe::key_checked(&trader, environment, check.code, by);
        if !check.code.is_conclusive() {
            return Ok(check);
        }
        let expected = credential.version;
        credential.version += 1;
        credential.check = Some(check.clone());
        let detail = format!("{environment} key ending in {}: {}", credential.key_last4, check.code);
        let changes = Changes {
            saved_credentials: vec![(credential, Some(expected))],
            audit: vec![line(check.at, by, "credentials.verify", id, detail)],
            ..Changes::default()
        };
        match desk.store.commit(changes).await {
            Ok(()) => {
                desk.live.publish(Topic::Model, Some(id.0), Some(id));
                return Ok(check);
            }
            // The key was replaced or checked meanwhile: what was found may be about another one.
            Err(error) if is_conflict(&error) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(_) => break,
        }
    }
    Err(CredentialError::Contended)
}

/// Compares the vault's key with what is sealed, once at the start: a locked vault is an incident until it is mended.
///
/// # Errors
/// When the store fails.
pub async fn watch_vault(desk: &Desk) -> Result<(), StoreError> {
    let stored = desk.store.credentials(None).await?;
    let providers = desk.store.providers().await?;
    let sealed: Vec<_> = providers.iter().filter_map(|provider| provider.api_key.as_ref()).collect();
    let unreadable = |credential: &&Credential| {
        desk.vault.check(&credential.api_key).and(desk.vault.check(&credential.api_secret)).is_err()
    };
    let closed = stored.iter().filter(unreadable).count();
    let closed_providers = sealed.iter().filter(|key| desk.vault.check(key).is_err()).count();
    let problem = match desk.vault.key_id() {
        Err(error) => Some(error.to_string()),
        Ok(_) if closed > 0 => Some(format!(
            "{closed} saved exchange keys cannot be opened: they were sealed with another vault key, or changed; delete and save them anew"
        )),
        Ok(_) if closed_providers > 0 => Some(format!(
            "{closed_providers} saved keys of providers cannot be opened: they were sealed with another vault key, or changed; save them anew"
        )),
        Ok(key) => {
            if stored.is_empty()
                && sealed.is_empty()
                && desk.store.meta(VAULT_KEY_IN_USE).await?.as_deref() != Some(key.as_str())
            {
                desk.store.set_meta(VAULT_KEY_IN_USE, &key).await?;
            }
            None
        }
    };
    let trades = desk.vault.key_id().is_ok() && closed == 0;
    let (title, lead) = match trades {
        true => ("Language models cannot be asked: their providers' keys do not open", "Everything else goes on."),
        false => ("Live trading is off: the vault is locked", "Simulation goes on."),
    };
    let incident = NewIncident {
        kind: IncidentKind::ExchangeNotConfigured,
        severity: Severity::High,
        trader_id: None,
        title: title.to_owned(),
        detail: format!("{lead} {}.", problem.as_deref().unwrap_or_default()),
        fingerprint: VAULT_INCIDENT.to_owned(),
        at: desk.clock.now(),
    };
    let changes = match &problem {
        Some(why) => {
            observe::vault_locked(why);
            Changes { notifications: vec![told(&incident)], incidents: vec![incident], ..Changes::default() }
        }
        None => Changes { recovered: vec![(incident, "the vault opens again".to_owned())], ..Changes::default() },
    };
    match desk.store.commit(changes).await {
        Err(CommitError::Store(error)) => Err(error),
        // Nothing here is guarded, so nothing can be in the way.
        _ => Ok(()),
    }
}

async fn living(desk: &Desk, id: TraderId) -> Result<Trader, CredentialError> {
    let trader = desk.store.trader(id).await?.filter(|trader| trader.deleted_at.is_none());
    trader.ok_or(CredentialError::NotFound(id))
}

/// Every pair, or every field that is refused.
fn parse(given: &[GivenPair]) -> Result<Vec<(ExchangeEnvironment, KeyPair)>, Vec<FieldProblem>> {
    let (mut pairs, mut problems) = (Vec::new(), Vec::new());
    for pair in given {
        match KeyPair::parse(&pair.api_key, &pair.api_secret) {
            Ok(parsed) => pairs.push((pair.environment, parsed)),
            Err(found) => {
                problems.extend(found.into_iter().map(|(field, problem)| (pair.environment, field, problem)));
            }
        }
    }
    if problems.is_empty() { Ok(pairs) } else { Err(problems) }
}

/// A key belongs to one environment: one that is given or stored for the other as well is in the wrong place.
fn refuse_shared(pairs: &[(ExchangeEnvironment, KeyPair)], stored: &[Credential]) -> Result<(), Vec<FieldProblem>> {
    let account_of =
        |environment, pair: &KeyPair| AccountFingerprint::of_key(environment, pair.api_key.expose_secret());
    let mut problems = Vec::new();
    for (environment, pair) in pairs {
        let given = pairs.iter().filter(|(other, _)| other != environment);
        let mut elsewhere: Vec<_> = given.map(|(other, pair)| (*other, account_of(*other, pair))).collect();
        let replaced = |credential: &&Credential| pairs.iter().all(|(given, _)| *given != credential.environment);
        elsewhere.extend(stored.iter().filter(replaced).map(|held| (held.environment, held.fingerprint.clone())));
        if elsewhere.iter().any(|(other, account)| account_of(*other, pair) == *account) {
            problems.push((*environment, KeyField::ApiKey, KeyProblem::OtherEnvironment));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn seal(
    desk: &Desk,
    trader: &Trader,
    environment: ExchangeEnvironment,
    pair: &KeyPair,
    before: Option<&Credential>,
    at: Timestamp,
) -> Result<Credential, CredentialError> {
    let seal = |field, secret| desk.vault.seal(SealContext::of(trader.id, environment, field), secret);
    Ok(Credential {
        trader_id: trader.id,
        environment,
        exchange_type: ExchangeType::Binance,
        api_key: seal(KeyField::ApiKey, &pair.api_key).map_err(CredentialError::VaultLocked)?,
        api_secret: seal(KeyField::ApiSecret, &pair.api_secret).map_err(CredentialError::VaultLocked)?,
        key_last4: pair.last4(),
        fingerprint: AccountFingerprint::of_key(environment, pair.api_key.expose_secret()),
        check: None,
        saved_at: at,
        // The first version is the time: a pair that is deleted and saved again must not get an earlier one's number,
        // under which a client may still hold the earlier secret.
        version: before.map_or(at.0, |credential| credential.version + 1),
    })
}

/// Applies a change of credentials with everything that follows from it, in one commit.
async fn change(
    desk: &Desk,
    id: TraderId,
    environments: &[ExchangeEnvironment],
    by: &str,
    apply: impl AsyncFn(&Trader, &mut Changes, Timestamp) -> Result<(), CredentialError>,
) -> Result<CredentialsChanged, CredentialError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let mut trader = living(desk, id).await?;
        refuse_unresolved(desk, id, environments).await?;
        let at = desk.clock.now();
        let mut changes = Changes::default();
        apply(&trader, &mut changes, at).await?;
        let pairs = changes.saved_credentials.len() + changes.deleted_credentials.len();
        if pairs == 0 {
            return Ok(CredentialsChanged::default());
        }
        let settled = cancel_waiting(desk, &mut changes, id, by, "the exchange credentials changed", at).await?;
        guard_books(desk, &mut changes, id, environments).await?;
        if environments.contains(&ExchangeEnvironment::Mainnet) {
            changes.disarmed.push(id);
        }
        let expected = trader.version;
        trader.version += 1;
        changes.updated_traders.push((trader.clone(), expected));
        match desk.store.commit(changes).await {
            Ok(()) => {
                observe::credentials_changed(&trader, by);
                for topic in [Topic::Model, Topic::Decision, Topic::Incident] {
                    desk.live.publish(topic, Some(id.0), Some(id));
                }
                return Ok(CredentialsChanged { settled, pairs, ..CredentialsChanged::default() });
            }
            Err(CommitError::Conflict(VAULT_KEY_IN_USE)) => {
                let why = "another vault key is in use by now; start this server again".to_owned();
                return Err(CredentialError::VaultLocked(VaultError::Locked(why)));
            }
            Err(error) if is_conflict(&error) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(_) => return Err(CredentialError::Contended),
        }
    }
    Err(CredentialError::Contended)
}

/// Whatever is at the exchange can only be asked about with the key under which it was sent.
async fn refuse_unresolved(
    desk: &Desk,
    id: TraderId,
    environments: &[ExchangeEnvironment],
) -> Result<(), CredentialError> {
    let open = desk.store.open_orders(Some(id)).await?;
    for environment in environments {
        let at_venue = open
            .iter()
            .filter(|order| order.intent.venue == venue_of(*environment) && order.status() != OrderStatus::Initialized);
        let count = at_venue.count();
        if count > 0 {
            return Err(CredentialError::OrdersUnresolved { environment: *environment, count });
        }
    }
    Ok(())
}

/// A cycle that decides at this moment must decide again: its books are guarded, even when nothing waits in them.
async fn guard_books(
    desk: &Desk,
    changes: &mut Changes,
    id: TraderId,
    environments: &[ExchangeEnvironment],
) -> Result<(), StoreError> {
    for environment in environments {
        let Some(book) = desk.store.book(id, venue_of(*environment)).await? else { continue };
        let guard = Guard::Book { id: book.id, version: book.version };
        if !changes.guards.contains(&guard) {
            changes.guards.push(guard);
        }
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "one line of the record; every part of it has a name")]
fn note(
    changes: &mut Changes,
    trader: &Trader,
    kind: IncidentKind,
    verb: &str,
    environment: ExchangeEnvironment,
    detail: &str,
    by: &str,
    at: Timestamp,
) {
    let action = if kind == IncidentKind::CredentialsDeleted { "credentials.delete" } else { "credentials.save" };
    changes.audit.push(line(at, by, action, trader.id, format!("{verb} {detail}")));
    changes.incidents.push(NewIncident {
        kind,
        severity: Severity::Medium,
        trader_id: Some(trader.id),
        title: format!("{}: {environment} key {verb}", trader.name),
        detail: format!("{detail}, {verb} by {by}. What was waiting for the model was cancelled."),
        fingerprint: format!("{} {environment} {verb}", trader.version),
        at,
    });
}

fn line(at: Timestamp, by: &str, action: &'static str, id: TraderId, detail: String) -> AuditEntry {
    AuditEntry { at, actor: by.to_owned(), action, subject: format!("model {id}"), detail }
}

async fn ask(desk: &Desk, credential: &Credential) -> KeyCheck {
    let Some(exchanges) = &desk.exchanges else {
        let message = "No exchange is connected to this desk, so the key cannot be verified.".to_owned();
        return found(desk, CheckCode::Unreachable, message, KeyPermissions::default());
    };
    let asked = async { exchanges.open(credential).await?.permissions().await };
    let permissions = match tokio::time::timeout(VERIFY_WITHIN, asked).await {
        Ok(Ok(permissions)) => permissions,
        Ok(Err(error)) => return failed(desk, credential.environment, &error),
        Err(_) => {
            let message = "The exchange did not answer in time. Nothing is known about the key.".to_owned();
            return found(desk, CheckCode::Unreachable, message, KeyPermissions::default());
        }
    };
    let code = judge(credential.environment, &permissions);
    let message = match code {
        CheckCode::Ok => format!("The {} key works and can trade.", credential.environment),
        CheckCode::KeyCanWithdraw => {
            "The key can withdraw or transfer, so it is refused. Take these permissions away at the exchange and \
             verify again, or use a key without them."
                .to_owned()
        }
        CheckCode::PermissionsUnknown => {
            "The exchange did not tell whether the key can withdraw, so it is refused.".to_owned()
        }
        _ => "The key works, but it may not trade on spot. Allow spot trading for it at the exchange.".to_owned(),
    };
    found(desk, code, message, permissions)
}

/// In our words first: what the exchange says is for its developers.
fn failed(desk: &Desk, environment: ExchangeEnvironment, error: &ExchangeError) -> KeyCheck {
    let code = error.check_code();
    let advice = match code {
        CheckCode::BadKey => {
            format!("Check that key and secret are not swapped, belong together, and are for {environment}.")
        }
        CheckCode::WrongEnvironment => format!("It should be a {environment} key."),
        CheckCode::ClockSkew => "Set this machine's clock (NTP) and verify again.".to_owned(),
        CheckCode::VaultLocked => "See the incident about the vault.".to_owned(),
        _ => "Nothing is known about the key; verify again later.".to_owned(),
    };
    let mut message = error.to_string();
    if let Some(first) = message.get(..1) {
        message.replace_range(..1, &first.to_uppercase());
    }
    found(desk, code, format!("{message}. {advice}"), KeyPermissions::default())
}

fn found(desk: &Desk, code: CheckCode, message: String, permissions: KeyPermissions) -> KeyCheck {
    KeyCheck { code, message, permissions, at: desk.clock.now() }
}
