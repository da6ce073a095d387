//! Ours against the exchange's, account by account: unresolved orders, open orders, trades, balances.
//!
//! ```text
//! first contact: what is there becomes the baseline
//! every run:     unknown outcomes -> open orders -> trades -> balances -> trades again (nothing may have moved between)
//!                -> differences kept, opened and closed -> one commit
//! ```
//!
//! What nobody has explained halts the entries of every model on the account; exits are never asked. Accounts do not
//! wait for each other, and simulation waits for none.

mod anew;
mod orders;
mod record;
mod run;
mod settle;
mod trades;

pub use anew::{begin_anew, may_begin_anew};
pub use settle::{SettleError, adopt, explain};

use crate::domain::credential::AccountFingerprint;
use crate::domain::ids::TraderId;
use crate::domain::reconciliation::{AccountLink, RECONCILE_EVERY_MS, ReconciliationRun, RunOutcome};
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::domain::venue_kind::VenueKind;
use crate::ports::exchange::{Connection, ExchangeAccount, ExchangeError};
use crate::ports::store::{AccountChanges, Changes, CommitError, StoreError};
use crate::services::desk::{Desk, is_conflict};
use crate::services::lease_keeper::{LEASE_MS, until_lost};
use crate::services::live_feed::Topic;
use crate::services::settle::SELF;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An account that could not be asked is tried again after this long.
const RETRY_AFTER_MS: i64 = 30 * SECOND_MS;

/// Why an account was not reconciled.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// No model has keys for it.
    #[error("no model has keys for the account {0}")]
    NotConnected(AccountFingerprint),
    /// It is being reconciled already, here or in another process.
    #[error("the account is being reconciled already")]
    Running,
    /// Another process took the account over while this one worked. Nothing was written since.
    #[error("another process took the account over")]
    Overtaken,
    /// A person changed something meanwhile.
    #[error("the account was changed meanwhile")]
    Contended,
    /// The exchange did not answer as it should.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The commit did not happen.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account with the models that have keys for it.
#[derive(Clone)]
pub struct ConnectedAccount {
    /// Its name.
    pub fingerprint: AccountFingerprint,
    /// Where.
    pub venue: VenueKind,
    /// The account, or why none of its keys opens.
    pub account: Result<Arc<dyn ExchangeAccount>, ExchangeError>,
    /// The models, with the wall-clock time at which each one's keys were saved.
    pub traders: Vec<(TraderId, Timestamp)>,
}

/// Every key of every living model with the account that it opens.
///
/// # Errors
/// When the store fails.
pub async fn connections(desk: &Desk) -> Result<Vec<Connection>, StoreError> {
    let Some(exchanges) = &desk.exchanges else { return Ok(Vec::new()) };
    let living: BTreeSet<TraderId> = desk.store.traders(false).await?.into_iter().map(|trader| trader.id).collect();
    let mut connections = Vec::new();
    for credential in desk.store.credentials(None).await? {
        if living.contains(&credential.trader_id) {
            connections.push(Connection {
                trader_id: credential.trader_id,
                venue: credential.environment.venue_kind(),
                since: credential.saved_at,
                account: exchanges.open(&credential).await,
                fingerprint: credential.fingerprint,
            });
        }
    }
    Ok(connections)
}

/// Every account that a living model has keys for.
///
/// # Errors
/// When the store fails.
pub async fn connected_accounts(desk: &Desk) -> Result<Vec<ConnectedAccount>, StoreError> {
    let mut accounts: BTreeMap<AccountFingerprint, ConnectedAccount> = BTreeMap::new();
    for connection in connections(desk).await? {
        let entry = accounts.entry(connection.fingerprint.clone()).or_insert_with(|| ConnectedAccount {
            fingerprint: connection.fingerprint.clone(),
            venue: connection.venue,
            account: connection.account.clone(),
            traders: Vec::new(),
        });
        if entry.account.is_err() {
            entry.account = connection.account;
        }
        entry.traders.push((connection.trader_id, connection.since));
    }
    Ok(accounts.into_values().collect())
}

/// Reconciles every account whose time has come, and says of each what came of it.
///
/// # Errors
/// When the store fails. An account that cannot be reconciled does not stop the others.
pub async fn reconcile_due(desk: &Desk) -> Result<usize, StoreError> {
    let accounts = connected_accounts(desk).await?;
    close_links(desk, &accounts).await?;
    let now = desk.clock.now();
    let mut due = Vec::new();
    for account in accounts {
        if is_due(desk, &account, now).await? {
            due.push(account);
        }
    }
    // Side by side: one that does not answer delays no other.
    let mut runs = Vec::with_capacity(due.len());
    for account in &due {
        runs.push(reconcile(desk, account, SELF));
    }
    let runs = join_all(runs).await;
    let mut done = 0;
    for (account, outcome) in due.iter().zip(runs) {
        match outcome {
            Ok(_) => done += 1,
            Err(ReconcileError::Running | ReconcileError::Contended | ReconcileError::Overtaken) => {}
            Err(error) => crate::observe::account_failed(&account.fingerprint, &error),
        }
    }
    Ok(done)
}

