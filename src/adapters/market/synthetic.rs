//! A seeded random market: not a real one, and labelled so wherever its prices show.
//!
//! The same seed and origin give the same candles whatever the speed and however often the process restarts, because
//! every start walks again from the same first candle. Walking a year for six coins takes tens of milliseconds.

use super::known_markets::{KNOWN_MARKETS, KnownMarket};
use super::simulated_clock::SimulatedClock;
use super::walk::{Character, SureTrend, TickCandle, Walk};
use crate::domain::instrument::InstrumentList;
use crate::domain::market::{Candle, CandleInterval, Quote, Symbol};
use crate::domain::money::{Price, Quantity};
use crate::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::ports::clock::Clock;
use crate::ports::market_data::{CANDLES_MAX, MarketData, MarketDataError, MarketSource};
use async_trait::async_trait;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// History that exists before the origin: a 30-day mean of a 24-hour figure, with room.
const HISTORY_MS: i64 = 45 * DAY_MS;
/// Five-minute candles kept for each coin: two weeks.
const FIVE_MINUTES_KEPT: usize = 14 * 288;
/// Hourly candles kept for each coin: 45 days.
const HOURLY_KEPT: usize = 45 * 24;
/// The furthest that a start may lie after the origin: walking there takes about a second.
const START_AFTER_ORIGIN_MAX_MS: i64 = 10 * 365 * DAY_MS;
/// Answers about one coin that are kept: both intervals of a brief, a chart and the volatility.
const TOLD_MAX: usize = 4;
/// Five-minute candles in an hour.
const CANDLES_IN_HOUR: u64 = 12;
/// The sure trends begin this long before the origin, so that slow averages have turned by then.
const TREND_BEFORE_MS: i64 = 26 * HOUR_MS;
/// The sure trends end this long after the origin.
const TREND_AFTER_MS: i64 = 12 * HOUR_MS;
/// The coin that surely rises around the origin, as an index of the market table: BTC.
const RISING: usize = 0;
/// The coin that surely falls around the origin: XRP.
const FALLING: usize = 4;

/// How each coin moves, in the order of the market table.
const CHARACTERS: [Character; KNOWN_MARKETS.len()] = [
    Character { anchor_ticks: 9_500_000, volatility: 0.001_0, volume_steps: 12_000_000 },
    Character { anchor_ticks: 320_000, volatility: 0.001_4, volume_steps: 18_000_000 },
    Character { anchor_ticks: 16_000, volatility: 0.001_8, volume_steps: 18_000_000 },
    Character { anchor_ticks: 85_000, volatility: 0.001_1, volume_steps: 900_000 },
    Character { anchor_ticks: 22_000, volatility: 0.001_6, volume_steps: 4_500_000 },
    Character { anchor_ticks: 16_500, volatility: 0.002_0, volume_steps: 6_000_000 },
];

/// What determines a synthetic market and its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntheticConfig {
    /// Determines every price.
    pub seed: u64,
    /// Market time of the market's first start; the trends that greet a newcomer lie around it.
    pub origin: Timestamp,
    /// Market time at this start of the process, not before the origin.
    pub start_at: Timestamp,
    /// How many times faster than the wall clock market time runs.
    pub speed: u32,
}

/// Why a synthetic market cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntheticError {
    /// Time would run backwards.
    #[error("the synthetic market cannot start before its origin")]
    BeforeOrigin,
    /// Too much would have to be walked.
    #[error("the synthetic market cannot start more than ten years after its origin; begin a fresh one")]
    TooFarAfterOrigin,
}

/// The market. Cheap to ask: quotes hold a lock for microseconds and nothing runs in between.
pub struct SyntheticMarket {
    clock: SimulatedClock,
    first_open: Timestamp,
    instruments: Arc<InstrumentList>,
    symbols: Vec<Symbol>,
    walked: Mutex<Walked>,
}

/// Everything walked so far. `closed` candles are closed, and candle number `closed` is running.
struct Walked {
    closed: u64,
    coins: Vec<CoinHistory>,
}

struct CoinHistory {
    market: &'static KnownMarket,
    walk: Walk,
    running: TickCandle,
    hour: Option<TickCandle>,
    five_minutes: VecDeque<TickCandle>,
    hourly: VecDeque<TickCandle>,
    /// What was answered last, at most [`TOLD_MAX`] of them: models that look at one coin share its candles.
    told: Vec<Told>,
}

