//! One market's candles of one interval, without gaps, looked up by time.

use crate::domain::market::{Candle, CandleInterval};
use crate::domain::money::Quantity;
use crate::domain::time::{HOUR_MS, Timestamp};
use std::sync::Arc;

/// Contiguous candles, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Series {
    interval: CandleInterval,
    candles: Vec<Candle>,
}

impl Series {
    /// Takes candles that follow each other without a gap; `None` when there is none.
    pub fn new(interval: CandleInterval, candles: Vec<Candle>) -> Option<Self> {
        (!candles.is_empty()).then_some(Self { interval, candles })
    }

    pub const fn interval(&self) -> CandleInterval {
        self.interval
    }

    pub fn candles(&self) -> &[Candle] {
        &self.candles
    }

    pub fn first_open(&self) -> Timestamp {
        self.candles[0].open_time
    }

    /// The moment at which the last candle closes.
    pub fn end(&self) -> Timestamp {
        self.candles[self.candles.len() - 1].open_time.plus_ms(self.interval.ms())
    }

    /// How many candles are closed at `now`.
    fn closed_at(&self, now: Timestamp) -> usize {
        let closed = now.since(self.first_open()).max(0) / self.interval.ms();
        usize::try_from(closed).unwrap_or(usize::MAX).min(self.candles.len())
    }

    /// The newest candle that is closed at `now`.
    pub fn last_closed(&self, now: Timestamp) -> Option<&Candle> {
        self.closed_at(now).checked_sub(1).map(|index| &self.candles[index])
    }

    /// The newest `limit` candles that are closed at `now`.
    pub fn newest_closed(&self, now: Timestamp, limit: usize) -> Arc<[Candle]> {
        let closed = self.closed_at(now);
        self.candles[closed.saturating_sub(limit)..closed].into()
    }

    /// The whole hours of a five-minute series; the hours at both ends are left out when they are not whole.
    pub fn hourly(&self) -> Option<Self> {
        let in_hour = usize::try_from(HOUR_MS / self.interval.ms()).expect("an hour holds a few candles");
        let whole_from = self.candles.iter().position(|candle| candle.open_time.0.rem_euclid(HOUR_MS) == 0)?;
        let hours = self.candles[whole_from..].chunks_exact(in_hour).map(join).collect();
        Self::new(CandleInterval::OneHour, hours)
    }
}

/// Whether a candle's extremes enclose its ends.
///
/// # Errors
/// The rule that it breaks.
pub(super) fn consistent(candle: &Candle) -> Result<(), &'static str> {
    if candle.high < candle.open.max(candle.close) {
        return Err("high must not be below open or close");
    }
    if candle.low > candle.open.min(candle.close) {
        return Err("low must not be above open or close");
    }
    Ok(())
}

/// One candle over several that follow each other.
fn join(parts: &[Candle]) -> Candle {
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    Candle {
        open_time: first.open_time,
        open: first.open,
        high: parts.iter().map(|c| c.high).fold(first.high, std::cmp::Ord::max),
        low: parts.iter().map(|c| c.low).fold(first.low, std::cmp::Ord::min),
        close: last.close,
        volume: parts.iter().map(|c| c.volume).sum::<Quantity>(),
    }
}
