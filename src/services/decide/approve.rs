//! Approving: what was looked at is exactly what is sent, once.

use super::edit::{Modifications, apply_modifications};
use super::{Case, DecideError, as_decide_error, audit};
use crate::domain::decision::{Approval, Decision, DecisionEvent, DecisionStatus};
use crate::domain::ids::{DecisionId, OrderId};
use crate::domain::market::Quote;
use crate::domain::order::{OrderCause, OrderIntent, OrderKind, Purpose};
use crate::domain::signal::PositionSide;
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::OrderStyle;
use crate::ports::store::Changes;
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::journal::journal;
use crate::services::live_feed::Topic;
use crate::services::settle::move_decision;
use rust_decimal::Decimal;

/// Asks for an approval.
#[derive(Clone, Debug)]
pub struct ApproveRequest {
    /// Which decision.
    pub id: DecisionId,
    /// The version that was looked at; may be left out unless real money is at stake.
    pub version: Option<i64>,
    /// The digest that was looked at; likewise.
    pub digest: Option<String>,
    /// Changes made in the same breath.
    pub modifications: Option<Modifications>,
    /// Who approves.
    pub by: String,
}

/// Approves a pending decision: checks time, terms, drift and risk on current data, and journals the order in the same
/// transaction.
///
/// # Errors
/// [`DecideError`]; with the true row whenever there is one.
pub async fn approve(desk: &Desk, request: &ApproveRequest) -> Result<(Decision, OrderId), DecideError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let mut case = Case::open(desk, request.id, DecisionStatus::Pending).await?;
        case.require_terms(request.version, request.digest.as_deref())?;
        case.require_trading(desk).await?;
        let at = desk.clock.now();
        let mut changes = Changes { guards: case.guards(), ..Changes::default() };
        if let Some(modifications) = &request.modifications {
            apply_modifications(&mut case, &mut changes, modifications, &request.by, at)?;
        } else if let Some(drifted) = requote(&case, &mut changes, &request.by, at)? {
            match desk.store.commit(changes).await {
                Ok(()) => return Err(announce(desk, drifted, &request.by)),
                Err(error) if is_conflict(&error) => continue,
                Err(error) => return Err(as_decide_error(error)),
            }
        }
        let approval =
            Approval { by: request.by.clone(), at, version: case.decision.version, edited: case.decision.edited };
        let intent =
            intent_as_approved(&case).ok_or_else(|| DecideError::AlreadyDecided(Box::new(case.decision.clone())))?;
        let detail = format!("version {}, terms {}", approval.version, intent.terms().digest().as_str());
        changes.audit.push(audit(at, &request.by, "decision.approve", request.id, &detail));
        let (outcome, denied) = match case.judge_as_approved(intent) {
            Ok(checked) => {
                case.decision.risk = checked.report().clone();
                let order = journal(desk, &mut changes, checked, at, case.market.now).await?;
                let event = DecisionEvent::Approve { order, approval };
                (
                    move_decision(&mut changes, &mut case.decision, event, &request.by, &detail, at)
                        .map(|()| Some(order)),
                    None,
                )
            }
            Err(report) => {
                case.decision.risk = report.clone();
                let reasons = report.reasons();
                let event = DecisionEvent::DenyApproval { approval };
                (
                    move_decision(&mut changes, &mut case.decision, event, &request.by, &reasons, at).map(|()| None),
                    Some(report),
                )
            }
        };
        let Ok(order) = outcome else { continue };
        merge_updates(&mut changes);
        match desk.store.commit(changes).await {
            Ok(()) => {}
            Err(error) if is_conflict(&error) => continue,
            Err(error) => return Err(as_decide_error(error)),
        }
        crate::observe::decision_moved(&case.decision, &request.by);
        desk.submit_wake.notify_one();
        desk.live.publish(Topic::Decision, Some(request.id.0), Some(case.trader.id));
        return match (order, denied) {
            (Some(order), _) => Ok((case.decision, order)),
            (None, report) => {
                Err(DecideError::RiskDenied { decision: Box::new(case.decision), report: report.unwrap_or_default() })
            }
        };
    }
    Err(DecideError::Contended)
}

