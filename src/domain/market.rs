//! Quotes and candles: each price knows its time, and a stale one is refused rather than used.

use crate::domain::money::{Price, Quantity};
use crate::domain::time::{HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest name of a coin, in characters.
pub const COIN_MAX: usize = 20;

/// The short name of a base asset: `BTC`. Upper-case letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coin(String);

impl Coin {
    /// Reads a coin's name: 1 to 20 letters or digits of any script, no lower case, no spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let count = text.chars().count();
        let ok = (1..=COIN_MAX).contains(&count) && text.chars().all(|c| c.is_alphanumeric() && !c.is_lowercase());
        ok.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Coin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A venue's name of a market: `BTCUSDT`. Comes from the venue's instrument list, never from gluing strings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Symbol(pub String);

impl Symbol {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A price and when it was true, in market time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Last price, quote units for one base unit.
    pub price: Price,
    /// Market time of the price.
    pub at: Timestamp,
}

impl Quote {
    /// Whether the quote is younger than `max_age_seconds` at market time `now`. A quote from the future is not fresh
    /// beyond the same allowance: a clock that runs ahead is no reason to trust a price.
    pub fn is_fresh(&self, now: Timestamp, max_age_seconds: u32) -> bool {
        now.since(self.at).abs() <= i64::from(max_age_seconds) * SECOND_MS
    }
}

/// The length of one candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CandleInterval {
    /// Five minutes.
    FiveMinutes,
    /// One hour.
    OneHour,
}

impl CandleInterval {
    /// The length in milliseconds.
    pub const fn ms(self) -> i64 {
        match self {
            Self::FiveMinutes => 5 * MINUTE_MS,
            Self::OneHour => HOUR_MS,
        }
    }

    /// Binance's name of the interval.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::OneHour => "1h",
        }
    }
}

/// One closed candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    /// Market time of the first moment in the candle.
    pub open_time: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Base volume traded.
    pub volume: Quantity,
}
