//! Reads the terms of an order: each type has parameters that it needs, and refuses those that it has no use for.

use crate::adapters::paper_exchange::call::Call;
use crate::adapters::paper_exchange::engine::{
    CancelRestriction, LegKind, NewOrder, OcoLeg, OrderId, OrderKind, OrderRef, OrderType, SelfTradePrevention, Side,
    Symbol, TimeInForce,
};
use crate::adapters::paper_exchange::error::ApiError;
use crate::adapters::paper_exchange::params::Params;
use crate::adapters::paper_exchange::render::ResponseType;
use rust_decimal::Decimal;

/// Strategy types below are the exchange's own.
const STRATEGY_TYPE_MIN: i64 = 1_000_000;
/// What the wire knows and this exchange does not trade, with the engine's words for it.
const NOT_SUPPORTED: [(&str, &str); 4] = [
    ("icebergQty", "Iceberg orders are not supported for this symbol."),
    ("trailingDelta", "Trailing stop orders are not supported for this symbol."),
    ("pegPriceType", "Pegged orders are not supported for this symbol"),
    ("pegOffsetType", "Pegged orders are not supported for this symbol"),
];

/// Reads a new order and how its answer should look.
///
/// # Errors
/// The first parameter that is missing, malformed or not wanted.
pub fn new_order(call: &mut Call<'_>) -> Result<(NewOrder, ResponseType), ApiError> {
    let account = call.member()?.account;
    let params = &mut call.params;
    let symbol = Symbol::new(params.symbol()?);
    let side = side(params)?;
    let order_type =
        OrderType::parse(params.required("type")?).ok_or_else(|| ApiError::new(-1116, "Invalid orderType."))?;
    refuse_unsupported(params)?;
    let kind = kind(params, order_type)?;
    let order = NewOrder {
        account,
        symbol,
        side,
        kind,
        client_order_id: params.client_id("newClientOrderId")?.map(str::to_owned),
        self_trade_prevention: self_trade_prevention(params)?,
        strategy_id: params.integer("strategyId")?,
        strategy_type: strategy_type(params, "strategyType")?,
    };
    let default = match order_type {
        OrderType::Market | OrderType::Limit => ResponseType::Full,
        _ => ResponseType::Ack,
    };
    Ok((order, response_type(params, default)?))
}

/// Reads which way an order trades.
///
/// # Errors
/// -1102 when it is missing, -1117 for anything but BUY and SELL.
pub fn side(params: &mut Params<'_>) -> Result<Side, ApiError> {
    Side::parse(params.required("side")?).ok_or_else(|| ApiError::new(-1117, "Invalid side."))
}

/// Reads how the answer should look.
///
/// # Errors
/// -1130 for an unknown word.
pub fn response_type(params: &mut Params<'_>, default: ResponseType) -> Result<ResponseType, ApiError> {
    Ok(match params.word("newOrderRespType", &["ACK", "RESULT", "FULL"])? {
        None => default,
        Some("ACK") => ResponseType::Ack,
        Some("RESULT") => ResponseType::Result,
        Some(_) => ResponseType::Full,
    })
}

/// Reads what happens on a trade with oneself.
///
/// # Errors
/// -1130 for a mode that is not served.
pub fn self_trade_prevention(params: &mut Params<'_>) -> Result<Option<SelfTradePrevention>, ApiError> {
    const NAME: &str = "selfTradePreventionMode";
    let Some(word) = params.text(NAME)? else { return Ok(None) };
    SelfTradePrevention::parse(word).map(Some).ok_or_else(|| ApiError::invalid(NAME))
}

/// Refuses what the wire knows and this exchange does not trade.
///
/// # Errors
/// -2010 with the engine's words.
pub fn refuse_unsupported(params: &Params<'_>) -> Result<(), ApiError> {
    match NOT_SUPPORTED.iter().find(|(name, _)| params.has(name)) {
        Some((_, words)) => Err(ApiError::new(-2010, *words)),
        None => Ok(()),
    }
}

/// Reads which order is meant, by its number, its owner's name, or both.
///
/// # Errors
/// -1102 when neither was sent.
pub fn order_ref(params: &mut Params<'_>, id: &str, client_id: &str) -> Result<OrderRef, ApiError> {
    let number = params.integer(id)?.map(|number| OrderId(number.unsigned_abs()));
    let name = params.client_id(client_id)?.map(str::to_owned);
    match (number, name) {
        (Some(number), Some(name)) => Ok(OrderRef::Both(number, name)),
        (Some(number), None) => Ok(OrderRef::Id(number)),
        (None, Some(name)) => Ok(OrderRef::ClientId(name)),
        (None, None) => Err(ApiError::either(client_id, id)),
    }
}

/// Reads in which state alone an order may be taken back.
///
/// # Errors
/// -1145 for an unknown word.
pub fn cancel_restriction(params: &mut Params<'_>) -> Result<Option<CancelRestriction>, ApiError> {
    let Some(word) = params.text("cancelRestrictions")? else { return Ok(None) };
    CancelRestriction::parse(word).map(Some).ok_or_else(|| ApiError::new(-1145, "Invalid cancelRestrictions"))
}

