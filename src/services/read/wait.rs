//! Waiting for an order to come to rest, without polling harder than needed.

use crate::domain::ids::OrderId;
use crate::domain::order::Order;
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// A look even when the feed is silent: the order may be worked on by another process.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The order once it is final, or as it stands when the time is over.
///
/// An order that rests part filled is final enough for whoever waits: it may rest for hours.
///
/// # Errors
/// When the store fails.
pub async fn wait_for_order(desk: &Desk, id: OrderId, within: Duration) -> Result<Option<Order>, StoreError> {
    let mut feed = desk.live.subscribe();
    let deadline = tokio::time::Instant::now() + within;
    loop {
        let order = desk.store.order(id).await?;
        let at_rest = order.as_ref().is_none_or(|order| !order.status().is_open() || !order.filled.is_zero());
        if at_rest || tokio::time::Instant::now() >= deadline {
            return Ok(order);
        }
        let pause = tokio::time::sleep_until(deadline.min(tokio::time::Instant::now() + LOOK_EVERY));
        tokio::select! {
            () = pause => {}
            message = feed.recv() => if matches!(message, Err(RecvError::Closed)) { return Ok(order) },
        }
    }
}
