//! Order lists: two orders of which one cancels the other.

use super::history::page;
use super::terms::{leg, positive, refuse_unsupported, self_trade_prevention, side, time_in_force};
use crate::adapters::paper_exchange::call::{Answer, Call};
use crate::adapters::paper_exchange::engine::{
    AccountId, Engine, LegKind, ListId, ListRef, ListReport, NewOco, OcoLeg, Order, OrderId, OrderList, OrderRef, Side,
    Symbol,
};
use crate::adapters::paper_exchange::error::ApiError;
use crate::adapters::paper_exchange::floor::{Floor, Hiding};
use crate::adapters::paper_exchange::params::Params;
use crate::adapters::paper_exchange::render;

/// Orders that a list counts for.
const LEGS: u64 = 2;

/// `POST /api/v3/orderList/oco`
///
/// # Errors
/// What is wrong with the terms, the account or the book.
pub fn place(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let params = &mut call.params;
    let oco = NewOco {
        account,
        symbol: Symbol::new(params.symbol()?),
        side: side(params)?,
        quantity: positive(params, "quantity")?,
        above: leg(params, "above")?,
        below: leg(params, "below")?,
        list_client_order_id: params.client_id("listClientOrderId")?.map(str::to_owned),
        self_trade_prevention: self_trade_prevention(params)?,
    };
    place_oco(call, oco)
}

/// `POST /api/v3/order/oco`, the older shape: a limit on the one side of the market and a stop on the other.
///
/// # Errors
/// What is wrong with the terms, the account or the book.
pub fn place_old(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let params = &mut call.params;
    let (symbol, side) = (Symbol::new(params.symbol()?), side(params)?);
    refuse_unsupported(params)?;
    let quantity = positive(params, "quantity")?;
    let price = positive(params, "price")?;
    let limit = old_leg(params, "limit", LegKind::LimitMaker { price })?;
    let stop_price = positive(params, "stopPrice")?;
    let stop_kind = if params.has("stopLimitPrice") {
        let price = positive(params, "stopLimitPrice")?;
        LegKind::StopLossLimit { price, stop_price, time_in_force: time_in_force(params, "stopLimitTimeInForce")? }
    } else {
        params.refuse(&["stopLimitTimeInForce"])?;
        LegKind::StopLoss { stop_price }
    };
    let stop = old_leg(params, "stop", stop_kind)?;
    let (above, below) = match side {
        Side::Sell => (limit, stop),
        Side::Buy => (stop, limit),
    };
    let list_client_order_id = params.client_id("listClientOrderId")?.map(str::to_owned);
    let self_trade_prevention = self_trade_prevention(params)?;
    place_oco(
        call,
        NewOco { account, symbol, side, quantity, above, below, list_client_order_id, self_trade_prevention },
    )
}

fn old_leg(params: &mut Params<'_>, prefix: &str, kind: LegKind) -> Result<OcoLeg, ApiError> {
    Ok(OcoLeg {
        kind,
        client_order_id: params.client_id(&format!("{prefix}ClientOrderId"))?.map(str::to_owned),
        strategy_id: params.integer(&format!("{prefix}StrategyId"))?,
        strategy_type: params.integer(&format!("{prefix}StrategyType"))?,
    })
}

fn place_oco(call: &mut Call<'_>, oco: NewOco) -> Result<Answer, ApiError> {
    // Legs are told as RESULT whatever is asked: a list that was just placed has no fills to show.
    call.params.word("newOrderRespType", &["ACK", "RESULT", "FULL"])?;
    call.params.finish()?;
    let (exchange, account) = (call.exchange, oco.account);
    let (now, market_at) = (exchange.clock.now(), exchange.feed.now());
    exchange.limits.may_place(account, LEGS, now)?;
    let mut floor = exchange.floor();
    call.still_in_time()?;
    let done = floor.engine.place_oco(oco, now.0)?;
    let report = floor.commit(done, market_at, &exchange.limits, now);
    call.hide(&mut floor, report.list.orders);
    let number = floor.number();
    drop(floor);
    let count = exchange.limits.placed(account, LEGS, false, now);
    let mut json = call.json();
    render::list_report(&mut json, &report, None);
    Ok(Answer { orders: Some(count), ..Answer::after(number, json) })
}

