//! Market time of a simulated market: it runs at a speed from a starting moment, or is moved by hand in tests.

use crate::domain::time::Timestamp;
use crate::ports::clock::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The highest speed of a simulated market: one wall-clock second is a day and a bit.
pub const SPEED_MAX: u32 = 100_000;

enum Mode {
    Running { wall: Arc<dyn Clock>, wall_start: Timestamp, start_at: Timestamp, speed: u32 },
    Manual,
}

/// Tells market time. It never runs backwards, even when the wall clock is set back.
pub struct SimulatedClock {
    mode: Mode,
    latest: AtomicI64,
}

impl SimulatedClock {
    /// Market time is `start_at` now and then runs `speed` times as fast as the wall clock (1 to [`SPEED_MAX`]; other
    /// values are brought into that range).
    pub fn running(wall: Arc<dyn Clock>, start_at: Timestamp, speed: u32) -> Self {
        let wall_start = wall.now();
        let mode = Mode::Running { wall, wall_start, start_at, speed: speed.clamp(1, SPEED_MAX) };
        Self { mode, latest: AtomicI64::new(start_at.0) }
    }

    /// Market time stands at `start_at` until [`Self::advance_to`] moves it.
    pub fn manual(start_at: Timestamp) -> Self {
        Self { mode: Mode::Manual, latest: AtomicI64::new(start_at.0) }
    }

    /// Market time.
    pub fn now(&self) -> Timestamp {
        match &self.mode {
            Mode::Manual => Timestamp(self.latest.load(Ordering::Acquire)),
            Mode::Running { wall, wall_start, start_at, speed } => {
                let elapsed = wall.now().since(*wall_start).max(0).saturating_mul(i64::from(*speed));
                let time = start_at.plus_ms(elapsed).0;
                Timestamp(self.latest.fetch_max(time, Ordering::AcqRel).max(time))
            }
        }
    }

    /// Moves market time forward to `at`; an earlier moment changes nothing. A running clock goes on from its own time
    /// once that has passed `at`.
    pub fn advance_to(&self, at: Timestamp) {
        self.latest.fetch_max(at.0, Ordering::AcqRel);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A wall clock that tests set.
    pub struct HandClock(pub AtomicI64);

    impl Clock for HandClock {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn market_time_runs_at_its_speed_and_never_backwards() {
        let wall = Arc::new(HandClock(AtomicI64::new(1_000)));
        let clock = SimulatedClock::running(wall.clone(), Timestamp(50_000), 60);
        assert_eq!(clock.now(), Timestamp(50_000));
        wall.0.store(2_000, Ordering::SeqCst);
        assert_eq!(clock.now(), Timestamp(110_000));
        wall.0.store(0, Ordering::SeqCst);
        assert_eq!(clock.now(), Timestamp(110_000));
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved_forward() {
        let clock = SimulatedClock::manual(Timestamp(5));
        clock.advance_to(Timestamp(9));
        clock.advance_to(Timestamp(7));
        assert_eq!(clock.now(), Timestamp(9));
    }
}
