//! Whether this process can do its work: each worker beats, and who falls silent is named.

use crate::domain::time::Timestamp;
use crate::ports::access_store::{AccessStore, AccessStoreError};
use crate::ports::clock::Clock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One worker's pulse. Clones beat for the same worker.
#[derive(Clone)]
pub struct Heartbeat {
    last: Arc<AtomicI64>,
    clock: Arc<dyn Clock>,
}

impl Heartbeat {
    /// Says "I am alive"; call it once a round.
    pub fn beat(&self) {
        self.last.store(self.clock.now().0, Ordering::Relaxed);
    }
}

struct Pulse {
    last: Arc<AtomicI64>,
    max_silence_ms: i64,
}

/// What was found when asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthReport {
    /// The database answers and has every migration.
    pub database_ok: bool,
    /// Each worker and whether it beat in time.
    pub workers: BTreeMap<String, bool>,
}

impl HealthReport {
    /// Whether everything is well.
    pub fn is_ready(&self) -> bool {
        self.database_ok && self.workers_ok()
    }

    /// Whether every worker beat in time.
    pub fn workers_ok(&self) -> bool {
        self.workers.values().all(|ok| *ok)
    }
}

/// Knows every worker's pulse and how to ask the database.
pub struct Health {
    clock: Arc<dyn Clock>,
    store: Arc<dyn AccessStore>,
    pulses: Mutex<BTreeMap<String, Pulse>>,
}

impl Health {
    /// Health of a process without workers yet.
    pub fn new(clock: Arc<dyn Clock>, store: Arc<dyn AccessStore>) -> Self {
        Self { clock, store, pulses: Mutex::default() }
    }

    /// Registers a worker that promises to beat at least every `max_silence_ms`; it counts as alive from now on.
    pub fn register(&self, worker: &str, max_silence_ms: i64) -> Heartbeat {
        let last = Arc::new(AtomicI64::new(self.clock.now().0));
        let pulse = Pulse { last: Arc::clone(&last), max_silence_ms };
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).insert(worker.to_owned(), pulse);
        Heartbeat { last, clock: Arc::clone(&self.clock) }
    }

    /// Each worker and whether it beat in time; asks nobody, so that a page can show it on every load.
    pub fn workers(&self) -> BTreeMap<String, bool> {
        let now = self.clock.now();
        let pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = |pulse: &Pulse| now.since(Timestamp(pulse.last.load(Ordering::Relaxed))) <= pulse.max_silence_ms;
        pulses.iter().map(|(name, pulse)| (name.clone(), alive(pulse))).collect()
    }

    /// Asks the database and looks at every pulse.
    pub async fn report(&self) -> HealthReport {
        let database: Result<(), AccessStoreError> = self.store.is_ready().await;
        if let Err(error) = &database {
            crate::observe::database_not_ready(error);
        }
        HealthReport { database_ok: database.is_ok(), workers: self.workers() }
    }
}
