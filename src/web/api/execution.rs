//! What became of an order, as an approval, a close and a cycle answer it. An acknowledgement is never called a success.

use super::wire::environment;
use crate::domain::fill::Fill;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderState, OrderStatus};
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
use crate::services::read::wait_for_order;
use crate::web::error::AppError;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The answer to an approval or a close.
#[derive(Serialize, ToSchema)]
pub struct ExecutionAnswer {
    /// Whether anything was executed.
    pub success: bool,
    /// What became of the order.
    pub result: Execution,
}

/// What became of an order.
#[derive(Serialize, ToSchema)]
pub struct Execution {
    /// The desk's own id of the order: `GET /api/orders/{id}`.
    pub id: i64,
    /// The decision behind it; none for a close by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<i64>,
    /// The coin.
    pub coin: String,
    /// The signal.
    pub signal: &'static str,
    /// Base executed; what was ordered while nothing is.
    pub quantity: String,
    /// Average fill price; null while nothing is filled.
    pub price: Option<String>,
    /// `executed`, `partially_filled`, `rejected`, `expired`, `submitted` or `unknown`.
    pub status: &'static str,
    /// Why it was not executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `simulation` or `live`.
    pub environment: &'static str,
    /// The venue's id of the order; null while it has not answered.
    pub order_id: Option<i64>,
    /// The name under which the venue knows it.
    pub client_order_id: String,
    /// Fees by asset.
    pub fees: Vec<Fee>,
    /// What the exchange last answered, as it came: its JSON, or its text where that is none; null in simulation and
    /// before it has answered.
    #[schema(value_type = Option<Object>)]
    pub exchange_response: Option<Value>,
}

/// A fee in one asset.
#[derive(Serialize, ToSchema)]
pub struct Fee {
    /// The asset.
    pub asset: String,
    /// The amount.
    pub amount: String,
}

/// Fees by asset.
pub fn fees(fills: &[Fill]) -> Vec<Fee> {
    let mut sums: BTreeMap<String, Money> = BTreeMap::new();
    for fill in fills {
        *sums.entry(fill.fee_asset.to_string()).or_default() += fill.fee;
    }
    sums.into_iter().map(|(asset, amount)| Fee { asset, amount: amount.to_string() }).collect()
}

impl Execution {
    /// Reads an order's fills and puts the answer together.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(desk: &Desk, order: &Order) -> Result<Self, StoreError> {
        let fills = desk.store.fills(order.id).await?;
        let filled = !order.filled.is_zero();
        let quantity = if filled { order.filled } else { order.intent.quantity };
        Ok(Self {
            id: order.id.0,
            decision_id: order.decision_id().map(|id| id.0),
            coin: order.intent.coin.to_string(),
            signal: order.intent.purpose.signal().as_str(),
            quantity: quantity.to_string(),
            price: order.filled_value.per(order.filled).map(|price| price.to_string()),
            status: status(order),
            error: why(order).filter(|_| !filled),
            environment: environment(order.intent.venue).as_str(),
            order_id: order.venue_order_id,
            client_order_id: order.client_order_id.to_string(),
            fees: fees(&fills),
            exchange_response: exchange_response(desk, order.id).await?,
        })
    }

    /// Whether anything was executed.
    pub fn is_executed(&self) -> bool {
        matches!(self.status, "executed" | "partially_filled")
    }
}

/// What the exchange last answered about an order: its JSON, or its text where that is none.
///
/// # Errors
/// When the store fails.
pub async fn exchange_response(desk: &Desk, id: OrderId) -> Result<Option<Value>, StoreError> {
    let answer = desk.store.venue_answer(id).await?;
    Ok(answer.map(|answer| {
        serde_json::from_str(answer.as_str()).unwrap_or_else(|_| Value::String(answer.as_str().to_owned()))
    }))
}

/// The word for where an order stands.
fn status(order: &Order) -> &'static str {
    match order.status() {
        OrderStatus::Filled => "executed",
        _ if !order.filled.is_zero() => "partially_filled",
        OrderStatus::Unknown => "unknown",
        OrderStatus::Expired => "expired",
        OrderStatus::Canceled | OrderStatus::Rejected | OrderStatus::Denied => "rejected",
        OrderStatus::Initialized
        | OrderStatus::Submitted
        | OrderStatus::Accepted
        | OrderStatus::PartiallyFilled
        | OrderStatus::PendingCancel => "submitted",
    }
}

/// Why an order ended without being filled.
pub fn why(order: &Order) -> Option<String> {
    match &order.state {
        OrderState::Rejected { code, message } => Some(format!("{code}: {message}")),
        OrderState::Canceled { reason } | OrderState::Expired { reason } | OrderState::Denied { reason } => {
            Some(reason.clone())
        }
        OrderState::Unknown { why, .. } => Some(why.clone()),
        _ => None,
    }
}

/// Waits for an order to come to rest and answers what it became: 200 for a final one, 202 while it is open.
///
/// # Errors
/// When the store fails.
pub async fn answer(desk: &Desk, id: OrderId) -> Result<HttpResponse, AppError> {
    let order = wait_for_order(desk, id, desk.policy.patience.order).await?;
    let order = order.ok_or_else(|| AppError::not_found("order"))?;
    let result = Execution::read(desk, &order).await?;
    let is_open = matches!(result.status, "submitted" | "unknown");
    let status = if is_open { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(ExecutionAnswer { success: result.is_executed(), result }))
}
