//! Tests of the synthetic market, beside it so that both files stay readable.

use super::super::simulated_clock::tests::HandClock;
use super::*;
use crate::adapters::indicators::{closes, ema, rsi};
use crate::domain::time::{MINUTE_MS, SECOND_MS};
use std::sync::atomic::{AtomicI64, Ordering};

const ORIGIN: Timestamp = Timestamp(1_767_225_600_000 + 7 * MINUTE_MS + 123);

fn config(seed: u64, start_at: Timestamp) -> SyntheticConfig {
    SyntheticConfig { seed, origin: ORIGIN, start_at, speed: 1 }
}

fn symbol(name: &str) -> Symbol {
    Symbol(name.to_owned())
}

async fn all_candles(market: &SyntheticMarket) -> Vec<Arc<[Candle]>> {
    let mut all = Vec::new();
    for known in KNOWN_MARKETS {
        for interval in [CandleInterval::FiveMinutes, CandleInterval::OneHour] {
            all.push(market.candles(&symbol(known.symbol), interval, CANDLES_MAX).await.expect("known"));
        }
    }
    all
}

async fn all_quotes(market: &SyntheticMarket) -> BTreeMap<Symbol, Quote> {
    market.quotes(&market.symbols).await.expect("always")
}

#[tokio::test]
async fn restarts_and_speeds_change_nothing() {
    let late = ORIGIN.plus_ms(9 * DAY_MS + 77_777);
    let restarted = SyntheticMarket::manual(config(7, late)).expect("starts");

    let wall = Arc::new(HandClock(AtomicI64::new(0)));
    let fast = SyntheticConfig { speed: 3_600, ..config(7, ORIGIN) };
    let fast = SyntheticMarket::new(fast, wall.clone()).expect("starts");
    // One wall-clock second is an hour, so the wall stops at the last whole hour and the hand does the rest.
    for hour in 1..=(9 * 24) {
        wall.0.store(hour * SECOND_MS, Ordering::SeqCst);
        all_quotes(&fast).await;
    }
    fast.advance_to(late);

    assert_eq!(all_candles(&restarted).await, all_candles(&fast).await);
    assert_eq!(all_quotes(&restarted).await, all_quotes(&fast).await);
    let other = SyntheticMarket::manual(config(8, late)).expect("starts");
    assert_ne!(all_quotes(&restarted).await, all_quotes(&other).await);
}

#[tokio::test]
async fn candles_are_closed_contiguous_and_on_the_grid() {
    let market = SyntheticMarket::manual(config(3, ORIGIN.plus_ms(5 * HOUR_MS))).expect("starts");
    for known in KNOWN_MARKETS {
        let instrument = known.instrument();
        for interval in [CandleInterval::FiveMinutes, CandleInterval::OneHour] {
            let candles = market.candles(&symbol(known.symbol), interval, usize::MAX).await.expect("known");
            assert_eq!(candles.len(), CANDLES_MAX);
            let last = candles.last().expect("many");
            let closes_at = last.open_time.plus_ms(interval.ms());
            assert!(closes_at <= market.now() && market.now().since(closes_at) < interval.ms());
            for pair in candles.windows(2) {
                assert_eq!(pair[1].open_time.since(pair[0].open_time), interval.ms());
                assert_eq!(pair[1].open, pair[0].close);
            }
            for candle in candles.iter() {
                assert!(candle.low <= candle.open.min(candle.close) && candle.high >= candle.open.max(candle.close));
                for price in [candle.open, candle.high, candle.low, candle.close] {
                    assert!((price.decimal() % instrument.tick_size).is_zero());
                }
                assert!((candle.volume.decimal() % instrument.step_size).is_zero());
                assert_eq!(candle.open_time.floor_to(interval.ms()), candle.open_time);
            }
        }
    }
}

#[tokio::test]
async fn an_hourly_candle_is_the_sum_of_its_twelve_and_appears_when_the_hour_is_over() {
    let hour_start = ORIGIN.floor_to(HOUR_MS).plus_ms(HOUR_MS);
    let market = SyntheticMarket::manual(config(5, ORIGIN)).expect("starts");
    let btc = symbol("BTCUSDT");
    market.advance_to(hour_start.plus_ms(HOUR_MS - 1));
    let before = market.candles(&btc, CandleInterval::OneHour, 1).await.expect("known");
    assert_eq!(before[0].open_time, hour_start.plus_ms(-HOUR_MS));
    market.advance_to(hour_start.plus_ms(HOUR_MS));
    let hour = market.candles(&btc, CandleInterval::OneHour, 1).await.expect("known")[0];
    let twelve = market.candles(&btc, CandleInterval::FiveMinutes, 12).await.expect("known");
    assert_eq!((hour.open_time, hour.open, hour.close), (twelve[0].open_time, twelve[0].open, twelve[11].close));
    assert_eq!(hour.high, twelve.iter().map(|c| c.high).max().expect("twelve"));
    assert_eq!(hour.low, twelve.iter().map(|c| c.low).min().expect("twelve"));
    assert_eq!(hour.volume, twelve.iter().map(|c| c.volume).sum());
}

