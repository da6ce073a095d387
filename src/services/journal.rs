//! Turns a checked intent into an order row: the one place where orders are named and stamped.

use crate::domain::ids::OrderId;
use crate::domain::order::{Order, OrderCause, OrderIntent};
use crate::domain::risk::RiskChecked;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::ports::store::{Changes, IdKind, OrderEventRecord, StoreError};
use crate::services::desk::Desk;

/// An entry that could not be sent for this long is not sent any more: its price context is gone.
const ENTRY_SEND_WITHIN_MS: i64 = 2 * MINUTE_MS;

/// Journals an order into `changes`: row, outbox (with the row) and first line of its time line.
///
/// # Errors
/// When the store cannot hand out an id or tell the last sequence.
pub async fn journal(
    desk: &Desk,
    changes: &mut Changes,
    checked: RiskChecked<OrderIntent>,
    wall: Timestamp,
    market: Timestamp,
) -> Result<OrderId, StoreError> {
    let id = OrderId(desk.next_id(IdKind::Order).await?);
    let cause = checked.get().cause;
    // A decision is ordered once; exits of a position may need several tries, each under its own name.
    let sequence = match cause {
        OrderCause::Decision(_) => 1,
        _ => desk.store.last_sequence(cause).await? + 1,
    };
    let send_before = checked.get().purpose.is_entry().then(|| wall.plus_ms(ENTRY_SEND_WITHIN_MS));
    let order = Order::journal(id, checked, sequence, &desk.installation, wall, market, send_before);
    let detail = format!(
        "{} {} {} as {}",
        order.intent.purpose.side(),
        order.intent.quantity,
        order.intent.coin,
        order.client_order_id
    );
    changes.order_events.push(OrderEventRecord { order_id: id, name: "journal", detail, at: wall });
    changes.new_orders.push(order);
    Ok(id)
}
