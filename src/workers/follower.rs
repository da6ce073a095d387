//! Follows orders that are under way: rests that may fill, outcomes that are unknown, orders whose sender died.

use super::Workers;
use super::process_lease::ProcessLease;
use crate::services::desk::Desk;
use crate::services::resolve_unknown::resolve_due;
use crate::services::submit_order::follow_up;
use std::sync::Arc;
use std::time::Duration;

/// How often venues are asked about open orders.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>, lease: Arc<ProcessLease>) {
    workers.every("order follower", FOLLOW_EVERY, move || {
        let (desk, lease) = (Arc::clone(&desk), Arc::clone(&lease));
        async move {
            // Our own lease must be in the store before anybody judges whose sender is alive.
            if lease.hold().await?.is_some() {
                follow_up(&desk).await?;
                resolve_due(&desk).await?;
            }
            Ok(())
        }
    });
}
