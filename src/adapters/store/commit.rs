//! One commit: guards first, then rows in dependency order, all in one transaction.

use super::connect::Db;
use super::row::failed;
use super::write::Tx;
use super::{
    ai_costs, books, bundles, credentials, cycles, decisions, differences, fills, incidents, leases, ledger, messages,
    orders, positions, probes, prompt_templates, providers, reasks, reconciliation, shadows, traders,
};
use crate::ports::store::{Changes, CommitError, Guard, StoreError};
use sea_orm::{DbErr, RuntimeErr};

/// Attempts at a commit that PostgreSQL broke off because of another one (a deadlock or a failed serialisation).
const ATTEMPTS_MAX: u32 = 5;
/// PostgreSQL's codes for "try again": serialization failure and deadlock.
const TRY_AGAIN_CODES: &[&str] = &["40001", "40P01"];

/// Writes everything or nothing. `ledger_ids` holds one id for each ledger transaction.
pub(super) async fn commit(db: &Db, changes: &Changes, ledger_ids: &[i64]) -> Result<(), CommitError> {
    let mut attempt = 1;
    loop {
        match once(db, changes, ledger_ids).await {
            Err(error) if attempt < ATTEMPTS_MAX && was_broken_off(&error) => attempt += 1,
            outcome => return outcome,
        }
    }
}

async fn once(db: &Db, changes: &Changes, ledger_ids: &[i64]) -> Result<(), CommitError> {
    let tx = db.begin().await.map_err(failed("beginning a commit"))?;
    match write(&tx, changes, ledger_ids).await {
        Ok(()) => Ok(tx.commit().await.map_err(failed("committing"))?),
        Err(error) => {
            // The first error is the one that tells; a transaction that cannot roll back ends with its connection.
            let _ = tx.rollback().await;
            Err(error)
        }
    }
}

fn was_broken_off(error: &CommitError) -> bool {
    let CommitError::Store(StoreError::Database { source, .. }) = error else { return false };
    let Some(DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) =
        source.downcast_ref::<DbErr>()
    else {
        return false;
    };
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| TRY_AGAIN_CODES.contains(&&*code))
}

/// Rows are locked in one order by every commit (leases, traders, books, the rest), so that two of them wait for each
/// other rather than deadlock.
async fn write(tx: &Tx, changes: &Changes, ledger_ids: &[i64]) -> Result<(), CommitError> {
    guard_leases(tx, changes).await?;
    write_traders(tx, changes).await?;
    write_books(tx, changes).await?;
    if let Some(cycle) = &changes.new_cycle {
        cycles::insert(tx, cycle).await?;
    }
    bundles::write(tx, &changes.new_bundles, &changes.removed_bundles).await?;
    decisions::write(tx, &changes.new_decisions, &changes.updated_decisions).await?;
    decisions::insert_events(tx, &changes.decision_events).await?;
    write_orders(tx, changes).await?;
    fills::insert(tx, &changes.new_fills).await?;
    ledger::insert(tx, &changes.ledger, ledger_ids).await?;
    positions::write(tx, &changes.positions).await?;
    books::insert_points(tx, &changes.snapshots).await?;
    reconciliation::write(tx, &changes.accounts).await?;
    differences::write(tx, &changes.accounts).await?;
    probes::write(tx, &changes.accounts.probes).await?;
    write_credentials(tx, changes).await?;
    prompt_templates::save(tx, &changes.saved_templates).await?;
    reasks::write(tx, &changes.new_reasks, &changes.finished_reasks).await?;
    shadows::write(tx, &changes.new_shadows, &changes.updated_shadows, &changes.new_shadow_steps).await?;
    write_messages(tx, changes).await?;
    for (name, owner, epoch) in &changes.release {
        leases::release(tx, name, owner, *epoch).await?;
    }
    Ok(())
}

