//! Realised volatility: how wild the last 24 hours were, compared with their own month. Nothing here is money.

use crate::domain::market::Candle;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Hours in the window whose volatility is measured.
const WINDOW_HOURS: usize = 24;
/// Windows (one ends each hour) in the mean: 30 days.
const MEAN_WINDOWS: usize = 30 * 24;
/// Fewest windows for a mean worth the name: a week.
const MEAN_WINDOWS_MIN: usize = 7 * 24;
/// Hourly candles that the full measure needs: one more than its returns.
pub const VOLATILITY_CANDLES: usize = MEAN_WINDOWS + WINDOW_HOURS;
/// Ratios above this are shown as this: a market that had stood still has no meaningful ratio.
const RATIO_MAX: f64 = 1_000_000.0;

/// The realised volatility of the last 24 hours (root of the summed squared hourly log returns) divided by the mean of
/// the same figure over every hour of the last 30 days, at three places.
///
/// Takes closed hourly candles, oldest first; [`VOLATILITY_CANDLES`] or more are ideal. `None` with less than a week
/// and a day of them, or when the price never moved.
pub fn realised_volatility_24h_ratio(hourly: &[Candle]) -> Option<Decimal> {
    let newest = &hourly[hourly.len().saturating_sub(VOLATILITY_CANDLES)..];
    let closes: Option<Vec<f64>> = newest.iter().map(|candle| candle.close.decimal().to_f64()).collect();
    let squares: Vec<f64> = closes?.windows(2).map(|pair| (pair[1] / pair[0]).ln().powi(2)).collect();
    let windows: Vec<f64> = squares.windows(WINDOW_HOURS).map(|day| day.iter().sum::<f64>().sqrt()).collect();
    if windows.len() < MEAN_WINDOWS_MIN {
        return None;
    }
    let last = *windows.last()?;
    let count = u32::try_from(windows.len()).ok()?;
    let mean = windows.iter().sum::<f64>() / f64::from(count);
    let ratio = last / mean;
    if !ratio.is_finite() {
        return None;
    }
    let thousandths = (ratio.min(RATIO_MAX) * 1_000.0).round();
    thousandths.to_i64().map(|value| Decimal::new(value, 3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::{Price, Quantity};
    use crate::domain::time::{HOUR_MS, Timestamp};

    /// Prices that go up and down by `calm` per mille each hour, and by `wild` per mille in the last 24 hours.
    fn hours(count: i64, calm: i64, wild: i64) -> Vec<Candle> {
        (0..count)
            .map(|n| {
                let swing = if n >= count - 24 { wild } else { calm };
                let price = Decimal::new(100_000 + if n % 2 == 0 { 0 } else { swing * 100 }, 3);
                let price = Price::new(price).expect("positive");
                Candle {
                    open_time: Timestamp(n * HOUR_MS),
                    open: price,
                    high: price,
                    low: price,
                    close: price,
                    volume: Quantity::ZERO,
                }
            })
            .collect()
    }

    #[test]
    fn an_even_market_has_a_ratio_of_one() {
        assert_eq!(realised_volatility_24h_ratio(&hours(800, 10, 10)), Some(Decimal::new(1_000, 3)));
    }

    #[test]
    fn a_wild_day_after_a_calm_month_stands_out() {
        let ratio = realised_volatility_24h_ratio(&hours(800, 10, 50)).expect("enough");
        assert!(ratio > Decimal::from(4) && ratio < Decimal::from(5), "{ratio}");
    }

    #[test]
    fn too_little_history_or_a_market_that_stands_still_has_none() {
        assert_eq!(realised_volatility_24h_ratio(&hours(191, 10, 10)), None);
        assert!(realised_volatility_24h_ratio(&hours(192, 10, 10)).is_some());
        assert_eq!(realised_volatility_24h_ratio(&hours(800, 0, 0)), None);
        assert_eq!(realised_volatility_24h_ratio(&[]), None);
    }
}
