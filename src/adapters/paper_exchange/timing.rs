//! When a signed request is in time, and in which unit times are told.
//!
//! ```text
//! in time  =  timestamp < server time + 1 s   and   server time - timestamp <= recvWindow
//! ```
//! The second half is looked at once more right before the matching engine is called.

use super::error::ApiError;
use super::params::Params;
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;

/// Microseconds in one millisecond.
const US: i64 = 1_000;
/// How far a timestamp may lie ahead, in microseconds.
const AHEAD_US: i64 = 1_000 * US;
/// The window of a request that names none, in microseconds.
const WINDOW_DEFAULT_US: i64 = 5_000 * US;
/// The longest window, in milliseconds.
const WINDOW_MAX_MS: i64 = 60_000;
/// Decimal places that a window may have.
const WINDOW_SCALE: u32 = 3;
/// 2017-01-01 in microseconds: a larger number counts microseconds, a smaller one milliseconds.
const YEAR_2017_US: i64 = 1_483_228_800_000_000;

/// The unit of times in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeUnit {
    /// What clients get that do not ask.
    #[default]
    Millisecond,
    /// For clients that ask with `X-MBX-TIME-UNIT`.
    Microsecond,
}

impl TimeUnit {
    /// Reads the header's value.
    ///
    /// # Errors
    /// -1194 for anything but the two names.
    pub fn parse(header: Option<&[u8]>) -> Result<Self, ApiError> {
        match header {
            None => Ok(Self::Millisecond),
            Some(value) if value.eq_ignore_ascii_case(b"MILLISECOND") => Ok(Self::Millisecond),
            Some(value) if value.eq_ignore_ascii_case(b"MICROSECOND") => Ok(Self::Microsecond),
            Some(_) => Err(ApiError::bad_time_unit()),
        }
    }

    /// A moment given in milliseconds, in this unit.
    pub const fn of_ms(self, ms: i64) -> i64 {
        match self {
            Self::Millisecond => ms,
            // "Not yet" is told as -1 in either unit.
            Self::Microsecond if ms < 0 => ms,
            Self::Microsecond => ms.saturating_mul(US),
        }
    }
}

/// A moment that a client sent, which may count milliseconds or microseconds, in milliseconds.
pub const fn sent_ms(value: i64) -> i64 {
    if value >= YEAR_2017_US { value / US } else { value }
}

/// The time frame of one signed request, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    sent_us: i64,
    window_us: i64,
}

impl Window {
    /// Reads `timestamp` and `recvWindow`.
    ///
    /// # Errors
    /// When one is missing, malformed or out of range.
    pub fn read(params: &mut Params<'_>) -> Result<Self, ApiError> {
        let sent = params.integer("timestamp")?.ok_or_else(|| ApiError::mandatory("timestamp"))?;
        let sent_us = if sent >= YEAR_2017_US { sent } else { sent.saturating_mul(US) };
        let window_us = match params.decimal("recvWindow")? {
            None => WINDOW_DEFAULT_US,
            Some(window) if window > Decimal::from(WINDOW_MAX_MS) => {
                return Err(ApiError::above("recvWindow", &WINDOW_MAX_MS.to_string()));
            }
            Some(window) if window.normalize().scale() > WINDOW_SCALE => return Err(ApiError::mandatory("recvWindow")),
            Some(window) => i64::try_from(window * Decimal::from(US)).unwrap_or(WINDOW_DEFAULT_US),
        };
        Ok(Self { sent_us, window_us })
    }

    /// Whether the request is in time when it arrives.
    ///
    /// # Errors
    /// -1021 when it is too old or from the future.
    pub fn check(self, now: Timestamp) -> Result<(), ApiError> {
        if self.sent_us >= now.0.saturating_mul(US).saturating_add(AHEAD_US) {
            return Err(ApiError::too_early());
        }
        self.check_again(now)
    }

    /// Whether the request is still in time right before the engine acts on it.
    ///
    /// # Errors
    /// -1021 when it has become too old.
    pub fn check_again(self, now: Timestamp) -> Result<(), ApiError> {
        if now.0.saturating_mul(US).saturating_sub(self.sent_us) > self.window_us {
            return Err(ApiError::too_late());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn code_of(query: &str) -> i32 {
        let outcome = Params::parse(query, "")
            .and_then(|mut params| Window::read(&mut params))
            .and_then(|window| window.check(Timestamp(NOW)));
        outcome.map_or_else(|error| error.code, |()| 0)
    }

    #[test]
    fn a_request_is_in_time_for_its_window_and_less_than_a_second_ahead() {
        let cases = [
            ("timestamp=1700000000000", 0),
            ("timestamp=1699999995000", 0),
            ("timestamp=1699999994999", -1021),
            ("timestamp=1700000000999", 0),
            ("timestamp=1700000001000", -1021),
            ("timestamp=1699999994999&recvWindow=5001", 0),
            ("timestamp=1699999940000&recvWindow=60000", 0),
            ("timestamp=1699999940000&recvWindow=60000.001", -1102),
            ("timestamp=1700000000000&recvWindow=70000", -1102),
            ("timestamp=1699999999990000&recvWindow=10.000", 0),
            ("timestamp=1699999999989999&recvWindow=10", -1021),
            ("timestamp=1699999999989999&recvWindow=10.001", 0),
            ("timestamp=1699999999989999&recvWindow=10.0015", -1102),
            ("timestamp=1482000000000&recvWindow=60000", -1021),
            ("timestamp=99999999999999999999", -1102),
            ("timestamp=1e12", -1100),
            ("timestamp=-5", -1100),
            ("timestamp=", -1105),
            ("recvWindow=5000", -1102),
        ];
        for (query, code) in cases {
            assert_eq!(code_of(query), code, "{query}");
        }
    }

    #[test]
    fn the_unit_is_named_by_the_header() {
        assert_eq!(TimeUnit::parse(None), Ok(TimeUnit::Millisecond));
        assert_eq!(TimeUnit::parse(Some(b"microsecond")), Ok(TimeUnit::Microsecond));
        assert_eq!(TimeUnit::parse(Some(b"NANOSECOND")).map_err(|error| error.code), Err(-1194));
        assert_eq!((TimeUnit::Microsecond.of_ms(5), TimeUnit::Microsecond.of_ms(-1)), (5_000, -1));
    }
}