/// An edit and an approval in one request are two steps of the decision but one change of its row.
fn merge_updates(changes: &mut Changes) {
    if let [first, .., last] = changes.updated_decisions.as_slice() {
        changes.updated_decisions = vec![(last.0.clone(), first.1)];
    }
}

/// The order of exactly the terms that the decision shows, at the quote they were shown with.
fn intent_as_approved(case: &Case) -> Option<OrderIntent> {
    let decision = &case.decision;
    let terms = decision.terms()?;
    let purpose = match decision.signal?.entry_side() {
        Some(side) => Purpose::Entry(side),
        None => Purpose::Exit(case.view.position(&decision.coin).map_or(PositionSide::Long, |position| position.side)),
    };
    let kind = match (terms.order_style, terms.worst_price) {
        (OrderStyle::Protected, Some(worst)) => OrderKind::LimitIoc(worst),
        (OrderStyle::Protected, None) | (OrderStyle::Market, _) => OrderKind::Market,
    };
    Some(OrderIntent {
        trader_id: terms.trader_id,
        book_id: decision.book_id,
        venue: terms.venue,
        account: terms.account,
        cause: OrderCause::Decision(decision.id),
        coin: decision.coin.clone(),
        symbol: terms.symbol,
        purpose,
        kind,
        quantity: terms.quantity,
        leverage: terms.leverage,
        stop_loss: terms.stop_loss,
        profit_target: terms.profit_target,
        quote: terms.quote,
        policy_version: terms.policy_version,
        terms_version: terms.version,
    })
}

/// When the price of an entry moved further than allowed: the same terms at a fresh quote, as a new version.
fn requote(case: &Case, changes: &mut Changes, by: &str, at: Timestamp) -> Result<Option<DecideError>, DecideError> {
    let decision = &case.decision;
    let Some(now) = case.market.quotes.get(&decision.coin).copied() else { return Ok(None) };
    let Some(shown) = decision.quote.filter(|_| decision.signal.is_some_and(|signal| signal.is_entry())) else {
        return Ok(None);
    };
    let bps = shown.price.drift_bps(now.price);
    if bps.abs() <= case.trader.settings.max_price_drift_bps {
        return Ok(None);
    }
    let wish = case.wish().ok_or_else(|| DecideError::AlreadyDecided(Box::new(decision.clone())))?;
    let approval = Approval { by: by.to_owned(), at, version: decision.version, edited: decision.edited };
    match case.judge(&wish, decision.version + 1) {
        Ok(judgement) => {
            let mut fresh = judgement.decision;
            let detail = drift_words(shown, now, bps);
            step(changes, &mut fresh, DecisionEvent::Requote { digest: judgement.digest }, by, &detail, at)?;
            Ok(Some(DecideError::PriceDrift { decision: Box::new(fresh), old: shown.price, new: now.price, bps }))
        }
        Err(report) => {
            let mut denied = Decision { risk: report.clone(), ..decision.clone() };
            step(changes, &mut denied, DecisionEvent::DenyApproval { approval }, by, &report.reasons(), at)?;
            Ok(Some(DecideError::RiskDenied { decision: Box::new(denied), report }))
        }
    }
}

fn step(
    changes: &mut Changes,
    decision: &mut Decision,
    event: DecisionEvent,
    by: &str,
    detail: &str,
    at: Timestamp,
) -> Result<(), DecideError> {
    let row = Box::new(decision.clone());
    move_decision(changes, decision, event, by, detail, at).map_err(|_| DecideError::AlreadyDecided(row))
}

fn drift_words(old: Quote, new: Quote, bps: Decimal) -> String {
    format!("price moved {} bps, {} to {}", bps.round_dp(1), old.price, new.price)
}

fn announce(desk: &Desk, error: DecideError, by: &str) -> DecideError {
    if let DecideError::PriceDrift { decision, .. } | DecideError::RiskDenied { decision, .. } = &error {
        crate::observe::decision_moved(decision, by);
        desk.live.publish(Topic::Decision, Some(decision.id.0), Some(decision.trader_id));
    }
    error
}
