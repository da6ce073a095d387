//! What runs leave behind: their record, differences as rows, and the incidents that tell a person.

use super::ConnectedAccount;
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::reconciliation::{Difference, DifferenceStatus, Finding, Merge, ReconciliationRun, RunOutcome};
use crate::domain::time::Timestamp;
use crate::ports::exchange::ExchangeError;
use crate::services::desk::Desk;

/// The record of a run that ends now.
pub(super) fn ended(
    desk: &Desk,
    connected: &ConnectedAccount,
    started_at: Timestamp,
    by: &str,
    outcome: RunOutcome,
    summary: String,
) -> ReconciliationRun {
    ReconciliationRun {
        fingerprint: connected.fingerprint.clone(),
        process: desk.process.clone(),
        by: by.to_owned(),
        started_at,
        finished_at: desk.clock.now(),
        outcome,
        summary,
    }
}

/// A run in words.
pub(super) fn summary(remark: &str, merged: &Merge, outcome: RunOutcome) -> String {
    let mut words = match outcome {
        RunOutcome::Wiped => "the exchange has forgotten us".to_owned(),
        RunOutcome::Agreed => "nothing unexplained".to_owned(),
        RunOutcome::Differs | RunOutcome::Failed => format!("{} unexplained", merged.open),
    };
    for (count, what) in [(merged.opened, "new"), (merged.gone.len(), "gone")] {
        if count > 0 {
            words = format!("{words}, {count} {what}");
        }
    }
    if remark.is_empty() { words } else { format!("{words}; {remark}") }
}

/// A finding as a new row.
pub(super) fn difference(connected: &ConnectedAccount, finding: Finding, at: Timestamp) -> Difference {
    Difference {
        id: 0,
        fingerprint: connected.fingerprint.clone(),
        finding,
        first_at: at,
        last_at: at,
        status: DifferenceStatus::Open,
        settled: None,
        note: String::new(),
        version: 1,
    }
}

/// A finding in words.
pub(super) fn words(finding: &Finding) -> String {
    let kind = finding.kind.as_str().replace('_', " ");
    format!("{kind} {}: {} here, {} there", finding.subject, finding.local, finding.exchange)
}

/// The incident about what nobody has explained: one for each account.
pub(super) fn drift(connected: &ConnectedAccount, at: Timestamp, why: &str) -> NewIncident {
    NewIncident {
        kind: IncidentKind::ReconciliationDrift,
        severity: Severity::Critical,
        trader_id: None,
        title: format!("Our books and the {} account {} differ", connected.venue, connected.fingerprint),
        detail: format!("{why}. Entries of every model on this account are halted until a person has looked."),
        fingerprint: format!("account {}", connected.fingerprint),
        at,
    }
}

/// The incident about an account that cannot be asked: one for each account.
pub(super) fn unreachable(connected: &ConnectedAccount, at: Timestamp, error: &ExchangeError) -> NewIncident {
    // A locked vault is our own trouble; all else is between us and the exchange.
    let kind = match error {
        ExchangeError::VaultLocked(_) => IncidentKind::ReconciliationDrift,
        _ => IncidentKind::ExchangeApiError,
    };
    not_reconciled(connected, kind, at, &error.to_string())
}

/// An account that answers ends that incident, whatever had caused it.
pub(super) fn reached(connected: &ConnectedAccount, at: Timestamp, note: &str) -> Vec<(NewIncident, String)> {
    let kinds = [IncidentKind::ExchangeApiError, IncidentKind::ReconciliationDrift];
    kinds.map(|kind| (not_reconciled(connected, kind, at, ""), note.to_owned())).into()
}

fn not_reconciled(connected: &ConnectedAccount, kind: IncidentKind, at: Timestamp, why: &str) -> NewIncident {
    NewIncident {
        kind,
        severity: Severity::High,
        trader_id: None,
        title: format!("The {} account {} cannot be reconciled", connected.venue, connected.fingerprint),
        detail: format!("{why}. It is tried again; entries wait for the first success."),
        fingerprint: format!("account {} unreachable", connected.fingerprint),
        at,
    }
}
