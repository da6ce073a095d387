//! Cancelling: what is not sent yet is denied, what rests at a venue is cancelled there.

use super::follow::query_one;
use super::{Setting, SubmitError, deny};
use crate::domain::ids::OrderId;
use crate::domain::order::{Order, OrderEvent, OrderStatus};
use crate::domain::trader::Trader;
use crate::ports::store::{Changes, JournalError, OrderEventRecord};
use crate::ports::venue::CancelOutcome;
use crate::services::apply_fill::{ApplyError, apply_report};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live::Errand;
use crate::services::live_feed::Topic;

/// Cancels what is left of an order, for a person or the stop.
///
/// # Errors
/// [`SubmitError::NotCancellable`] when it is final, being sent or unknown; [`SubmitError::Venue`] when the venue refused.
pub async fn cancel(desk: &Desk, id: OrderId, by: &str) -> Result<Order, SubmitError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let order = desk.store.order(id).await?.ok_or(SubmitError::NotFound(id))?;
        let trader = desk.store.trader(order.intent.trader_id).await?.ok_or(SubmitError::NotFound(id))?;
        let result = match order.status() {
            OrderStatus::Initialized => {
                deny(desk, &trader, order, &format!("cancelled by {by} before it was sent")).await
            }
            OrderStatus::Accepted | OrderStatus::PartiallyFilled => cancel_at_venue(desk, &trader, order, by).await,
            OrderStatus::PendingCancel => ask_venue_to_cancel(desk, &trader, &order).await,
            status => return Err(SubmitError::NotCancellable { id, status }),
        };
        match result {
            Ok(()) => {}
            Err(SubmitError::Commit(error)) if is_conflict(&error) => continue,
            Err(error) => return Err(error),
        }
        let now = desk.store.order(id).await?.ok_or(SubmitError::NotFound(id))?;
        if now.status() != OrderStatus::Initialized {
            desk.live.publish(Topic::Order, Some(id.0), Some(trader.id));
            return Ok(now);
        }
    }
    Err(ApplyError::Contended(id).into())
}

async fn cancel_at_venue(desk: &Desk, trader: &Trader, mut order: Order, by: &str) -> Result<(), SubmitError> {
    let (at, expected) = (desk.clock.now(), order.version);
    order.apply(OrderEvent::RequestCancel, at).map_err(JournalError::from)?;
    let changes = Changes {
        updated_orders: vec![(order.clone(), expected)],
        order_events: vec![OrderEventRecord {
            order_id: order.id,
            name: "request_cancel",
            detail: format!("by {by}"),
            at,
        }],
        ..Changes::default()
    };
    desk.store.commit(changes).await?;
    ask_venue_to_cancel(desk, trader, &order).await
}

async fn ask_venue_to_cancel(desk: &Desk, trader: &Trader, order: &Order) -> Result<(), SubmitError> {
    let unavailable = |why: &dyn std::fmt::Display| SubmitError::Venue { id: order.id, why: why.to_string() };
    let setting = Setting::of(desk, trader, order, Errand::Ask).await.map_err(|refusal| unavailable(&refusal))?;
    match setting.venue.cancel(order, setting.context(trader)).await {
        CancelOutcome::Canceled(report) => {
            apply_report(desk, order.id, &report).await?;
            Ok(())
        }
        CancelOutcome::Refused { .. } => {
            // Too late, most likely: what it became is the venue's to tell.
            query_one(desk, order.clone()).await?;
            Ok(())
        }
        CancelOutcome::Unavailable { why } => Err(unavailable(&why)),
    }
}

/// Cancels at the venue before anything is written: for the emergency stop only. What it did is told by a query later.
pub async fn cancel_unrecorded(desk: &Desk, order: &Order) {
    let trader = desk.store.trader(order.intent.trader_id).await;
    let Ok(Some(trader)) = trader else { return };
    let outcome = match Setting::of(desk, &trader, order, Errand::Ask).await {
        Ok(setting) => setting.venue.cancel(order, setting.context(&trader)).await,
        Err(refusal) => CancelOutcome::Unavailable { why: refusal.to_string() },
    };
    match outcome {
        CancelOutcome::Canceled(_) => crate::observe::emergency_cancelled(order),
        CancelOutcome::Refused { why } | CancelOutcome::Unavailable { why } => {
            crate::observe::emergency_cancel_failed(order, &why);
        }
    }
}
