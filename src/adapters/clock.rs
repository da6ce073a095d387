//! The machine's own clock.

use crate::domain::time::Timestamp;
use crate::ports::clock::Clock;
use std::time::{SystemTime, UNIX_EPOCH};

/// Reads the wall clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}
