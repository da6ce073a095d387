//! Placing orders and taking them back.

use super::nothing;
use super::terms::{cancel_restriction, new_order, order_ref};
use crate::adapters::paper_exchange::call::{Answer, Call};
use crate::adapters::paper_exchange::engine::{CancelOrder, Symbol, Tick};
use crate::adapters::paper_exchange::error::ApiError;
use crate::adapters::paper_exchange::floor::Floor;
use crate::adapters::paper_exchange::render;
use rust_decimal::Decimal;

/// `POST /api/v3/order`
///
/// # Errors
/// What is wrong with the terms, the account or the book.
pub fn place(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let (order, shape) = new_order(call)?;
    call.params.finish()?;
    let (exchange, account, symbol) = (call.exchange, order.account, order.symbol.clone());
    let now = exchange.clock.now();
    exchange.limits.may_place(account, 1, now)?;
    let market_at = exchange.feed.now();
    let mut floor = exchange.floor();
    call.still_in_time()?;
    let thinned = thin_out(call, &mut floor, &symbol);
    let outcome = floor.engine.place(order, now.0);
    let placed = outcome.map(|done| floor.commit(done, market_at, &exchange.limits, now));
    if let Some(usual) = thinned {
        set_book(call, &mut floor, &symbol, usual);
    }
    let placed = placed?;
    call.hide(&mut floor, [placed.order.id]);
    let number = floor.number();
    drop(floor);
    let count = exchange.limits.placed(account, 1, !placed.fills.is_empty(), now);
    let mut json = call.json();
    render::placed(&mut json, &placed, shape);
    Ok(Answer { orders: Some(count), ..Answer::after(number, json) })
}

/// `POST /api/v3/order/test`
///
/// # Errors
/// What is wrong with the terms; account and book are not looked at.
pub fn test(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let (order, _) = new_order(call)?;
    let with_rates = call.params.truth("computeCommissionRates")?.unwrap_or(false);
    call.params.finish()?;
    let floor = call.exchange.floor();
    floor.engine.check(&order)?;
    if !with_rates {
        return Ok(nothing(call));
    }
    let account = floor.engine.account(order.account).ok_or_else(ApiError::unknown_key)?;
    let mut json = call.json();
    json.object(|json| {
        for (name, maker, taker) in [
            ("standardCommissionForOrder", account.maker_rate, account.taker_rate),
            ("specialCommissionForOrder", Decimal::ZERO, Decimal::ZERO),
            ("taxCommissionForOrder", Decimal::ZERO, Decimal::ZERO),
        ] {
            json.object_field(name, |json| {
                json.amount("maker", maker);
                json.amount("taker", taker);
            });
        }
        super::account::discount(json, account.bnb_burn);
    });
    Ok(Answer::of(json))
}

/// `DELETE /api/v3/order`
///
/// # Errors
/// -2011 when there is nothing to take back.
pub fn cancel(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let cancel = CancelOrder {
        account: call.member()?.account,
        symbol: Symbol::new(call.params.symbol()?),
        order: order_ref(&mut call.params, "orderId", "origClientOrderId")?,
        cancel_client_order_id: call.params.client_id("newClientOrderId")?.map(str::to_owned),
        restriction: cancel_restriction(&mut call.params)?,
    };
    call.params.finish()?;
    let exchange = call.exchange;
    let (now, market_at) = (exchange.clock.now(), exchange.feed.now());
    let mut floor = exchange.floor();
    call.still_in_time()?;
    let done = floor.engine.cancel(cancel, now.0)?;
    let canceled = floor.commit(done, market_at, &exchange.limits, now);
    let number = floor.number();
    drop(floor);
    let mut json = call.json();
    render::canceled(&mut json, &canceled);
    Ok(Answer::after(number, json))
}

/// `DELETE /api/v3/openOrders`
///
/// # Errors
/// -2011 when nothing is open.
pub fn cancel_all(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.member()?.account;
    let symbol = call.params.symbol()?.to_owned();
    call.params.finish()?;
    let exchange = call.exchange;
    let (now, market_at) = (exchange.clock.now(), exchange.feed.now());
    let mut floor = exchange.floor();
    call.still_in_time()?;
    let done = floor.engine.cancel_all(account, &symbol, now.0)?;
    let all = floor.commit(done, market_at, &exchange.limits, now);
    let number = floor.number();
    drop(floor);
    let mut json = call.json();
    json.array(|json| all.iter().for_each(|canceled| render::canceled(json, canceled)));
    Ok(Answer::after(number, json))
}

/// Leaves a share of the usual depth in the book when a fault asks for it; answers the usual tick.
fn thin_out(call: &Call<'_>, floor: &mut Floor, symbol: &Symbol) -> Option<Tick> {
    let share = call.bend.thin?;
    let usual = call.exchange.feed.last_tick(symbol.as_str())?;
    set_book(call, floor, symbol, Tick { volume: (usual.volume * share).round_dp(8), ..usual });
    Some(usual)
}

fn set_book(call: &Call<'_>, floor: &mut Floor, symbol: &Symbol, tick: Tick) {
    let exchange = call.exchange;
    let (now, market_at) = (exchange.clock.now(), exchange.feed.now());
    if let Ok(done) = floor.engine.tick(symbol.as_str(), tick, now.0) {
        floor.commit(done, market_at, &exchange.limits, now);
    }
}
