//! Editing: a person changes quantity, leverage, stop or target. The result is judged like a new proposal, gets a new
//! version, a fresh quote and a new digest; whatever was approved before is void.

use super::{Case, DecideError, as_decide_error, audit};
use crate::domain::decision::{Decision, DecisionEvent, DecisionStatus};
use crate::domain::ids::DecisionId;
use crate::domain::money::{Price, Quantity};
use crate::domain::time::Timestamp;
use crate::ports::store::Changes;
use crate::services::cycle_parts::Wish;
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;
use crate::services::settle::move_decision;

/// New terms. The outer `None` leaves a term as it is; `Some(None)` takes a stop or target away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifications {
    /// Base quantity.
    pub quantity: Option<Quantity>,
    /// At least 1.
    pub leverage: Option<u32>,
    /// Price at which to take profit.
    pub profit_target: Option<Option<Price>>,
    /// Price at which to give up.
    pub stop_loss: Option<Option<Price>>,
}

/// Asks for an edit.
#[derive(Clone, Debug)]
pub struct EditRequest {
    /// Which decision.
    pub id: DecisionId,
    /// The version that was looked at.
    pub version: Option<i64>,
    /// New terms.
    pub modifications: Modifications,
    /// Who edits.
    pub by: String,
}

/// Changes the terms of a pending decision.
///
/// # Errors
/// [`DecideError`]; [`DecideError::RiskDenied`] leaves the decision as it was.
pub async fn edit(desk: &Desk, request: &EditRequest) -> Result<Decision, DecideError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let mut case = Case::open(desk, request.id, DecisionStatus::Pending).await?;
        case.require_terms(
            request.version,
            case.decision.digest().map(|digest| digest.as_str().to_owned()).as_deref(),
        )?;
        let at = desk.clock.now();
        let mut changes = Changes { guards: case.guards(), ..Changes::default() };
        apply_modifications(&mut case, &mut changes, &request.modifications, &request.by, at)?;
        match desk.store.commit(changes).await {
            Ok(()) => {
                crate::observe::decision_moved(&case.decision, &request.by);
                desk.live.publish(Topic::Decision, Some(request.id.0), Some(case.trader.id));
                return Ok(case.decision);
            }
            Err(error) if is_conflict(&error) => {}
            Err(error) => return Err(as_decide_error(error)),
        }
    }
    Err(DecideError::Contended)
}

/// Judges the modified terms and moves the decision to its next version, in the case and in the commit.
pub(super) fn apply_modifications(
    case: &mut Case,
    changes: &mut Changes,
    modifications: &Modifications,
    by: &str,
    at: Timestamp,
) -> Result<(), DecideError> {
    let row = || Box::new(case.decision.clone());
    let wish = case.wish().ok_or_else(|| DecideError::AlreadyDecided(row()))?;
    if !wish.signal.is_entry() {
        closes_take_only_quantity(modifications)?;
    }
    let wish = Wish {
        quantity: modifications.quantity.or(wish.quantity),
        leverage: modifications.leverage.unwrap_or(wish.leverage),
        profit_target: modifications.profit_target.unwrap_or(wish.profit_target),
        stop_loss: modifications.stop_loss.unwrap_or(wish.stop_loss),
        ..wish
    };
    let judged = case.judge(&wish, case.decision.version + 1);
    let judgement = judged.map_err(|report| DecideError::RiskDenied { decision: row(), report })?;
    let mut next = Decision { edited: true, ..judgement.decision };
    let detail = difference(&case.decision, &next);
    let moved = move_decision(changes, &mut next, DecisionEvent::Edit { digest: judgement.digest }, by, &detail, at);
    moved.map_err(|_| DecideError::AlreadyDecided(row()))?;
    changes.audit.push(audit(at, by, "decision.edit", next.id, &detail));
    case.decision = next;
    Ok(())
}

fn closes_take_only_quantity(modifications: &Modifications) -> Result<(), DecideError> {
    let fields = [
        ("leverage", modifications.leverage.is_some()),
        ("profit_target", matches!(modifications.profit_target, Some(Some(_)))),
        ("stop_loss", matches!(modifications.stop_loss, Some(Some(_)))),
    ];
    match fields.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => {
            Err(DecideError::Invalid { field, rule: "cannot be set when a position is closed".to_owned() })
        }
        None => Ok(()),
    }
}

/// What changed, old to new, for the history.
fn difference(old: &Decision, new: &Decision) -> String {
    let text = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let pairs = [
        ("quantity", text(old.quantity.map(|q| q.to_string())), text(new.quantity.map(|q| q.to_string()))),
        ("leverage", old.leverage.to_string(), new.leverage.to_string()),
        ("stop_loss", text(old.stop_loss.map(|p| p.to_string())), text(new.stop_loss.map(|p| p.to_string()))),
        (
            "profit_target",
            text(old.profit_target.map(|p| p.to_string())),
            text(new.profit_target.map(|p| p.to_string())),
        ),
    ];
    let changed = pairs.iter().filter(|(_, old, new)| old != new);
    changed.map(|(name, old, new)| format!("{name} {old} -> {new}")).collect::<Vec<_>>().join(", ")
}
