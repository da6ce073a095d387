//! Binance's public market data over REST: no key, no account.
//!
//! Everything is asked for once and kept a moment: filters for an hour, prices for two seconds, candles until the next
//! one closes. While one caller waits for an answer the others wait for the same answer, failures included.

mod http;
mod wire;

use crate::adapters::binance::host::{Host, HostConfig, HostError};
use crate::adapters::binance::request::Params;
use crate::adapters::binance::{Endpoint, Urgency, exchange_info};
use crate::domain::instrument::InstrumentList;
use crate::domain::market::{Candle, CandleInterval, Quote, Symbol};
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};
use crate::ports::clock::Clock;
use crate::ports::market_data::{CANDLES_MAX, MarketData, MarketDataError, MarketSource};
use async_trait::async_trait;
use http::{Failure, Http};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;

/// The host that serves market data only, and takes no keys.
pub const DATA_ONLY_HOST: &str = "https://data-api.binance.vision";
/// How long filters are kept.
const INSTRUMENTS_KEPT_MS: i64 = HOUR_MS;
/// How long old filters still serve while new ones cannot be had.
const INSTRUMENTS_SERVE_MS: i64 = DAY_MS;
/// How long prices are kept.
const QUOTES_KEPT_MS: i64 = 2 * SECOND_MS;
/// How long candles of a live venue are kept at most.
const LIVE_CANDLES_KEPT_MS: i64 = MINUTE_MS;
/// How long a failure is kept before the next call.
const FAILURE_KEPT_MS: i64 = 2 * SECOND_MS;
/// How long old filters serve before new ones are tried again, so that nobody waits for a list that does not come.
const INSTRUMENTS_RETRY_MS: i64 = MINUTE_MS;
/// A market that nobody asked about for this long is no longer asked for.
const WANTED_MS: i64 = MINUTE_MS;
/// The most markets in one request for prices: beyond it the request costs twice as much.
const SYMBOLS_PER_CALL: usize = 100;
/// The most markets and intervals whose candles are kept.
const CANDLE_CACHES_MAX: usize = 256;
/// The largest list of filters: Binance's own is about 6 MB.
const INSTRUMENT_BYTES_MAX: usize = 48 * 1_024 * 1_024;
/// The largest answer with prices or candles: a thousand candles are about 200 kB.
const ANSWER_BYTES_MAX: usize = 2 * 1_024 * 1_024;

/// Where Binance's data is and how patient we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinanceConfig {
    /// Scheme and host. Plain HTTP is taken for loopback only.
    pub base_url: String,
    /// The longest wait for one answer.
    pub timeout: Duration,
    /// Pause before the first retry; it doubles, with jitter.
    pub retry_delay: Duration,
}

impl Default for BinanceConfig {
    fn default() -> Self {
        let (timeout, retry_delay) = (Duration::from_secs(8), Duration::from_millis(200));
        Self { base_url: DATA_ONLY_HOST.to_owned(), timeout, retry_delay }
    }
}

#[derive(Default)]
struct InstrumentCache {
    list: Option<(Timestamp, Arc<InstrumentList>)>,
    failed: Option<(Timestamp, Failure)>,
}

#[derive(Default)]
struct QuoteCache {
    fetched: BTreeMap<Symbol, (Timestamp, Option<Quote>)>,
    wanted: BTreeMap<Symbol, Timestamp>,
    failed: Option<(Timestamp, Failure)>,
}

#[derive(Default)]
struct CandleCache {
    candles: Arc<[Candle]>,
    limit: usize,
    valid_until: Timestamp,
    failed: Option<(Timestamp, Failure)>,
}

/// One lock for each market and interval, so that only those who want the same candles wait for each other.
type CandleCaches = HashMap<(Symbol, CandleInterval), Arc<AsyncMutex<CandleCache>>>;

/// What the prices are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// To practise on: the last trade with its time.
    Simulation,
    /// To trade on at this very host: the middle of the best bid and ask, true at the moment of asking. The last trade
    /// of a quiet market says little about what an order would meet.
    Live,
}

/// The market. Make one and share it: the caches and the obedience to rate limits live in it.
pub struct BinanceMarket {
    http: Http,
    purpose: Purpose,
    clock: Arc<dyn Clock>,
    instruments: AsyncMutex<InstrumentCache>,
    quotes: AsyncMutex<QuoteCache>,
    candles: Mutex<CandleCaches>,
}

