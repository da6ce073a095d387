//! Finishes an emergency stop that could not be recorded at once: after a busy database, or a crash.

use super::Workers;
use crate::services::desk::Desk;
use crate::services::emergency_stop::finish;
use std::sync::Arc;
use std::time::Duration;

/// How often the switch is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>) {
    workers.every("stop keeper", LOOK_EVERY, move || {
        let desk = Arc::clone(&desk);
        async move { Ok(finish(&desk).await.map(|_| ())?) }
    });
}
