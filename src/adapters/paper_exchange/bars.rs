//! Candles of any length, made of closed ones of five minutes or an hour and of what was seen of the running one.

use crate::domain::market::{Candle, CandleInterval};
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use rust_decimal::Decimal;

/// The fifth day of 1970 was a Monday: weeks begin there.
const FIRST_MONDAY_MS: i64 = 4 * DAY_MS;
/// Places of a derived amount of quote.
const SCALE: u32 = 8;

/// One candle as it is told, possibly still running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Market time of its first moment.
    pub open_time: i64,
    /// Market time of its last moment.
    pub close_time: i64,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Base traded.
    pub volume: Decimal,
    /// Quote traded, at the candle's typical price.
    pub quote_volume: Decimal,
}

/// How long a candle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// So many milliseconds from an origin.
    Fixed {
        /// Length.
        ms: i64,
        /// Where counting begins.
        origin: i64,
    },
    /// A month of the calendar.
    Month,
}

impl Span {
    /// Reads the wire's word. What is shorter than five minutes does not exist in this market.
    pub fn parse(word: &str) -> Option<Self> {
        let fixed = |ms| Some(Self::Fixed { ms, origin: 0 });
        match word {
            "5m" => fixed(5 * MINUTE_MS),
            "15m" => fixed(15 * MINUTE_MS),
            "30m" => fixed(30 * MINUTE_MS),
            "1h" => fixed(HOUR_MS),
            "2h" => fixed(2 * HOUR_MS),
            "4h" => fixed(4 * HOUR_MS),
            "6h" => fixed(6 * HOUR_MS),
            "8h" => fixed(8 * HOUR_MS),
            "12h" => fixed(12 * HOUR_MS),
            "1d" => fixed(DAY_MS),
            "3d" => fixed(3 * DAY_MS),
            "1w" => Some(Self::Fixed { ms: 7 * DAY_MS, origin: FIRST_MONDAY_MS }),
            "1M" => Some(Self::Month),
            _ => None,
        }
    }

    /// The closed candles that this length is made of.
    pub const fn made_of(self) -> CandleInterval {
        match self {
            Self::Fixed { ms, .. } if ms < HOUR_MS => CandleInterval::FiveMinutes,
            _ => CandleInterval::OneHour,
        }
    }

    /// First moment of the candle around `at`, when the clock is `offset` ahead of UTC, and the first moment after it.
    fn around(self, at: i64, offset: i64) -> (i64, i64) {
        let local = at + offset;
        match self {
            Self::Fixed { ms, origin } => {
                let start = origin + (local - origin).div_euclid(ms) * ms - offset;
                (start, start + ms)
            }
            Self::Month => {
                let (start, next) = month_around(local);
                (start - offset, next - offset)
            }
        }
    }
}

/// The calendar month around a moment, in milliseconds.
fn month_around(at: i64) -> (i64, i64) {
    let day = jiff::Timestamp::from_millisecond(at).map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date());
    let start = day.unwrap_or_default().first_of_month();
    let next = start.last_of_month().tomorrow().unwrap_or(start);
    let ms = |date: jiff::civil::Date| {
        date.to_zoned(jiff::tz::TimeZone::UTC).map_or(at, |midnight| midnight.timestamp().as_millisecond())
    };
    (ms(start), ms(next))
}

/// A closed candle, or what was seen of the running one.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Market time of its first moment.
    pub at: i64,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Base traded.
    pub volume: Decimal,
}

impl From<&Candle> for Piece {
    fn from(candle: &Candle) -> Self {
        Self {
            at: candle.open_time.0,
            open: candle.open.decimal(),
            high: candle.high.decimal(),
            low: candle.low.decimal(),
            close: candle.close.decimal(),
            volume: candle.volume.decimal(),
        }
    }
}

impl Piece {
    /// The middle of high, low and close.
    pub fn typical(&self) -> Decimal {
        ((self.high + self.low + self.close) / Decimal::from(3)).round_dp(SCALE)
    }
}

/// Makes candles of a length out of shorter ones, in order; `offset` is how far local time is ahead of UTC.
pub fn gather(pieces: impl Iterator<Item = Piece>, span: Span, offset: i64) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for piece in pieces {
        let quote_volume = (piece.typical() * piece.volume).round_dp(SCALE);
        match bars.last_mut() {
            Some(bar) if piece.at <= bar.close_time => {
                bar.high = bar.high.max(piece.high);
                bar.low = bar.low.min(piece.low);
                bar.close = piece.close;
                bar.volume += piece.volume;
                bar.quote_volume += quote_volume;
            }
            _ => {
                let (open_time, next) = span.around(piece.at, offset);
                bars.push(Bar {
                    open_time,
                    close_time: next - 1,
                    open: piece.open,
                    high: piece.high,
                    low: piece.low,
                    close: piece.close,
                    volume: piece.volume,
                    quote_volume,
                });
            }
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(at: i64, open: i64, close: i64) -> Piece {
        let of = Decimal::from;
        let (high, low) = (open.max(close) + 1, open.min(close) - 1);
        Piece { at, open: of(open), high: of(high), low: of(low), close: of(close), volume: Decimal::TWO }
    }

    #[test]
    fn hours_make_days_and_the_first_day_may_be_part_of_one() {
        let span = Span::parse("1d").expect("a day");
        let hours = (20..52).map(|hour| piece(hour * HOUR_MS, hour, hour + 1));
        let bars = gather(hours, span, 0);
        let shown: Vec<_> = bars.iter().map(|bar| (bar.open_time, bar.close_time, bar.open, bar.close)).collect();
        let of = Decimal::from;
        assert_eq!(
            shown,
            [
                (0, DAY_MS - 1, of(20), of(24)),
                (DAY_MS, 2 * DAY_MS - 1, of(24), of(48)),
                (2 * DAY_MS, 3 * DAY_MS - 1, of(48), of(52)),
            ]
        );
        assert_eq!((bars[1].high, bars[1].low, bars[1].volume), (of(49), of(23), of(48)));
    }

    #[test]
    fn weeks_begin_on_monday_months_follow_the_calendar_and_offsets_move_both() {
        // 2024-02-29 was a Thursday.
        let at = 1_709_200_000_000;
        let date = |ms: i64| jiff::Timestamp::from_millisecond(ms).expect("a moment").to_string();
        let around = |word: &str, offset| {
            let (start, next) = Span::parse(word).expect("known").around(at, offset);
            (date(start), date(next))
        };
        assert_eq!(around("1w", 0), ("2024-02-26T00:00:00Z".into(), "2024-03-04T00:00:00Z".into()));
        assert_eq!(around("1M", 0), ("2024-02-01T00:00:00Z".into(), "2024-03-01T00:00:00Z".into()));
        assert_eq!(around("1d", 2 * HOUR_MS), ("2024-02-28T22:00:00Z".into(), "2024-02-29T22:00:00Z".into()));
        assert_eq!(Span::parse("1m"), None);
    }
}
