//! What became of orders that are under way: the venue is asked, and what its sender left behind is adopted.

use super::{Setting, SubmitError, end, lanes, lose, unknown_incident};
use crate::domain::order::{Order, OrderEvent, OrderStatus};
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{Changes, StoreError};
use crate::ports::venue::QueryOutcome;
use crate::services::apply_fill::apply_report;
use crate::services::desk::{Desk, is_conflict};
use crate::services::live::{Errand, LiveRefusal};
use futures_util::future::join_all;

/// Asks the venue about every order that is under way: resting ones may have been filled, unknown ones may be told.
/// An order whose sender died while it was being sent becomes unknown first.
///
/// # Errors
/// When the open orders cannot be read. A failure of one order is logged and does not stop the others.
pub async fn follow_up(desk: &Desk) -> Result<usize, StoreError> {
    let mut open = desk.store.open_orders(None).await?;
    open.retain(|order| order.status() != OrderStatus::Initialized);
    // The fill model answers at once and in a fixed order; exchanges are asked side by side.
    let (simulated, live): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|order| order.intent.venue == VenueKind::Simulation);
    let touched = follow_lane(desk, simulated).await;
    let live = join_all(lanes(live.into_iter()).into_iter().map(|(_, orders)| follow_lane(desk, orders))).await;
    Ok(touched + live.into_iter().sum::<usize>())
}

async fn follow_lane(desk: &Desk, orders: Vec<Order>) -> usize {
    let mut touched = 0;
    for order in orders {
        let id = order.id;
        let result = match (order.status(), order.intent.venue) {
            (OrderStatus::Submitted, _) => adopt_orphan(desk, order).await,
            // An exchange is asked by the rules of proven absence, in its own time.
            (OrderStatus::Unknown, VenueKind::Testnet | VenueKind::Mainnet) => continue,
            _ => query_one(desk, order).await,
        };
        match result {
            Ok(changed) => touched += usize::from(changed),
            Err(SubmitError::Commit(error)) if is_conflict(&error) => {}
            Err(error) => crate::observe::order_failed(id, &error),
        }
    }
    touched
}

/// A living sender's order is its own business; a dead one's is unknown.
async fn adopt_orphan(desk: &Desk, order: Order) -> Result<bool, SubmitError> {
    let attempts = desk.store.attempts(order.id).await?;
    let Some(last) = attempts.last() else { return Ok(false) };
    let lease = desk.store.lease(&last.attempt.sender).await?;
    let alive = lease.is_some_and(|lease| lease.epoch == last.attempt.epoch && lease.until > desk.clock.now());
    if alive {
        return Ok(false);
    }
    let trader = desk.store.trader(order.intent.trader_id).await?.ok_or(SubmitError::NotFound(order.id))?;
    lose(desk, &trader, order, "its sender stopped before the answer was recorded").await?;
    Ok(true)
}

pub(crate) async fn query_one(desk: &Desk, order: Order) -> Result<bool, SubmitError> {
    let trader = desk.store.trader(order.intent.trader_id).await?.ok_or(SubmitError::NotFound(order.id))?;
    let setting = match Setting::of(desk, &trader, &order, Errand::Ask).await {
        Ok(setting) => setting,
        Err(LiveRefusal::Store(error)) => return Err(error.into()),
        Err(_) => return Ok(false),
    };
    let was_unknown = order.status() == OrderStatus::Unknown;
    match setting.venue.query(&order, setting.context(&trader)).await {
        QueryOutcome::Found(report) => {
            let before = order.version;
            let now = apply_report(desk, order.id, &report).await?;
            Ok(now.version != before)
        }
        QueryOutcome::NotFound { is_final: true } if was_unknown => {
            let incident = unknown_incident(&trader, &order, "", desk.clock.now());
            end(desk, &trader, order, OrderEvent::ProveAbsent, "proven absent", None).await?;
            desk.store
                .commit(Changes {
                    recovered: vec![(incident, "it never reached the venue".to_owned())],
                    ..Changes::default()
                })
                .await?;
            Ok(true)
        }
        QueryOutcome::NotFound { .. } | QueryOutcome::Unavailable { .. } => Ok(false),
    }
}
