//! Sends what is in the outbox, as soon as it is there.

use super::Workers;
use super::process_lease::ProcessLease;
use super::supervisor::run_round;
use crate::services::desk::Desk;
use crate::services::submit_order::submit_due;
use std::sync::Arc;
use std::time::Duration;

/// A look into the outbox even without a wake-up: another process may have journaled an order and died.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>, lease: Arc<ProcessLease>) {
    let shutdown = workers.shutdown().clone();
    workers.task("submitter", move |pulse| async move {
        while !shutdown.has_begun() {
            pulse.beat();
            run_round("submitter", round(&desk, &lease)).await;
            tokio::select! {
                () = desk.submit_wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.begun() => {}
            }
        }
    });
}

/// Sends until the outbox is empty or nothing can be sent now.
async fn round(desk: &Desk, lease: &ProcessLease) -> anyhow::Result<()> {
    let Some(sender) = lease.hold().await? else { return Ok(()) };
    submit_due(desk, &sender).await?;
    Ok(())
}
