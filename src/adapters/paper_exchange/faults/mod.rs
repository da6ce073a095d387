//! Faults on purpose: what a careful client must survive, asked for by script or at run time.
//!
//! A script is TOML: any number of `[[fault]]` tables, looked at in order; the first that matches a request and is due
//! decides what happens to it.
//!
//! ```toml
//! seed = 7                        # of `probability`; 1 when it is not said
//!
//! [[fault]]
//! method = "POST"                 # any method when it is not said
//! path = "/api/v3/order"          # any path when it is not said
//! skip = 2                        # matching requests that pass first; 0 when it is not said
//! count = 1                       # requests that it meets; "forever", or 1 when it is not said
//! probability = 0.25              # of meeting a matching request; 1 when it is not said
//! action = "drop_after_accept"
//! ```
//!
//! | action | what happens | its own keys |
//! |---|---|---|
//! | `drop_before` | the connection closes; nothing was done | |
//! | `drop_after_accept` | it was done; the connection closes without an answer | |
//! | `hang` | the answer comes late | `seconds`; `accepted` (true): done before the wait, or after it |
//! | `truncate` | it was done; the answer breaks off | `bytes` (half of them) |
//! | `status` | a bare HTTP status with an HTML body | `status`; `accepted` (false): whether it was done |
//! | `error` | a code of your choice | `code`; `status` (400, and 503 for -1000, -1001, -1006, -1007 and -1008), `message`, `accepted` (false) |
//! | `rate_limit` | 429 with -1003 | `retry_after` in seconds (1) |
//! | `order_limit` | 429 with -1015 | `retry_after` in seconds (1) |
//! | `ban` | 418 with -1003 | `retry_after` in seconds (120) |
//! | `hide` | it is done; no question finds the order for a while | `milliseconds`, `queries`, or both: the first that passes shows it |
//! | `repeat_rows` | every row of a list, and every fill of an order, is told twice | |
//! | `clock_skew` | the exchange's clock is off for this request | `milliseconds`, may be negative |
//! | `thin_book` | the book holds next to nothing while the order is matched | `share` (0.001) of its usual depth |
//!
//! A key that is not known, or that the action has no use for, is refused with its line.

mod script;

pub use script::ScriptError;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most faults in one script.
pub const FAULTS_MAX: usize = 256;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The connection closes before anything is done.
    DropBefore,
    /// The connection closes after everything is done.
    DropAfterAccept,
    /// The answer comes late.
    Hang {
        /// How late.
        wait: Duration,
        /// Whether it is done before the wait.
        accepted: bool,
    },
    /// The answer breaks off.
    Truncate {
        /// After so many bytes; half of them when `None`.
        bytes: Option<usize>,
    },
    /// A bare HTTP status.
    Status {
        /// Which.
        status: u16,
        /// Whether it was done.
        accepted: bool,
    },
    /// A code.
    Error {
        /// Which.
        code: i32,
        /// HTTP status.
        status: u16,
        /// The words.
        message: String,
        /// Whether it was done.
        accepted: bool,
    },
    /// 429 for too much weight.
    RateLimit {
        /// Seconds.
        retry_after: u64,
    },
    /// 429 for too many orders.
    OrderLimit {
        /// Seconds.
        retry_after: u64,
    },
    /// 418.
    Ban {
        /// Seconds.
        retry_after: u64,
    },
    /// No question finds the accepted order for a while.
    Hide {
        /// For so many milliseconds of the wall clock.
        milliseconds: Option<i64>,
        /// For so many questions that would have shown it.
        queries: Option<u32>,
    },
    /// Rows come twice.
    RepeatRows,
    /// The clock is off.
    ClockSkew {
        /// By so much; negative when it is behind.
        milliseconds: i64,
    },
    /// The book is thin.
    ThinBook {
        /// Share of its usual depth.
        share: Decimal,
    },
}

/// One fault with the requests that it meets.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// HTTP method; any when `None`.
    pub method: Option<String>,
    /// Path; any when `None`.
    pub path: Option<String>,
    /// Matching requests that pass first.
    pub skip: u64,
    /// Requests that it meets; without end when `None`.
    pub count: Option<u64>,
    /// Chance of meeting a matching request, 0 to 1.
    pub probability: f64,
    /// What happens.
    pub action: Action,
}

