//! Wall-clock time, injected. Market time comes from the market itself ([`super::market_data::MarketData::now`]).

use crate::domain::time::Timestamp;

/// Tells the wall-clock time; leases, sessions and time limits of approvals run on it.
pub trait Clock: Send + Sync {
    /// The current moment, UTC.
    fn now(&self) -> Timestamp;
}