impl BinanceMarket {
    /// Sets up a host of its own; nothing is called before the first question.
    ///
    /// # Errors
    /// When the base URL or TLS is not usable.
    pub fn new(config: &BinanceConfig, clock: Arc<dyn Clock>) -> Result<Self, HostError> {
        let host = HostConfig { read_timeout: config.timeout, ..HostConfig::new(&config.base_url) };
        let host = Arc::new(Host::new(host, Arc::clone(&clock))?);
        Ok(Self::with(Http::new(host, config.retry_delay), Purpose::Simulation, clock))
    }

    /// The market of a venue's own host, to trade on there. Orders go through the same host: they share its budget.
    pub fn over(host: Arc<Host>, clock: Arc<dyn Clock>) -> Self {
        Self::with(Http::new(host, BinanceConfig::default().retry_delay), Purpose::Live, clock)
    }

    fn with(http: Http, purpose: Purpose, clock: Arc<dyn Clock>) -> Self {
        Self {
            http,
            purpose,
            clock,
            instruments: AsyncMutex::default(),
            quotes: AsyncMutex::default(),
            candles: Mutex::default(),
        }
    }

    /// Fetches prices of everything wanted lately, so that one call serves all who ask.
    async fn refresh_quotes(&self, cache: &mut QuoteCache, now: Timestamp) -> Result<(), Failure> {
        cache.wanted.retain(|_, asked| now.since(*asked) <= WANTED_MS);
        cache.fetched.retain(|symbol, _| cache.wanted.contains_key(symbol));
        let wanted: Vec<Symbol> = cache.wanted.keys().cloned().collect();
        for part in wanted.chunks(SYMBOLS_PER_CALL) {
            let names: Vec<&str> = part.iter().map(Symbol::as_str).collect();
            let count = names.len();
            let query = Params::new().text("symbols", &serde_json::Value::from(names).to_string());
            let mut quotes = match self.purpose {
                Purpose::Simulation => {
                    let (endpoint, query) = (Endpoint::DayTicker(count), query.plain("type", "MINI"));
                    wire::quotes(&self.http.get(endpoint, &query, Urgency::Order, ANSWER_BYTES_MAX).await?)?
                }
                Purpose::Live => {
                    let endpoint = Endpoint::BookTicker(count);
                    let body = self.http.get(endpoint, &query, Urgency::Order, ANSWER_BYTES_MAX).await?;
                    wire::book_quotes(&body, now)?
                }
            };
            for symbol in part {
                cache.fetched.insert(symbol.clone(), (now, quotes.remove(symbol)));
            }
        }
        Ok(())
    }

    /// Fetches the filters; the limits that come with them are the host's to obey.
    async fn fetch_instruments(&self) -> Result<InstrumentList, Failure> {
        let query = Params::new().plain("showPermissionSets", "false");
        let body = self.http.get(Endpoint::ExchangeInfo, &query, Urgency::Background, INSTRUMENT_BYTES_MAX).await?;
        let info = exchange_info(&body).map_err(wire::unreadable)?;
        self.http.host().learn_limits(info.weight, &info.orders);
        Ok(info.instruments)
    }

    fn candle_cache(&self, symbol: &Symbol, interval: CandleInterval) -> Arc<AsyncMutex<CandleCache>> {
        // The map holds no half-made state, so a poisoned lock is still good.
        let mut caches = self.candles.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (symbol.clone(), interval);
        if caches.len() >= CANDLE_CACHES_MAX && !caches.contains_key(&key) {
            caches.clear();
        }
        caches.entry(key).or_default().clone()
    }
}

/// A failure younger than `kept_ms`, which answers for the next call too.
fn recent_failure(failed: &Option<(Timestamp, Failure)>, now: Timestamp, kept_ms: i64) -> Result<(), Failure> {
    match failed {
        Some((at, failure)) if (0..kept_ms).contains(&now.since(*at)) => Err(failure.clone()),
        _ => Ok(()),
    }
}

