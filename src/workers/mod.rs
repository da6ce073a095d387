//! Background workers: each is a loop with a name, a pulse and a round that a test can call on its own.

mod ban_keeper;
mod feed_relay;
mod follower;
mod guardian;
mod observer;
mod process_lease;
mod reconciler;
mod scheduler;
mod shadower;
mod stop_keeper;
mod submitter;
mod supervisor;
mod sweeper;

pub use observer::MARKET_CLOCK;
pub use process_lease::ProcessLease;
pub use supervisor::Workers;

use crate::services::access::AccessService;
use crate::services::desk::Desk;
use crate::services::health::Health;
use crate::services::shutdown::Shutdown;
use std::sync::Arc;

/// Starts every worker; they end when `shutdown` begins.
pub fn start(desk: &Arc<Desk>, access: &Arc<AccessService>, health: &Arc<Health>, shutdown: &Shutdown) -> Workers {
    let mut workers = Workers::new(Arc::clone(health), shutdown.clone());
    let lease = Arc::new(ProcessLease::new(Arc::clone(desk)));
    process_lease::start(&mut workers, Arc::clone(&lease));
    submitter::start(&mut workers, Arc::clone(desk), Arc::clone(&lease));
    follower::start(&mut workers, Arc::clone(desk), lease);
    reconciler::start(&mut workers, Arc::clone(desk));
    scheduler::start(&mut workers, Arc::clone(desk));
    shadower::start(&mut workers, Arc::clone(desk));
    sweeper::start(&mut workers, Arc::clone(desk), Arc::clone(access));
    feed_relay::start(&mut workers, Arc::clone(desk));
    guardian::start(&mut workers, Arc::clone(desk));
    observer::start(&mut workers, Arc::clone(desk));
    ban_keeper::start(&mut workers, Arc::clone(desk));
    stop_keeper::start(&mut workers, Arc::clone(desk));
    workers
}
