//! Brings the market to the exchange: a tick every so often, and candles for those who ask.
//!
//! Candles are told in market time, which runs at its own speed; everything else on the wire is wall-clock time.

use super::bars::{Bar, Piece, Span, gather};
use super::engine::{Grid, Notional, PercentPrice, SymbolRules, Tick};
use super::error::ApiError;
use crate::domain::instrument::Instrument;
use crate::domain::market::{CandleInterval, Symbol};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::ports::market_data::{CANDLES_MAX, MarketData, MarketDataError};
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the market moves, on the wall clock.
pub const TICK_EVERY: Duration = Duration::from_millis(200);
/// Minutes of the average price in the filters.
pub const AVERAGE_MINUTES: u32 = 5;
/// Places of a derived amount of quote.
const SCALE: u32 = 8;
/// Highest price of every market, in quote.
const PRICE_MAX: i64 = 1_000_000;
/// Largest quantity of a market that has no limit of its own.
const QUANTITY_MAX: i64 = 9_000_000;
/// Largest worth of an order, in quote.
const NOTIONAL_MAX: i64 = 9_000_000;
/// Open orders of one account on one market.
const ORDERS_MAX: usize = 200;
/// Open orders that wait for a trigger, likewise.
const ALGO_ORDERS_MAX: usize = 5;
/// Open order lists, likewise.
const LISTS_MAX: usize = 20;

/// What was seen of the running five minutes or hour.
#[derive(Clone, Copy, Debug)]
struct Running {
    open_time: i64,
    open: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
}

/// What the last tick of a market brought.
#[derive(Clone, Copy, Debug)]
struct View {
    tick: Tick,
    /// Market time after which the closed candle below is not the newest any more.
    candle_until: i64,
    average: Decimal,
    volume: Decimal,
    five_minutes: Running,
    hour: Running,
}

/// The market as the exchange sees it.
pub struct MarketFeed {
    market: Arc<dyn MarketData>,
    symbols: Vec<Symbol>,
    views: Mutex<HashMap<Symbol, View>>,
}

impl MarketFeed {
    /// Takes a market in, with the rules of everything that is traded there.
    ///
    /// # Errors
    /// When the market does not answer.
    pub async fn open(market: Arc<dyn MarketData>) -> Result<(Self, Vec<SymbolRules>), MarketDataError> {
        let list = market.instruments().await?;
        let instruments: Vec<&Instrument> = list.coins().filter_map(|coin| list.of_coin(coin)).collect();
        let rules = instruments.iter().map(|instrument| rules_of(instrument)).collect();
        let symbols = instruments.iter().map(|instrument| instrument.symbol.clone()).collect();
        Ok((Self { market, symbols, views: Mutex::default() }, rules))
    }

    /// Market time.
    pub fn now(&self) -> Timestamp {
        self.market.now()
    }

    /// Asks the market, and answers a tick for each symbol that has a price.
    ///
    /// # Errors
    /// When the market does not answer.
    pub async fn ticks(&self) -> Result<Vec<(Symbol, Tick)>, MarketDataError> {
        let quotes = self.market.quotes(&self.symbols).await?;
        let mut ticks = Vec::with_capacity(quotes.len());
        for (symbol, quote) in quotes {
            let (price, at) = (quote.price.decimal(), quote.at.0);
            let before = self.lock().get(&symbol).copied();
            let view = match before {
                Some(view) if at < view.candle_until => view,
                _ => self.look_at_candles(&symbol, price, at, before).await?,
            };
            let tick = Tick { price, average: view.average, volume: view.volume };
            let view = View {
                tick,
                five_minutes: view.five_minutes.seen(price, at, CandleInterval::FiveMinutes),
                hour: view.hour.seen(price, at, CandleInterval::OneHour),
                ..view
            };
            self.lock().insert(symbol.clone(), view);
            ticks.push((symbol, tick));
        }
        Ok(ticks)
    }

    /// The last tick of a market.
    pub fn last_tick(&self, symbol: &str) -> Option<Tick> {
        self.lock().get(&Symbol(symbol.to_owned())).map(|view| view.tick)
    }

    /// The newest candles of a length, oldest first, the running one last; `offset` is how far local time is ahead of
    /// UTC, in milliseconds.
    ///
    /// # Errors
    /// -1120 when this market has no candles of that length, 503 when it does not answer.
    pub async fn bars(&self, symbol: &str, span: Span, offset: i64) -> Result<Vec<Bar>, ApiError> {
        let symbol = Symbol(symbol.to_owned());
        let interval = span.made_of();
        let closed = match self.market.candles(&symbol, interval, CANDLES_MAX).await {
            Ok(closed) => closed,
            Err(MarketDataError::UnknownSymbol(_)) => return Err(ApiError::bad_symbol()),
            Err(MarketDataError::Unavailable(_)) if interval == CandleInterval::FiveMinutes => {
                return Err(ApiError::bad_interval());
            }
            Err(_) => return Err(ApiError::market_unavailable()),
        };
        let view = self.lock().get(&symbol).copied();
        let running = view.map(|view| match interval {
            CandleInterval::FiveMinutes => view.five_minutes,
            CandleInterval::OneHour => view.hour,
        });
        let last_closed = closed.last().map_or(i64::MIN, |candle| candle.open_time.0);
        let pieces = closed.iter().map(Piece::from);
        let running = running.filter(|running| running.open_time > last_closed).map(|running| Piece {
            at: running.open_time,
            open: running.open,
            high: running.high,
            low: running.low,
            close: running.close,
            volume: Decimal::ZERO,
        });
        Ok(gather(pieces.chain(running), span, offset))
    }