impl Fault {
    /// Meets the next request of this method and path, once.
    pub fn once(method: &str, path: &str, action: Action) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            skip: 0,
            count: Some(1),
            probability: 1.0,
            action,
        }
    }
}

/// A whole script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultScript {
    /// Seed of the chances.
    pub seed: u64,
    /// In the order in which they are looked at.
    pub faults: Vec<Fault>,
}

impl FaultScript {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that breaks a rule.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        script::parse(text)
    }
}

/// The faults of a running exchange.
#[derive(Debug)]
pub struct Faults {
    /// Lets requests pass without a lock while there is no fault at all.
    any: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    chance: StdRng,
    faults: Vec<(Fault, Tally)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    seen: u64,
    met: u64,
}

impl Faults {
    /// Takes a script.
    pub fn new(script: FaultScript) -> Self {
        let inner = Inner { chance: StdRng::seed_from_u64(script.seed), faults: Vec::new() };
        let faults = Self { any: AtomicBool::new(false), inner: Mutex::new(inner) };
        faults.set(script);
        faults
    }

    /// Puts a script in the place of everything so far.
    pub fn set(&self, script: FaultScript) {
        let mut inner = self.lock();
        inner.chance = StdRng::seed_from_u64(script.seed);
        inner.faults = script.faults.into_iter().map(|fault| (fault, Tally::default())).collect();
        self.any.store(!inner.faults.is_empty(), Ordering::Release);
    }

    /// Adds a fault behind those that are there; beyond [`FAULTS_MAX`] the oldest goes.
    pub fn add(&self, fault: Fault) {
        let mut inner = self.lock();
        if inner.faults.len() == FAULTS_MAX {
            inner.faults.remove(0);
        }
        inner.faults.push((fault, Tally::default()));
        self.any.store(true, Ordering::Release);
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.set(FaultScript::default());
    }

    /// How many requests were met by a fault so far that still is in the list.
    pub fn met(&self) -> u64 {
        self.lock().faults.iter().map(|(_, tally)| tally.met).sum()
    }

    /// What happens to this request, if anything.
    pub fn meet(&self, method: &str, path: &str) -> Option<Action> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut inner = self.lock();
        let Inner { chance, faults } = &mut *inner;
        for (fault, tally) in faults.iter_mut() {
            let matches = fault.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && fault.path.as_deref().is_none_or(|wanted| wanted == path);
            if !matches || fault.count.is_some_and(|count| tally.met >= count) {
                continue;
            }
            tally.seen += 1;
            if tally.seen <= fault.skip || (fault.probability < 1.0 && !chance.random_bool(fault.probability)) {
                continue;
            }
            tally.met += 1;
            return Some(fault.action.clone());
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Counters and chances are whole after every step, so a poisoned lock is still good.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_skips_meets_and_ends_as_told() {
        let mut fault = Fault::once("POST", "/api/v3/order", Action::DropBefore);
        (fault.skip, fault.count) = (1, Some(2));
        let faults = Faults::new(FaultScript { seed: 1, faults: vec![fault] });
        let meets: Vec<bool> = (0..5).map(|_| faults.meet("POST", "/api/v3/order").is_some()).collect();
        assert_eq!(meets, [false, true, true, false, false]);
        assert_eq!(faults.meet("GET", "/api/v3/order"), None);
        assert_eq!(faults.met(), 2);
        faults.add(Fault { method: None, path: None, ..Fault::once("", "", Action::RepeatRows) });
        assert_eq!(faults.meet("GET", "/anything"), Some(Action::RepeatRows));
        faults.clear();
        assert_eq!(faults.meet("GET", "/anything"), None);
    }

    #[test]
    fn the_same_seed_meets_the_same_requests() {
        let script = |seed| FaultScript {
            seed,
            faults: vec![Fault {
                count: None,
                probability: 0.5,
                ..Fault::once("GET", "/api/v3/time", Action::DropBefore)
            }],
        };
        let run = |seed| {
            let faults = Faults::new(script(seed));
            (0..64).map(|_| faults.meet("GET", "/api/v3/time").is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
        assert!(run(3).contains(&true) && run(3).contains(&false));
    }
}
