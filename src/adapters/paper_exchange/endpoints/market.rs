//! What everybody may see: the clock, the rules, the book and the executions of a market.

use super::asked;
use super::tickers::rows;
use crate::adapters::paper_exchange::call::{Answer, Call};
use crate::adapters::paper_exchange::engine::{OrderType, SelfTradePrevention, SymbolRules, SymbolStatus};
use crate::adapters::paper_exchange::error::ApiError;
use crate::adapters::paper_exchange::floor::{PUBLIC_TRADES_MAX, PublicTrade};
use crate::adapters::paper_exchange::json::Json;
use crate::adapters::paper_exchange::limits::LimitLine;
use crate::adapters::paper_exchange::market_feed::AVERAGE_MINUTES;
use crate::adapters::paper_exchange::render::number;
use rust_decimal::Decimal;

/// Levels of the book when nothing is said, and at most.
const LEVELS: (usize, usize) = (100, 5_000);
/// Executions when nothing is said.
const TRADES_DEFAULT: usize = 500;

/// `GET /api/v3/time`
///
/// # Errors
/// When parameters were sent.
pub fn time(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    call.params.finish()?;
    let mut json = call.json();
    json.object(|json| json.time("serverTime", call.now.0));
    Ok(Answer::of(json))
}

/// `GET /api/v3/exchangeInfo`
///
/// # Errors
/// -1121 for a market that is not served, -1128 when a permission comes beside markets.
pub fn exchange_info(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let names_markets = call.params.has("symbol") || call.params.has("symbols");
    let with_permissions = call.params.truth("showPermissionSets")?.unwrap_or(true);
    let permissions = call.params.text("permissions")?.map(str::to_owned);
    if names_markets && (permissions.is_some() || call.params.has("symbolStatus")) {
        return Err(ApiError::bad_combination());
    }
    let spot = permissions.is_none_or(|words| words.contains("SPOT"));
    let asked = asked(call)?;
    call.params.finish()?;
    let mut json = call.json();
    let floor = call.exchange.floor();
    json.object(|json| {
        json.text("timezone", "UTC");
        json.time("serverTime", call.now.0);
        json.array_field("rateLimits", |json| {
            for line in &call.exchange.limits.lines() {
                json.object(|json| limit_line(json, line));
            }
        });
        json.array_field("exchangeFilters", |_| {});
        json.array_field("symbols", |json| {
            for (rules, status) in floor.engine.markets() {
                if spot && asked.symbols.iter().any(|symbol| symbol == rules.symbol.as_str()) {
                    symbol(json, rules, status, with_permissions);
                }
            }
        });
    });
    Ok(Answer::of(json))
}

/// One line of the limits, inside of its object.
pub fn limit_line(json: &mut Json, line: &LimitLine) {
    json.text("rateLimitType", line.kind);
    json.text("interval", line.interval);
    json.int("intervalNum", line.interval_num);
    json.int("limit", number(line.limit));
}

fn symbol(json: &mut Json, rules: &SymbolRules, status: SymbolStatus, with_permissions: bool) {
    json.object(|json| {
        json.text("symbol", rules.symbol.as_str());
        json.text("status", status.as_str());
        json.text("baseAsset", rules.base.as_str());
        json.int("baseAssetPrecision", i64::from(rules.base_precision));
        json.text("quoteAsset", rules.quote.as_str());
        for name in ["quotePrecision", "quoteAssetPrecision"] {
            json.int(name, i64::from(rules.quote_precision));
        }
        for name in ["baseCommissionPrecision", "quoteCommissionPrecision"] {
            json.int(name, 8);
        }
        json.array_field("orderTypes", |json| {
            OrderType::ALL.iter().for_each(|order_type| json.text_item(order_type.as_str()));
        });
        for (name, is_served) in [
            ("icebergAllowed", false),
            ("ocoAllowed", true),
            ("otoAllowed", false),
            ("opoAllowed", false),
            ("quoteOrderQtyMarketAllowed", true),
            ("allowTrailingStop", false),
            ("cancelReplaceAllowed", true),
            ("amendAllowed", false),
            ("pegInstructionsAllowed", false),
            ("isSpotTradingAllowed", true),
            ("isMarginTradingAllowed", false),
        ] {
            json.truth(name, is_served);
        }
        json.array_field("filters", |json| filters(json, rules));
        json.array_field("permissions", |_| {});
        if with_permissions {
            json.array_field("permissionSets", |json| json.array(|json| json.text_item("SPOT")));
        }
        json.text("defaultSelfTradePreventionMode", SelfTradePrevention::ExpireMaker.as_str());
        json.array_field("allowedSelfTradePreventionModes", |json| {
            SelfTradePrevention::ALL.iter().for_each(|mode| json.text_item(mode.as_str()));
        });
    });
}