    /// Average and volume come from the newest closed candle.
    async fn look_at_candles(
        &self,
        symbol: &Symbol,
        price: Decimal,
        at: i64,
        before: Option<View>,
    ) -> Result<View, MarketDataError> {
        let mut interval = CandleInterval::FiveMinutes;
        let candles = match self.market.candles(symbol, interval, 1).await {
            Err(MarketDataError::Unavailable(_)) => {
                interval = CandleInterval::OneHour;
                self.market.candles(symbol, interval, 1).await?
            }
            candles => candles?,
        };
        let minutes = Decimal::from(interval.ms() / MINUTE_MS);
        let (average, volume) = match candles.last() {
            Some(candle) => {
                let piece = Piece::from(candle);
                (piece.typical(), (piece.volume / minutes).round_dp(SCALE))
            }
            None => (price, Decimal::ZERO),
        };
        let tick = Tick { price, average, volume };
        let fresh = |interval| Running::begin(price, at, interval);
        Ok(View {
            tick,
            candle_until: Timestamp(at).floor_to(interval.ms()).0 + interval.ms(),
            average,
            volume,
            five_minutes: before.map_or_else(|| fresh(CandleInterval::FiveMinutes), |view| view.five_minutes),
            hour: before.map_or_else(|| fresh(CandleInterval::OneHour), |view| view.hour),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Symbol, View>> {
        // Views are replaced whole, so a poisoned lock is still good.
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn begin(price: Decimal, at: i64, interval: CandleInterval) -> Self {
        let open_time = Timestamp(at).floor_to(interval.ms()).0;
        Self { open_time, open: price, high: price, low: price, close: price }
    }

    fn seen(self, price: Decimal, at: i64, interval: CandleInterval) -> Self {
        if at >= self.open_time + interval.ms() {
            return Self::begin(price, at, interval);
        }
        Self { high: self.high.max(price), low: self.low.min(price), close: price, ..self }
    }
}

/// The market's own grid, and the usual limits of the real exchange for the rest.
fn rules_of(instrument: &Instrument) -> SymbolRules {
    let largest = if instrument.max_quantity.is_zero() {
        floor_to(Decimal::from(QUANTITY_MAX), instrument.step_size)
    } else {
        instrument.max_quantity
    };
    SymbolRules {
        symbol: super::engine::Symbol::new(instrument.symbol.as_str()),
        base: super::engine::Asset::new(instrument.base.as_str()),
        quote: super::engine::Asset::new(instrument.quote.as_str()),
        base_precision: SCALE,
        quote_precision: SCALE,
        price: Grid { min: instrument.tick_size, max: Decimal::from(PRICE_MAX), step: instrument.tick_size },
        percent_price: PercentPrice {
            bid_up: Decimal::from(5),
            bid_down: Decimal::new(2, 1),
            ask_up: Decimal::from(5),
            ask_down: Decimal::new(2, 1),
            average_minutes: AVERAGE_MINUTES,
        },
        lot_size: Grid { min: instrument.min_quantity, max: largest, step: instrument.step_size },
        // As at the real exchange: no smallest quantity and no step of its own.
        market_lot_size: Grid { min: Decimal::ZERO, max: largest, step: Decimal::ZERO },
        notional: Notional {
            min: instrument.min_notional,
            apply_min_to_market: true,
            max: Decimal::from(NOTIONAL_MAX),
            apply_max_to_market: false,
        },
        max_orders: ORDERS_MAX,
        max_algo_orders: ALGO_ORDERS_MAX,
        max_order_lists: LISTS_MAX,
        max_position: Decimal::ZERO,
    }
}

fn floor_to(value: Decimal, step: Decimal) -> Decimal {
    if step.is_zero() { value } else { value - value % step }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_candle_begins_anew_with_each_interval() {
        let of = Decimal::from;
        let begun = Running::begin(of(10), 301_000, CandleInterval::FiveMinutes);
        let seen = begun.seen(of(12), 400_000, CandleInterval::FiveMinutes);
        let seen = seen.seen(of(9), 500_000, CandleInterval::FiveMinutes);
        assert_eq!(
            (seen.open_time, seen.open, seen.high, seen.low, seen.close),
            (300_000, of(10), of(12), of(9), of(9))
        );
        assert_eq!(seen.seen(of(8), 600_000, CandleInterval::FiveMinutes).open, of(8));
    }
}
