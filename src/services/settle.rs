//! Settling what waits: pending decisions and unsent orders end when an axis, the order style or the credentials
//! change, when a model is deleted, and when everything is stopped.

use crate::domain::decision::{Decision, DecisionEvent, IllegalDecisionEvent};
use crate::domain::ids::TraderId;
use crate::domain::order::{Order, OrderEvent, OrderStatus};
use crate::domain::time::Timestamp;
use crate::ports::store::{Changes, DecisionEventRecord, Guard, OrderEventRecord, StoreError};
use crate::services::desk::Desk;
use std::collections::BTreeSet;

/// How a decision's history names the desk itself.
pub const SELF: &str = "countersign";

/// What was settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Decisions cancelled.
    pub decisions: usize,
    /// Unsent orders denied.
    pub orders: usize,
}

/// Puts the end of everything that waits for a trader into `changes`, guarded by its books.
///
/// # Errors
/// When the store cannot tell what waits.
pub async fn cancel_waiting(
    desk: &Desk,
    changes: &mut Changes,
    trader: TraderId,
    by: &str,
    reason: &str,
    at: Timestamp,
) -> Result<Settled, StoreError> {
    let mut settled = Settled::default();
    let mut books = BTreeSet::new();
    for mut decision in desk.store.waiting_decisions(Some(trader)).await? {
        let event = DecisionEvent::Cancel { by: by.to_owned(), reason: reason.to_owned() };
        if move_decision(changes, &mut decision, event, by, reason, at).is_ok() {
            books.insert(decision.book_id);
            settled.decisions += 1;
        }
    }
    for mut order in desk.store.open_orders(Some(trader)).await? {
        if order.status() != OrderStatus::Initialized {
            continue;
        }
        if deny_order(changes, &mut order, reason, at) {
            books.insert(order.intent.book_id);
            settled.orders += 1;
        }
    }
    for id in books {
        if let Some(book) = desk.store.book_by_id(id).await? {
            changes.guards.push(Guard::Book { id, version: book.version });
        }
    }
    Ok(settled)
}

/// Moves a decision and writes the line of its history.
///
/// # Errors
/// When its state does not allow the event; nothing is written then.
pub fn move_decision(
    changes: &mut Changes,
    decision: &mut Decision,
    event: DecisionEvent,
    actor: &str,
    detail: &str,
    at: Timestamp,
) -> Result<(), IllegalDecisionEvent> {
    let (expected, name) = (decision.version, event.name());
    decision.apply(event, at)?;
    changes.decision_events.push(DecisionEventRecord {
        decision_id: decision.id,
        version: decision.version,
        name,
        actor: actor.to_owned(),
        detail: detail.to_owned(),
        at,
    });
    changes.updated_decisions.push((decision.clone(), expected));
    Ok(())
}

/// Moves an order that was not sent to `Denied`; false when it was sent meanwhile.
pub fn deny_order(changes: &mut Changes, order: &mut Order, reason: &str, at: Timestamp) -> bool {
    let expected = order.version;
    if order.apply(OrderEvent::Deny { reason: reason.to_owned() }, at).is_err() {
        return false;
    }
    changes.order_events.push(OrderEventRecord { order_id: order.id, name: "deny", detail: reason.to_owned(), at });
    changes.updated_orders.push((order.clone(), expected));
    true
}