/// The filters of a market, as items.
pub fn filters(json: &mut Json, rules: &SymbolRules) {
    let filter = |json: &mut Json, name: &str, amounts: &[(&str, Decimal)]| {
        json.object(|json| {
            json.text("filterType", name);
            amounts.iter().for_each(|(name, value)| json.amount(name, *value));
        });
    };
    let (price, lot, market_lot) = (&rules.price, &rules.lot_size, &rules.market_lot_size);
    filter(json, "PRICE_FILTER", &[("minPrice", price.min), ("maxPrice", price.max), ("tickSize", price.step)]);
    filter(json, "LOT_SIZE", &[("minQty", lot.min), ("maxQty", lot.max), ("stepSize", lot.step)]);
    let market_lot = [("minQty", market_lot.min), ("maxQty", market_lot.max), ("stepSize", market_lot.step)];
    filter(json, "MARKET_LOT_SIZE", &market_lot);
    let percent = &rules.percent_price;
    json.object(|json| {
        json.text("filterType", "PERCENT_PRICE_BY_SIDE");
        json.amount("bidMultiplierUp", percent.bid_up);
        json.amount("bidMultiplierDown", percent.bid_down);
        json.amount("askMultiplierUp", percent.ask_up);
        json.amount("askMultiplierDown", percent.ask_down);
        json.int("avgPriceMins", i64::from(percent.average_minutes));
    });
    json.object(|json| {
        json.text("filterType", "NOTIONAL");
        json.amount("minNotional", rules.notional.min);
        json.truth("applyMinToMarket", rules.notional.apply_min_to_market);
        json.amount("maxNotional", rules.notional.max);
        json.truth("applyMaxToMarket", rules.notional.apply_max_to_market);
        json.int("avgPriceMins", i64::from(percent.average_minutes));
    });
    for (name, field, limit) in [
        ("MAX_NUM_ORDERS", "maxNumOrders", rules.max_orders),
        ("MAX_NUM_ORDER_LISTS", "maxNumOrderLists", rules.max_order_lists),
        ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", rules.max_algo_orders),
    ] {
        json.object(|json| {
            json.text("filterType", name);
            json.int(field, i64::try_from(limit).unwrap_or(i64::MAX));
        });
    }
    if !rules.max_position.is_zero() {
        filter(json, "MAX_POSITION", &[("maxPosition", rules.max_position)]);
    }
}

/// `GET /api/v3/depth`
///
/// # Errors
/// -1121 for a market that is not served.
pub fn depth(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let symbol = one_symbol(call)?;
    let (default, max) = LEVELS;
    let levels = call.params.limit(default, max)?;
    call.params.finish()?;
    let depth = call.exchange.floor().engine.depth(&symbol, levels)?;
    let mut json = call.json();
    json.object(|json| {
        json.int("lastUpdateId", number(depth.last_update_id));
        for (name, side) in [("bids", &depth.bids), ("asks", &depth.asks)] {
            json.array_field(name, |json| {
                for (price, quantity) in side {
                    json.array(|json| {
                        json.amount_item(*price);
                        json.amount_item(*quantity);
                    });
                }
            });
        }
    });
    Ok(Answer::of(json))
}

/// `symbol` and `symbolStatus` of a question about one market.
fn one_symbol(call: &mut Call<'_>) -> Result<String, ApiError> {
    call.params.symbol()?;
    asked(call)?.symbols.into_iter().next().ok_or_else(ApiError::bad_symbol)
}

/// `GET /api/v3/trades` and `GET /api/v3/historicalTrades`: executions on this exchange.
///
/// # Errors
/// -1121 for a market that is not served.
pub fn trades(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let symbol = one_symbol(call)?;
    let limit = call.params.limit(TRADES_DEFAULT, PUBLIC_TRADES_MAX)?;
    let from = call.params.integer("fromId")?;
    call.params.finish()?;
    let wanted = wanted(call, &symbol, Wanted { limit, from, ..Wanted::default() });
    let mut json = call.json();
    json.array(|json| {
        for trade in wanted {
            json.object(|json| {
                json.int("id", number(trade.id.0));
                json.amount("price", trade.price);
                json.amount("qty", trade.quantity);
                json.amount("quoteQty", trade.quote);
                json.time("time", trade.at);
                json.truth("isBuyerMaker", trade.is_buyer_maker);
                json.truth("isBestMatch", true);
            });
        }
    });
    Ok(Answer::of(json))
}

