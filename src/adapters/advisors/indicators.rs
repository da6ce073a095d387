//! Indicators in floats: they shape an opinion and are never stored as money.
//!
//! Averages start from the plain mean of their first period and then smooth, which is Wilder's way for RSI and ATR.

use crate::domain::market::Candle;
use rust_decimal::prelude::ToPrimitive;

/// The closes of candles, oldest first.
pub fn closes(candles: &[Candle]) -> Vec<f64> {
    candles.iter().filter_map(|candle| candle.close.decimal().to_f64()).collect()
}

/// Exponential moving average of the whole series at its end, smoothing 2 / (period + 1). `None` with fewer values
/// than one period.
pub fn ema(values: &[f64], period: u16) -> Option<f64> {
    smoothed(values, period, 2.0 / (f64::from(period) + 1.0))
}

/// Wilder's relative strength index at the end of the series, 0 to 100; 50 when the price never moved. `None` without
/// `period` changes.
pub fn rsi(values: &[f64], period: u16) -> Option<f64> {
    let changes = || values.windows(2).map(|pair| pair[1] - pair[0]);
    let gains: Vec<f64> = changes().map(|change| change.max(0.0)).collect();
    let losses: Vec<f64> = changes().map(|change| (-change).max(0.0)).collect();
    let (gain, loss) = (wilder(&gains, period)?, wilder(&losses, period)?);
    let total = gain + loss;
    Some(if total > 0.0 { 100.0 * gain / total } else { 50.0 })
}

/// Wilder's average true range at the end of the series, in price units. `None` with fewer candles than one period.
pub fn atr(candles: &[Candle], period: u16) -> Option<f64> {
    let mut previous: Option<f64> = None;
    let mut ranges = Vec::with_capacity(candles.len());
    for candle in candles {
        let (high, low) = (candle.high.decimal().to_f64()?, candle.low.decimal().to_f64()?);
        let range = previous.map_or(high - low, |close| high.max(close) - low.min(close));
        previous = candle.close.decimal().to_f64();
        ranges.push(range);
    }
    wilder(&ranges, period)
}

fn wilder(values: &[f64], period: u16) -> Option<f64> {
    smoothed(values, period, 1.0 / f64::from(period.max(1)))
}

/// The mean of the first period, then each later value taken in with `weight`.
fn smoothed(values: &[f64], period: u16, weight: f64) -> Option<f64> {
    let count = usize::from(period);
    if count == 0 || values.len() < count {
        return None;
    }
    let (first, rest) = values.split_at(count);
    let start = first.iter().sum::<f64>() / f64::from(period);
    Some(rest.iter().fold(start, |average, value| average + weight * (value - average)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::money::{Price, Quantity};
    use crate::domain::time::{HOUR_MS, Timestamp};
    use rust_decimal::Decimal;

    /// High, low and close in cents.
    const BARS: [(i64, i64, i64); 40] = [
        (10108, 9933, 10020),
        (10122, 9995, 10115),
        (10177, 9972, 10012),
        (10100, 9933, 10048),
        (10075, 9942, 9987),
        (10123, 9985, 10080),
        (10146, 9901, 9902),
        (9986, 9846, 9915),
        (10091, 9833, 10075),
        (10156, 10000, 10064),
        (10249, 10018, 10249),
        (10303, 10033, 10085),
        (10128, 10065, 10081),
        (10109, 10018, 10107),
        (10109, 9932, 9989),
        (10014, 9814, 9896),
        (9907, 9733, 9777),
        (9792, 9508, 9587),
        (9729, 9499, 9649),
        (9699, 9499, 9554),
        (9737, 9491, 9718),
        (9803, 9687, 9687),
        (9824, 9680, 9790),
        (9816, 9619, 9678),
        (9708, 9574, 9584),
        (9645, 9414, 9470),
        (9476, 9239, 9291),
        (9520, 9233, 9435),
        (9436, 9192, 9272),
        (9308, 9264, 9273),
        (9297, 9114, 9195),
        (9239, 9005, 9094),
        (9330, 9055, 9244),
        (9272, 9159, 9190),
        (9256, 9006, 9032),
        (9236, 8978, 9167),
        (9288, 9113, 9204),
        (9273, 9022, 9061),
        (9257, 9008, 9246),
        (9340, 9238, 9288),
    ];

    fn bars() -> Vec<Candle> {
        let price = |cents: i64| Price::new(Decimal::new(cents, 2)).expect("positive");
        let candle = |(n, (high, low, close)): (usize, (i64, i64, i64))| Candle {
            open_time: Timestamp(i64::try_from(n).expect("small") * HOUR_MS),
            open: price(close),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: Quantity::ZERO,
        };
        BARS.into_iter().enumerate().map(candle).collect()
    }

    fn assert_close(found: Option<f64>, expected: f64) {
        let found = found.expect("enough values");
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    /// The expected values were computed once with two independent indicator libraries.
    #[test]
    fn indicators_agree_with_independent_implementations() {
        let bars = bars();
        let closes = closes(&bars);
        assert_close(ema(&closes, 9), 92.190_169_394_134_53);
        assert_close(ema(&closes[..9], 9), 100.171_111_111_111_1);
        assert_close(ema(&closes, 21), 93.661_783_992_046_3);
        assert_close(ema(&closes[..21], 21), 99.480_952_380_952_37);
        assert_close(rsi(&closes, 14), 45.185_749_687_464_08);
        assert_close(rsi(&closes[..15], 14), 48.757_016_840_416_99);
        assert_close(atr(&bars, 14), 1.971_910_625_498_529_2);
        assert_close(atr(&bars[..14], 14), 1.713_571_428_571_427_2);
    }

    #[test]
    fn too_few_values_have_no_indicator_and_still_prices_an_even_rsi() {
        assert_eq!(ema(&[1.0, 2.0], 3), None);
        assert_eq!(rsi(&[1.0; 14], 14), None);
        assert_close(rsi(&[1.0; 15], 14), 50.0);
        assert_eq!(atr(&[], 14), None);
        assert_eq!(ema(&[1.0], 0), None);
    }
}