/// Candles as they were answered.
struct Told {
    interval: CandleInterval,
    limit: usize,
    /// How many had closed.
    total: u64,
    candles: Arc<[Candle]>,
}

impl SyntheticMarket {
    /// Starts the market; walks from its first candle to `start_at`.
    ///
    /// # Errors
    /// When the start lies before the origin or too far after it.
    pub fn new(config: SyntheticConfig, wall: Arc<dyn Clock>) -> Result<Self, SyntheticError> {
        Self::with_clock(config, SimulatedClock::running(wall, config.start_at, config.speed))
    }

    /// A market whose time stands still until [`Self::advance_to`] moves it, for tests. The speed is not used.
    ///
    /// # Errors
    /// When the start lies before the origin or too far after it.
    pub fn manual(config: SyntheticConfig) -> Result<Self, SyntheticError> {
        Self::with_clock(config, SimulatedClock::manual(config.start_at))
    }

    /// Moves market time forward.
    pub fn advance_to(&self, at: Timestamp) {
        self.clock.advance_to(at);
    }

    fn with_clock(config: SyntheticConfig, clock: SimulatedClock) -> Result<Self, SyntheticError> {
        let after = config.start_at.since(config.origin);
        if after < 0 {
            return Err(SyntheticError::BeforeOrigin);
        }
        if after > START_AFTER_ORIGIN_MAX_MS {
            return Err(SyntheticError::TooFarAfterOrigin);
        }
        let first_open = config.origin.plus_ms(-HISTORY_MS).floor_to(HOUR_MS);
        let origin_candle = candle_number(first_open, config.origin);
        let candles = |ms: i64| (ms / CandleInterval::FiveMinutes.ms()).unsigned_abs();
        let sure = |drift: f64| SureTrend {
            from: origin_candle.saturating_sub(candles(TREND_BEFORE_MS)),
            until: origin_candle + candles(TREND_AFTER_MS),
            drift,
        };
        let coins = KNOWN_MARKETS.iter().zip(CHARACTERS).enumerate().map(|(index, (market, character))| {
            let trend = match index {
                RISING => Some(sure(0.18)),
                FALLING => Some(sure(-0.16)),
                _ => None,
            };
            CoinHistory::new(market, Walk::new(config.seed, index as u64, character, trend))
        });
        let market = Self {
            clock,
            first_open,
            instruments: Arc::new(InstrumentList::new(KNOWN_MARKETS.iter().map(KnownMarket::instrument))),
            symbols: KNOWN_MARKETS.iter().map(|market| Symbol(market.symbol.to_owned())).collect(),
            walked: Mutex::new(Walked { closed: 0, coins: coins.collect() }),
        };
        drop(market.walked_to(config.start_at));
        Ok(market)
    }

    /// The history up to `now`, extended when time has moved on.
    fn walked_to(&self, now: Timestamp) -> MutexGuard<'_, Walked> {
        // A panic while walking leaves whole candles behind, so a poisoned lock is still good.
        let mut walked = self.walked.lock().unwrap_or_else(PoisonError::into_inner);
        let target = candle_number(self.first_open, now);
        while walked.closed < target {
            let number = walked.closed;
            for coin in &mut walked.coins {
                coin.close_candle(number);
            }
            walked.closed += 1;
        }
        walked
    }

    fn index_of(&self, symbol: &Symbol) -> Option<usize> {
        self.symbols.iter().position(|known| known == symbol)
    }
}

/// The number of the candle that runs at `at`.
fn candle_number(first_open: Timestamp, at: Timestamp) -> u64 {
    (at.since(first_open).max(0) / CandleInterval::FiveMinutes.ms()).unsigned_abs()
}

impl CoinHistory {
    fn new(market: &'static KnownMarket, mut walk: Walk) -> Self {
        let running = walk.step();
        let (five_minutes, hourly) = (VecDeque::new(), VecDeque::new());
        Self { market, walk, running, hour: None, five_minutes, hourly, told: Vec::new() }
    }

