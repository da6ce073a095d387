//! Indicators in floats: they shape an opinion and are never stored as money.
//!
//! Averages start from the plain mean of their first period and then smooth, which is Wilder's way for RSI and ATR. All
//! of them look at closed candles, oldest first, and say nothing rather than guess when there are too few.

use crate::domain::market::Candle;
use rust_decimal::Decimal;

/// Moving average convergence and divergence at the end of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Macd {
    /// Fast average less slow average, in price units.
    pub line: f64,
    /// The line's own average.
    pub signal: f64,
    /// Line less signal.
    pub histogram: f64,
}

/// Bollinger's bands at the end of a series, in price units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bands {
    /// So many deviations above the mean.
    pub upper: f64,
    /// The plain mean.
    pub middle: f64,
    /// So many deviations below the mean.
    pub lower: f64,
}

/// The closes of candles, oldest first.
pub fn closes(candles: &[Candle]) -> Vec<f64> {
    candles.iter().map(|candle| float(candle.close.decimal())).collect()
}

/// The volumes of candles, oldest first, in base units.
pub fn volumes(candles: &[Candle]) -> Vec<f64> {
    candles.iter().map(|candle| float(candle.volume.decimal())).collect()
}

/// Exponential moving average of the whole series at its end, smoothing 2 / (period + 1). `None` with fewer values
/// than one period.
pub fn ema(values: &[f64], period: u16) -> Option<f64> {
    smoothed(values, period, ema_weight(period))
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
        let (high, low) = (float(candle.high.decimal()), float(candle.low.decimal()));
        let range = previous.map_or(high - low, |close| high.max(close) - low.min(close));
        previous = Some(float(candle.close.decimal()));
        ranges.push(range);
    }
    wilder(&ranges, period)
}

/// The difference of a fast and a slow exponential average, and the average of that difference. Both averages begin at
/// the same value of the series: the first for which the slow one exists. `None` before the signal exists, or when
/// `fast` is not shorter than `slow`.
pub fn macd(values: &[f64], fast: u16, slow: u16, signal: u16) -> Option<Macd> {
    let head = usize::from(slow.checked_sub(fast).filter(|head| *head > 0)?);
    let quick = averages(values.get(head..)?, fast, ema_weight(fast));
    let steady = averages(values, slow, ema_weight(slow));
    let line: Vec<f64> = quick.iter().zip(&steady).map(|(fast, slow)| fast - slow).collect();
    let (last, signal) = (*line.last()?, ema(&line, signal)?);
    Some(Macd { line: last, signal, histogram: last - signal })
}

/// Bollinger's bands over the last `period` values, `width` population deviations on each side of their mean. `None`
/// with fewer values.
pub fn bollinger(values: &[f64], period: u16, width: f64) -> Option<Bands> {
    let middle = mean(values, period)?;
    let last = &values[values.len() - usize::from(period)..];
    let variance = last.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / f64::from(period);
    let reach = width * variance.sqrt();
    Some(Bands { upper: middle + reach, middle, lower: middle - reach })
}

/// The plain mean of the last `period` values. `None` with fewer.
pub fn mean(values: &[f64], period: u16) -> Option<f64> {
    let count = usize::from(period);
    let from = values.len().checked_sub(count).filter(|_| count > 0)?;
    Some(values[from..].iter().sum::<f64>() / f64::from(period))
}

/// The nearest float, one rounding away at most: exact digits and a power of ten, which is all a decimal is.
fn float(value: Decimal) -> f64 {
    const POWERS: [f64; 29] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28,
    ];
    let scale = usize::try_from(value.scale()).unwrap_or_default().min(POWERS.len() - 1);
    value.mantissa() as f64 / POWERS[scale]
}

fn ema_weight(period: u16) -> f64 {
    2.0 / (f64::from(period) + 1.0)
}

fn wilder(values: &[f64], period: u16) -> Option<f64> {
    smoothed(values, period, 1.0 / f64::from(period.max(1)))
}

/// The mean of the first period, then each later value taken in with `weight`; only what that ends with.
fn smoothed(values: &[f64], period: u16, weight: f64) -> Option<f64> {
    averages(values, period, weight).pop()
}

/// The same at each value, from the first for which there is a mean.
fn averages(values: &[f64], period: u16, weight: f64) -> Vec<f64> {
    let count = usize::from(period);
    if count == 0 || values.len() < count {
        return Vec::new();
    }
    let (first, rest) = values.split_at(count);
    let start = first.iter().sum::<f64>() / f64::from(period);
    let mut line = Vec::with_capacity(rest.len() + 1);
    line.push(start);
    line.extend(rest.iter().scan(start, |average, value| {
        *average += weight * (value - *average);
        Some(*average)
    }));
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::{Price, Quantity};
    use crate::domain::time::{HOUR_MS, Timestamp};

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

    /// Base volumes, made up: neither even nor rising.
    fn traded() -> Vec<f64> {
        (0..BARS.len()).map(|n| 100.0 + ((37 * n) % 53) as f64 + n as f64 * 0.25).collect()
    }

    /// The expected values come from other hands: EMA, RSI, MACD, bands and the mean of volumes from TA-Lib 0.8.2 for
    /// Python, ATR from `ta` 0.11.0 for Python (TA-Lib leaves the first candle's range out).
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
        assert_close(mean(&traded(), 20), 133.575);
    }

    #[test]
    fn macd_agrees_with_an_independent_implementation_from_its_first_value_on() {
        let closes = closes(&bars());
        for (count, line, signal, histogram) in [
            (34, -2.389_503_999_848_827, -2.244_988_935_761_979, -0.144_515_064_086_848),
            (40, -1.903_955_051_225_281_6, -2.186_959_119_712_075, 0.283_004_068_486_793_16),
        ] {
            let found = macd(&closes[..count], 12, 26, 9).expect("enough values");
            assert_close(Some(found.line), line);
            assert_close(Some(found.signal), signal);
            assert_close(Some(found.histogram), histogram);
        }
        assert_eq!(macd(&closes[..33], 12, 26, 9), None, "the signal does not exist yet");
        assert_eq!(macd(&closes, 26, 12, 9), None, "fast and slow are swapped");
        assert_eq!(macd(&[], 12, 26, 9), None);
    }

    #[test]
    fn bands_agree_with_an_independent_implementation() {
        let closes = closes(&bars());
        for (count, upper, middle, lower) in [
            (20, 103.221_291_160_720_74, 99.595_999_999_999_99, 95.970_708_839_279_24),
            (40, 97.981_072_624_651_74, 93.459_5, 88.937_927_375_348_27),
        ] {
            let found = bollinger(&closes[..count], 20, 2.0).expect("enough values");
            assert_close(Some(found.upper), upper);
            assert_close(Some(found.middle), middle);
            assert_close(Some(found.lower), lower);
        }
        assert_eq!(bollinger(&closes[..19], 20, 2.0), None);
        assert_eq!(mean(&closes, 0), None);
    }

    #[test]
    fn a_decimal_becomes_the_float_that_its_digits_say() {
        for text in ["0", "43250.07", "0.00001234", "-1.5", "79228162514264337593543950335"] {
            let value: Decimal = text.parse().expect("plain");
            let found = float(value);
            let wanted: f64 = text.parse().expect("plain");
            assert!((found - wanted).abs() <= wanted.abs() * f64::EPSILON, "{text}: {found}");
        }
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
