//! Holds our books against the exchange's: at start, before the scheduler may run live models, and from then on.

use super::Workers;
use crate::services::desk::Desk;
use crate::services::reconcile::reconcile_due;
use std::sync::Arc;
use std::time::Duration;

/// How often accounts whose time has come are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>) {
    workers.every("reconciler", LOOK_EVERY, move || {
        let desk = Arc::clone(&desk);
        async move {
            reconcile_due(&desk).await?;
            Ok(())
        }
    });
}
