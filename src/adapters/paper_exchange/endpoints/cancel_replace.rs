//! Taking an order back and placing another in one go. Either part can fail on its own, and the answer tells both.

use super::terms::{cancel_restriction, new_order, order_ref};
use crate::adapters::paper_exchange::call::{Answer, Call};
use crate::adapters::paper_exchange::engine::{CancelOrder, CancelReplace, CancelReplaceMode, Canceled};
use crate::adapters::paper_exchange::error::ApiError;
use crate::adapters::paper_exchange::json::Json;
use crate::adapters::paper_exchange::render;

/// `POST /api/v3/order/cancelReplace`
///
/// # Errors
/// -2022 when neither was done, -2021 with 409 when one of them was; both carry what became of each.
pub fn run(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let mode = CancelReplaceMode::parse(call.params.required("cancelReplaceMode")?)
        .ok_or_else(|| ApiError::invalid("cancelReplaceMode"))?;
    let order = order_ref(&mut call.params, "cancelOrderId", "cancelOrigClientOrderId")?;
    let (place, shape) = new_order(call)?;
    let cancel = CancelOrder {
        account: place.account,
        symbol: place.symbol.clone(),
        order,
        cancel_client_order_id: call.params.client_id("cancelNewClientOrderId")?.map(str::to_owned),
        restriction: cancel_restriction(&mut call.params)?,
    };
    let words = ["DO_NOTHING", "CANCEL_ONLY"];
    let cancel_anyway = call.params.word("orderRateLimitExceededMode", &words)? == Some("CANCEL_ONLY");
    call.params.finish()?;
    let exchange = call.exchange;
    let (account, now, market_at) = (place.account, exchange.clock.now(), exchange.feed.now());
    if let Err(too_many) = exchange.limits.may_place(account, 1, now) {
        return if cancel_anyway { cancel_only(call, cancel, &too_many) } else { Err(too_many) };
    }
    let mut floor = exchange.floor();
    call.still_in_time()?;
    let done = floor.engine.cancel_replace(CancelReplace { cancel, place, mode }, now.0)?;
    let replaced = floor.commit(done, market_at, &exchange.limits, now);
    let placed = replaced.place.as_ref().and_then(|place| place.as_ref().ok());
    call.hide(&mut floor, placed.map(|placed| placed.order.id));
    let number = floor.number();
    drop(floor);
    let count = exchange.limits.placed(account, 1, placed.is_some_and(|placed| !placed.fills.is_empty()), now);
    let cancel = replaced.cancel.map_err(ApiError::from);
    let place = replaced.place.map(|place| place.map_err(ApiError::from));
    let mut json = call.json();
    json.object(|json| {
        outcome(json, "cancelResult", Some(cancel.is_ok()));
        outcome(json, "newOrderResult", place.as_ref().map(Result::is_ok));
        canceled_field(json, &cancel);
        match &place {
            None => json.null("newOrderResponse"),
            Some(Ok(placed)) => json.field("newOrderResponse", |json| render::placed(json, placed, shape)),
            Some(Err(error)) => refusal_field(json, "newOrderResponse", error),
        }
    });
    let done = (cancel.is_ok(), place.is_some_and(|place| place.is_ok()));
    Ok(Answer { orders: Some(count), ..told(number, json, done) })
}

/// The cancel alone, when no more orders may be placed.
fn cancel_only(call: &Call<'_>, cancel: CancelOrder, too_many: &ApiError) -> Result<Answer, ApiError> {
    let exchange = call.exchange;
    let (now, market_at) = (exchange.clock.now(), exchange.feed.now());
    let mut floor = exchange.floor();
    call.still_in_time()?;
    let outcome_of = floor.engine.cancel(cancel, now.0);
    let canceled = outcome_of.map(|done| floor.commit(done, market_at, &exchange.limits, now)).map_err(ApiError::from);
    let number = floor.number();
    drop(floor);
    let mut json = call.json();
    json.object(|json| {
        outcome(json, "cancelResult", Some(canceled.is_ok()));
        outcome(json, "newOrderResult", Some(false));
        canceled_field(json, &canceled);
        refusal_field(json, "newOrderResponse", too_many);
    });
    Ok(told(number, json, (canceled.is_ok(), false)))
}

/// The answer of a cancel with replacement: what was done of it decides status and code.
fn told(number: u64, data: Json, done: (bool, bool)) -> Answer {
    let (status, code, message) = match done {
        (true, true) => return Answer::after(number, data),
        (false, false) => (400, -2022, "Order cancel-replace failed."),
        _ => (409, -2021, "Order cancel-replace partially failed."),
    };
    let error = ApiError { data: Some(data.into_text()), ..ApiError::new(code, message) };
    Answer { status, body: error.body(), number, orders: None }
}

fn outcome(json: &mut Json, name: &str, was_done: Option<bool>) {
    json.text(
        name,
        match was_done {
            None => "NOT_ATTEMPTED",
            Some(true) => "SUCCESS",
            Some(false) => "FAILURE",
        },
    );
}

fn canceled_field(json: &mut Json, cancel: &Result<Canceled, ApiError>) {
    match cancel {
        Ok(canceled) => json.field("cancelResponse", |json| render::canceled(json, canceled)),
        Err(error) => refusal_field(json, "cancelResponse", error),
    }
}

fn refusal_field(json: &mut Json, name: &str, error: &ApiError) {
    json.field(name, |json| error.write(json));
}
