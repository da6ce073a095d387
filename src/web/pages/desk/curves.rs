//! Curves of books and of buy-and-hold over one period of market time, on one grid.

use crate::domain::book::Book;
use crate::domain::instrument::QUOTE_ASSET;
use crate::domain::market::{Candle, CandleInterval, Coin, Symbol};
use crate::domain::money::Money;
use crate::domain::time::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};
use crate::domain::venue_kind::VenueKind;
use crate::ports::market_data::{CANDLES_MAX, MarketData};
use crate::services::desk::Desk;
use crate::web::error::AppError;
use crate::web::show;
use crate::web::view::{Chart, ChartRow, Series};
use rust_decimal::Decimal;

/// The longest period that is drawn, in days of market time: the hourly candles behind it fit in one request.
pub const PERIOD_DAYS: i64 = 40;
/// Points of a book's curve that are read.
const POINTS: u32 = 400;
/// Times on the grid of a chart.
const GRID: i64 = 240;
/// Rows of the table below a chart.
const TABLE_ROWS: usize = 24;
/// Hues of lines; more lines than these share them.
const HUES: u8 = 6;
/// The coin that buying and holding is compared with.
const HELD: &str = "BTC";

/// What the values of a chart are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Return on each line's own start, in per cent.
    Return,
    /// Money, in the quote asset.
    Money,
}

/// One line: what something was worth at which moments of market time, oldest first.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Whether it is what the others are compared with.
    pub is_benchmark: bool,
    /// What it started with.
    pub start: Money,
    /// Its worth over time.
    pub points: Vec<(Timestamp, Money)>,
}

impl Line {
    /// The worth at a moment: the latest that is known then, nothing before the first.
    fn at(&self, at: Timestamp) -> Option<Money> {
        let known = self.points.partition_point(|point| point.0 <= at);
        known.checked_sub(1).and_then(|index| self.points.get(index)).map(|point| point.1)
    }

    fn value(&self, worth: Money, scale: Scale) -> Decimal {
        match scale {
            Scale::Money => worth.round().decimal().round_dp(2),
            Scale::Return => (worth - self.start).percent_of(self.start).unwrap_or_default().round_dp(3),
        }
    }
}

/// Where a period begins that ends at `end` and should reach back to `opened_at`.
pub fn period_start(opened_at: Timestamp, end: Timestamp) -> Timestamp {
    Timestamp(opened_at.0.max(end.plus_ms(-PERIOD_DAYS * DAY_MS).0))
}

/// A book's curve from `from` on; `equity` is what it is worth at market time `now`, if it is known.
///
/// # Errors
/// When the store fails.
pub async fn book_line(
    desk: &Desk,
    name: &str,
    book: &Book,
    from: Timestamp,
    now: Option<(Timestamp, Money)>,
) -> Result<Line, AppError> {
    let history = desk.store.equity_history(book.id, from, POINTS).await?;
    let mut points: Vec<(Timestamp, Money)> = Vec::with_capacity(history.len() + 2);
    if book.opened_at >= from {
        points.push((book.opened_at, book.initial_capital));
    }
    points.extend(history.into_iter().map(|point| (point.at, point.equity)));
    points.extend(now);
    points.sort_by_key(|point| point.0);
    Ok(Line { name: name.to_owned(), is_benchmark: false, start: book.initial_capital, points })
}

/// What `capital` would be worth in BTC, bought at `from` with a fee; `None` where the market cannot say.
pub async fn hold_line(
    desk: &Desk,
    venue: VenueKind,
    capital: Money,
    fee_pct: Decimal,
    from: Timestamp,
    end: Timestamp,
) -> Option<Line> {
    let market = desk.markets.of(venue)?;
    let symbol = market.instruments().await.ok()?.of_coin(&Coin::parse(HELD)?)?.symbol.clone();
    let mut prices = closes(market.as_ref(), &symbol, from).await?;
    let quotes = market.quotes(std::slice::from_ref(&symbol)).await.unwrap_or_default();
    let quote = quotes.get(&symbol).filter(|quote| quote.at.since(end) <= MINUTE_MS);
    prices.retain(|price| price.0 <= end);
    // The market may have moved on by a moment since the end of the period was read.
    prices.extend(quote.map(|quote| (Timestamp(quote.at.0.min(end.0)), quote.price.decimal())));
    let before = prices.partition_point(|price| price.0 <= from);
    // The last price known at the start is what it would have been bought for.
    let bought = match before.checked_sub(1) {
        Some(index) => prices.get(index)?.1,
        None => prices.first()?.1,
    };
    let cost = bought * (Decimal::ONE + fee_pct / Decimal::ONE_HUNDRED);
    if cost.is_zero() {
        return None;
    }
    let worth = |price: Decimal| Money::new(capital.decimal() / cost * price);
    let mut points = vec![(from, worth(bought))];
    points.extend(prices.iter().skip(before).map(|(at, price)| (*at, worth(*price))));
    Some(Line { name: format!("hold {HELD}"), is_benchmark: true, start: capital, points })
}