#[async_trait]
impl MarketData for BinanceMarket {
    fn source(&self) -> MarketSource {
        MarketSource::Binance
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn instruments(&self) -> Result<Arc<InstrumentList>, MarketDataError> {
        let mut cache = self.instruments.lock().await;
        let now = self.clock.now();
        let are_doubted = self.http.host().take_filters_doubted();
        let kept = cache.list.clone().map(|(at, list)| (now.since(at), list));
        if let Some((age, list)) = &kept
            && (0..INSTRUMENTS_KEPT_MS).contains(age)
            && !are_doubted
        {
            return Ok(list.clone());
        }
        let failure_kept = if kept.is_some() { INSTRUMENTS_RETRY_MS } else { FAILURE_KEPT_MS };
        let fetched = match recent_failure(&cache.failed, now, failure_kept) {
            Err(failure) => Err(failure),
            Ok(()) => self.fetch_instruments().await.inspect_err(|failure| {
                cache.failed = Some((self.clock.now(), failure.clone()));
            }),
        };
        match (fetched, kept) {
            (Ok(list), _) => {
                let list = Arc::new(list);
                *cache = InstrumentCache { list: Some((now, list.clone())), failed: None };
                Ok(list)
            }
            (Err(_), Some((age, list))) if age < INSTRUMENTS_SERVE_MS => Ok(list),
            (Err(failure), _) => Err(failure.into()),
        }
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, MarketDataError> {
        // One unknown name would spoil the whole request, so names are checked before they are sent.
        let instruments = self.instruments().await?;
        let known: Vec<&Symbol> = symbols.iter().filter(|symbol| instruments.of_symbol(symbol).is_some()).collect();
        let mut cache = self.quotes.lock().await;
        let now = self.clock.now();
        for symbol in &known {
            cache.wanted.insert((*symbol).clone(), now);
        }
        let fresh = |cache: &QuoteCache, symbol: &Symbol| {
            cache.fetched.get(symbol).is_some_and(|(at, _)| (0..QUOTES_KEPT_MS).contains(&now.since(*at)))
        };
        if !known.iter().all(|symbol| fresh(&cache, symbol)) {
            recent_failure(&cache.failed, now, FAILURE_KEPT_MS)?;
            let refreshed = self.refresh_quotes(&mut cache, now).await;
            cache.failed = refreshed.as_ref().err().map(|failure| (self.clock.now(), failure.clone()));
            refreshed?;
        }
        let quote = |symbol: &Symbol| cache.fetched.get(symbol).and_then(|(_, quote)| *quote);
        Ok(known.into_iter().filter_map(|symbol| Some((symbol.clone(), quote(symbol)?))).collect())
    }

    async fn candles(
        &self,
        symbol: &Symbol,
        interval: CandleInterval,
        limit: usize,
    ) -> Result<Arc<[Candle]>, MarketDataError> {
        if self.instruments().await?.of_symbol(symbol).is_none() {
            return Err(MarketDataError::UnknownSymbol(symbol.clone()));
        }
        let limit = limit.min(CANDLES_MAX);
        let cache = self.candle_cache(symbol, interval);
        let mut cache = cache.lock().await;
        let now = self.clock.now();
        if now >= cache.valid_until || cache.limit < limit {
            recent_failure(&cache.failed, now, FAILURE_KEPT_MS)?;
            // One more than asked for, because the newest row is the running candle.
            let rows = (limit + 1).min(CANDLES_MAX);
            let query =
                Params::new().text("symbol", symbol.as_str()).plain("interval", interval.as_str()).plain("limit", rows);
            let body = self.http.get(Endpoint::Klines, &query, Urgency::Background, ANSWER_BYTES_MAX).await;
            let is_live = self.purpose == Purpose::Live;
            match body.and_then(|body| wire::candles(&body, interval, now, is_live)) {
                Ok(candles) => {
                    let next_close = candles.last().map_or(now, |last| last.open_time.plus_ms(2 * interval.ms()));
                    // A venue for practice may play its market faster than the wall clock runs.
                    let latest = if is_live { now.plus_ms(LIVE_CANDLES_KEPT_MS) } else { next_close };
                    let valid_until = next_close.min(latest).max(now.plus_ms(QUOTES_KEPT_MS));
                    *cache = CandleCache { candles: candles.into(), limit, valid_until, failed: None };
                }
                Err(failure) => {
                    cache.failed = Some((self.clock.now(), failure.clone()));
                    return Err(failure.into());
                }
            }
        }
        let skipped = cache.candles.len().saturating_sub(limit);
        Ok(if skipped == 0 { cache.candles.clone() } else { cache.candles[skipped..].into() })
    }
}

#[cfg(test)]
mod tests;
