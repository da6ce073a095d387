//! Why remembered things cannot be taken up again.

use super::event::EVENT_VERSION;
use super::names::Symbol;

/// Why an event or a snapshot does not fit: it is not of this exchange, or is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Written by another version.
    #[error("the log has version {0}, and this program reads {EVENT_VERSION}")]
    Version(u32),
    /// A market that is not served.
    #[error("the log speaks of the market {0}, which is not served")]
    UnknownSymbol(Symbol),
    /// An account, order or list that was never made.
    #[error("the log speaks of {0} before it was made")]
    Unknown(String),
    /// An account, order, trade or list that was made before.
    #[error("the log makes {0} a second time")]
    Repeated(String),
    /// An order that is closed, or whose trigger came before.
    #[error("the log changes {0}, which cannot change any more")]
    Closed(String),
    /// Something would be owed that is not there.
    #[error("the log takes more than there is: {0}")]
    Overdrawn(String),
}
