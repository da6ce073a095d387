//! Orders, lists and executions as they look on the wire.

use super::engine::{Canceled, Execution, ListId, ListReport, ListStatus, Order, OrderList, PlacedOrder};
use super::json::Json;
use rust_decimal::Decimal;

/// How much of an accepted order is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseType {
    /// That it was accepted.
    Ack,
    /// And how it stands.
    Result,
    /// And what it executed.
    Full,
}

/// The answer to a placement, as an object.
pub fn placed(json: &mut Json, placed: &PlacedOrder, shape: ResponseType) {
    let order = &placed.order;
    json.object(|json| {
        head(json, order);
        json.text("clientOrderId", &order.client_order_id);
        json.time("transactTime", order.updated_at);
        if shape == ResponseType::Ack {
            return;
        }
        amounts(json, order);
        conditional(json, order);
        json.time("workingTime", order.working_since.unwrap_or(-1));
        if shape == ResponseType::Full {
            json.array_field("fills", |json| placed.fills.iter().for_each(|fill| execution_of(json, fill)));
        }
        json.text("selfTradePreventionMode", order.self_trade_prevention.as_str());
        expiry(json, order);
    });
}

/// What was taken back: an order, or a list with its legs.
pub fn canceled(json: &mut Json, canceled: &Canceled) {
    match canceled {
        Canceled::Order { order, cancel_client_order_id } => canceled_order(json, order, cancel_client_order_id),
        Canceled::List { report, cancel_client_order_id } => list_report(json, report, Some(cancel_client_order_id)),
    }
}

/// An order as a question finds it.
pub fn order(json: &mut Json, order: &Order) {
    json.object(|json| {
        head(json, order);
        json.text("clientOrderId", &order.client_order_id);
        json.amount("price", order.price);
        json.amount("origQty", order.quantity);
        json.amount("executedQty", order.executed);
        json.amount("cummulativeQuoteQty", order.executed_quote);
        json.text("status", order.status.as_str());
        json.text("timeInForce", order.time_in_force.as_str());
        json.text("type", order.order_type.as_str());
        json.text("side", order.side.as_str());
        json.amount("stopPrice", order.stop_price.unwrap_or(Decimal::ZERO));
        json.amount("icebergQty", Decimal::ZERO);
        json.time("time", order.time);
        json.time("updateTime", order.updated_at);
        json.truth("isWorking", order.is_working());
        json.time("workingTime", order.working_since.unwrap_or(-1));
        json.amount("origQuoteOrderQty", order.quote_order_quantity);
        strategy(json, order);
        json.text("selfTradePreventionMode", order.self_trade_prevention.as_str());
        expiry(json, order);
    });
}

/// A list as a question finds it, with the names of its legs.
pub fn list(json: &mut Json, list: &OrderList, legs: &[Order]) {
    json.object(|json| list_head(json, list, legs));
}

/// A list with its legs in full; after a cancel they carry the cancel's name.
pub fn list_report(json: &mut Json, report: &ListReport, cancel_client_order_id: Option<&str>) {
    json.object(|json| {
        list_head(json, &report.list, &report.orders);
        json.array_field("orderReports", |json| {
            for leg in &report.orders {
                match cancel_client_order_id {
                    Some(cancel) => canceled_order(json, leg, cancel),
                    None => placed(json, &PlacedOrder { order: leg.clone(), fills: Vec::new() }, ResponseType::Result),
                }
            }
        });
    });
}

/// An execution of one's own.
pub fn execution(json: &mut Json, symbol: &str, execution: &Execution) {
    json.object(|json| {
        json.text("symbol", symbol);
        json.int("id", number(execution.id.0));
        json.int("orderId", number(execution.order.0));
        json.int("orderListId", list_number(execution.list));
        json.amount("price", execution.price);
        json.amount("qty", execution.quantity);
        json.amount("quoteQty", execution.quote_quantity);
        json.amount("commission", execution.commission);
        json.text("commissionAsset", execution.commission_asset.as_str());
        json.time("time", execution.time);
        json.truth("isBuyer", execution.is_buyer);
        json.truth("isMaker", execution.is_maker);
        json.truth("isBestMatch", true);
    });
}

/// An id as the wire's integer: counters that began at 1 never reach 63 bits.
pub fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

fn list_number(list: Option<ListId>) -> i64 {
    list.map_or(-1, |list| number(list.0))
}

fn head(json: &mut Json, order: &Order) {
    json.text("symbol", order.symbol.as_str());
    json.int("orderId", number(order.id.0));
    json.int("orderListId", list_number(order.list));
}

fn amounts(json: &mut Json, order: &Order) {
    json.amount("price", order.price);
    json.amount("origQty", order.quantity);
    json.amount("executedQty", order.executed);
    json.amount("origQuoteOrderQty", order.quote_order_quantity);
    json.amount("cummulativeQuoteQty", order.executed_quote);
    json.text("status", order.status.as_str());
    json.text("timeInForce", order.time_in_force.as_str());
    json.text("type", order.order_type.as_str());
    json.text("side", order.side.as_str());
}

fn conditional(json: &mut Json, order: &Order) {
    if let Some(stop_price) = order.stop_price {
        json.amount("stopPrice", stop_price);
    }
    strategy(json, order);
}

fn strategy(json: &mut Json, order: &Order) {
    if let Some(id) = order.strategy_id {
        json.int("strategyId", id);
    }
    if let Some(kind) = order.strategy_type {
        json.int("strategyType", kind);
    }
}

fn expiry(json: &mut Json, order: &Order) {
    if let Some(reason) = order.expiry_reason {
        json.text("expiryReason", reason.as_str());
    }
}

fn execution_of(json: &mut Json, fill: &Execution) {
    json.object(|json| {
        json.amount("price", fill.price);
        json.amount("qty", fill.quantity);
        json.amount("commission", fill.commission);
        json.text("commissionAsset", fill.commission_asset.as_str());
        json.int("tradeId", number(fill.id.0));
    });
}

/// The name under `clientOrderId` is the cancel's; the order's own is under `origClientOrderId`.
fn canceled_order(json: &mut Json, order: &Order, cancel_client_order_id: &str) {
    json.object(|json| {
        json.text("symbol", order.symbol.as_str());
        json.text("origClientOrderId", &order.client_order_id);
        json.int("orderId", number(order.id.0));
        json.int("orderListId", list_number(order.list));
        json.text("clientOrderId", cancel_client_order_id);
        json.time("transactTime", order.updated_at);
        amounts(json, order);
        conditional(json, order);
        json.text("selfTradePreventionMode", order.self_trade_prevention.as_str());
    });
}

fn list_head(json: &mut Json, list: &OrderList, legs: &[Order]) {
    let (status_type, status) = match list.status {
        ListStatus::Executing => ("EXEC_STARTED", "EXECUTING"),
        ListStatus::AllDone => ("ALL_DONE", "ALL_DONE"),
    };
    json.int("orderListId", number(list.id.0));
    json.text("contingencyType", "OCO");
    json.text("listStatusType", status_type);
    json.text("listOrderStatus", status);
    json.text("listClientOrderId", &list.client_order_id);
    json.time("transactionTime", list.updated_at);
    json.text("symbol", list.symbol.as_str());
    json.array_field("orders", |json| {
        for leg in legs {
            json.object(|json| {
                json.text("symbol", leg.symbol.as_str());
                json.int("orderId", number(leg.id.0));
                json.text("clientOrderId", &leg.client_order_id);
            });
        }
    });
}