/// `DELETE /api/v3/orderList`
///
/// # Errors
/// -2011 when there is nothing to take back.
pub fn cancel(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let symbol = call.params.symbol()?.to_owned();
    let list = list_ref(&mut call.params, "listClientOrderId")?;
    let cancel_id = call.params.client_id("newClientOrderId")?.map(str::to_owned);
    call.params.finish()?;
    let exchange = call.exchange;
    let (now, market_at) = (exchange.clock.now(), exchange.feed.now());
    let mut floor = exchange.floor();
    call.still_in_time()?;
    let done = floor.engine.cancel_list(account, &symbol, &list, now.0)?;
    let report = floor.commit(done, market_at, &exchange.limits, now);
    let number = floor.number();
    drop(floor);
    let mut json = call.json();
    let cancel_id = cancel_id.unwrap_or_else(|| format!("cancel-list-{}", report.list.id));
    render::list_report(&mut json, &report, Some(&cancel_id));
    Ok(Answer::after(number, json))
}

/// `GET /api/v3/orderList`
///
/// # Errors
/// -2018 when there is none.
pub fn query(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let list = list_ref(&mut call.params, "origClientOrderId")?;
    call.params.finish()?;
    let now = call.exchange.clock.now();
    let mut floor = call.exchange.floor();
    let ListReport { list, orders } = floor.engine.order_list(account, &list)?;
    if is_hidden(&mut floor.hiding, list.orders, now.0) {
        return Err(ApiError::new(-2018, "Order list does not exist."));
    }
    let mut json = call.json();
    render::list(&mut json, &list, &orders);
    Ok(Answer::after(floor.number(), json))
}

/// `GET /api/v3/allOrderList`
///
/// # Errors
/// -1127 for a span of more than a day, -1128 when numbers and times are mixed.
pub fn all(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let from_id = call.params.integer("fromId")?;
    let page = page(call, from_id)?;
    call.params.finish()?;
    if from_id.is_some() && (page.start.is_some() || page.end.is_some()) {
        return Err(ApiError::bad_combination());
    }
    Ok(told(call, account, |engine| engine.all_order_lists(account, page).into_iter().cloned().collect()))
}

/// `GET /api/v3/openOrderList`
///
/// # Errors
/// When the signer is missing.
pub fn open(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    call.params.finish()?;
    Ok(told(call, account, |engine| engine.open_order_lists(account).into_iter().cloned().collect()))
}

fn told(call: &Call<'_>, account: AccountId, lists: impl FnOnce(&Engine) -> Vec<OrderList>) -> Answer {
    let now = call.exchange.clock.now();
    let mut floor = call.exchange.floor();
    let Floor { engine, hiding, .. } = &mut *floor;
    let mut json = call.json();
    json.array(|json| {
        for list in lists(engine) {
            if !is_hidden(hiding, list.orders, now.0) {
                render::list(json, &list, &legs(engine, account, &list));
            }
        }
    });
    Answer::after(floor.number(), json)
}

fn legs(engine: &Engine, account: AccountId, list: &OrderList) -> Vec<Order> {
    let leg = |id: OrderId| engine.order(account, list.symbol.as_str(), &OrderRef::Id(id)).ok().cloned();
    list.orders.into_iter().filter_map(leg).collect()
}

fn is_hidden(hiding: &mut Hiding, orders: [OrderId; 2], now_ms: i64) -> bool {
    orders.into_iter().any(|order| hiding.covers(order, now_ms))
}

fn list_ref(params: &mut Params<'_>, client_id: &str) -> Result<ListRef, ApiError> {
    let name = params.client_id(client_id)?.map(str::to_owned);
    match (params.integer("orderListId")?, name) {
        (Some(number), _) => Ok(ListRef::Id(ListId(number.unsigned_abs()))),
        (None, Some(name)) => Ok(ListRef::ClientId(name)),
        (None, None) => Err(ApiError::either(client_id, "orderListId")),
    }
}
