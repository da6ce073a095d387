//! Questions about orders and executions of one's own.

use super::is_served;
use super::terms::order_ref;
use crate::adapters::paper_exchange::call::{Answer, Call};
use crate::adapters::paper_exchange::engine::{OrderId, Page};
use crate::adapters::paper_exchange::error::ApiError;
use crate::adapters::paper_exchange::floor::Floor;
use crate::adapters::paper_exchange::render;
use crate::domain::time::{DAY_MS, HOUR_MS};

/// Rows of a history when nothing is said, and at most.
const ROWS: (usize, usize) = (500, 1_000);
/// The longest span between `startTime` and `endTime`.
const SPAN_MAX_MS: i64 = DAY_MS;

/// `GET /api/v3/order`
///
/// # Errors
/// -2013 when there is none.
pub fn order(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let symbol = call.params.symbol()?.to_owned();
    let which = order_ref(&mut call.params, "orderId", "origClientOrderId")?;
    call.params.finish()?;
    let now = call.exchange.clock.now();
    let mut json = call.json();
    let mut floor = call.exchange.floor();
    let Floor { engine, hiding, .. } = &mut *floor;
    let found = engine.order(account, &symbol, &which)?;
    if hiding.covers(found.id, now.0) {
        return Err(ApiError::new(-2013, "Order does not exist."));
    }
    render::order(&mut json, found);
    Ok(Answer::after(floor.number(), json))
}

/// `GET /api/v3/openOrders`
///
/// # Errors
/// -1121 for a market that is not served.
pub fn open_orders(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let symbol = call.params.optional_symbol()?.map(str::to_owned);
    call.params.finish()?;
    let now = call.exchange.clock.now();
    let mut json = call.json();
    let mut floor = call.exchange.floor();
    let Floor { engine, hiding, .. } = &mut *floor;
    let open = engine.open_orders(account, symbol.as_deref())?;
    json.array(|json| {
        open.into_iter().filter(|order| !hiding.covers(order.id, now.0)).for_each(|order| render::order(json, order));
    });
    Ok(Answer::after(floor.number(), json))
}

/// `GET /api/v3/allOrders`
///
/// # Errors
/// -1127 for a span of more than a day.
pub fn all_orders(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let symbol = call.params.symbol()?.to_owned();
    let from_id = call.params.integer("orderId")?;
    let page = page(call, from_id)?;
    call.params.finish()?;
    let now = call.exchange.clock.now();
    let mut json = call.json();
    let mut floor = call.exchange.floor();
    let Floor { engine, hiding, .. } = &mut *floor;
    let all = engine.all_orders(account, &symbol, page)?;
    json.array(|json| {
        all.into_iter().filter(|order| !hiding.covers(order.id, now.0)).for_each(|order| render::order(json, order));
    });
    Ok(Answer::after(floor.number(), json))
}

/// `GET /api/v3/myTrades`
///
/// # Errors
/// -1127 for a span of more than a day, -1128 for a combination that the exchange does not serve.
pub fn my_trades(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let symbol = call.params.symbol()?.to_owned();
    let order = call.params.integer("orderId")?.map(|id| OrderId(id.unsigned_abs()));
    let from_id = call.params.integer("fromId")?;
    let page = page(call, from_id)?;
    call.params.finish()?;
    if (page.start.is_some() || page.end.is_some()) && (from_id.is_some() || order.is_some()) {
        return Err(ApiError::bad_combination());
    }
    let now = call.exchange.clock.now();
    let mut json = call.json();
    let mut floor = call.exchange.floor();
    let Floor { engine, hiding, .. } = &mut *floor;
    let executions = engine.executions(account, &symbol, order, page)?;
    json.array(|json| {
        for execution in executions.into_iter().filter(|execution| !hiding.covers(execution.order, now.0)) {
            render::execution(json, &symbol, execution);
        }
    });
    Ok(Answer::after(floor.number(), json))
}

/// Reads which rows are wanted.
///
/// # Errors
/// -1127 for a span of more than a day.
pub fn page(call: &mut Call<'_>, from_id: Option<i64>) -> Result<Page, ApiError> {
    let (start, end) = (call.params.time("startTime")?, call.params.time("endTime")?);
    if let (Some(start), Some(end)) = (start, end)
        && end.saturating_sub(start) > SPAN_MAX_MS
    {
        return Err(ApiError::span_too_long(u32::try_from(SPAN_MAX_MS / HOUR_MS).unwrap_or_default()));
    }
    let (default, max) = ROWS;
    Ok(Page { from_id: from_id.map(i64::unsigned_abs), start, end, limit: call.params.limit(default, max)? })
}

/// `GET /api/v3/myPreventedMatches` and `GET /api/v3/myAllocations`: this exchange has neither.
///
/// # Errors
/// -1121 for a market that is not served.
pub fn none(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let symbol = call.params.symbol()?.to_owned();
    let names =
        ["preventedMatchId", "orderId", "fromPreventedMatchId", "startTime", "endTime", "fromAllocationId", "limit"];
    call.params.skip(&names);
    call.params.finish()?;
    if !is_served(&call.exchange.floor().engine, &symbol) {
        return Err(ApiError::bad_symbol());
    }
    let mut json = call.json();
    json.array(|_| {});
    Ok(Answer::of(json))
}
