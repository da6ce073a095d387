//! Keeps a lease alive while somebody works under it: a short lease, renewed often, so that a process that was killed
//! keeps the others out for seconds and not for as long as the work may take.

use crate::domain::time::SECOND_MS;
use crate::ports::store::Lease;
use crate::services::desk::Desk;
use std::time::Duration;

/// How long a lease of work under way holds without renewal, in milliseconds. Two renewals may fail before it lapses.
pub const LEASE_MS: i64 = 20 * SECOND_MS;
/// Renewed as soon as less than this is left of it, in milliseconds.
const RENEW_BELOW_MS: i64 = LEASE_MS * 2 / 3;
/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Renews a lease by the desk's clock and returns when it was lost to another process. Whoever works under the lease
/// races this against the work; its commits are guarded by the lease all the same.
pub async fn until_lost(desk: &Desk, lease: &Lease) {
    let mut until = lease.until;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = desk.clock.now();
        if until.since(now) >= RENEW_BELOW_MS {
            continue;
        }
        let next = now.plus_ms(LEASE_MS);
        match desk.store.renew_lease(lease, next).await {
            Ok(true) => until = next,
            Ok(false) => return,
            // The commit's guard decides whether the lease is still ours.
            Err(error) => crate::observe::lease_renewal_failed(&lease.name, &error),
        }
    }
}
