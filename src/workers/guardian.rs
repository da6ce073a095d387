//! Watches stops, targets and margins of open positions.

use super::Workers;
use crate::services::desk::Desk;
use crate::services::protect::{Watch, watch};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How often positions are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>) {
    let state = Arc::new(Mutex::new(Watch::default()));
    workers.every("guardian", LOOK_EVERY, move || {
        let (desk, state) = (Arc::clone(&desk), Arc::clone(&state));
        async move {
            watch(&desk, &mut *state.lock().await).await?;
            Ok(())
        }
    });
}