/// `GET /api/v3/aggTrades`: each execution on its own.
///
/// # Errors
/// -1121 for a market that is not served.
pub fn aggregate_trades(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let symbol = one_symbol(call)?;
    let limit = call.params.limit(TRADES_DEFAULT, PUBLIC_TRADES_MAX)?;
    let from = call.params.integer("fromId")?;
    let (start, end) = (call.params.time("startTime")?, call.params.time("endTime")?);
    call.params.finish()?;
    let wanted = wanted(call, &symbol, Wanted { limit, from, start, end });
    let mut json = call.json();
    json.array(|json| {
        for trade in wanted {
            json.object(|json| {
                json.int("a", number(trade.id.0));
                json.amount("p", trade.price);
                json.amount("q", trade.quantity);
                json.int("f", number(trade.id.0));
                json.int("l", number(trade.id.0));
                json.time("T", trade.at);
                json.truth("m", trade.is_buyer_maker);
                json.truth("M", true);
            });
        }
    });
    Ok(Answer::of(json))
}

/// Which executions are wanted.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    limit: usize,
    from: Option<i64>,
    start: Option<i64>,
    end: Option<i64>,
}

/// Oldest first: from a number or a moment on, or else the newest.
fn wanted(call: &Call<'_>, symbol: &str, wanted: Wanted) -> Vec<PublicTrade> {
    let floor = call.exchange.floor();
    let fits = |trade: &&PublicTrade| {
        wanted.from.is_none_or(|from| number(trade.id.0) >= from)
            && wanted.start.is_none_or(|start| trade.at >= start)
            && wanted.end.is_none_or(|end| trade.at <= end)
    };
    let mut found: Vec<PublicTrade> = floor.trades(symbol).filter(fits).copied().collect();
    if wanted.from.is_some() || wanted.start.is_some() {
        found.truncate(wanted.limit);
    } else {
        found.drain(..found.len().saturating_sub(wanted.limit));
    }
    found
}

/// `GET /api/v3/avgPrice`
///
/// # Errors
/// -1121 for a market that is not served.
pub fn average_price(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let symbol = call.params.symbol()?.to_owned();
    call.params.finish()?;
    let average = call.exchange.floor().engine.average_price(&symbol)?;
    let mut json = call.json();
    json.object(|json| {
        json.int("mins", i64::from(AVERAGE_MINUTES));
        json.amount("price", average.unwrap_or(Decimal::ZERO));
        json.time("closeTime", call.now.0);
    });
    Ok(Answer::of(json))
}

/// `GET /api/v3/ticker/price`
///
/// # Errors
/// -1121 for a market that is not served.
pub fn price_ticker(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let asked = asked(call)?;
    call.params.finish()?;
    let floor = call.exchange.floor();
    let mut json = call.json();
    rows(&mut json, &asked, |json, symbol| {
        let Ok(Some(price)) = floor.engine.last_price(symbol) else { return false };
        json.object(|json| {
            json.text("symbol", symbol);
            json.amount("price", price);
        });
        true
    })?;
    Ok(Answer::of(json))
}

/// `GET /api/v3/ticker/bookTicker`
///
/// # Errors
/// -1121 for a market that is not served.
pub fn book_ticker(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let asked = asked(call)?;
    call.params.finish()?;
    let floor = call.exchange.floor();
    let mut json = call.json();
    rows(&mut json, &asked, |json, symbol| {
        let Ok(depth) = floor.engine.depth(symbol, 1) else { return false };
        let best = |side: &[(Decimal, Decimal)]| side.first().copied().unwrap_or_default();
        let ((bid, bid_quantity), (ask, ask_quantity)) = (best(&depth.bids), best(&depth.asks));
        json.object(|json| {
            json.text("symbol", symbol);
            json.amount("bidPrice", bid);
            json.amount("bidQty", bid_quantity);
            json.amount("askPrice", ask);
            json.amount("askQty", ask_quantity);
        });
        true
    })?;
    Ok(Answer::of(json))
}