async fn guard_leases(tx: &Tx, changes: &Changes) -> Result<(), CommitError> {
    let mut guards: Vec<_> = changes
        .guards
        .iter()
        .filter_map(|guard| match guard {
            Guard::Lease { name, owner, epoch } => Some((name, owner, *epoch)),
            Guard::Trader { .. } | Guard::Book { .. } | Guard::Provider { .. } => None,
        })
        .collect();
    guards.sort_unstable();
    for (name, owner, epoch) in guards {
        leases::guard(tx, name, owner, epoch).await?;
    }
    Ok(())
}

async fn write_traders(tx: &Tx, changes: &Changes) -> Result<(), CommitError> {
    let mut guards: Vec<_> = changes
        .guards
        .iter()
        .filter_map(|guard| match guard {
            Guard::Trader { id, version } => Some((*id, *version)),
            Guard::Lease { .. } | Guard::Book { .. } | Guard::Provider { .. } => None,
        })
        .collect();
    guards.sort_unstable();
    for (id, version) in guards {
        traders::guard(tx, id, version).await?;
    }
    traders::insert(tx, &changes.new_traders).await?;
    for (trader, expected) in &changes.updated_traders {
        traders::update(tx, trader, *expected).await?;
    }
    for (id, next_run_at, api_errors) in &changes.reschedules {
        traders::reschedule(tx, *id, *next_run_at, *api_errors).await?;
    }
    for (id, model_errors) in &changes.model_errors {
        traders::set_model_errors(tx, *id, *model_errors).await?;
    }
    Ok(())
}

async fn write_books(tx: &Tx, changes: &Changes) -> Result<(), CommitError> {
    let mut guards: Vec<_> = changes
        .guards
        .iter()
        .filter_map(|guard| match guard {
            Guard::Book { id, version } => Some((*id, *version)),
            Guard::Lease { .. } | Guard::Trader { .. } | Guard::Provider { .. } => None,
        })
        .collect();
    guards.sort_unstable();
    for (id, version) in guards {
        books::guard(tx, id, version).await?;
    }
    books::insert(tx, &changes.new_books).await?;
    for book in &changes.updated_books {
        books::update(tx, book).await?;
    }
    Ok(())
}

async fn write_orders(tx: &Tx, changes: &Changes) -> Result<(), CommitError> {
    orders::insert(tx, &changes.new_orders).await?;
    orders::update(tx, &changes.updated_orders).await?;
    orders::insert_attempts(tx, &changes.new_attempts).await?;
    for (id, number, outcome) in &changes.attempt_outcomes {
        orders::close_attempt(tx, *id, *number, outcome).await?;
    }
    for (id, number) in &changes.withdrawn_attempts {
        orders::withdraw_attempt(tx, *id, *number).await?;
    }
    for (id, words) in &changes.venue_answers {
        orders::keep_answer(tx, *id, words).await?;
    }
    orders::insert_events(tx, &changes.order_events).await
}

async fn write_credentials(tx: &Tx, changes: &Changes) -> Result<(), CommitError> {
    if let Some(step) = &changes.vault_key {
        credentials::step_vault_key(tx, step).await?;
    }
    providers::write(tx, changes).await?;
    ai_costs::write(tx, &changes.ai_calls, changes.new_decisions.len()).await?;
    credentials::save(tx, &changes.saved_credentials).await?;
    credentials::delete(tx, &changes.deleted_credentials).await?;
    credentials::disarm(tx, &changes.disarmed).await?;
    credentials::arm(tx, &changes.arms).await
}

async fn write_messages(tx: &Tx, changes: &Changes) -> Result<(), CommitError> {
    for new in &changes.incidents {
        incidents::raise(tx, new).await?;
    }
    for (raised, note) in &changes.recovered {
        incidents::recover(tx, raised, note).await?;
    }
    for (id, status, by, at, note) in &changes.incident_moves {
        incidents::step(tx, *id, *status, by, *at, note).await?;
    }
    messages::insert(tx, &changes.notifications).await?;
    if let Some((ids, at)) = &changes.notifications_read {
        messages::mark_read(tx, ids, *at).await?;
    }
    messages::insert_audit(tx, &changes.audit).await
}
