//! Moments and spans in milliseconds, UTC. The clock itself lives behind a port; nothing here asks what time it is.

use serde::{Deserialize, Serialize};

/// Milliseconds in one second.
pub const SECOND_MS: i64 = 1_000;
/// Milliseconds in one minute.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// Milliseconds in one hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds in one UTC day (UTC days have no leap seconds here, as at every exchange).
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `ms` milliseconds later (or earlier, when negative); stays at the ends of the range.
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// 00:00 UTC of this moment's day.
    pub const fn day_start(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY_MS))
    }

    /// 00:00 UTC of the first day of this moment's month.
    pub fn month_start(self) -> Self {
        let day = jiff::Timestamp::from_millisecond(self.0).map_or(1, |at| at.to_zoned(jiff::tz::TimeZone::UTC).day());
        Self(self.day_start().0 - i64::from(day - 1) * DAY_MS)
    }

    /// The latest multiple of `step_ms` that is not after this moment.
    pub const fn floor_to(self, step_ms: i64) -> Self {
        Self(self.0 - self.0.rem_euclid(step_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_starts_on_its_first_day() {
        // 2024-02-29T13:00:00Z and 2024-02-01T00:00:00Z.
        assert_eq!(Timestamp(1_709_211_600_000).month_start(), Timestamp(1_706_745_600_000));
        assert_eq!(Timestamp(1_706_745_600_000).month_start(), Timestamp(1_706_745_600_000));
        assert_eq!(Timestamp(1_706_745_599_999).month_start(), Timestamp(1_704_067_200_000));
    }
}
