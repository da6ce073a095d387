//! Ends what has waited too long: decisions at their time limit, sessions at theirs, old points of curves, and old records
//! of cycles.

use super::Workers;
use crate::domain::time::Timestamp;
use crate::services::access::AccessService;
use crate::services::decide::expire_due;
use crate::services::desk::Desk;
use crate::services::prune_bundles::prune_bundles;
use crate::services::thin_curves::thin_curves;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How often decisions are looked at.
const DECISIONS_EVERY: Duration = Duration::from_secs(1);
/// How often sessions are.
const SESSIONS_EVERY: Duration = Duration::from_secs(50);
/// How often it is looked whether curves are due: they are thinned once a day, at the first look of it.
const CURVES_EVERY: Duration = Duration::from_secs(50);
/// How often records of cycles are.
const RECORDS_EVERY: Duration = Duration::from_secs(50);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>, access: Arc<AccessService>) {
    let (thinned, keeper) = (Arc::new(AtomicI64::new(i64::MIN)), Arc::clone(&desk));
    workers.every("curve sweeper", CURVES_EVERY, move || {
        let (thinned, desk) = (Arc::clone(&thinned), Arc::clone(&keeper));
        async move {
            let today = desk.clock.now().day_start();
            if Timestamp(thinned.load(Ordering::Relaxed)) != today && thin_curves(&desk).await? {
                thinned.store(today.0, Ordering::Relaxed);
            }
            Ok(())
        }
    });
    let keeper = Arc::clone(&desk);
    workers.every("record sweeper", RECORDS_EVERY, move || {
        let desk = Arc::clone(&keeper);
        async move { Ok(prune_bundles(&desk).await.map(|_| ())?) }
    });
    workers.every("sweeper", DECISIONS_EVERY, move || {
        let desk = Arc::clone(&desk);
        async move { Ok(expire_due(&desk).await.map(|_| ())?) }
    });
    workers.every("session sweeper", SESSIONS_EVERY, move || {
        let access = Arc::clone(&access);
        async move { Ok(access.purge_expired().await.map(|_| ())?) }
    });
}
