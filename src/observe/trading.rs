//! Events of the trading side: one function per meaningful event; it logs and counts.

use super::chain;
use crate::domain::credential::AccountFingerprint;
use crate::domain::cycle::CycleTrigger;
use crate::domain::decision::Decision;
use crate::domain::ids::{CycleId, OrderId, ShadowId};
use crate::domain::order::Order;
use crate::domain::position::Position;
use crate::domain::provider::Provider;
use crate::domain::reconciliation::ReconciliationRun;
use crate::domain::trader::Trader;
use std::error::Error;

/// A cycle begins.
pub fn cycle_started(trader: &Trader, cycle: CycleId, trigger: CycleTrigger) {
    metrics::counter!("countersign_cycles_started_total").increment(1);
    tracing::info!(model = trader.id.0, cycle = cycle.0, trigger = trigger.as_str(), "cycle started");
}

/// A cycle ended without decisions.
pub fn cycle_failed(trader: &Trader, cycle: CycleId, error: &dyn Error) {
    metrics::counter!("countersign_cycles_failed_total").increment(1);
    tracing::warn!(model = trader.id.0, cycle = cycle.0, error = chain(error), "cycle failed");
}

/// A lease could not be renewed in time; the commit will tell whether it is still ours.
pub fn lease_renewal_failed(lease: &str, error: &dyn Error) {
    tracing::warn!(lease, error = chain(error), "lease not renewed");
}

/// A decision moved.
pub fn decision_moved(decision: &Decision, by: &str) {
    metrics::counter!("countersign_decisions_total", "status" => decision.status().as_str()).increment(1);
    tracing::info!(
        model = decision.trader_id.0,
        decision = decision.id.0,
        cycle = decision.cycle_id.0,
        status = decision.status().as_str(),
        version = decision.version,
        by,
        "decision moved"
    );
}

/// An attempt is committed and its bytes leave.
pub fn order_sent(order: &Order) {
    metrics::counter!("countersign_orders_sent_total").increment(1);
    tracing::info!(
        model = order.intent.trader_id.0,
        order = order.id.0,
        client_order_id = order.client_order_id.as_str(),
        decision = order.decision_id().map(|id| id.0),
        attempt = order.attempts,
        "order sent"
    );
}

/// We refused to send an order.
pub fn order_denied(order: &Order, reason: &str) {
    metrics::counter!("countersign_orders_denied_total").increment(1);
    tracing::warn!(model = order.intent.trader_id.0, order = order.id.0, reason, "order denied before sending");
}

/// The emergency stop cancelled an order at its venue, before anything was recorded.
pub fn emergency_cancelled(order: &Order) {
    metrics::counter!("countersign_emergency_cancels_total").increment(1);
    tracing::warn!(order = order.id.0, "order cancelled by the emergency stop");
}

/// A venue did not cancel for the emergency stop at once; recording the stop tries again.
pub fn emergency_cancel_failed(order: &Order, why: &str) {
    tracing::error!(order = order.id.0, why, "the emergency stop could not cancel an order yet");
}

/// An order could not be judged before sending: it is looked at again.
pub fn order_postponed(order: &Order, why: &str) {
    metrics::counter!("countersign_orders_postponed_total").increment(1);
    tracing::warn!(model = order.intent.trader_id.0, order = order.id.0, why, "order postponed");
}

/// An order's reply was lost.
pub fn order_unknown(order: &Order, why: &str) {
    metrics::counter!("countersign_orders_unknown_total").increment(1);
    tracing::error!(model = order.intent.trader_id.0, order = order.id.0, why, "order outcome unknown");
}

/// An order could not be worked on; it stays as it is and is looked at again.
pub fn order_failed(order: OrderId, error: &dyn Error) {
    metrics::counter!("countersign_order_errors_total").increment(1);
    tracing::error!(order = order.0, error = chain(error), "order could not be worked on");
}

/// An exchange account could not be worked on; it is looked at again.
pub fn account_failed(account: &AccountFingerprint, error: &dyn Error) {
    metrics::counter!("countersign_account_errors_total").increment(1);
    tracing::error!(account = account.as_str(), error = chain(error), "account could not be worked on");
}

/// An account was reconciled.
pub fn account_reconciled(run: &ReconciliationRun) {
    let outcome = run.outcome.as_str();
    metrics::counter!("countersign_reconciliations_total", "outcome" => outcome).increment(1);
    tracing::info!(
        account = run.fingerprint.as_str(),
        outcome,
        by = run.by,
        summary = run.summary,
        "account reconciled"
    );
}

/// A person settled a difference, or let an account begin anew.
pub fn difference_settled(account: &AccountFingerprint, action: &str, by: &str) {
    tracing::warn!(account = account.as_str(), action, by, "difference settled");
}

/// An order's terms differ from what was approved: it is not sent.
pub fn digest_mismatch(order: &Order) {
    metrics::counter!("countersign_digest_mismatches_total").increment(1);
    tracing::error!(order = order.id.0, "the order differs from the approved terms");
}