/// Reads one leg of an OCO, whose parameters begin with `above` or `below`.
///
/// # Errors
/// The first parameter that is missing, malformed or not wanted; -1158 for a type that no leg can have.
pub fn leg(params: &mut Params<'_>, prefix: &str) -> Result<OcoLeg, ApiError> {
    let name = |rest: &str| format!("{prefix}{rest}");
    let order_type = OrderType::parse(params.required(&name("Type"))?);
    for (rest, words) in [
        ("IcebergQty", "Iceberg orders are not supported for this symbol."),
        ("TrailingDelta", "Trailing stop orders are not supported for this symbol."),
        ("PegPriceType", "Pegged orders are not supported for this symbol"),
    ] {
        if params.has(&name(rest)) {
            return Err(ApiError::new(-2010, words));
        }
    }
    let refuse = |params: &Params<'_>, rests: &[&str]| {
        let names: Vec<String> = rests.iter().map(|rest| name(rest)).collect();
        params.refuse(&names.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let kind = match order_type {
        Some(OrderType::LimitMaker) => {
            refuse(params, &["StopPrice", "TimeInForce"])?;
            LegKind::LimitMaker { price: positive(params, &name("Price"))? }
        }
        Some(OrderType::StopLoss) => {
            refuse(params, &["Price", "TimeInForce"])?;
            LegKind::StopLoss { stop_price: positive(params, &name("StopPrice"))? }
        }
        Some(OrderType::TakeProfit) => {
            refuse(params, &["Price", "TimeInForce"])?;
            LegKind::TakeProfit { stop_price: positive(params, &name("StopPrice"))? }
        }
        Some(OrderType::StopLossLimit) => LegKind::StopLossLimit {
            price: positive(params, &name("Price"))?,
            stop_price: positive(params, &name("StopPrice"))?,
            time_in_force: time_in_force(params, &name("TimeInForce"))?,
        },
        Some(OrderType::TakeProfitLimit) => LegKind::TakeProfitLimit {
            price: positive(params, &name("Price"))?,
            stop_price: positive(params, &name("StopPrice"))?,
            time_in_force: time_in_force(params, &name("TimeInForce"))?,
        },
        _ => return Err(ApiError::new(-1158, "Unsupported order type for this kind of order list.")),
    };
    Ok(OcoLeg {
        kind,
        client_order_id: params.client_id(&name("ClientOrderId"))?.map(str::to_owned),
        strategy_id: params.integer(&name("StrategyId"))?,
        strategy_type: strategy_type(params, &name("StrategyType"))?,
    })
}

/// Reads an amount that must be there and must be more than nothing.
///
/// # Errors
/// -1102 when it is missing, -1100 when it is malformed, -1013 when it is zero.
pub fn positive(params: &mut Params<'_>, name: &str) -> Result<Decimal, ApiError> {
    match params.decimal(name)? {
        None => Err(ApiError::mandatory(name)),
        Some(value) if value.is_zero() => Err(ApiError::new(-1013, format!("Invalid {name}."))),
        Some(value) => Ok(value),
    }
}

/// Reads how long an order may work.
///
/// # Errors
/// -1102 when it is missing, -1115 for an unknown word.
pub fn time_in_force(params: &mut Params<'_>, name: &str) -> Result<TimeInForce, ApiError> {
    TimeInForce::parse(params.required(name)?).ok_or_else(|| ApiError::new(-1115, "Invalid timeInForce."))
}

fn strategy_type(params: &mut Params<'_>, name: &str) -> Result<Option<i64>, ApiError> {
    match params.integer(name)? {
        Some(kind) if kind < STRATEGY_TYPE_MIN => Err(ApiError::new(-1134, "strategyType was less than 1000000.")),
        kind => Ok(kind),
    }
}

/// Type, size and prices.
fn kind(params: &mut Params<'_>, order_type: OrderType) -> Result<OrderKind, ApiError> {
    let quantity = |params: &mut Params<'_>| positive(params, "quantity");
    let price = |params: &mut Params<'_>| positive(params, "price");
    let stop_price = |params: &mut Params<'_>| positive(params, "stopPrice");
    let in_force = |params: &mut Params<'_>| time_in_force(params, "timeInForce");
    Ok(match order_type {
        OrderType::Market => {
            params.refuse(&["timeInForce", "price", "stopPrice"])?;
            match (params.has("quantity"), params.has("quoteOrderQty")) {
                (true, true) => return Err(ApiError::not_required("quoteOrderQty")),
                (true, false) => OrderKind::Market { quantity: quantity(params)? },
                (false, true) => OrderKind::MarketByQuote { quote_quantity: positive(params, "quoteOrderQty")? },
                (false, false) => return Err(ApiError::either("quantity", "quoteOrderQty")),
            }
        }
        OrderType::Limit => {
            params.refuse(&["quoteOrderQty", "stopPrice"])?;
            let time_in_force = in_force(params)?;
            OrderKind::Limit { quantity: quantity(params)?, price: price(params)?, time_in_force }
        }
        OrderType::LimitMaker => {
            params.refuse(&["quoteOrderQty", "stopPrice", "timeInForce"])?;
            OrderKind::LimitMaker { quantity: quantity(params)?, price: price(params)? }
        }
        OrderType::StopLoss | OrderType::TakeProfit => {
            params.refuse(&["quoteOrderQty", "price", "timeInForce"])?;
            let (quantity, stop_price) = (quantity(params)?, stop_price(params)?);
            match order_type {
                OrderType::StopLoss => OrderKind::StopLoss { quantity, stop_price },
                _ => OrderKind::TakeProfit { quantity, stop_price },
            }
        }
        OrderType::StopLossLimit | OrderType::TakeProfitLimit => {
            params.refuse(&["quoteOrderQty"])?;
            let time_in_force = in_force(params)?;
            let (quantity, price, stop_price) = (quantity(params)?, price(params)?, stop_price(params)?);
            match order_type {
                OrderType::StopLossLimit => OrderKind::StopLossLimit { quantity, price, stop_price, time_in_force },
                _ => OrderKind::TakeProfitLimit { quantity, price, stop_price, time_in_force },
            }
        }
    })
}