/// Closes with their times, from the last before `from` on: fine ones while the period is short, hourly ones beyond.
async fn closes(market: &dyn MarketData, symbol: &Symbol, from: Timestamp) -> Option<Vec<(Timestamp, Decimal)>> {
    // Up to now, not to the end of the period: the market gives its newest candles.
    let span = market.now().since(from).max(0);
    for interval in [CandleInterval::FiveMinutes, CandleInterval::OneHour] {
        let count = usize::try_from(span / interval.ms()).unwrap_or(usize::MAX).saturating_add(2);
        if count > CANDLES_MAX && interval == CandleInterval::FiveMinutes {
            continue;
        }
        if let Ok(candles) = market.candles(symbol, interval, count.min(CANDLES_MAX)).await {
            let close = |candle: &Candle| (candle.open_time.plus_ms(interval.ms()), candle.close.decimal());
            return Some(candles.iter().map(close).collect());
        }
    }
    None
}

/// Draws lines over a period; `None` when it is too short to draw anything.
pub fn chart(id: &str, title: &str, scale: Scale, lines: &[Line], start: Timestamp, end: Timestamp) -> Option<Chart> {
    let span = end.since(start);
    if span < 2 * SECOND_MS || lines.iter().all(|line| line.is_benchmark) {
        return None;
    }
    let step = (span / GRID).max(SECOND_MS);
    let count = span / step;
    // Counted back from the end, so that the newest value is always drawn.
    let grid: Vec<Timestamp> = (0..=count).map(|index| end.plus_ms(-(count - index) * step)).collect();
    let mut hue = 0;
    let series = lines.iter().map(|line| {
        let values = grid.iter().map(|at| line.at(*at).map(|worth| line.value(worth, scale)));
        hue = if line.is_benchmark { hue } else { hue % HUES + 1 };
        let last = line.points.last().map_or(line.start, |point| point.1);
        Series {
            name: line.name.clone(),
            hue: if line.is_benchmark { 0 } else { hue },
            dashed: line.is_benchmark,
            change: show::signed_percent((last - line.start).percent_of(line.start).unwrap_or_default(), 2),
            values: values.map(|value| value.map_or_else(String::new, |value| value.normalize().to_string())).collect(),
        }
    });
    let series = series.collect();
    let every = grid.len().div_ceil(TABLE_ROWS).max(1);
    let rows = grid.iter().rev().step_by(every).map(|at| ChartRow {
        at: show::minute(at.0),
        cells: lines
            .iter()
            .map(|line| line.at(*at).map_or_else(|| show::DASH.to_owned(), |w| cell(line, w, scale)))
            .collect(),
    });
    Some(Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        unit: if scale == Scale::Return { "%" } else { QUOTE_ASSET }.to_owned(),
        times: grid.iter().map(|at| at.0.div_euclid(SECOND_MS)).collect(),
        series,
        rows: rows.collect(),
    })
}

fn cell(line: &Line, worth: Money, scale: Scale) -> String {
    let value = line.value(worth, scale);
    match scale {
        Scale::Return => show::signed_percent(value, 2).text,
        Scale::Money => show::number(value, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(i64, i64)]) -> Line {
        let points = points.iter().map(|(at, worth)| (Timestamp(*at), Money::new(Decimal::from(*worth)))).collect();
        Line { name: "Sage".into(), is_benchmark: false, start: Money::new(Decimal::from(100)), points }
    }

    #[test]
    fn a_line_keeps_its_last_value_and_begins_where_it_is_known() {
        let drawn =
            chart("c", "t", Scale::Return, &[line(&[(2_000, 100), (4_000, 110)])], Timestamp(0), Timestamp(6_000));
        let drawn = drawn.expect("long enough");
        assert_eq!(drawn.times, vec![0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(drawn.series[0].values, vec!["", "", "0", "0", "10", "10", "10"]);
        assert_eq!(drawn.series[0].change.text, "+10.00 %");
        assert_eq!(drawn.rows[0].cells, vec!["+10.00 %"], "the table begins with the newest");
    }

    #[test]
    fn nothing_is_drawn_of_a_moment_or_of_a_benchmark_alone() {
        let alone = Line { is_benchmark: true, ..line(&[(0, 100)]) };
        assert!(chart("c", "t", Scale::Money, &[alone], Timestamp(0), Timestamp(9_000)).is_none());
        assert!(chart("c", "t", Scale::Money, &[line(&[(0, 100)])], Timestamp(0), Timestamp(1_000)).is_none());
    }
}
