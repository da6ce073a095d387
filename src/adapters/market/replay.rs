//! Plays candles from files: the past as a market with a clock of its own.
//!
//! Only closed candles are ever seen: the price at market time t is the close of the last candle that is closed at t.
//! It counts as current for two candles after its close; past the end of the data the quote's time stands still, so
//! that it grows stale like any other old price.

use super::kline_file::{self, KlineFileError};
use super::known_markets::{KnownMarket, derived_instrument};
use super::series::Series;
use super::simulated_clock::SimulatedClock;
use crate::domain::instrument::{Instrument, InstrumentList, QUOTE_ASSET};
use crate::domain::market::{Candle, CandleInterval, Coin, Quote, Symbol};
use crate::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::ports::clock::Clock;
use crate::ports::market_data::{CANDLES_MAX, MarketData, MarketDataError, MarketSource};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most candle files in one directory.
pub const FILES_MAX: usize = 64;
/// The most rows over all files: about 200 MB of candles.
pub const TOTAL_ROWS_MAX: usize = 2_000_000;
/// A price counts as current for this many candles after its candle closed.
const CURRENT_CANDLES: i64 = 2;
/// History in front of a start that nobody named, so that advisors have something to look at: two weeks.
const LEAD_MS: i64 = 14 * DAY_MS;

/// What to play and how.
#[derive(Clone, Debug)]
pub struct ReplayConfig {
    /// Directory with `*.csv` and `*.csv.gz` files.
    pub dir: PathBuf,
    /// Market time at the start; by default two weeks after the first candle that all markets share (or half of what
    /// they share, when that is less).
    pub start_at: Option<Timestamp>,
    /// How many times faster than the wall clock market time runs.
    pub speed: u32,
}

/// Why a directory cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The directory could not be listed.
    #[error("{dir}: cannot be listed: {source}")]
    List {
        /// The directory.
        dir: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The directory as a whole breaks a rule.
    #[error("{dir}: {rule}")]
    Directory {
        /// The directory.
        dir: String,
        /// The rule.
        rule: String,
    },
    /// A file's name breaks a rule.
    #[error("{file}: {rule}")]
    Name {
        /// File name.
        file: String,
        /// The rule.
        rule: String,
    },
    /// A file's content breaks a rule.
    #[error(transparent)]
    Content(#[from] KlineFileError),
}

/// One market's candles. Quotes follow the finest series.
struct Market {
    five_minutes: Option<Series>,
    hourly: Option<Series>,
}

impl Market {
    /// The finest series; a market always has one.
    fn finest(&self) -> Option<&Series> {
        self.five_minutes.as_ref().or(self.hourly.as_ref())
    }
}

/// The market that the files make.
pub struct ReplayMarket {
    clock: SimulatedClock,
    instruments: Arc<InstrumentList>,
    markets: BTreeMap<Symbol, Market>,
}

impl ReplayMarket {
    /// Reads the files and starts to play. Blocks while it reads.
    ///
    /// # Errors
    /// The first file, row or rule that stands in the way.
    pub fn load(config: &ReplayConfig, wall: Arc<dyn Clock>) -> Result<Self, ReplayError> {
        let markets = read_directory(&config.dir)?;
        let start_at = config.start_at.unwrap_or_else(|| default_start(&markets));
        Ok(Self::with_clock(markets, SimulatedClock::running(wall, start_at, config.speed)))
    }

    /// Reads the files into a market whose time stands still until [`Self::advance_to`] moves it, for tests. The speed
    /// is not used.
    ///
    /// # Errors
    /// The first file, row or rule that stands in the way.
    pub fn load_manual(config: &ReplayConfig) -> Result<Self, ReplayError> {
        let markets = read_directory(&config.dir)?;
        let start_at = config.start_at.unwrap_or_else(|| default_start(&markets));
        Ok(Self::with_clock(markets, SimulatedClock::manual(start_at)))
    }

    /// Moves market time forward.
    pub fn advance_to(&self, at: Timestamp) {
        self.clock.advance_to(at);
    }

    /// From the first candle of any market to the close of the last one.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        let ends = || self.markets.values().filter_map(Market::finest);
        let first = ends().map(Series::first_open).min().unwrap_or_default();
        (first, ends().map(Series::end).max().unwrap_or_default())
    }

    fn with_clock(markets: BTreeMap<Symbol, Market>, clock: SimulatedClock) -> Self {
        let instruments = markets.iter().filter_map(|(symbol, market)| instrument(symbol, market.finest()?));
        Self { clock, instruments: Arc::new(InstrumentList::new(instruments)), markets }
    }
}

