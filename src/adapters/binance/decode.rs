//! Answers -> what they mean here. Pure. A figure that cannot be is an unreadable answer, never a guess.

use super::wire::{OrderWord, SideWord, WireFill, WireOrder, WireRestrictions, WireTrade};
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::signal::Side;
use crate::domain::time::Timestamp;
use crate::ports::exchange::{VenueOrder, VenueTrade};
use crate::ports::venue::{VenueFill, VenueReport, VenueStatus};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;

/// Reads a successful answer.
///
/// # Errors
/// Words that follow "Binance's answer".
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|_| "is not JSON of the documented shape".to_owned())
}

/// An answer as it came, for the record.
pub fn raw(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

/// The name under which an order was sent. In the answer to a cancel, `clientOrderId` names the cancel.
pub fn name(order: &WireOrder) -> &str {
    order.orig_client_order_id.as_deref().unwrap_or(&order.client_order_id)
}

/// What the venue says of an order, given every execution that is known. As long as these do not add up to what it says
/// was executed, the order counts as open: it is asked about again instead of being closed with a part of its fills.
pub fn report(order: &WireOrder, fills: Vec<VenueFill>, raw: String) -> VenueReport {
    let known: Quantity = fills.iter().map(|fill| fill.quantity).sum();
    let status = if known.decimal() < executed(order) { VenueStatus::Open } else { status(order) };
    VenueReport { venue_order_id: order.order_id, status, fills, raw }
}

/// Base executed so far.
pub fn executed(order: &WireOrder) -> Decimal {
    order.executed_qty.unwrap_or_default().0
}

/// The executions that came with the answer to a placed order. They took what rested; those that follow, if it rests,
/// are told as trades. Empty when any of them has no identity: they are asked for then.
///
/// # Errors
/// Words that follow "Binance's answer".
pub fn fills(order: &WireOrder) -> Result<Vec<VenueFill>, String> {
    let Some(at) = order.transact_time else { return Ok(Vec::new()) };
    let Some(ids) = order.fills.iter().map(|fill| fill.trade_id.filter(|id| *id >= 0)).collect::<Option<Vec<_>>>()
    else {
        return Ok(Vec::new());
    };
    order.fills.iter().zip(ids).map(|(fill, id)| placed_fill(fill, id, Timestamp(at))).collect()
}

/// An order of a list.
///
/// # Errors
/// Words that follow "Binance's answer".
pub fn listed(order: &WireOrder) -> Result<VenueOrder, String> {
    let side = match &order.side {
        Some(SideWord::Buy) => Side::Buy,
        Some(SideWord::Sell) => Side::Sell,
        Some(SideWord::Other(_)) | None => return Err("has an order without a side".to_owned()),
    };
    let (ordered, filled) = (order.orig_qty.unwrap_or_default().0, executed(order));
    // Of some old orders the venue no longer knows the value and says so with a negative one.
    let filled_value = Money::new(order.cummulative_quote_qty.unwrap_or_default().0.max(Decimal::ZERO));
    Ok(VenueOrder {
        venue_order_id: order.order_id,
        client_order_id: name(order).to_owned(),
        symbol: Symbol(order.symbol.clone()),
        side,
        status: status(order),
        quantity: quantity(ordered)?,
        filled: quantity(filled)?,
        filled_value,
        created_at: Timestamp(order.time.or(order.transact_time).unwrap_or_default()),
    })
}

/// A trade of a list.
///
/// # Errors
/// Words that follow "Binance's answer".
pub fn trade(wire: &WireTrade) -> Result<VenueTrade, String> {
    let fill = VenueFill {
        trade_id: wire.id,
        price: price(wire.price.0)?,
        quantity: quantity(wire.qty.0)?,
        fee: Money::new(wire.commission.0),
        fee_asset: asset(&wire.commission_asset)?,
        is_maker: wire.is_maker,
        at: Timestamp(wire.time),
    };
    let side = if wire.is_buyer { Side::Buy } else { Side::Sell };
    Ok(VenueTrade { symbol: Symbol(wire.symbol.clone()), venue_order_id: wire.order_id, side, fill })
}

/// What a key is allowed beyond reading the account, in words.
pub fn granted(restrictions: &WireRestrictions) -> Vec<String> {
    let all = [
        (restrictions.enable_reading, "reading"),
        (restrictions.enable_spot_and_margin_trading, "spot and margin trading"),
        (restrictions.enable_margin, "margin loans"),
        (restrictions.enable_futures, "futures"),
        (restrictions.enable_vanilla_options, "options"),
        (restrictions.enable_withdrawals, "withdrawals"),
        (restrictions.enable_internal_transfer, "internal transfers"),
        (restrictions.permits_universal_transfer, "universal transfers"),
    ];
    all.into_iter().filter(|(is_granted, _)| *is_granted).map(|(_, word)| word.to_owned()).collect()
}

/// Where an order stands, by its word alone. One that we do not know yet means that it is still being followed.
fn status(order: &WireOrder) -> VenueStatus {
    let reason = |default: &str| match order.expiry_reason.as_deref() {
        Some(reason) if reason != "NONE" => format!("{default}: {reason}"),
        _ => default.to_owned(),
    };
    match &order.status {
        Some(OrderWord::Filled) => VenueStatus::Filled,
        Some(OrderWord::Canceled) => VenueStatus::Canceled(reason("cancelled at the exchange")),
        Some(OrderWord::Expired) => VenueStatus::Expired(reason("expired at the exchange")),
        Some(OrderWord::ExpiredInMatch) => {
            VenueStatus::Expired(reason("expired at the exchange rather than trade with its own account"))
        }
        Some(OrderWord::Rejected) => VenueStatus::Expired(reason("refused by the exchange's engine")),
        Some(
            OrderWord::New
            | OrderWord::PartiallyFilled
            | OrderWord::PendingCancel
            | OrderWord::PendingNew
            | OrderWord::Other(_),
        )
        | None => VenueStatus::Open,
    }
}

fn placed_fill(wire: &WireFill, trade_id: i64, at: Timestamp) -> Result<VenueFill, String> {
    Ok(VenueFill {
        trade_id,
        price: price(wire.price.0)?,
        quantity: quantity(wire.qty.0)?,
        fee: Money::new(wire.commission.0),
        fee_asset: asset(&wire.commission_asset)?,
        is_maker: false,
        at,
    })
}

fn price(value: Decimal) -> Result<Price, String> {
    Price::new(value).ok_or_else(|| "has a price that cannot be".to_owned())
}

fn quantity(value: Decimal) -> Result<Quantity, String> {
    Quantity::new(value).ok_or_else(|| "has a quantity that cannot be".to_owned())
}

fn asset(name: &str) -> Result<Coin, String> {
    Coin::parse(name).ok_or_else(|| "has an asset whose name cannot be".to_owned())
}