async fn is_due(desk: &Desk, account: &ConnectedAccount, now: Timestamp) -> Result<bool, StoreError> {
    let standing = desk.store.account_standing(&account.fingerprint, &desk.process).await?;
    let since = |at: Timestamp, span| now.since(at) >= span;
    let is_old = standing.account.as_ref().is_none_or(|known| since(known.checked_at, RECONCILE_EVERY_MS));
    let last = desk.store.reconciliation_runs(&account.fingerprint, 1).await?;
    let may_try =
        last.first().is_none_or(|run| run.outcome != RunOutcome::Failed || since(run.finished_at, RETRY_AFTER_MS));
    Ok(may_try && (is_old || !standing.is_reconciled()))
}

/// Reconciles an account now, for a person.
///
/// # Errors
/// [`ReconcileError`]; when the exchange could not be asked, that is recorded as a failed run.
pub async fn reconcile_now(
    desk: &Desk,
    fingerprint: &AccountFingerprint,
    by: &str,
) -> Result<ReconciliationRun, ReconcileError> {
    let accounts = connected_accounts(desk).await?;
    let account = accounts.into_iter().find(|account| &account.fingerprint == fingerprint);
    let account = account.ok_or_else(|| ReconcileError::NotConnected(fingerprint.clone()))?;
    reconcile(desk, &account, by).await
}

/// Reconciles one account, alone: another run over it at the same time is refused. Its lease is short and renewed while
/// it works, so that a process that was killed halts nobody for long.
///
/// # Errors
/// [`ReconcileError`].
pub async fn reconcile(desk: &Desk, account: &ConnectedAccount, by: &str) -> Result<ReconciliationRun, ReconcileError> {
    let now = desk.clock.now();
    let name = format!("reconcile:{}", account.fingerprint);
    let lease = desk.store.acquire_lease(&name, &desk.process, now, now.plus_ms(LEASE_MS), None).await?;
    let lease = lease.ok_or(ReconcileError::Running)?;
    let outcome = tokio::select! {
        outcome = run::run(desk, account, &lease, by) => outcome,
        () = until_lost(desk, &lease) => Err(ReconcileError::Overtaken),
    };
    desk.store.release_lease(&lease).await?;
    match outcome {
        Ok(run) => {
            crate::observe::account_reconciled(&run);
            for topic in [Topic::Incident, Topic::Health] {
                desk.live.publish(topic, None, None);
            }
            Ok(run)
        }
        Err(ReconcileError::Commit(CommitError::LeaseLost(_))) => Err(ReconcileError::Overtaken),
        Err(ReconcileError::Commit(error)) if is_conflict(&error) => Err(ReconcileError::Contended),
        Err(error) => Err(error),
    }
}

/// Whether an account was reconciled since this process started: before that the scheduler runs no model on it.
///
/// # Errors
/// When the store fails.
pub async fn is_reconciled(desk: &Desk, account: &AccountFingerprint) -> Result<bool, StoreError> {
    Ok(desk.store.account_standing(account, &desk.process).await?.is_reconciled())
}

/// Why no entry may go to an account now; `None` when it may. Exits are never asked.
///
/// # Errors
/// When the store fails.
pub async fn entries_halted(desk: &Desk, account: &AccountFingerprint) -> Result<Option<String>, StoreError> {
    Ok(desk.store.account_standing(account, &desk.process).await?.halted(desk.clock.now()))
}

/// Like [`entries_halted`], for the account that a model's orders go to. Simulation has none; a live venue without keys
/// is refused elsewhere.
///
/// # Errors
/// When the store fails.
pub async fn entries_halted_for(desk: &Desk, trader: TraderId, venue: VenueKind) -> Result<Option<String>, StoreError> {
    match account_of(desk, trader, venue).await? {
        Some(account) => entries_halted(desk, &account).await,
        None => Ok(None),
    }
}

/// Whether the scheduler may run a model at a venue: in simulation always, live once its account is reconciled.
///
/// # Errors
/// When the store fails.
pub async fn may_run(desk: &Desk, trader: TraderId, venue: VenueKind) -> Result<bool, StoreError> {
    match account_of(desk, trader, venue).await? {
        Some(account) => is_reconciled(desk, &account).await,
        None => Ok(true),
    }
}

async fn account_of(desk: &Desk, trader: TraderId, venue: VenueKind) -> Result<Option<AccountFingerprint>, StoreError> {
    let Some(environment) = venue.exchange_environment() else { return Ok(None) };
    let credential = desk.store.credential(trader, environment).await?;
    Ok(credential.map(|credential| credential.fingerprint))
}

/// A model whose keys open another account now, or none, no longer trades on the old one.
async fn close_links(desk: &Desk, accounts: &[ConnectedAccount]) -> Result<(), StoreError> {
    let goes_on = |link: &AccountLink| {
        accounts.iter().any(|account| {
            account.fingerprint == link.fingerprint
                && account.traders.iter().any(|(trader, _)| *trader == link.trader_id)
        })
    };
    let now = desk.clock.now();
    let links = desk.store.account_links().await?;
    let ended = links.into_iter().filter(|link| link.until.is_none() && !goes_on(link));
    let links_closed: Vec<_> = ended.map(|link| AccountLink { until: Some(now), ..link }).collect();
    if links_closed.is_empty() {
        return Ok(());
    }
    let accounts = AccountChanges { links_closed, ..AccountChanges::default() };
    match desk.store.commit(Changes { accounts, ..Changes::default() }).await {
        Ok(()) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
        Err(error) => {
            crate::observe::commit_failed("ending a model's time on an account", &error);
            Ok(())
        }
    }
}
