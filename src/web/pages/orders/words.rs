//! Words and rows of orders. Nothing is called done before the venue said so, and nothing failed while it is unknown.

use crate::domain::fill::Fill;
use crate::domain::order::{Order, OrderCause, OrderKind, OrderState, OrderStatus, Purpose};
use crate::domain::signal::PositionSide;
use crate::web::pages::lens::Lens;
use crate::web::pages::shell::env_of;
use crate::web::show;
use crate::web::view::{Badge, FillRow, OrderRow, Side, Tone};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Sign and word of an order.
pub const fn order_side(purpose: Purpose) -> Side {
    match purpose {
        Purpose::Entry(PositionSide::Long) => Side::Buy,
        Purpose::Entry(PositionSide::Short) => Side::Sell,
        Purpose::Exit(_) => Side::Close,
    }
}

/// For example `Buy 0.0100 BTC`.
pub fn order_title(order: &Order, lens: &Lens<'_>) -> String {
    let verb = match order.intent.purpose {
        Purpose::Entry(PositionSide::Long) => "Buy",
        Purpose::Entry(PositionSide::Short) => "Sell short",
        Purpose::Exit(_) => "Close",
    };
    let quantity = lens.quantity(order.intent.venue, &order.intent.coin, order.intent.quantity);
    format!("{verb} {quantity} {}", order.intent.coin)
}

/// The filled share in whole per cent, rounded down: 100 only when all of it is.
pub fn filled_pct(order: &Order) -> u8 {
    if order.intent.quantity.is_zero() {
        return 0;
    }
    let share = order.filled.decimal() / order.intent.quantity.decimal() * Decimal::ONE_HUNDRED;
    share.floor().to_u8().unwrap_or(0).min(100)
}

/// Where an order stands, in a word or two.
pub fn order_badge(order: &Order) -> Badge {
    let partly = |word: &str| {
        if order.filled.is_zero() { word.to_owned() } else { format!("{word}, {} % filled", filled_pct(order)) }
    };
    let (text, tone) = match order.status() {
        OrderStatus::Initialized => ("queued".to_owned(), Tone::Plain),
        OrderStatus::Submitted => ("submitting".to_owned(), Tone::Plain),
        OrderStatus::Unknown => ("unknown, checking".to_owned(), Tone::Wait),
        OrderStatus::Accepted => ("accepted".to_owned(), Tone::Plain),
        OrderStatus::PartiallyFilled => (format!("{} % filled", filled_pct(order)), Tone::Plain),
        OrderStatus::PendingCancel => (partly("cancelling"), Tone::Plain),
        OrderStatus::Filled => ("filled".to_owned(), Tone::Good),
        OrderStatus::Canceled => (partly("cancelled"), Tone::Plain),
        OrderStatus::Expired => (partly("expired"), Tone::Plain),
        OrderStatus::Rejected => ("refused".to_owned(), Tone::Bad),
        OrderStatus::Denied => ("not sent".to_owned(), Tone::Bad),
    };
    Badge { text, tone }
}

/// Where an order stands, in a sentence for whoever just clicked.
pub fn order_sentence(order: &Order, lens: &Lens<'_>) -> String {
    let intent = &order.intent;
    let coin = &intent.coin;
    let total = lens.quantity(intent.venue, coin, intent.quantity);
    let filled = lens.quantity(intent.venue, coin, order.filled);
    let at = order
        .average_price()
        .map_or_else(String::new, |price| format!(" at {}", lens.price(intent.venue, coin, price)));
    let part = if order.filled.is_zero() {
        "Nothing was filled".to_owned()
    } else {
        format!("{filled} {coin} was filled{at}")
    };
    match &order.state {
        OrderState::Initialized => "Journaled; about to be sent.".to_owned(),
        OrderState::Submitted { .. } => "Submitting: sent, not answered yet.".to_owned(),
        OrderState::Unknown { .. } => {
            "Unknown: the reply was lost. The venue is being asked; nothing is sent again.".to_owned()
        }
        OrderState::Accepted => "Accepted by the venue, nothing filled yet.".to_owned(),
        OrderState::PartiallyFilled => {
            format!("Filled {} %: {filled} of {total} {coin}{at}.", filled_pct(order))
        }
        OrderState::PendingCancel => format!("A cancel is on its way. {part} so far."),
        OrderState::Filled => format!("Filled {filled} {coin}{at}."),
        OrderState::Canceled { reason } => format!("Cancelled: {reason}. {part}."),
        OrderState::Expired { reason } => format!("Ended by the venue: {reason}. {part}."),
        OrderState::Rejected { code, message } => format!("Refused: {message} ({code}). Nothing was filled."),
        OrderState::Denied { reason } => format!("Not sent: {reason}."),
    }
}

/// How an order is sent.
pub fn order_style(order: &Order, lens: &Lens<'_>) -> String {
    match order.intent.kind {
        OrderKind::Market => "market".to_owned(),
        OrderKind::LimitIoc(price) => {
            format!("limit IOC at {}", lens.price(order.intent.venue, &order.intent.coin, price))
        }
    }
}

/// What caused an order, in a word.
pub const fn cause_word(cause: OrderCause) -> &'static str {
    match cause {
        OrderCause::Decision(_) => "decision",
        OrderCause::Protective(_) => "stop or target",
        OrderCause::OperatorClose(_) => "operator",
        OrderCause::Flatten(_) => "flatten",
        OrderCause::Liquidation(_) => "liquidation",
    }
}

/// Whether a cancel can be asked for.
pub const fn can_cancel(order: &Order) -> bool {
    matches!(order.status(), OrderStatus::Initialized | OrderStatus::Accepted | OrderStatus::PartiallyFilled)
}

/// A row of a table of orders; `may_operate` is whether who looks may cancel at all.
pub fn order_row(order: &Order, lens: &Lens<'_>, may_operate: bool) -> OrderRow {
    let intent = &order.intent;
    OrderRow {
        id: order.id.0,
        at: lens.when(order.created_at),
        env: env_of(intent.venue),
        model: lens.name(intent.trader_id),
        side: order_side(intent.purpose),
        title: order_title(order, lens),
        style: order_style(order, lens),
        filled: format!("{} %", filled_pct(order)),
        price: order
            .average_price()
            .map_or_else(|| show::DASH.to_owned(), |price| lens.price(intent.venue, &intent.coin, price)),
        cause: cause_word(intent.cause).to_owned(),
        state: order_badge(order),
        can_cancel: may_operate && can_cancel(order),
    }
}

/// A row of a table of fills.
pub fn fill_row(fill: &Fill, lens: &Lens<'_>) -> FillRow {
    FillRow {
        at: lens.market_when(fill.venue, fill.at),
        quantity: format!("{} {}", lens.quantity(fill.venue, &fill.coin, fill.quantity), fill.coin),
        price: lens.price(fill.venue, &fill.coin, fill.price),
        fee: format!("{} {}", show::exact(fill.fee.decimal().round_dp(4)), fill.fee_asset),
        liquidity: if fill.is_maker { "maker" } else { "taker" }.to_owned(),
        trade_id: fill.trade_id.to_string(),
    }
}
