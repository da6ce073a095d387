//! Ends what has waited too long: decisions at their time limit, sessions at theirs.

use super::Workers;
use crate::services::access::AccessService;
use crate::services::decide::expire_due;
use crate::services::desk::Desk;
use std::sync::Arc;
use std::time::Duration;

/// How often decisions are looked at.
const DECISIONS_EVERY: Duration = Duration::from_secs(1);
/// How often sessions are.
const SESSIONS_EVERY: Duration = Duration::from_secs(50);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>, access: Arc<AccessService>) {
    workers.every("sweeper", DECISIONS_EVERY, move || {
        let desk = Arc::clone(&desk);
        async move { Ok(expire_due(&desk).await.map(|_| ())?) }
    });
    workers.every("session sweeper", SESSIONS_EVERY, move || {
        let access = Arc::clone(&access);
        async move { Ok(access.purge_expired().await.map(|_| ())?) }
    });
}
