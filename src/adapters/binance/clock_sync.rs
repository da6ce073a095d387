//! The venue's time, told by our monotonic clock: a wall clock that jumps moves no timestamp.
//!
//! One question gives `sent`, the venue's time and `received`. The venue looked at its clock at some moment in between;
//! the midpoint is the best guess, wrong by half the round trip at most. Timestamps are stamped that much into the past:
//! the venue forgives seconds of age, but hardly any future.

use crate::domain::time::{MINUTE_MS, SECOND_MS, Timestamp};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A round trip longer than this tells too little about the moment in between.
pub const RTT_MAX: Duration = Duration::from_secs(1);
/// How long a sample is trusted.
const TRUSTED_MS: i64 = 15 * MINUTE_MS;
/// When wall and monotonic clock have come apart by more than this, the machine slept or its clock was set.
const APART_MAX_MS: i64 = SECOND_MS;
/// Into the past beyond half the round trip, in milliseconds.
const BIAS_MS: i64 = 50;

/// One answer about the venue's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Our monotonic clock in the middle of the round trip, in milliseconds.
    middle_ms: i64,
    /// Length of the round trip in milliseconds.
    pub rtt_ms: i64,
    server: Timestamp,
    wall: Timestamp,
}

impl Sample {
    /// Makes a sample of an answer; `None` when the round trip was too long or the time cannot be.
    ///
    /// `sent` and `received` are readings of the monotonic clock, `wall` the wall clock's when the answer came.
    pub fn new(sent: Duration, received: Duration, server: Timestamp, wall: Timestamp) -> Option<Self> {
        let rtt = received.checked_sub(sent)?;
        let plausible = server.0 > 0 && rtt <= RTT_MAX;
        let middle = sent + rtt / 2;
        plausible.then(|| Self { middle_ms: ms(middle), rtt_ms: ms(rtt), server, wall })
    }

    /// How far our wall clock is ahead of the venue's, in milliseconds; negative when it is behind.
    pub const fn skew_ms(&self) -> i64 {
        self.wall.since(self.server) - self.rtt_ms / 2
    }
}

/// Remembers the last good sample.
#[derive(Debug, Default)]
pub struct ServerClock(Mutex<Option<Sample>>);

impl ServerClock {
    /// Takes a sample over.
    pub fn set(&self, sample: Sample) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sample);
    }

    /// Whether there is no sample, or it is old, or a clock was moved since.
    pub fn is_stale(&self, monotonic: Duration, wall: Timestamp) -> bool {
        let Some(sample) = self.last() else { return true };
        let elapsed = ms(monotonic) - sample.middle_ms;
        let wall_elapsed = wall.since(sample.wall) + sample.rtt_ms / 2;
        elapsed >= TRUSTED_MS || (wall_elapsed - elapsed).abs() > APART_MAX_MS
    }

    /// The timestamp for a request that leaves now; `None` before the first sample.
    pub fn timestamp_ms(&self, monotonic: Duration) -> Option<i64> {
        let sample = self.last()?;
        Some(sample.server.0 + ms(monotonic) - sample.middle_ms - sample.rtt_ms / 2 - BIAS_MS)
    }

    /// How far our wall clock was ahead of the venue's at the last sample, in milliseconds.
    pub fn skew_ms(&self) -> Option<i64> {
        self.last().map(|sample| sample.skew_ms())
    }

    /// The last good sample.
    pub fn last(&self) -> Option<Sample> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: Timestamp = Timestamp(1_767_262_800_000);

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_timestamp_lies_in_the_past_by_half_the_round_trip_and_a_little() {
        let clock = ServerClock::default();
        assert_eq!(clock.timestamp_ms(at(0)), None);
        // The venue is 5 s ahead of us; its answer took 200 ms in all.
        let sample = Sample::new(at(1_000), at(1_200), WALL.plus_ms(5_000 - 100), WALL).expect("quick enough");
        assert_eq!(sample.skew_ms(), -5_000);
        clock.set(sample);
        let truth = WALL.0 + 5_000;
        assert_eq!(clock.timestamp_ms(at(1_200)), Some(truth - 100 - BIAS_MS));
        assert_eq!(clock.timestamp_ms(at(61_200)), Some(truth + 60_000 - 100 - BIAS_MS));
    }

    #[test]
    fn even_the_worst_placed_sample_never_stamps_the_future() {
        // Whenever in the round trip the venue looked at its clock, the stamp is not ahead of its time.
        for looked_after in [0, 400, 800] {
            let clock = ServerClock::default();
            let sample = Sample::new(at(0), at(800), WALL.plus_ms(looked_after), WALL).expect("quick enough");
            clock.set(sample);
            let venue_now = WALL.0 + 800;
            let stamp = clock.timestamp_ms(at(800)).expect("sampled");
            assert!((0..=1_000).contains(&(venue_now - stamp)), "{}", venue_now - stamp);
        }
    }

    #[test]
    fn slow_and_absurd_answers_are_no_samples() {
        assert_eq!(Sample::new(at(0), at(1_001), WALL, WALL), None);
        assert_eq!(Sample::new(at(5), at(4), WALL, WALL), None);
        assert_eq!(Sample::new(at(0), at(1), Timestamp(0), WALL), None);
    }

    #[test]
    fn a_sample_grows_old_and_a_moved_clock_spoils_it() {
        let clock = ServerClock::default();
        assert!(clock.is_stale(at(0), WALL));
        clock.set(Sample::new(at(0), at(100), WALL, WALL).expect("quick enough"));
        let after = |ms: i64| (at(u64::try_from(ms).expect("positive") + 100), WALL.plus_ms(ms));
        let is_stale = |(monotonic, wall)| clock.is_stale(monotonic, wall);
        assert!(!is_stale(after(TRUSTED_MS - 200)));
        assert!(is_stale(after(TRUSTED_MS)));
        let (monotonic, wall) = after(60_000);
        assert!(is_stale((monotonic, wall.plus_ms(1_500))), "the wall clock was set forward, or the machine slept");
        assert!(is_stale((monotonic, wall.plus_ms(-1_500))), "the wall clock was set back");
    }
}
