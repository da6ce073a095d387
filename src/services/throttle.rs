//! Slows guessing down: each key (an account, an address) has a bucket of attempts that refills with time.
//!
//! Memory is bounded: at [`KEYS_MAX`] keys the full buckets are forgotten, and if none is, the fullest one, so that a
//! flood of new keys cannot push out those that are being throttled right now.

use crate::domain::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The most keys that are remembered, about a megabyte.
const KEYS_MAX: usize = 10_000;

/// How many attempts are free and how fast they come back.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Attempts in a full bucket.
    pub burst: u32,
    /// Milliseconds until one attempt comes back.
    pub refill_ms: i64,
}

/// An attempt that came too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Seconds until the next attempt is free, at least one.
    pub retry_after_s: u64,
}

/// Buckets by key.
#[derive(Debug)]
pub struct Throttle {
    rate: Rate,
    /// For each key the moment at which its bucket is full again: one number says everything.
    full_at: Mutex<HashMap<String, Timestamp>>,
}

impl Throttle {
    /// Full buckets for everyone.
    pub fn new(rate: Rate) -> Self {
        Self { rate, full_at: Mutex::default() }
    }

    /// Takes one attempt of `key`.
    ///
    /// # Errors
    /// [`TooMany`] when the bucket is empty; nothing is taken then.
    pub fn take(&self, key: &str, now: Timestamp) -> Result<(), TooMany> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let current = full_at.get(key).copied().filter(|at| *at > now).unwrap_or(now);
        let next = current.plus_ms(self.rate.refill_ms);
        let over_ms = next.since(now) - self.rate.refill_ms * i64::from(self.rate.burst);
        if over_ms > 0 {
            let retry_after_s = u64::try_from(over_ms).unwrap_or(0).div_ceil(1_000).max(1);
            return Err(TooMany { retry_after_s });
        }
        if !full_at.contains_key(key) && full_at.len() >= KEYS_MAX {
            make_room(&mut full_at, now);
        }
        full_at.insert(key.to_owned(), next);
        Ok(())
    }

    /// Fills the bucket of `key`: the person has shown who it is.
    pub fn forgive(&self, key: &str) {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Gives one attempt back.
    pub fn give_back(&self, key: &str) {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = full_at.get_mut(key) {
            *at = at.plus_ms(-self.rate.refill_ms);
        }
    }
}

fn make_room(full_at: &mut HashMap<String, Timestamp>, now: Timestamp) {
    full_at.retain(|_, at| *at > now);
    if full_at.len() >= KEYS_MAX
        && let Some(fullest) = full_at.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone())
    {
        full_at.remove(&fullest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, refill_ms: 10_000 };

    #[test]
    fn after_a_burst_one_attempt_comes_back_each_interval() {
        let throttle = Throttle::new(RATE);
        let start = Timestamp(1_000_000);
        for _ in 0..3 {
            assert_eq!(throttle.take("ada", start), Ok(()));
        }
        assert_eq!(throttle.take("ada", start), Err(TooMany { retry_after_s: 10 }));
        assert_eq!(throttle.take("bob", start), Ok(()));
        assert_eq!(throttle.take("ada", start.plus_ms(9_001)), Err(TooMany { retry_after_s: 1 }));
        assert_eq!(throttle.take("ada", start.plus_ms(10_000)), Ok(()));
        assert!(throttle.take("ada", start.plus_ms(10_000)).is_err());
        throttle.forgive("ada");
        assert_eq!(throttle.take("ada", start.plus_ms(10_000)), Ok(()));
    }

    #[test]
    fn a_flood_of_names_is_bounded_and_frees_nobody_who_is_throttled() {
        let throttle = Throttle::new(RATE);
        let now = Timestamp(1_000_000);
        for _ in 0..3 {
            throttle.take("victim", now).unwrap();
        }
        for n in 0..KEYS_MAX + 50 {
            throttle.take(&format!("name-{n}"), now).unwrap();
        }
        assert!(throttle.full_at.lock().unwrap().len() <= KEYS_MAX);
        assert!(throttle.take("victim", now).is_err());
    }
}
