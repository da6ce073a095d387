//! Prices, candles and instruments of one market.

use crate::domain::instrument::InstrumentList;
use crate::domain::market::{Candle, CandleInterval, Quote, Symbol};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most candles that one request may ask for.
pub const CANDLES_MAX: usize = 1_000;

/// Where prices come from, for the label beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketSource {
    /// Seeded random walk: not a real market, and labelled so wherever prices show.
    Synthetic,
    /// Candles from files, played at some speed.
    Replay,
    /// Binance's public market data.
    Binance,
}

impl MarketSource {
    /// The word used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Replay => "replay",
            Self::Binance => "binance",
        }
    }

    /// Whether market time is something other than wall-clock time.
    pub const fn is_simulated(self) -> bool {
        matches!(self, Self::Synthetic | Self::Replay)
    }
}

/// Why the market could not answer.
#[derive(Debug, thiserror::Error)]
pub enum MarketDataError {
    /// The venue does not know this market.
    #[error("{0} is not a market of this source")]
    UnknownSymbol(Symbol),
    /// The source did not answer in time or answered with an error; the text is fit for a person.
    #[error("market data unavailable: {0}")]
    Unavailable(String),
    /// The source answered with something that is not market data.
    #[error("market data unreadable: {0}")]
    Unreadable(String),
}

/// Market data of one venue.
#[async_trait]
pub trait MarketData: Send + Sync {
    /// Where the prices come from.
    fn source(&self) -> MarketSource;

    /// Market time: wall-clock time for a real market, the simulated time otherwise.
    fn now(&self) -> Timestamp;

    /// Every market with its filters.
    ///
    /// # Errors
    /// When the source cannot answer.
    async fn instruments(&self) -> Result<Arc<InstrumentList>, MarketDataError>;

    /// Last prices with their times; a market without a price is missing from the answer, never zero.
    ///
    /// # Errors
    /// When the source cannot answer at all.
    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, MarketDataError>;

    /// The newest closed candles before market time `now`, oldest first, at most `limit` (capped at [`CANDLES_MAX`]).
    /// The running candle is never among them.
    ///
    /// # Errors
    /// When the market is unknown or the source cannot answer.
    async fn candles(
        &self,
        symbol: &Symbol,
        interval: CandleInterval,
        limit: usize,
    ) -> Result<Arc<[Candle]>, MarketDataError>;
}
