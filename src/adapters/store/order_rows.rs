//! An order as a row: the state's variant is spread over columns, and each status has exactly the data it needs.

use super::entity::order::Model;
use super::row::{Row, money, of_money, of_price, of_quantity, of_symbol, of_time};
use crate::domain::account::AccountName;
use crate::domain::digest::Digest;
use crate::domain::ids::{BookId, ClientOrderId, OrderId, TraderId};
use crate::domain::market::{Quote, Symbol};
use crate::domain::order::{Order, OrderCause, OrderIntent, OrderKind, OrderState, OrderStatus, Purpose};
use crate::domain::signal::PositionSide;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::StoreError;

const MARKET: &str = "market";
const LIMIT_IOC: &str = "limit_ioc";

/// Whether an order uses up one of the day's entries: it opens exposure, and was neither refused nor ended unfilled.
fn counts_as_entry(order: &Order) -> bool {
    let came_to_nothing = match order.status() {
        OrderStatus::Rejected | OrderStatus::Denied => true,
        OrderStatus::Canceled | OrderStatus::Expired => order.filled.is_zero(),
        _ => false,
    };
    order.intent.purpose.is_entry() && !came_to_nothing
}

/// The columns of a state.
#[derive(Default)]
struct StateColumns {
    attempt: Option<i64>,
    sent_at: Option<i64>,
    epoch: Option<i64>,
    code: Option<String>,
    reason: Option<String>,
}

fn columns_of(state: &OrderState) -> StateColumns {
    let mut columns = StateColumns::default();
    match state {
        OrderState::Initialized
        | OrderState::Accepted
        | OrderState::PartiallyFilled
        | OrderState::PendingCancel
        | OrderState::Filled => {}
        OrderState::Submitted { attempt, sent_at, epoch } => {
            columns.attempt = Some((*attempt).into());
            columns.sent_at = Some(sent_at.0);
            columns.epoch = Some(*epoch);
        }
        OrderState::Unknown { sent_at, why } => {
            columns.sent_at = Some(sent_at.0);
            columns.reason = Some(why.clone());
        }
        OrderState::Canceled { reason } | OrderState::Expired { reason } | OrderState::Denied { reason } => {
            columns.reason = Some(reason.clone());
        }
        OrderState::Rejected { code, message } => {
            columns.code = Some(code.clone());
            columns.reason = Some(message.clone());
        }
    }
    columns
}

pub(super) fn row_of(order: &Order) -> Model {
    let (intent, state) = (&order.intent, columns_of(&order.state));
    let (kind, limit_price) = match intent.kind {
        OrderKind::Market => (MARKET, None),
        OrderKind::LimitIoc(price) => (LIMIT_IOC, Some(of_price(price))),
    };
    Model {
        id: order.id.0,
        trader_id: intent.trader_id.0,
        book_id: intent.book_id.0,
        venue: intent.venue.as_str().to_owned(),
        account: intent.account.as_str().to_owned(),
        cause_kind: intent.cause.kind().to_owned(),
        cause_id: intent.cause.id(),
        sequence: order.sequence.into(),
        coin: intent.coin.as_str().to_owned(),
        symbol: of_symbol(&intent.symbol),
        is_entry: intent.purpose.is_entry(),
        position_side: intent.purpose.position_side().as_str().to_owned(),
        kind: kind.to_owned(),
        limit_price,
        quantity: of_quantity(intent.quantity),
        leverage: intent.leverage.into(),
        stop_loss: intent.stop_loss.map(of_price),
        profit_target: intent.profit_target.map(of_price),
        quote_price: of_price(intent.quote.price),
        quote_at: intent.quote.at.0,
        policy_version: intent.policy_version,
        terms_version: intent.terms_version,
        client_order_id: order.client_order_id.as_str().to_owned(),
        venue_order_id: order.venue_order_id,
        digest: order.digest.as_str().to_owned(),
        status: order.status().as_str().to_owned(),
        attempt: state.attempt,
        sent_at: state.sent_at,
        epoch: state.epoch,
        code: state.code,
        reason: state.reason,
        attempts: order.attempts.into(),
        filled: of_quantity(order.filled),
        filled_value: of_money(order.filled_value),
        fees: of_money(order.fees),
        created_at: order.created_at.0,
        market_at: order.market_at.0,
        updated_at: order.updated_at.0,
        send_before: of_time(order.send_before),
        counts_as_entry: counts_as_entry(order),
        executed: !order.filled.is_zero(),
        closed_at: if order.status().is_open() { None } else { Some(order.updated_at.0) },
        version: order.version,
    }
}

