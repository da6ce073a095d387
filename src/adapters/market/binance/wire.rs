//! Binance's answers as they come, and what they mean here. Unknown fields and unknown words are passed over; numbers
//! are read from text by our own parser, so no float is ever involved.

use super::super::series::consistent;
use super::http::Failure;
use crate::adapters::binance::wire::WireBookTicker;
use crate::domain::market::{Candle, CandleInterval, Quote, Symbol};
use crate::domain::money::{MAX_MAGNITUDE, NumberError, Price, Quantity, parse_plain};
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// 2017-01-01: before it there was no Binance, so an earlier time is not a time.
const EARLIEST: Timestamp = Timestamp(1_483_228_800_000);
/// A candle without a successor counts as closed this long after its end, in milliseconds.
const SETTLED_MS: i64 = 60_000;

pub(super) fn unreadable(what: impl std::fmt::Display) -> Failure {
    Failure::Unreadable(format!("Binance's {what}"))
}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|_| unreadable(format_args!("{what} is not JSON of the documented shape")))
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

/// The middle of the best bid and ask, asked for at `at`. A market with one side of its book empty has no price.
pub(super) fn book_quotes(body: &[u8], at: Timestamp) -> Result<BTreeMap<Symbol, Quote>, Failure> {
    let tickers: Vec<WireBookTicker> = decode(body, "best bids and asks")?;
    let mut quotes = BTreeMap::new();
    for ticker in tickers {
        let (bid, ask) = (ticker.bid_price.0, ticker.ask_price.0);
        if bid.is_zero() || ask.is_zero() {
            continue;
        }
        let is_book = bid > Decimal::ZERO && bid <= ask && ask <= MAX_MAGNITUDE;
        let middle = is_book.then(|| Price::new(((bid + ask) / Decimal::TWO).normalize())).flatten();
        let price = middle.ok_or_else(|| unreadable("best bid and ask of a market cannot be"))?;
        quotes.insert(Symbol(ticker.symbol), Quote { price, at });
    }
    Ok(quotes)
}

/// Closed candles at `now`, oldest first; the running one is dropped. A candle is closed once a later one has begun,
/// which does not depend on our clock agreeing with the venue's to the second.
/// Where `venue_tells`, a later row alone proves it: the venue's time is then none of our business.
pub(super) fn candles(
    body: &[u8],
    interval: CandleInterval,
    now: Timestamp,
    venue_tells: bool,
) -> Result<Vec<Candle>, Failure> {
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
        if age >= SETTLED_MS || (has_successor && (venue_tells || age >= 0)) {
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
