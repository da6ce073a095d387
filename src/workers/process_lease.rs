//! The lease under which this process sends orders. While it is alive nobody else touches what it has in flight; when
//! it lapses, others may call those orders unknown.

use super::Workers;
use crate::domain::time::SECOND_MS;
use crate::ports::store::{Lease, StoreError};
use crate::services::desk::Desk;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};

/// How long the lease holds without renewal: twice the longest wait for an order's answer.
const LEASE_MS: i64 = 30 * SECOND_MS;
/// How long the lease waits for orders in flight once the end has begun; it lapses later than that by itself.
const SENDING_ENDS_WITHIN: Duration = Duration::from_secs(20);
/// How often it is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// The lease of this process.
pub struct ProcessLease {
    desk: Arc<Desk>,
    held: Mutex<Option<Lease>>,
    /// Told once nothing is being sent any more.
    idle: Notify,
}

impl ProcessLease {
    /// Not held yet.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self { desk, held: Mutex::new(None), idle: Notify::new() }
    }

    /// The lease, taken or renewed when needed; `None` when it cannot be had now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn hold(&self) -> Result<Option<Lease>, StoreError> {
        // One at a time: whoever asks while another is taking the lease must get that one, not be told it is taken.
        let mut held = self.held.lock().await;
        let now = self.desk.clock.now();
        let until = now.plus_ms(LEASE_MS);
        if let Some(lease) = held.as_mut() {
            if lease.until.since(now) > LEASE_MS / 2 {
                return Ok(Some(lease.clone()));
            }
            if self.desk.store.renew_lease(lease, until).await? {
                lease.until = until;
                return Ok(Some(lease.clone()));
            }
        }
        let name = format!("process:{}", self.desk.process);
        *held = self.desk.store.acquire_lease(&name, &self.desk.process, now, until, None).await?;
        Ok(held.clone())
    }

    /// Nothing is in flight any more: the lease may be given back.
    pub(super) fn done_sending(&self) {
        self.idle.notify_one();
    }

    async fn give_back(&self) {
        if let Some(lease) = self.held.lock().await.take()
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
        // The lease outlives what is in flight, so that nobody calls those orders unknown.
        let _ = tokio::time::timeout(SENDING_ENDS_WITHIN, lease.idle.notified()).await;
        lease.give_back().await;
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_desk;

    #[tokio::test]
    async fn workers_that_ask_at_the_same_moment_get_the_same_lease() {
        let (desk, _dir) = test_desk().await;
        let lease = Arc::new(ProcessLease::new(desk));
        let asks = (0..8).map(|_| {
            let lease = Arc::clone(&lease);
            tokio::spawn(async move { lease.hold().await.unwrap().map(|lease| lease.epoch) })
        });
        for ask in asks.collect::<Vec<_>>() {
            assert_eq!(ask.await.unwrap(), Some(1));
        }
    }
}
