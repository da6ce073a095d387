//! The lease under which this process sends orders. While it is alive nobody else touches what it has in flight; when
//! it lapses, others may call those orders unknown.

use super::Workers;
use crate::domain::time::SECOND_MS;
use crate::ports::store::{Lease, StoreError};
use crate::services::desk::Desk;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the lease holds without renewal: twice the longest wait for an order's answer.
const LEASE_MS: i64 = 30 * SECOND_MS;
/// How often it is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// The lease of this process.
pub struct ProcessLease {
    desk: Arc<Desk>,
    held: Mutex<Option<Lease>>,
}

impl ProcessLease {
    /// Not held yet.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self { desk, held: Mutex::new(None) }
    }

    /// The lease, taken or renewed when needed; `None` when it cannot be had now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn hold(&self) -> Result<Option<Lease>, StoreError> {
        let held = self.get();
        let now = self.desk.clock.now();
        let until = now.plus_ms(LEASE_MS);
        if let Some(mut lease) = held {
            if lease.until.since(now) > LEASE_MS / 2 {
                return Ok(Some(lease));
            }
            if self.desk.store.renew_lease(&lease, until).await? {
                lease.until = until;
                self.put(Some(lease.clone()));
                return Ok(Some(lease));
            }
        }
        let name = format!("process:{}", self.desk.process);
        let taken = self.desk.store.acquire_lease(&name, &self.desk.process, now, until, None).await?;
        self.put(taken.clone());
        Ok(taken)
    }

    fn get(&self) -> Option<Lease> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, lease: Option<Lease>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = lease;
    }

    async fn give_back(&self) {
        if let Some(lease) = self.get()
            && let Err(error) = self.desk.store.release_lease(&lease).await
        {
            crate::observe::store_failed("giving back the process's lease", &error);
        }
    }
}

/// Keeps the lease alive, and gives it back at the end so that nobody has to wait for it to lapse.
pub(super) fn start(workers: &mut Workers, lease: Arc<ProcessLease>) {
    let shutdown = workers.shutdown().clone();
    workers.task("process lease", move |pulse| async move {
        loop {
            pulse.beat();
            super::supervisor::run_round("process lease", async { Ok(lease.hold().await.map(|_| ())?) }).await;
            tokio::select! {
                () = tokio::time::sleep(RENEW_EVERY) => {}
                () = shutdown.begun() => break,
            }
        }
        // Orders in flight finish within their own limit; the lease outlives them.
        tokio::time::sleep(Duration::from_millis(200)).await;
        lease.give_back().await;
    });
}
