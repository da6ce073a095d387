//! Orders: what went to a venue, and the truth about it.

use super::execution::{Fee, exchange_response, fees, why};
use super::wire::{any_model, environment, list, read_book, read_page, time};
use crate::domain::fill::Fill;
use crate::domain::ids::OrderId;
use crate::domain::order::{Order, OrderKind, OrderStatus};
use crate::ports::store::OrderFilter;
use crate::services::desk::Desk;
use crate::services::resolve_unknown::{ResolveError, probe_now};
use crate::services::submit_order::{SubmitError, cancel as cancel_order};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{JsonInput, QueryInput};
use crate::web::show::sentence;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The words of `?status=`.
pub const STATUSES: &[&str] = &[
    "initialized",
    "submitted",
    "unknown",
    "accepted",
    "partially_filled",
    "pending_cancel",
    "filled",
    "canceled",
    "expired",
    "rejected",
    "denied",
];

/// An order.
#[derive(Serialize, ToSchema)]
pub struct OrderRow {
    /// The desk's own id.
    pub id: i64,
    /// Whose.
    pub model_id: i64,
    /// The decision behind it; null for stops, targets and closes by hand.
    pub decision_id: Option<i64>,
    /// Why: `decision`, `protective`, `operator_close`, `flatten` or `liquidation`.
    pub cause: &'static str,
    /// `simulation` or `live`.
    pub environment: &'static str,
    /// `simulation`, `testnet` or `mainnet`.
    pub book: &'static str,
    /// The coin.
    pub coin: String,
    /// Its market.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// The signal behind it.
    pub signal: &'static str,
    /// `market`, or `limit_ioc`: limit, immediate or cancel.
    pub kind: &'static str,
    /// The limit's price.
    pub limit_price: Option<String>,
    /// Base ordered.
    pub quantity: String,
    /// Base filled.
    pub filled: String,
    /// Average fill price; null while nothing is filled.
    pub price: Option<String>,
    /// Fees so far, in quote.
    pub fees: String,
    /// At least 1.
    pub leverage: u32,
    /// `initialized`, `submitted`, `unknown`, `accepted`, `partially_filled`, `pending_cancel`, `filled`, `canceled`,
    /// `expired`, `rejected` or `denied`.
    pub status: &'static str,
    /// Why it ended, or why its outcome is unknown.
    pub reason: Option<String>,
    /// The name under which the venue knows it.
    pub client_order_id: String,
    /// The venue's id once it has answered.
    pub order_id: Option<i64>,
    /// When it was journaled.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// An order with everything that happened to it.
#[derive(Serialize, ToSchema)]
pub struct OrderDetail {
    /// The row.
    #[serde(flatten)]
    pub order: OrderRow,
    /// Digest of the terms at the moment of journaling.
    pub digest: String,
    /// Fees by asset.
    pub fees_by_asset: Vec<Fee>,
    /// Executions, oldest first.
    pub fills: Vec<FillRow>,
    /// The time line, oldest first.
    pub events: Vec<OrderHistory>,
    /// What the exchange last answered, as it came: its JSON, or its text where that is none; null in simulation and
    /// before it has answered.
    #[schema(value_type = Option<Object>)]
    pub exchange_response: Option<Value>,
}

/// One execution.
#[derive(Serialize, ToSchema)]
pub struct FillRow {
    /// The venue's id of the trade.
    pub trade_id: i64,
    /// Quote units for one base unit.
    pub price: String,
    /// Base executed.
    pub quantity: String,
    /// The fee.
    pub fee: String,
    /// The asset in which the fee was taken.
    pub fee_asset: String,
    /// Whether it rested in the book.
    pub is_maker: bool,
    /// Market time.
    pub at: String,
}

/// One line of an order's time line.
#[derive(Serialize, ToSchema)]
pub struct OrderHistory {
    /// For example `submit`, `fill`.
    pub event: String,
    /// In words.
    pub detail: String,
    /// When.
    pub at: String,
}

impl OrderRow {
    fn of(order: &Order) -> Self {
        let intent = &order.intent;
        let (kind, limit_price) = match intent.kind {
            OrderKind::Market => ("market", None),
            OrderKind::LimitIoc(price) => ("limit_ioc", Some(price.to_string())),
        };
        Self {
            id: order.id.0,
            model_id: intent.trader_id.0,
            decision_id: order.decision_id().map(|id| id.0),
            cause: intent.cause.kind(),
            environment: environment(intent.venue).as_str(),
            book: intent.venue.as_str(),
            coin: intent.coin.to_string(),
            symbol: intent.symbol.to_string(),
            side: intent.purpose.side().as_str(),
            signal: intent.purpose.signal().as_str(),
            kind,
            limit_price,
            quantity: intent.quantity.to_string(),
            filled: order.filled.to_string(),
            price: order.filled_value.per(order.filled).map(|price| price.to_string()),
            fees: order.fees.to_string(),
            leverage: intent.leverage,
            status: order.status().as_str(),
            reason: why(order),
            client_order_id: order.client_order_id.to_string(),
            order_id: order.venue_order_id,
            created_at: time(order.created_at),
            updated_at: time(order.updated_at),
        }
    }
}

impl FillRow {
    fn of(fill: &Fill) -> Self {
        Self {
            trade_id: fill.trade_id,
            price: fill.price.to_string(),
            quantity: fill.quantity.to_string(),
            fee: fill.fee.to_string(),
            fee_asset: fill.fee_asset.to_string(),
            is_maker: fill.is_maker,
            at: time(fill.at),
        }
    }
}

/// `GET /api/models/{id}/orders`
///
/// # Errors
/// 404, 422.
pub async fn index(desk: Data<Desk>, id: Path<i64>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let book = read_book(&mut query);
    let status = query.word("status", STATUSES, OrderStatus::parse);
    let page = read_page(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let trader = any_model(&desk, *id).await?;
    let venue = book.unwrap_or_else(|| trader.axes.venue_kind());
    let filter = OrderFilter { trader_id: Some(trader.id), venue: Some(venue), status, open_only: false };
    let rows: Vec<OrderRow> = desk.store.orders(filter, page).await?.iter().map(OrderRow::of).collect();
    Ok(list(&rows, page, rows.last().map(|row| row.id)))
}

/// `GET /api/orders/{id}`
///
/// # Errors
/// 404.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let id = OrderId(*id);
    let order = desk.store.order(id).await?.ok_or_else(|| AppError::not_found("order"))?;
    let fills = desk.store.fills(id).await?;
    let events = desk.store.order_events(id).await?;
    let history =
        events.into_iter().map(|(event, record)| OrderHistory { event, detail: record.detail, at: time(record.at) });
    Ok(HttpResponse::Ok().json(OrderDetail {
        order: OrderRow::of(&order),
        digest: order.digest.as_str().to_owned(),
        fees_by_asset: fees(&fills),
        fills: fills.iter().map(FillRow::of).collect(),
        events: history.collect(),
        exchange_response: exchange_response(&desk, id).await?,
    }))
}

/// `POST /api/orders/{id}/probe`: asks the venue now what became of an order whose outcome is unknown.
///
/// # Errors
/// 404, 409 when its outcome is known or it is being sent.
pub async fn probe(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    input.refuse_unknown();
    input.0.finish()?;
    match probe_now(&desk, OrderId(*id), &ctx.actor.name()).await {
        Ok(order) => Ok(HttpResponse::Ok().json(OrderRow::of(&order))),
        Err(ResolveError::NotFound(_)) => Err(AppError::not_found("order")),
        Err(error @ ResolveError::NotUnknown { .. }) => {
            Err(AppError::conflict("not_unknown", sentence(&error.to_string())))
        }
        Err(error @ (ResolveError::Apply(_) | ResolveError::Commit(_) | ResolveError::Store(_))) => {
            Err(AppError::internal(&error))
        }
    }
}

/// `POST /api/orders/{id}/cancel`: what is left of it.
///
/// # Errors
/// 404, 409 when it is final, being sent or unknown, 503 when the venue does not answer.
pub async fn cancel(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    input.refuse_unknown();
    input.0.finish()?;
    match cancel_order(&desk, OrderId(*id), &ctx.actor.name()).await {
        Ok(order) => Ok(HttpResponse::Ok().json(OrderRow::of(&order))),
        Err(SubmitError::NotFound(_)) => Err(AppError::not_found("order")),
        Err(error @ SubmitError::NotCancellable { .. }) => {
            Err(AppError::conflict("not_cancellable", sentence(&error.to_string())))
        }
        Err(error @ SubmitError::Venue { .. }) => {
            Err(AppError::unavailable("venue_unavailable", sentence(&error.to_string())))
        }
        Err(SubmitError::Store(error)) => Err(error.into()),
        Err(error @ (SubmitError::Apply(_) | SubmitError::Journal(_) | SubmitError::Commit(_))) => {
            Err(AppError::internal(&error))
        }
    }
}