fn read_directory(dir: &Path) -> Result<BTreeMap<Symbol, Market>, ReplayError> {
    let shown = dir.display().to_string();
    let listed = |source| ReplayError::List { dir: shown.clone(), source };
    let refused = |rule: String| ReplayError::Directory { dir: shown.clone(), rule };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(listed)? {
        let name = entry.map_err(listed)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".csv") || name.ends_with(".csv.gz") {
            names.push(name);
        }
        if names.len() > FILES_MAX {
            return Err(refused(format!("holds more than {FILES_MAX} candle files")));
        }
    }
    if names.is_empty() {
        return Err(refused("holds no *.csv or *.csv.gz file".to_owned()));
    }
    names.sort();
    let mut markets: BTreeMap<Symbol, Market> = BTreeMap::new();
    let mut rows = 0;
    for name in &names {
        let symbol = symbol_of(name)?;
        let series = kline_file::read(&dir.join(name), name)?;
        rows += series.candles().len();
        if rows > TOTAL_ROWS_MAX {
            return Err(refused(format!("holds more than {TOTAL_ROWS_MAX} rows")));
        }
        let market = markets.entry(symbol.clone()).or_insert(Market { five_minutes: None, hourly: None });
        let place = match series.interval() {
            CandleInterval::FiveMinutes => &mut market.five_minutes,
            CandleInterval::OneHour => &mut market.hourly,
        };
        if place.is_some() {
            let rule = format!("another file already holds {} candles of {symbol}", series.interval().as_str());
            return Err(ReplayError::Name { file: name.clone(), rule });
        }
        *place = Some(series);
    }
    for market in markets.values_mut() {
        // Hours made of the same five minutes as the quotes agree with them; a second source might not.
        if let Some(hours) = market.five_minutes.as_ref().and_then(Series::hourly) {
            market.hourly = Some(hours);
        }
    }
    Ok(markets)
}

/// `BTCUSDT-1h.csv.gz` and `BTCUSDT.csv` are `BTCUSDT`.
fn symbol_of(name: &str) -> Result<Symbol, ReplayError> {
    let stem = name.trim_end_matches(".gz").trim_end_matches(".csv");
    let symbol = stem.split(['-', '_']).next().unwrap_or(stem);
    if base_of(symbol).is_none() {
        let rule = format!("the name must begin with a market against {QUOTE_ASSET}, such as BTCUSDT-1h.csv.gz");
        return Err(ReplayError::Name { file: name.to_owned(), rule });
    }
    Ok(Symbol(symbol.to_owned()))
}

fn base_of(symbol: &str) -> Option<Coin> {
    symbol.strip_suffix(QUOTE_ASSET).and_then(Coin::parse)
}

/// The market's filters. Old prices may be finer than today's tick; then the data decides.
fn instrument(symbol: &Symbol, series: &Series) -> Option<Instrument> {
    let candles = series.candles();
    let finest = candles.iter().flat_map(|c| [c.open, c.high, c.low, c.close]).map(|p| p.decimal().scale()).max()?;
    let last = candles.last()?.close.decimal();
    Some(match KnownMarket::find(symbol.as_str()) {
        Some(known) => {
            let mut instrument = known.instrument();
            instrument.tick_size = instrument.tick_size.min(rust_decimal::Decimal::new(1, finest));
            instrument
        }
        None => derived_instrument(symbol.as_str(), base_of(symbol.as_str())?, last, finest),
    })
}

fn default_start(markets: &BTreeMap<Symbol, Market>) -> Timestamp {
    let series = || markets.values().filter_map(Market::finest);
    let first = series().map(Series::first_open).max().unwrap_or_default();
    let end = series().map(Series::end).min().unwrap_or_default();
    let lead = LEAD_MS.min(end.since(first).max(0) / 2);
    first.plus_ms(lead).floor_to(HOUR_MS).max(first)
}

