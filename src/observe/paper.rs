//! Events of the paper exchange.

use super::chain;
use std::error::Error;

/// A paper exchange listens.
pub fn paper_exchange_started(address: &std::net::SocketAddr) {
    tracing::info!(%address, "paper exchange started");
}

/// Its market does not answer; told once until it answers again.
pub fn paper_market_failed(error: &dyn Error) {
    tracing::warn!(error = chain(error), "the paper exchange's market does not answer; prices stand still");
}

/// A torn last line was cut off its state file.
pub fn paper_state_cut(bytes: u64) {
    tracing::warn!(bytes, "the state file ended in a torn line that nobody was told about; it was cut off");
}

/// A command panicked half way: the process ends.
pub fn paper_floor_broken() {
    tracing::error!("a command of the paper exchange panicked half way; the process ends, and the state file holds");
}

/// Its state file cannot be written: nothing is confirmed from now on.
pub fn paper_state_failed(error: &dyn Error) {
    metrics::counter!("countersign_paper_state_failed_total").increment(1);
    tracing::error!(
        error = chain(error),
        "the paper exchange's state file cannot be written; nothing is confirmed any more"
    );
}
