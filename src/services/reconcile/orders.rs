//! Open orders, both sides.

use super::ReconcileError;
use super::run::Scene;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::reconciliation::{Amounts, DifferenceKind, Finding};
use crate::ports::exchange::{ExchangeError, VenueOrder};
use crate::ports::store::StoreError;
use crate::ports::venue::QueryOutcome;
use crate::services::apply_fill::{ApplyError, apply_report};
use crate::services::desk::Desk;
use crate::services::resolve_unknown::ask_exchange;
use std::collections::BTreeMap;

/// Resting orders of ours that the exchange does not list and that are asked for one by one in a run; the rest waits.
const ASKED_MAX: usize = 50;

/// Checks orders that rest by our books against those that rest by the exchange's.
pub(super) async fn check(scene: &Scene<'_>, findings: &mut Vec<Finding>) -> Result<(), ReconcileError> {
    // Ours first: what ends between the two readings is asked for and told.
    let ours = resting(scene).await?;
    let theirs = scene.account.open_orders(None).await?;
    let listed: BTreeMap<&str, &VenueOrder> =
        theirs.iter().map(|order| (order.client_order_id.as_str(), order)).collect();
    let mut asked = 0;
    for order in ours {
        match listed.get(order.client_order_id.as_str()) {
            Some(there) if there.filled == order.filled => {}
            there => {
                asked += 1;
                if asked > ASKED_MAX {
                    break;
                }
                ask(scene, &order, there.is_some(), findings).await?;
            }
        }
    }
    findings.extend(foreign(scene.desk, theirs).await?);
    Ok(())
}

/// Open orders at the exchange that our books cannot have.
pub(super) async fn foreign(desk: &Desk, theirs: Vec<VenueOrder>) -> Result<Vec<Finding>, StoreError> {
    let prefix = format!("cs{}-", desk.installation.as_str());
    let mut findings = Vec::new();
    for order in theirs {
        let words = format!("{} {} of {} {}", order.side.as_str(), order.filled, order.quantity, order.symbol);
        let finding = |kind, local: String| Finding {
            kind,
            key: format!("order {} {}", order.symbol, order.venue_order_id),
            subject: order.symbol.to_string(),
            local,
            exchange: format!("{words} as {} (order {})", order.client_order_id, order.venue_order_id),
            effect: Amounts::new(),
        };
        if !order.client_order_id.starts_with(&prefix) {
            findings.push(finding(DifferenceKind::ForeignOrder, "no order of ours".to_owned()));
            continue;
        }
        match desk.store.order_by_name(&order.client_order_id).await? {
            // On its way, unknown or resting: each has its own way to the truth.
            Some(known) if known.status().is_open() => {}
            Some(known) => {
                let local = format!("order {} is {}", known.id, known.status().as_str().replace('_', " "));
                findings.push(finding(DifferenceKind::OrderState, local));
            }
            None => {
                let local = "no record of an order of this name".to_owned();
                findings.push(finding(DifferenceKind::UnknownOrder, local));
            }
        }
    }
    Ok(findings)
}

async fn resting(scene: &Scene<'_>) -> Result<Vec<Order>, StoreError> {
    let mut resting = Vec::new();
    for (trader, _) in &scene.connected.traders {
        let open = scene.desk.store.open_orders(Some(*trader)).await?;
        resting.extend(open.into_iter().filter(|order| {
            order.intent.venue == scene.known.venue
                && order.created_at >= scene.known.since
                && matches!(
                    order.status(),
                    OrderStatus::Accepted | OrderStatus::PartiallyFilled | OrderStatus::PendingCancel
                )
        }));
    }
    Ok(resting)
}

/// Asks for an order of ours that the exchange lists otherwise, or not at all.
async fn ask(
    scene: &Scene<'_>,
    order: &Order,
    is_listed: bool,
    findings: &mut Vec<Finding>,
) -> Result<(), ReconcileError> {
    let desk = scene.desk;
    let missing = |exchange: &str| Finding {
        kind: DifferenceKind::OrderMissing,
        key: format!("resting {}", order.id),
        subject: order.id.to_string(),
        local: format!("order {} is {}", order.id, order.status().as_str().replace('_', " ")),
        exchange: exchange.to_owned(),
        effect: Amounts::new(),
    };
    match ask_exchange(desk, scene.account, order).await? {
        QueryOutcome::Found(report) => match apply_report(desk, order.id, &report).await {
            Ok(_) => Ok(()),
            Err(ApplyError::Misfit { why, .. }) => {
                findings.push(missing(&format!("told otherwise: {why}")));
                Ok(())
            }
            Err(ApplyError::Store(error)) => Err(error.into()),
            Err(ApplyError::Commit(error)) => Err(error.into()),
            Err(ApplyError::Gone(_) | ApplyError::Contended(_)) => Ok(()),
        },
        QueryOutcome::NotFound { .. } if !is_listed => {
            findings.push(missing("no such order"));
            Ok(())
        }
        QueryOutcome::NotFound { .. } => Ok(()),
        QueryOutcome::Unavailable { why } => Err(ExchangeError::Unreachable(why).into()),
    }
}