fn state_of(row: Row, model: &Model) -> Result<OrderState, StoreError> {
    let sent_at = || row.present("sent_at", model.sent_at).map(Timestamp);
    let reason = || model.reason.clone().unwrap_or_default();
    Ok(match row.word("status", &model.status, OrderStatus::parse)? {
        OrderStatus::Initialized => OrderState::Initialized,
        OrderStatus::Submitted => OrderState::Submitted {
            attempt: row.count("attempt", row.present("attempt", model.attempt)?)?,
            sent_at: sent_at()?,
            epoch: row.present("epoch", model.epoch)?,
        },
        OrderStatus::Unknown => OrderState::Unknown { sent_at: sent_at()?, why: reason() },
        OrderStatus::Accepted => OrderState::Accepted,
        OrderStatus::PartiallyFilled => OrderState::PartiallyFilled,
        OrderStatus::PendingCancel => OrderState::PendingCancel,
        OrderStatus::Filled => OrderState::Filled,
        OrderStatus::Canceled => OrderState::Canceled { reason: reason() },
        OrderStatus::Expired => OrderState::Expired { reason: reason() },
        OrderStatus::Rejected => {
            OrderState::Rejected { code: row.present("code", model.code.clone())?, message: reason() }
        }
        OrderStatus::Denied => OrderState::Denied { reason: reason() },
    })
}

pub(super) fn cause_of(row: Row, model: &Model) -> Result<OrderCause, StoreError> {
    OrderCause::from_parts(&model.cause_kind, model.cause_id)
        .ok_or_else(|| row.corrupt("cause_kind", format_args!("{:?} is not one of its words", model.cause_kind)))
}

pub(super) fn purpose_of(row: Row, model: &Model) -> Result<Purpose, StoreError> {
    let side = row.word("position_side", &model.position_side, PositionSide::parse)?;
    Ok(if model.is_entry { Purpose::Entry(side) } else { Purpose::Exit(side) })
}

fn intent_of(row: Row, model: &Model) -> Result<OrderIntent, StoreError> {
    let kind = match model.kind.as_str() {
        MARKET => OrderKind::Market,
        LIMIT_IOC => OrderKind::LimitIoc(row.price("limit_price", row.present("limit_price", model.limit_price)?)?),
        other => return Err(row.corrupt("kind", format_args!("{other:?} is not one of its words"))),
    };
    Ok(OrderIntent {
        trader_id: TraderId(model.trader_id),
        book_id: BookId(model.book_id),
        venue: row.word("venue", &model.venue, VenueKind::parse)?,
        account: AccountName::from_stored(model.account.clone()),
        cause: cause_of(row, model)?,
        coin: row.coin("coin", &model.coin)?,
        symbol: Symbol(model.symbol.clone()),
        purpose: purpose_of(row, model)?,
        kind,
        quantity: row.quantity("quantity", model.quantity)?,
        leverage: row.count("leverage", model.leverage)?,
        stop_loss: row.price_opt("stop_loss", model.stop_loss)?,
        profit_target: row.price_opt("profit_target", model.profit_target)?,
        quote: Quote { price: row.price("quote_price", model.quote_price)?, at: Timestamp(model.quote_at) },
        policy_version: model.policy_version,
        terms_version: model.terms_version,
    })
}

pub(super) fn order_of(model: Model) -> Result<Order, StoreError> {
    let row = Row::new("orders", model.id);
    Ok(Order {
        id: OrderId(model.id),
        intent: intent_of(row, &model)?,
        sequence: row.count("sequence", model.sequence)?,
        venue_order_id: model.venue_order_id,
        digest: row.word("digest", &model.digest, Digest::parse)?,
        state: state_of(row, &model)?,
        attempts: row.count("attempts", model.attempts)?,
        filled: row.quantity("filled", model.filled)?,
        filled_value: money(model.filled_value),
        fees: money(model.fees),
        created_at: Timestamp(model.created_at),
        market_at: Timestamp(model.market_at),
        updated_at: Timestamp(model.updated_at),
        send_before: model.send_before.map(Timestamp),
        version: model.version,
        client_order_id: ClientOrderId::from_stored(model.client_order_id),
    })
}
