//! Binance's answers as they come, and what they mean here. Unknown fields and unknown words are passed over; numbers
//! are read from text by our own parser, so no float is ever involved.

use super::super::series::consistent;
use super::http::Failure;
use crate::domain::instrument::{Instrument, InstrumentList, QUOTE_ASSET};
use crate::domain::market::{Candle, CandleInterval, Coin, Quote, Symbol};
use crate::domain::money::{MAX_MAGNITUDE, NumberError, Price, Quantity, parse_plain};
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The most markets in one answer.
const SYMBOLS_MAX: usize = 50_000;
/// 2017-01-01: before it there was no Binance, so an earlier time is not a time.
const EARLIEST: Timestamp = Timestamp(1_483_228_800_000);
/// A candle without a successor counts as closed this long after its end, in milliseconds.
const SETTLED_MS: i64 = 60_000;

fn unreadable(what: impl std::fmt::Display) -> Failure {
    Failure::Unreadable(format!("Binance's {what}"))
}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|_| unreadable(format_args!("{what} is not JSON of the documented shape")))
}

#[derive(Deserialize)]
struct ExchangeInfo {
    symbols: Vec<WireSymbol>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSymbol {
    symbol: String,
    status: String,
    base_asset: String,
    quote_asset: String,
    #[serde(default = "yes")]
    is_spot_trading_allowed: bool,
    filters: Vec<WireFilter>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFilter {
    filter_type: String,
    tick_size: Option<String>,
    step_size: Option<String>,
    min_qty: Option<String>,
    max_qty: Option<String>,
    min_notional: Option<String>,
}

/// Markets against [`QUOTE_ASSET`]. One that cannot be understood is left out: without its filters it cannot be traded.
pub(super) fn instruments(body: &[u8]) -> Result<InstrumentList, Failure> {
    let info: ExchangeInfo = decode(body, "exchange information")?;
    if info.symbols.len() > SYMBOLS_MAX {
        return Err(unreadable(format_args!("exchange information lists more than {SYMBOLS_MAX} markets")));
    }
    let quoted = info.symbols.iter().filter(|symbol| symbol.quote_asset == QUOTE_ASSET);
    let list = InstrumentList::new(quoted.filter_map(instrument));
    if list.coins().next().is_none() {
        return Err(unreadable(format_args!("exchange information lists no usable market against {QUOTE_ASSET}")));
    }
    Ok(list)
}

fn instrument(wire: &WireSymbol) -> Option<Instrument> {
    let filter = |name: &str| wire.filters.iter().find(|filter| filter.filter_type == name);
    // A limit or step of zero, or one that is missing, means that the rule is off.
    let number = |text: Option<&String>| match text.map(|text| parse_plain(text)) {
        None => Some(Decimal::ZERO),
        Some(Err(NumberError::TooLarge)) => Some(MAX_MAGNITUDE),
        Some(value) => value.ok(),
    };
    let lot = filter("LOT_SIZE")?;
    let market_lot = filter("MARKET_LOT_SIZE");
    let of_market_lot = |field: fn(&WireFilter) -> Option<&String>| number(market_lot.and_then(field));
    let notional = filter("NOTIONAL").or_else(|| filter("MIN_NOTIONAL"));
    let (lot_max, market_max) = (number(lot.max_qty.as_ref())?, of_market_lot(|f| f.max_qty.as_ref())?);
    let max_quantity = [lot_max, market_max].into_iter().filter(|max| !max.is_zero()).min();
    Some(Instrument {
        symbol: Symbol(wire.symbol.clone()),
        base: Coin::parse(&wire.base_asset)?,
        quote: Coin::parse(&wire.quote_asset)?,
        tick_size: number(filter("PRICE_FILTER")?.tick_size.as_ref())?,
        step_size: number(lot.step_size.as_ref())?.max(of_market_lot(|f| f.step_size.as_ref())?),
        min_quantity: number(lot.min_qty.as_ref())?.max(of_market_lot(|f| f.min_qty.as_ref())?),
        max_quantity: max_quantity.unwrap_or_default(),
        min_notional: number(notional.and_then(|filter| filter.min_notional.as_ref()))?,
        trading: wire.status == "TRADING" && wire.is_spot_trading_allowed,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTicker {
    symbol: String,
    last_price: String,
    close_time: i64,
}

/// Last prices. A market that has never traded shows a zero: it has no price and is left out.
pub(super) fn quotes(body: &[u8]) -> Result<BTreeMap<Symbol, Quote>, Failure> {
    let tickers: Vec<WireTicker> = decode(body, "prices")?;
    let mut quotes = BTreeMap::new();
    for ticker in tickers {
        let price = match Price::parse(&ticker.last_price) {
            Ok(price) => price,
            Err(NumberError::Zero) => continue,
            Err(error) => return Err(unreadable(format_args!("price of a market {error}"))),
        };
        let at = Timestamp(ticker.close_time);
        if at < EARLIEST {
            return Err(unreadable("price of a market has no sane time"));
        }
        quotes.insert(Symbol(ticker.symbol), Quote { price, at });
    }
    Ok(quotes)
}

/// Closed candles at `now`, oldest first; the running one is dropped. A candle is closed once a later one has begun,
/// which does not depend on our clock agreeing with the venue's to the second.
pub(super) fn candles(body: &[u8], interval: CandleInterval, now: Timestamp) -> Result<Vec<Candle>, Failure> {
    let rows: Vec<Vec<Value>> = decode(body, "candles")?;
    let mut candles: Vec<Candle> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let refused = |rule: &str| unreadable(format_args!("candle {} of {}: {rule}", index + 1, rows.len()));
        let candle = candle(row).map_err(|rule| refused(&rule))?;
        if candle.open_time < EARLIEST || candle.open_time.floor_to(interval.ms()) != candle.open_time {
            return Err(refused("open time is not on the interval"));
        }
        if candles.last().is_some_and(|previous| previous.open_time >= candle.open_time) {
            return Err(refused("open time is not after the one before"));
        }
        candles.push(candle);
    }
    while let Some(last) = candles.last() {
        let age = now.since(last.open_time.plus_ms(interval.ms()));
        let has_successor = candles.len() < rows.len();
        if age >= SETTLED_MS || (has_successor && age >= 0) {
            break;
        }
        candles.pop();
    }
    Ok(candles)
}

fn candle(row: &[Value]) -> Result<Candle, String> {
    let text = |column: usize, name: &str| {
        row.get(column).and_then(Value::as_str).ok_or_else(|| format!("{name} is not there as text"))
    };
    let price = |column, name| Price::parse(text(column, name)?).map_err(|error| format!("{name} {error}"));
    let volume = parse_plain(text(5, "volume")?).map_err(|error| format!("volume {error}"))?;
    let candle = Candle {
        open_time: Timestamp(row.first().and_then(Value::as_i64).ok_or("open time is not a whole number")?),
        open: price(1, "open")?,
        high: price(2, "high")?,
        low: price(3, "low")?,
        close: price(4, "close")?,
        volume: Quantity::new(volume).ok_or("volume is too large")?,
    };
    consistent(&candle)?;
    Ok(candle)
}
