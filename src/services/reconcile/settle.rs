//! A person's word on a difference: explained, or taken into the account's ledger. Either way with a reason, and either
//! way it stays on the page.

use super::record::drift;
use super::{ConnectedAccount, connected_accounts};
use crate::domain::ids::OrderId;
use crate::domain::ledger::Unbalanced;
use crate::domain::order::OrderEvent;
use crate::domain::reconciliation::{
    AccountState, Adjustment, Difference, DifferenceKind, DifferenceStatus, KnownAccount, REASON_MAX,
};
use crate::domain::time::Timestamp;
use crate::ports::exchange::ExchangeError;
use crate::ports::store::{AuditEntry, Changes, CommitError, OrderEventRecord, StoreError};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;

/// Why a difference was not settled. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// No such difference.
    #[error("difference {0} does not exist")]
    NotFound(i64),
    /// Somebody was first, or it is gone.
    #[error("difference {} is {} already", .0.id, .0.status)]
    AlreadySettled(Box<Difference>),
    /// A reason is asked for.
    #[error("a reason of 1 to {REASON_MAX} characters is required")]
    ReasonMissing,
    /// It moves no money and ends no order of ours, so there is nothing to adopt.
    #[error("there is nothing to adopt: explain it, or end it at the exchange")]
    NothingToAdopt,
    /// The account did not forget anything.
    #[error("the account has not forgotten us: there is nothing to begin anew")]
    NotWiped,
    /// The account is not known, or no model has keys for it.
    #[error("the account is not connected")]
    NotConnected,
    /// A transaction of the ledger does not cancel out: a defect.
    #[error(transparent)]
    Ledger(#[from] Unbalanced),
    /// Orders are on their way.
    #[error("{0} orders are on their way; wait until they are settled")]
    OrdersUnderWay(usize),
    /// The exchange did not answer as it should.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The rows kept changing.
    #[error("the account was changed meanwhile; look again")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Says why a difference is there, and leaves our books as they are: entries go on until its figure changes.
///
/// # Errors
/// [`SettleError`].
pub async fn explain(desk: &Desk, id: i64, reason: &str, by: &str) -> Result<Difference, SettleError> {
    settle(desk, id, reason, by, DifferenceStatus::Explained).await
}

/// Takes a difference into the account's ledger: what is expected follows what is there, by a line that names who, when,
/// why and how much.
///
/// # Errors
/// [`SettleError`].
pub async fn adopt(desk: &Desk, id: i64, reason: &str, by: &str) -> Result<Difference, SettleError> {
    settle(desk, id, reason, by, DifferenceStatus::Adopted).await
}

/// A reason as it is kept.
///
/// # Errors
/// [`SettleError::ReasonMissing`].
pub(super) fn reason_of(reason: &str) -> Result<&str, SettleError> {
    let reason = reason.trim();
    let fits = !reason.is_empty() && reason.chars().count() <= REASON_MAX;
    fits.then_some(reason).ok_or(SettleError::ReasonMissing)
}

async fn settle(desk: &Desk, id: i64, reason: &str, by: &str, to: DifferenceStatus) -> Result<Difference, SettleError> {
    let reason = reason_of(reason)?;
    for _ in 0..COMMIT_ATTEMPTS {
        let before = desk.store.difference(id).await?.ok_or(SettleError::NotFound(id))?;
        if !before.status.is_current() || before.status == to {
            return Err(SettleError::AlreadySettled(Box::new(before)));
        }
        let accounts = desk.store.known_accounts().await?;
        let known = accounts.into_iter().find(|known| known.fingerprint == before.fingerprint);
        let known = known.ok_or(SettleError::NotConnected)?;
        let at = desk.clock.now();
        let after = Difference {
            status: to,
            settled: Some((by.to_owned(), at)),
            note: reason.to_owned(),
            version: before.version + 1,
            ..before.clone()
        };
        let mut changes = Changes { audit: vec![audit(&after, at)], ..Changes::default() };
        if to == DifferenceStatus::Adopted {
            take_in(desk, &mut changes, &after, reason, by, at).await?;
        }
        end_incident(desk, &mut changes, &known, &after, at).await?;
        changes.accounts.differences.push(after.clone());
        match desk.store.commit(changes).await {
            Ok(()) => {}
            Err(error) if is_conflict(&error) => continue,
            Err(error) => return Err(as_store_error(error).into()),
        }
        crate::observe::difference_settled(&known.fingerprint, to.as_str(), by);
        for topic in [Topic::Incident, Topic::Health, Topic::Order] {
            desk.live.publish(topic, None, None);
        }
        return Ok(after);
    }
    Err(SettleError::Contended)
}

/// Adopted money becomes lines of the account's ledger; an adopted order that the exchange does not know ends.
async fn take_in(
    desk: &Desk,
    changes: &mut Changes,
    difference: &Difference,
    reason: &str,
    by: &str,
    at: Timestamp,
) -> Result<(), SettleError> {
    let finding = &difference.finding;
    if finding.kind == DifferenceKind::OrderMissing {
        let id = finding.subject.parse().map(OrderId).map_err(|_| SettleError::NothingToAdopt)?;
        let mut order = desk.store.order(id).await?.ok_or(SettleError::NothingToAdopt)?;
        let expected = order.version;
        let detail = format!("the exchange does not know it; adopted by {by}: {reason}");
        order
            .apply(OrderEvent::Cancel { reason: detail.clone() }, at)
            .map_err(|_| SettleError::AlreadySettled(Box::new(difference.clone())))?;
        changes.order_events.push(OrderEventRecord { order_id: id, name: "cancel", detail, at });
        changes.updated_orders.push((order, expected));
        return Ok(());
    }
    if finding.effect.is_empty() {
        return Err(SettleError::NothingToAdopt);
    }
    let mut lines = desk.store.account_assets(&difference.fingerprint).await?;
    for (asset, amount) in &finding.effect {
        changes.accounts.adjustments.push(Adjustment {
            fingerprint: difference.fingerprint.clone(),
            asset: asset.clone(),
            amount: *amount,
            reason: reason.to_owned(),
            by: by.to_owned(),
            at,
            difference: difference.id,
        });
        if let Some(line) = lines.iter_mut().find(|line| &line.asset == asset) {
            line.adjusted += *amount;
        }
    }
    changes.accounts.assets = Some((difference.fingerprint.clone(), lines));
    Ok(())
}

/// The last unexplained difference takes the incident with it.
async fn end_incident(
    desk: &Desk,
    changes: &mut Changes,
    known: &KnownAccount,
    settled: &Difference,
    at: Timestamp,
) -> Result<(), SettleError> {
    let current = desk.store.current_differences(&known.fingerprint).await?;
    let others = current.iter().filter(|other| other.id != settled.id && other.status == DifferenceStatus::Open);
    if others.count() > 0 || known.state == AccountState::Wiped {
        return Ok(());
    }
    let connected = connection_of(desk, known).await?;
    let by = settled.settled.as_ref().map_or("", |(by, _)| by.as_str());
    changes.recovered.push((drift(&connected, at, ""), format!("settled by {by}")));
    changes.accounts.accounts.push(KnownAccount {
        state: AccountState::Agreed,
        version: known.version + 1,
        ..known.clone()
    });
    Ok(())
}

/// The account as it is connected now, or as it was.
async fn connection_of(desk: &Desk, known: &KnownAccount) -> Result<ConnectedAccount, StoreError> {
    let accounts = connected_accounts(desk).await?;
    let found = accounts.into_iter().find(|account| account.fingerprint == known.fingerprint);
    Ok(found.unwrap_or_else(|| ConnectedAccount {
        fingerprint: known.fingerprint.clone(),
        venue: known.venue,
        account: Err(ExchangeError::Unreachable("no model has keys for it".to_owned())),
        traders: Vec::new(),
    }))
}

fn audit(difference: &Difference, at: Timestamp) -> AuditEntry {
    let finding = &difference.finding;
    let effect: Vec<String> = finding.effect.iter().map(|(asset, amount)| format!("{amount} {asset}")).collect();
    let effect = if effect.is_empty() { String::new() } else { format!(" [{}]", effect.join(", ")) };
    AuditEntry {
        at,
        actor: difference.settled.as_ref().map_or_else(String::new, |(by, _)| by.clone()),
        action: if difference.status == DifferenceStatus::Adopted {
            "reconciliation.adopt"
        } else {
            "reconciliation.explain"
        },
        subject: format!("account {}", difference.fingerprint),
        detail: format!(
            "{} {}: {} here, {} there{effect}: {}",
            finding.kind, finding.subject, finding.local, finding.exchange, difference.note
        ),
    }
}

pub(super) fn as_store_error(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        other => StoreError::Database { action: "settling a difference", source: Box::new(other) },
    }
}