    /// Closes the running candle, which is number `number`, and opens the next.
    fn close_candle(&mut self, number: u64) {
        let closed = self.running;
        keep(&mut self.five_minutes, closed, FIVE_MINUTES_KEPT);
        match &mut self.hour {
            Some(hour) => hour.absorb(&closed),
            None => self.hour = Some(closed),
        }
        if (number + 1).is_multiple_of(CANDLES_IN_HOUR)
            && let Some(hour) = self.hour.take()
        {
            keep(&mut self.hourly, hour, HOURLY_KEPT);
        }
        self.running = self.walk.step();
    }

    fn price(&self, ticks: u32) -> Price {
        Price::new(Decimal::new(i64::from(ticks), self.market.tick_scale)).expect("the walk keeps prices above zero")
    }

    fn candle(&self, open_time: Timestamp, candle: &TickCandle) -> Candle {
        let volume = Decimal::new(i64::from(candle.volume), self.market.step_scale);
        Candle {
            open_time,
            open: self.price(candle.open),
            high: self.price(candle.high),
            low: self.price(candle.low),
            close: self.price(candle.close),
            volume: Quantity::new(volume).expect("32 bits of steps are within bounds"),
        }
    }

    /// The newest `limit` closed candles when `closed` five-minute candles are closed.
    fn closed_candles(
        &mut self,
        first: Timestamp,
        closed: u64,
        interval: CandleInterval,
        limit: usize,
    ) -> Arc<[Candle]> {
        let total = match interval {
            CandleInterval::FiveMinutes => closed,
            CandleInterval::OneHour => closed / CANDLES_IN_HOUR,
        };
        if let Some(index) = self.told.iter().position(|told| (told.interval, told.limit) == (interval, limit)) {
            if self.told[index].total == total {
                return Arc::clone(&self.told[index].candles);
            }
            self.told.remove(index);
        }
        let candles = self.newest(first, total, interval, limit);
        if self.told.len() == TOLD_MAX {
            self.told.remove(0);
        }
        self.told.push(Told { interval, limit, total, candles: Arc::clone(&candles) });
        candles
    }

    fn newest(&self, first: Timestamp, total: u64, interval: CandleInterval, limit: usize) -> Arc<[Candle]> {
        let kept = match interval {
            CandleInterval::FiveMinutes => &self.five_minutes,
            CandleInterval::OneHour => &self.hourly,
        };
        let skipped = kept.len().saturating_sub(limit);
        let oldest = total.saturating_sub((kept.len() - skipped) as u64);
        let open_of = |n: usize| first.plus_ms((oldest as i64 + n as i64) * interval.ms());
        kept.iter().skip(skipped).enumerate().map(|(n, candle)| self.candle(open_of(n), candle)).collect()
    }
}

fn keep(candles: &mut VecDeque<TickCandle>, candle: TickCandle, limit: usize) {
    if candles.len() == limit {
        candles.pop_front();
    }
    candles.push_back(candle);
}

#[async_trait]
impl MarketData for SyntheticMarket {
    fn source(&self) -> MarketSource {
        MarketSource::Synthetic
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn instruments(&self) -> Result<Arc<InstrumentList>, MarketDataError> {
        Ok(self.instruments.clone())
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, MarketDataError> {
        let now = self.clock.now();
        let walked = self.walked_to(now);
        // Another reader may have asked a moment later and closed a candle meanwhile: the newest moment counts.
        let running_since = self.first_open.plus_ms(walked.closed as i64 * CandleInterval::FiveMinutes.ms());
        let at = now.max(running_since);
        let mut quotes = BTreeMap::new();
        for symbol in symbols {
            let Some(index) = self.index_of(symbol) else { continue };
            let coin = &walked.coins[index];
            let ticks = coin.walk.price_within(walked.closed, &coin.running, at.since(running_since));
            quotes.insert(symbol.clone(), Quote { price: coin.price(ticks), at });
        }
        Ok(quotes)
    }

    async fn candles(
        &self,
        symbol: &Symbol,
        interval: CandleInterval,
        limit: usize,
    ) -> Result<Arc<[Candle]>, MarketDataError> {
        let index = self.index_of(symbol).ok_or_else(|| MarketDataError::UnknownSymbol(symbol.clone()))?;
        let mut walked = self.walked_to(self.clock.now());
        let closed = walked.closed;
        Ok(walked.coins[index].closed_candles(self.first_open, closed, interval, limit.min(CANDLES_MAX)))
    }
}

#[cfg(test)]
#[path = "synthetic_tests.rs"]
mod tests;
