//! Lets open pages follow what other processes on the same database do.

use super::Workers;
use crate::services::desk::Desk;
use crate::services::follow_others::OthersFollower;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How often the database is looked at while a page is open.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>) {
    let state = Arc::new(Mutex::new(OthersFollower::default()));
    workers.every("feed relay", LOOK_EVERY, move || {
        let (desk, state) = (Arc::clone(&desk), Arc::clone(&state));
        async move {
            state.lock().await.look(&desk).await?;
            Ok(())
        }
    });
}
