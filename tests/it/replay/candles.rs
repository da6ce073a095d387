//! Where the past comes from: real candles where they are at hand, and generated ones everywhere.

use countersign::adapters::market::known_markets::KNOWN_MARKETS;
use countersign::adapters::market::synthetic::{SyntheticConfig, SyntheticMarket};
use countersign::domain::market::{CandleInterval, Symbol};
use countersign::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use countersign::ports::market_data::MarketData;
use std::fmt::Write;
use std::path::PathBuf;
use tempfile::TempDir;

/// History in front of the first hour played, for advisors that look back.
const LEAD_DAYS: i64 = 14;

/// A folder of real candles; where there is none, that is said.
pub fn real(folder: &str) -> Option<PathBuf> {
    let found = std::env::var_os("COUNTERSIGN_MARKETDATA").map(|root| PathBuf::from(root).join(folder));
    let found = found.filter(|dir| dir.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED on real candles: COUNTERSIGN_MARKETDATA names no directory with {folder}");
    }
    found
}

/// Hourly candles of all known markets from a seeded walk: `days` of them after `start`, and two weeks before.
pub async fn generated(seed: u64, start: i64, days: i64) -> TempDir {
    let first = Timestamp(start - LEAD_DAYS * DAY_MS);
    let market = SyntheticMarket::manual(SyntheticConfig { seed, origin: first, start_at: first, speed: 1 }).unwrap();
    let mut files = KNOWN_MARKETS.map(|known| (known.symbol, String::new()));
    for hour in 1..=(LEAD_DAYS + days) * 24 {
        market.advance_to(first.plus_ms(hour * HOUR_MS));
        for (symbol, text) in &mut files {
            let symbol = Symbol((*symbol).to_owned());
            let candles = market.candles(&symbol, CandleInterval::OneHour, 1).await.unwrap();
            let candle = candles.last().unwrap();
            let (at, volume) = (candle.open_time.0, candle.volume);
            writeln!(text, "{at},{},{},{},{},{volume}", candle.open, candle.high, candle.low, candle.close).unwrap();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    for (symbol, text) in files {
        std::fs::write(dir.path().join(format!("{symbol}-1h.csv")), text).unwrap();
    }
    dir
}
