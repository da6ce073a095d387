//! Candles and what is computed from them. Their times are market time.

use super::{Asked, asked};
use crate::adapters::paper_exchange::bars::{Bar, Span};
use crate::adapters::paper_exchange::call::{Answer, Call};
use crate::adapters::paper_exchange::error::ApiError;
use crate::adapters::paper_exchange::json::Json;
use crate::adapters::paper_exchange::params::Params;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use rust_decimal::Decimal;

/// Candles when nothing is said, and at most.
const CANDLES: (usize, usize) = (500, 1_000);
/// The longest rolling window, in days.
const WINDOW_DAYS_MAX: i64 = 7;
/// How far local time may be from UTC, in minutes: behind, ahead.
const OFFSET_MINUTES: (i64, i64) = (-12 * 60, 14 * 60);
/// Decimal places of a change in per cent.
const PERCENT_PLACES: usize = 3;

/// A question that needs candles, which come from a market that may take its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// `GET /api/v3/klines` and `GET /api/v3/uiKlines`
    Klines,
    /// `GET /api/v3/ticker/24hr`
    Day,
    /// `GET /api/v3/ticker/tradingDay`
    TradingDay,
    /// `GET /api/v3/ticker`
    Rolling,
}

/// Answers it.
///
/// # Errors
/// -1121 for a market that is not served, -1120 for candles that the market does not have.
pub async fn answer(question: Question, call: &mut Call<'_>) -> Result<Answer, ApiError> {
    match question {
        Question::Klines => klines(call).await,
        Question::Day => {
            let asked = asked(call)?;
            let shape = shape(call)?;
            call.params.finish()?;
            statistics(call, &asked, Window::Rolling(DAY_MS), shape).await
        }
        Question::TradingDay => {
            let offset = offset(&mut call.params)?;
            let (asked, shape) = (some_asked(call)?, shape(call)?);
            call.params.finish()?;
            statistics(call, &asked, Window::TradingDay(offset), Shape { has_book: false, ..shape }).await
        }
        Question::Rolling => {
            let window = window_size(&mut call.params)?;
            let (asked, shape) = (some_asked(call)?, shape(call)?);
            call.params.finish()?;
            statistics(call, &asked, Window::Rolling(window), Shape { has_book: false, ..shape }).await
        }
    }
}

/// Writes one object, or an array of them; a single market without anything to tell is an error.
///
/// # Errors
/// 503 when the one market that was asked for has no price yet.
pub fn rows(json: &mut Json, asked: &Asked, mut row: impl FnMut(&mut Json, &str) -> bool) -> Result<(), ApiError> {
    if asked.is_list {
        json.array(|json| {
            for symbol in &asked.symbols {
                row(json, symbol);
            }
        });
        return Ok(());
    }
    let was_told = asked.symbols.iter().all(|symbol| row(json, symbol));
    if was_told { Ok(()) } else { Err(ApiError::market_unavailable()) }
}

async fn klines(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let symbol = call.params.symbol()?.to_owned();
    let span = Span::parse(call.params.required("interval")?).ok_or_else(ApiError::bad_interval)?;
    let offset = offset(&mut call.params)?;
    let (start, end) = (call.params.time("startTime")?, call.params.time("endTime")?);
    let (default, max) = CANDLES;
    let limit = call.params.limit(default, max)?;
    call.params.finish()?;
    if !super::is_served(&call.exchange.floor().engine, &symbol) {
        return Err(ApiError::bad_symbol());
    }
    let mut bars = call.exchange.feed.bars(&symbol, span, offset).await?;
    bars.retain(|bar| start.is_none_or(|start| bar.open_time >= start) && end.is_none_or(|end| bar.open_time <= end));
    if start.is_some() {
        bars.truncate(limit);
    } else {
        bars.drain(..bars.len().saturating_sub(limit));
    }
    let mut json = call.json();
    json.array(|json| {
        for bar in &bars {
            json.array(|json| {
                json.time_item(bar.open_time);
                for price in [bar.open, bar.high, bar.low, bar.close, bar.volume] {
                    json.amount_item(price);
                }
                json.time_item(bar.close_time);
                json.amount_item(bar.quote_volume);
                json.int_item(0);
                json.amount_item(Decimal::ZERO);
                json.amount_item(Decimal::ZERO);
                json.text_item("0");
            });
        }
    });
    Ok(Answer::of(json))
}