#[tokio::test]
async fn a_quote_lies_within_the_candle_that_runs_at_its_time() {
    let market = SyntheticMarket::manual(config(11, ORIGIN)).expect("starts");
    let mut seen: BTreeMap<(Symbol, Timestamp), Vec<Price>> = BTreeMap::new();
    let mut at = ORIGIN;
    while at < ORIGIN.plus_ms(3 * HOUR_MS) {
        market.advance_to(at);
        for (symbol, quote) in all_quotes(&market).await {
            assert_eq!(quote.at, at);
            seen.entry((symbol, at.floor_to(CandleInterval::FiveMinutes.ms()))).or_default().push(quote.price);
        }
        at = at.plus_ms(7_300);
    }
    market.advance_to(ORIGIN.plus_ms(4 * HOUR_MS));
    let mut moves = 0;
    for known in KNOWN_MARKETS {
        for candle in
            market.candles(&symbol(known.symbol), CandleInterval::FiveMinutes, 100).await.expect("known").iter()
        {
            let prices = seen.remove(&(symbol(known.symbol), candle.open_time)).unwrap_or_default();
            assert!(prices.iter().all(|price| (candle.low..=candle.high).contains(price)), "{candle:?}: {prices:?}");
            moves += prices.windows(2).filter(|pair| pair[0] != pair[1]).count();
        }
    }
    assert!(seen.is_empty(), "each quote belongs to a candle");
    assert!(moves > 5_000, "prices move within candles: {moves}");
}

#[tokio::test]
async fn a_newcomer_always_meets_a_rising_and_a_falling_coin() {
    for seed in 0..60 {
        let market = SyntheticMarket::manual(config(seed, ORIGIN)).expect("starts");
        for after_hours in [0, 3, 11] {
            market.advance_to(ORIGIN.plus_ms(after_hours * HOUR_MS));
            let gap = async |name: &str| {
                let candles = market.candles(&symbol(name), CandleInterval::OneHour, 336).await.expect("known");
                let closes = closes(&candles);
                let (fast, slow) = (ema(&closes, 9).expect("long"), ema(&closes, 21).expect("long"));
                (fast - slow) / slow
            };
            assert!(gap("BTCUSDT").await > 0.0, "seed {seed}, {after_hours} h: BTC rises");
            assert!(gap("XRPUSDT").await < 0.0, "seed {seed}, {after_hours} h: XRP falls");
        }
    }
}

#[tokio::test]
async fn each_day_gives_rules_something_to_do() {
    for seed in 0..10 {
        let (mut crossings, mut extremes) = (0, 0);
        let market = SyntheticMarket::manual(config(seed, ORIGIN.plus_ms(20 * DAY_MS))).expect("starts");
        for known in KNOWN_MARKETS {
            let candles = market.candles(&symbol(known.symbol), CandleInterval::OneHour, 360).await.expect("known");
            let closes = closes(&candles);
            let above = |n: usize| ema(&closes[..n], 9).expect("long") > ema(&closes[..n], 21).expect("long");
            let extreme = |n: usize| rsi(&closes[..n], 14).is_some_and(|value| !(30.0..=70.0).contains(&value));
            crossings += (121..=360).filter(|&n| above(n) != above(n - 1)).count();
            extremes += (121..=360).filter(|&n| extreme(n) && !extreme(n - 1)).count();
        }
        assert!(
            crossings >= 20 && extremes >= 20,
            "seed {seed}: {crossings} crossings, {extremes} extremes in ten days"
        );
    }
}

#[tokio::test]
async fn unknown_markets_are_named_and_have_no_quote() {
    let market = SyntheticMarket::manual(config(1, ORIGIN)).expect("starts");
    let unknown = symbol("NOPEUSDT");
    let error = market.candles(&unknown, CandleInterval::OneHour, 5).await.expect_err("unknown");
    assert_eq!(error.to_string(), "NOPEUSDT is not a market of this source");
    assert!(market.quotes(&[unknown]).await.expect("answers").is_empty());
}

#[test]
fn a_start_before_the_origin_or_decades_after_it_is_refused() {
    let start = |at| SyntheticMarket::manual(config(1, at)).err();
    assert_eq!(start(ORIGIN.plus_ms(-1)), Some(SyntheticError::BeforeOrigin));
    assert_eq!(start(ORIGIN.plus_ms(11 * 365 * DAY_MS)), Some(SyntheticError::TooFarAfterOrigin));
}
