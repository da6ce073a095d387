//! Takes points of every equity curve, and remembers how far a simulated market has come.

use super::Workers;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::services::desk::Desk;
use crate::services::live_feed::Topic;
use crate::services::observe_equity::observe_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How often the observer looks; open pages refresh their prices at this pace.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// One point of a curve for each such span of market time.
const POINT_EVERY_MS: i64 = 5 * MINUTE_MS;
/// The name under which market time is remembered.
pub const MARKET_CLOCK: &str = "market_clock";

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>) {
    let last = Arc::new(AtomicI64::new(i64::MIN));
    workers.every("observer", LOOK_EVERY, move || {
        let (desk, last) = (Arc::clone(&desk), Arc::clone(&last));
        async move {
            let now = desk.markets.simulation.now();
            if desk.markets.simulation.source().is_simulated() {
                desk.store.set_meta(MARKET_CLOCK, &now.0.to_string()).await?;
            }
            let point = now.floor_to(POINT_EVERY_MS);
            if Timestamp(last.swap(point.0, Ordering::Relaxed)) != point {
                observe_all(&desk).await?;
            }
            desk.live.publish(Topic::Equity, None, None);
            Ok(())
        }
    });
}