/// A model's axes, state or settings changed.
pub fn model_changed(trader: &Trader, action: &str, by: &str) {
    tracing::info!(model = trader.id.0, version = trader.version, action, by, "model changed");
}

/// A position's stop, target or margin could not be acted on.
pub fn protection_failed(position: &Position, error: &dyn Error) {
    metrics::counter!("countersign_protection_errors_total").increment(1);
    tracing::error!(model = position.trader_id.0, position = position.id.0, error = chain(error), "protection failed");
}

/// The red button.
pub fn emergency_stop(by: &str, reason: &str) {
    metrics::counter!("countersign_emergency_stops_total").increment(1);
    tracing::error!(by, reason, "EMERGENCY STOP");
}

/// The stop switch did not obey.
pub fn stop_switch_failed(error: &dyn Error) {
    tracing::error!(error = chain(error), "emergency stop switch failed");
}

/// A commit did not happen where nobody waits for its answer.
pub fn commit_failed(doing: &str, error: &dyn Error) {
    tracing::error!(doing, error = chain(error), "commit failed");
}

/// The store failed where nobody waits for its answer.
pub fn store_failed(doing: &str, error: &dyn Error) {
    tracing::error!(doing, error = chain(error), "store failed");
}

/// Something that cannot happen did.
pub fn invariant_broken(what: &str, error: &dyn Error) {
    metrics::counter!("countersign_invariants_broken_total").increment(1);
    tracing::error!(what, error = chain(error), "invariant broken");
}

/// A worker's round failed; the next one comes.
pub fn worker_failed(worker: &str, error: &dyn Error) {
    metrics::counter!("countersign_worker_errors_total").increment(1);
    tracing::error!(worker, error = chain(error), "worker round failed");
}

/// A worker's round panicked; the next one comes.
pub fn worker_panicked(worker: &str) {
    metrics::counter!("countersign_worker_panics_total").increment(1);
    tracing::error!(worker, "worker round panicked");
}

/// A scheduled cycle failed; its incident tells the person.
pub fn scheduled_cycle_failed(trader: crate::domain::ids::TraderId, error: &dyn Error) {
    tracing::warn!(model = trader.0, error = chain(error), "scheduled cycle failed");
}

/// The end came before cycles were done; their leases lapse and nothing of them was written.
pub fn cycles_abandoned(count: usize) {
    tracing::warn!(count, "cycles abandoned at shutdown");
}

/// The end came before shadows had answered; what that costs is not on the bill.
pub fn questions_abandoned() {
    tracing::warn!("questions to shadows abandoned at shutdown");
}

/// Orders that were being sent when the time for draining was over: the next start asks what became of them.
pub fn orders_abandoned(count: usize) {
    tracing::warn!(count, "accounts with orders in flight abandoned at shutdown");
}

/// Workers did not end in time.
pub fn workers_abandoned() {
    tracing::warn!("workers did not finish in time; what they had in flight is picked up at the next start");
}

/// An answer of a language model could not be used as it was; it is asked once more.
pub fn answer_unusable(trader: &Trader, provider: &Provider, errors: &[String]) {
    metrics::counter!("countersign_answers_unusable_total").increment(1);
    tracing::warn!(
        model = trader.id.0,
        provider = provider.id.0,
        errors = errors.len(),
        "an answer could not be used; asking again"
    );
}

/// A shadow was not shown a record; it is tried again.
pub fn shadow_not_shown(shadow: ShadowId, error: &dyn Error) {
    metrics::counter!("countersign_shadows_not_shown_total").increment(1);
    tracing::warn!(shadow = shadow.0, error = chain(error), "a shadow was not shown a record");
}

/// The record of a cycle could not be kept; its decisions stand.
pub fn bundle_not_kept(cycle: CycleId, error: &dyn Error) {
    metrics::counter!("countersign_bundles_not_kept_total").increment(1);
    tracing::error!(cycle = cycle.0, cause = chain(error), "the record of a cycle was not kept");
}

/// Records of cycles were removed on schedule.
pub fn bundles_removed(count: u64, bytes: u64) {
    metrics::counter!("countersign_bundles_removed_total").increment(count);
    tracing::info!(records = count, bytes, "old records of cycles were removed");
}

/// A stored record is not what its name says, or cannot be read.
pub fn bundle_damaged(cycle: CycleId, error: &dyn Error) {
    metrics::counter!("countersign_bundles_damaged_total").increment(1);
    tracing::error!(cycle = cycle.0, cause = %error, "the record of a cycle cannot be used");
}

/// The second question got no answer; the first one stands with its errors.
pub fn second_question_failed(trader: &Trader, provider: &Provider, error: &dyn Error) {
    tracing::warn!(
        model = trader.id.0,
        provider = provider.id.0,
        error = chain(error),
        "the second question got no answer"
    );
}
