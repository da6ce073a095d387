//! Replay over real candles, where they are at hand.

use countersign::adapters::advisors::BuiltInAdvisors;
use countersign::adapters::market::replay::{ReplayConfig, ReplayMarket};
use countersign::domain::ids::BUILT_IN_PROVIDER;
use countersign::domain::market::{Candle, CandleInterval, Symbol};
use countersign::domain::money::Money;
use countersign::domain::signal::Signal;
use countersign::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use countersign::domain::trader_settings::TraderSettings;
use countersign::ports::advisor::{AdvisorDirectory, BRIEF_CANDLES, Brief, CoinBrief};
use countersign::ports::market_data::{CANDLES_MAX, MarketData};
use countersign::services::volatility::{VOLATILITY_CANDLES, realised_volatility_24h_ratio};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::path::PathBuf;

const SYMBOLS: [&str; 6] = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "DOGEUSDT"];

/// The folder of real candles, or a message and nothing.
fn candles_folder(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("COUNTERSIGN_MARKETDATA").map(|dir| PathBuf::from(dir).join(name));
    let found = folder.filter(|dir| dir.is_dir());
    if found.is_none() {
        eprintln!("skipped: COUNTERSIGN_MARKETDATA names no folder with {name}");
    }
    found
}

fn symbols() -> Vec<Symbol> {
    SYMBOLS.iter().map(|name| Symbol((*name).to_owned())).collect()
}

fn load(dir: PathBuf, start_at: Option<Timestamp>) -> ReplayMarket {
    ReplayMarket::load_manual(&ReplayConfig { dir, start_at, speed: 1 }).expect("real candles load")
}

#[tokio::test]
async fn real_hourly_candles_are_replayed_without_a_look_ahead() {
    let Some(dir) = candles_folder("spot_1h") else { return };
    let market = load(dir, None);
    let (first, end) = market.span();
    assert_eq!(market.now(), first.plus_ms(14 * DAY_MS), "two weeks of history lie before the default start");
    let mut at = market.now().plus_ms(17 * MINUTE_MS);
    while at < end {
        market.advance_to(at);
        let quotes = market.quotes(&symbols()).await.expect("quotes");
        assert_eq!(quotes.len(), SYMBOLS.len());
        for symbol in symbols() {
            let candles = market.candles(&symbol, CandleInterval::OneHour, 48).await.expect("candles");
            let last = candles.last().expect("history");
            assert_eq!(last.open_time, at.floor_to(HOUR_MS).plus_ms(-HOUR_MS), "the newest closed hour");
            let quote = quotes[&symbol];
            assert!(quote.at == at && quote.price == last.close && (last.low..=last.high).contains(&quote.price));
        }
        at = at.plus_ms(13 * HOUR_MS);
    }
    market.advance_to(end.plus_ms(3 * HOUR_MS));
    let stale = market.quotes(&symbols()).await.expect("quotes");
    assert!(stale.values().all(|quote| !quote.is_fresh(market.now(), 120)), "the past has ended");
}

#[tokio::test]
async fn five_minute_candles_and_their_hours_tell_the_same_story() {
    let Some(dir) = candles_folder("perp_5m") else { return };
    let market = load(dir, None);
    for symbol in symbols() {
        let hours = market.candles(&symbol, CandleInterval::OneHour, 24).await.expect("hours");
        let fives = market.candles(&symbol, CandleInterval::FiveMinutes, 24 * 12).await.expect("fives");
        assert_eq!((hours.len(), fives.len()), (24, 288));
        for (hour, parts) in hours.iter().zip(fives.chunks(12)) {
            let parts: &[Candle] = parts;
            assert_eq!((hour.open_time, hour.open, hour.close), (parts[0].open_time, parts[0].open, parts[11].close));
            assert_eq!(hour.volume, parts.iter().map(|part| part.volume).sum());
            assert!(parts.iter().all(|part| part.high <= hour.high && part.low >= hour.low));
        }
    }
}

#[tokio::test]
async fn every_rule_finds_something_to_do_in_three_real_months() {
    let Some(dir) = candles_folder("spot_1h") else { return };
    let market = load(dir, None);
    let instruments = market.instruments().await.expect("instruments");
    let directory = BuiltInAdvisors::new();
    let start = market.now();
    let mut entries: BTreeMap<(&str, Signal), usize> = BTreeMap::new();
    for step in 0..(90 * 6) {
        market.advance_to(start.plus_ms(step * 4 * HOUR_MS));
        let quotes = market.quotes(&symbols()).await.expect("quotes");
        let mut coins = Vec::new();
        for symbol in symbols() {
            let instrument = instruments.of_symbol(&symbol).expect("listed").clone();
            let candles = market.candles(&symbol, CandleInterval::OneHour, BRIEF_CANDLES).await.expect("candles");
            let (coin, quote) = (instrument.base.clone(), quotes[&symbol]);
            coins.push(CoinBrief {
                coin,
                instrument,
                quote,
                candles,
                recent_candles: [].into(),
                position: None,
                waiting: false,
            });
        }
        let equity = Money::new(Decimal::from(10_000));
        let brief = Brief {
            at: market.now(),
            trader_name: "Baseline".to_owned(),
            equity,
            cash: equity,
            settings: TraderSettings::default(),
            margin: true,
            day_start_equity: equity,
            high_water_mark: equity,
            entries_today: 0,
            seed: u64::try_from(step).expect("positive"),
            coins,
            open_orders: Vec::new(),
            waiting: Vec::new(),
            closed_trades: Vec::new(),
            past_decisions: Vec::new(),
            missing: Vec::new(),
        };
        for info in directory.providers().remove(0).models {
            let advisor = directory.find(BUILT_IN_PROVIDER, info.model_name).expect("offered");
            for (coin, proposal) in advisor.advise(&brief).await.expect("answers").coins {
                let proposal = proposal.expect("usable");
                *entries.entry((info.model_name, proposal.signal)).or_default() += 1;
                let Some(quantity) = proposal.quantity else { continue };
                let asked = brief.coins.iter().find(|known| known.coin == coin).expect("asked");
                assert_eq!(asked.instrument.check(quantity, asked.quote.price), Ok(()), "{coin}");
            }
        }
    }
    for (model, signal) in [
        ("buy_and_hold", Signal::BuyToEnter),
        ("ema_cross", Signal::BuyToEnter),
        ("ema_cross", Signal::Hold),
        ("rsi_mean_reversion", Signal::BuyToEnter),
        ("rsi_mean_reversion", Signal::SellToEnter),
        ("random", Signal::SellToEnter),
    ] {
        assert!(entries.get(&(model, signal)).copied().unwrap_or(0) > 50, "{model} {signal}: {entries:?}");
    }
}

#[tokio::test]
async fn volatility_of_a_real_day_is_a_sane_multiple_of_its_month() {
    let Some(dir) = candles_folder("spot_1h") else { return };
    const { assert!(VOLATILITY_CANDLES <= CANDLES_MAX, "one request brings all that the measure needs") };
    let market = load(dir, None);
    market.advance_to(market.now().plus_ms(40 * DAY_MS));
    for symbol in symbols() {
        let candles = market.candles(&symbol, CandleInterval::OneHour, VOLATILITY_CANDLES).await.expect("candles");
        let ratio = realised_volatility_24h_ratio(&candles).expect("enough history");
        assert!(ratio > Decimal::new(1, 1) && ratio < Decimal::from(6), "{symbol}: {ratio}");
    }
}