#[async_trait]
impl MarketData for ReplayMarket {
    fn source(&self) -> MarketSource {
        MarketSource::Replay
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn instruments(&self) -> Result<Arc<InstrumentList>, MarketDataError> {
        Ok(self.instruments.clone())
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, MarketDataError> {
        let now = self.clock.now();
        let quote = |symbol: &Symbol| {
            let series = self.markets.get(symbol)?.finest()?;
            let candle = series.last_closed(now)?;
            let step = series.interval().ms();
            let current_until = candle.open_time.plus_ms(step + CURRENT_CANDLES * step);
            Some((symbol.clone(), Quote { price: candle.close, at: now.min(current_until) }))
        };
        Ok(symbols.iter().filter_map(quote).collect())
    }

    async fn candles(
        &self,
        symbol: &Symbol,
        interval: CandleInterval,
        limit: usize,
    ) -> Result<Arc<[Candle]>, MarketDataError> {
        let market = self.markets.get(symbol).ok_or_else(|| MarketDataError::UnknownSymbol(symbol.clone()))?;
        let series = match interval {
            CandleInterval::FiveMinutes => market.five_minutes.as_ref().ok_or_else(|| {
                MarketDataError::Unavailable(format!("{symbol} is replayed from 1h candles; it has no 5m candles"))
            })?,
            CandleInterval::OneHour => match &market.hourly {
                Some(series) => series,
                None => return Ok(Arc::new([])),
            },
        };
        Ok(series.newest_closed(self.clock.now(), limit.min(CANDLES_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const START: i64 = 1_735_689_600_000;
    const FIVE: i64 = 300_000;

    fn csv(step: i64, rows: i64) -> String {
        (0..rows).map(|n| format!("{},{},{},{},{},2\n", START + n * step, 100 + n, 103 + n, 99 + n, 101 + n)).collect()
    }

    fn load(files: &[(&str, String)], start_at: i64) -> Result<ReplayMarket, ReplayError> {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            let path = dir.path().join(name);
            if name.ends_with(".gz") {
                let file = std::fs::File::create(path).expect("a file");
                let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
                gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish().map(drop)).expect("written");
            } else {
                std::fs::write(path, text).expect("written");
            }
        }
        let config = ReplayConfig { dir: dir.path().to_owned(), start_at: Some(Timestamp(start_at)), speed: 1 };
        ReplayMarket::load_manual(&config)
    }

    fn btc() -> Symbol {
        Symbol("BTCUSDT".to_owned())
    }

    #[tokio::test]
    async fn the_price_is_the_last_close_and_grows_stale_two_candles_after_the_end() {
        let market = load(&[("BTCUSDT-1h.csv.gz", csv(HOUR_MS, 3))], START).expect("loads");
        let quote = async |at: i64| {
            market.advance_to(Timestamp(at));
            market.quotes(&[btc(), Symbol("ETHUSDT".into())]).await.expect("answers").get(&btc()).copied()
        };
        assert_eq!(quote(START + HOUR_MS - 1).await, None, "no candle is closed yet");
        let first = quote(START + HOUR_MS).await.expect("closed");
        assert_eq!((first.price.to_string().as_str(), first.at.0), ("101", START + HOUR_MS));
        let running = quote(START + 2 * HOUR_MS - 1).await.expect("closed");
        assert_eq!((running.price.to_string().as_str(), running.at.0), ("101", START + 2 * HOUR_MS - 1));
        let ended = quote(START + 9 * HOUR_MS).await.expect("the last price remains");
        assert_eq!((ended.price.to_string().as_str(), ended.at.0), ("103", START + 5 * HOUR_MS));
        assert!(!ended.is_fresh(market.now(), 3_600));
    }

    #[tokio::test]
    async fn five_minutes_also_make_hours_and_hours_never_make_five_minutes() {
        let fine = load(&[("BTCUSDT.csv", csv(FIVE, 30))], START + 2 * HOUR_MS).expect("loads");
        let hours = fine.candles(&btc(), CandleInterval::OneHour, 10).await.expect("hours");
        assert_eq!(hours.len(), 2);
        assert_eq!((hours[1].open.to_string(), hours[1].close.to_string()), ("112".into(), "124".into()));
        assert_eq!((hours[1].high.to_string(), hours[1].low.to_string()), ("126".into(), "111".into()));
        assert_eq!(hours[1].volume.to_string(), "24");
        assert_eq!(fine.candles(&btc(), CandleInterval::FiveMinutes, 5).await.expect("five").len(), 5);

        let coarse = load(&[("BTCUSDT.csv", csv(HOUR_MS, 30))], START + 2 * HOUR_MS).expect("loads");
        let error = coarse.candles(&btc(), CandleInterval::FiveMinutes, 5).await.expect_err("no such candles");
        assert_eq!(
            error.to_string(),
            "market data unavailable: BTCUSDT is replayed from 1h candles; it has no 5m candles"
        );
    }

    #[test]
    fn a_directory_that_cannot_be_played_says_why() {
        let error = |files: &[(&str, String)]| load(files, START).err().expect("refused").to_string();
        assert!(error(&[]).ends_with("holds no *.csv or *.csv.gz file"));
        assert!(
            error(&[("bitcoin.csv", csv(HOUR_MS, 3))]).starts_with("bitcoin.csv: the name must begin with a market")
        );
        assert_eq!(
            error(&[("BTCUSDT.csv", csv(HOUR_MS, 3)), ("BTCUSDT-1h.csv.gz", csv(HOUR_MS, 3))]),
            "BTCUSDT.csv: another file already holds 1h candles of BTCUSDT"
        );
        let broken = csv(HOUR_MS, 3).replace(",104,", ",oops,");
        assert!(error(&[("BTCUSDT.csv", broken)]).starts_with("BTCUSDT.csv, line 2: high must be a plain decimal"));
    }

    #[tokio::test]
    async fn an_unknown_coin_gets_sane_filters_and_a_known_one_its_own() {
        let files = [("BTCUSDT.csv", csv(HOUR_MS, 3)), ("FOOUSDT.csv", csv(HOUR_MS, 3))];
        let market = load(&files, START).expect("loads");
        let list = market.instruments().await.expect("instruments");
        let foo = list.of_coin(&Coin::parse("FOO").expect("coin")).expect("listed");
        assert_eq!((foo.tick_size.to_string(), foo.step_size.to_string()), ("1".into(), "0.0001".into()));
        assert_eq!(list.of_symbol(&btc()).expect("listed").tick_size.to_string(), "0.01");
        assert_eq!(market.span(), (Timestamp(START), Timestamp(START + 3 * HOUR_MS)));
    }
}