/// Over which time a ticker is computed.
#[derive(Clone, Copy, Debug)]
enum Window {
    /// So many milliseconds up to now.
    Rolling(i64),
    /// The day so far, with an offset of local time.
    TradingDay(i64),
}

/// How much of a ticker is told.
#[derive(Clone, Copy, Debug)]
struct Shape {
    is_full: bool,
    /// Whether the book and the close before belong to it.
    has_book: bool,
}

fn shape(call: &mut Call<'_>) -> Result<Shape, ApiError> {
    let is_full = match call.params.text("type")? {
        None | Some("FULL") => true,
        Some("MINI") => false,
        Some(_) => return Err(ApiError::new(-1139, "Invalid ticker type.")),
    };
    Ok(Shape { is_full, has_book: is_full })
}

/// These tickers are never about all markets.
fn some_asked(call: &mut Call<'_>) -> Result<Asked, ApiError> {
    if !call.params.has("symbol") && !call.params.has("symbols") {
        return Err(ApiError::either("symbol", "symbols"));
    }
    asked(call)
}

/// A market's figures over a window.
struct Figures {
    bars: Vec<Bar>,
    previous_close: Decimal,
}

async fn statistics(call: &mut Call<'_>, asked: &Asked, window: Window, shape: Shape) -> Result<Answer, ApiError> {
    let mut figures = Vec::with_capacity(asked.symbols.len());
    for symbol in &asked.symbols {
        figures.push(look_up(call, symbol, window).await?);
    }
    let floor = call.exchange.floor();
    let mut json = call.json();
    let mut figures = figures.iter();
    rows(&mut json, asked, |json, symbol| {
        let Some(figures) = figures.next().filter(|figures| !figures.bars.is_empty()) else { return false };
        json.object(|json| {
            json.text("symbol", symbol);
            let depth = floor.engine.depth(symbol, 1).ok().filter(|_| shape.has_book);
            let last_quantity = floor.trades(symbol).last().map(|trade| trade.quantity);
            tell(json, figures, shape, depth.as_ref().map(|depth| (depth, last_quantity.unwrap_or_default())));
        });
        true
    })?;
    Ok(Answer::of(json))
}

async fn look_up(call: &Call<'_>, symbol: &str, window: Window) -> Result<Figures, ApiError> {
    let (word, offset) = match window {
        Window::Rolling(ms) if ms < HOUR_MS => ("5m", 0),
        Window::Rolling(_) => ("1h", 0),
        Window::TradingDay(offset) => ("1d", offset),
    };
    let span = Span::parse(word).ok_or_else(ApiError::bad_interval)?;
    let mut bars = call.exchange.feed.bars(symbol, span, offset).await?;
    let first = match window {
        Window::Rolling(ms) => {
            let from = call.exchange.feed.now().0 - ms;
            bars.iter().position(|bar| bar.close_time >= from)
        }
        Window::TradingDay(_) => bars.len().checked_sub(1),
    };
    let first = first.unwrap_or(bars.len());
    let previous_close = match first.checked_sub(1) {
        Some(before) => bars[before].close,
        None => bars.first().map_or(Decimal::ZERO, |bar| bar.open),
    };
    bars.drain(..first);
    Ok(Figures { bars, previous_close })
}

