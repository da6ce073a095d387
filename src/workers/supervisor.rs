//! Keeps workers running: a round that fails or panics is logged and the next one comes all the same.

use crate::services::health::{Health, Heartbeat};
use crate::services::shutdown::Shutdown;
use futures_util::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// A worker that is silent for this long, in milliseconds, is not alive. Rounds have limits of their own below this.
const MAX_SILENCE_MS: i64 = 60_000;
/// Pause after a panic, so that a defect does not become a busy loop.
const PANIC_PAUSE: Duration = Duration::from_secs(1);

/// The running workers of a process.
pub struct Workers {
    health: Arc<Health>,
    shutdown: Shutdown,
    tasks: JoinSet<()>,
}

impl Workers {
    /// No workers yet.
    pub fn new(health: Arc<Health>, shutdown: Shutdown) -> Self {
        Self { health, shutdown, tasks: JoinSet::new() }
    }

    /// What ends every worker.
    pub const fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Runs `round` every `pause` until the end; the first round comes at once. A longer pause than a worker may be silent
    /// for is a mistake: it beats once a round.
    pub fn every<F, R>(&mut self, name: &'static str, pause: Duration, mut round: F)
    where
        F: FnMut() -> R + Send + 'static,
        R: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        debug_assert!(pause.as_millis() < u128::from(MAX_SILENCE_MS.unsigned_abs()), "{name} would count as silent");
        let shutdown = self.shutdown.clone();
        self.task(name, move |pulse| async move {
            while !shutdown.has_begun() {
                pulse.beat();
                run_round(name, round()).await;
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = shutdown.begun() => {}
                }
            }
        });
    }

    /// Runs a worker with a loop of its own; it must beat and watch the shutdown itself.
    pub fn task<F, R>(&mut self, name: &'static str, worker: F)
    where
        F: FnOnce(Heartbeat) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let pulse = self.health.register(name, MAX_SILENCE_MS);
        self.tasks.spawn(worker(pulse));
    }

    /// Waits until every worker has ended, at most `within`. Returns whether all did.
    pub async fn drain(mut self, within: Duration) -> bool {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(within, all).await.is_ok()
    }
}

/// One round, whatever it does.
pub(super) async fn run_round(name: &'static str, round: impl Future<Output = anyhow::Result<()>>) {
    match AssertUnwindSafe(round).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => crate::observe::worker_failed(name, error.as_ref()),
        Err(_) => {
            crate::observe::worker_panicked(name);
            tokio::time::sleep(PANIC_PAUSE).await;
        }
    }
}