fn tell(
    json: &mut Json,
    figures: &Figures,
    shape: Shape,
    book: Option<(&crate::adapters::paper_exchange::engine::Depth, Decimal)>,
) {
    let bars = &figures.bars;
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return };
    let volume: Decimal = bars.iter().map(|bar| bar.volume).sum();
    let quote_volume: Decimal = bars.iter().map(|bar| bar.quote_volume).sum();
    if shape.is_full {
        let change = last.close - first.open;
        let percent = if first.open.is_zero() { Decimal::ZERO } else { change / first.open * Decimal::ONE_HUNDRED };
        let average = if volume.is_zero() { last.close } else { quote_volume / volume };
        json.amount("priceChange", change);
        json.decimals("priceChangePercent", percent, PERCENT_PLACES);
        json.amount("weightedAvgPrice", average);
    }
    if shape.has_book {
        json.amount("prevClosePrice", figures.previous_close);
    }
    json.amount("lastPrice", last.close);
    if let Some((depth, last_quantity)) = book {
        let best = |side: &[(Decimal, Decimal)]| side.first().copied().unwrap_or_default();
        let ((bid, bid_quantity), (ask, ask_quantity)) = (best(&depth.bids), best(&depth.asks));
        json.amount("lastQty", last_quantity);
        json.amount("bidPrice", bid);
        json.amount("bidQty", bid_quantity);
        json.amount("askPrice", ask);
        json.amount("askQty", ask_quantity);
    }
    json.amount("openPrice", first.open);
    json.amount("highPrice", bars.iter().map(|bar| bar.high).max().unwrap_or_default());
    json.amount("lowPrice", bars.iter().map(|bar| bar.low).min().unwrap_or_default());
    json.amount("volume", volume);
    json.amount("quoteVolume", quote_volume);
    json.time("openTime", first.open_time);
    json.time("closeTime", last.close_time);
    // The market's own executions are not told one by one.
    json.int("firstId", -1);
    json.int("lastId", -1);
    json.int("count", 0);
}

/// Reads `windowSize`: `1m` to `59m`, `1h` to `23h`, `1d` to `7d`; a day when it is not said.
fn window_size(params: &mut Params<'_>) -> Result<i64, ApiError> {
    const NAME: &str = "windowSize";
    let Some(text) = params.text(NAME)? else { return Ok(DAY_MS) };
    let invalid = || ApiError::invalid(NAME);
    let unit = text.chars().next_back().ok_or_else(invalid)?;
    let count: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| invalid())?;
    let (ms, max) = match unit {
        'm' => (MINUTE_MS, 59),
        'h' => (HOUR_MS, 23),
        'd' => (DAY_MS, WINDOW_DAYS_MAX),
        _ => return Err(invalid()),
    };
    if (1..=max).contains(&count) { Ok(count * ms) } else { Err(invalid()) }
}

/// Reads `timeZone` as hours with optional minutes, such as `-1:00`, `05:45` and `8`; in milliseconds.
fn offset(params: &mut Params<'_>) -> Result<i64, ApiError> {
    const NAME: &str = "timeZone";
    let Some(text) = params.text(NAME)? else { return Ok(0) };
    let invalid = || ApiError::invalid(NAME);
    // A plus sign that was not encoded arrives as a space.
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+' | b' ') => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let number = |text: &str| match text.len() {
        1 | 2 if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse::<i64>().map_err(|_| invalid()),
        _ => Err(invalid()),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let offset = sign * (hours * 60 + minutes);
    let (behind, ahead) = OFFSET_MINUTES;
    if minutes < 60 && (behind..=ahead).contains(&offset) { Ok(offset * MINUTE_MS) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_offsets_are_read_within_their_bounds() {
        let window = |text: &str| {
            let query = format!("windowSize={text}");
            window_size(&mut Params::parse(&query, "").expect("one pair")).map_err(|error| error.code)
        };
        assert_eq!(
            (window("59m"), window("23h"), window("7d")),
            (Ok(59 * MINUTE_MS), Ok(23 * HOUR_MS), Ok(7 * DAY_MS))
        );
        for bad in ["60m", "24h", "8d", "0d", "d", "1w", "-1d", "1日"] {
            assert_eq!(window(bad), Err(-1130), "{bad}");
        }
        let zone = |text: &str| {
            let query = format!("timeZone={text}");
            offset(&mut Params::parse(&query, "").expect("one pair")).map_err(|error| error.code)
        };
        assert_eq!((zone("8"), zone("-1:00"), zone("05:45")), (Ok(8 * HOUR_MS), Ok(-HOUR_MS), Ok(345 * MINUTE_MS)));
        assert_eq!((zone("%2B14:00"), zone("+2")), (Ok(14 * HOUR_MS), Ok(2 * HOUR_MS)));
        for bad in ["14:01", "-12:01", "1:60", "x", "1:2:3"] {
            assert_eq!(zone(bad), Err(-1130), "{bad}");
        }
    }
}
