//! The emergency stop's own switch, outside the contended database, so that it works while another writer holds it.

use crate::domain::time::Timestamp;
use async_trait::async_trait;

/// Who pulled the stop, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopOrder {
    /// The operator's or token's name.
    pub by: String,
    /// Wall-clock time.
    pub at: Timestamp,
    /// What the person typed; may be empty.
    pub reason: String,
}

/// Why the switch could not be read or moved.
#[derive(Debug, thiserror::Error)]
#[error("the emergency stop switch could not be {action}: {detail}")]
pub struct StopSwitchError {
    /// `read`, `raised` or `lowered`.
    pub action: &'static str,
    /// The system's reason.
    pub detail: String,
}

/// A durable flag that every process reads right before each send.
#[async_trait]
pub trait StopSwitch: Send + Sync {
    /// The stop in force, if any. An unreadable switch is an error, which senders treat as "stopped".
    ///
    /// # Errors
    /// When the switch cannot be read.
    async fn in_force(&self) -> Result<Option<StopOrder>, StopSwitchError>;

    /// Raises the flag; durable when this returns.
    ///
    /// # Errors
    /// When it cannot be made durable.
    async fn raise(&self, order: &StopOrder) -> Result<(), StopSwitchError>;

    /// Lowers the flag once the database has recorded the stop.
    ///
    /// # Errors
    /// When it cannot be made durable.
    async fn lower(&self) -> Result<(), StopSwitchError>;
}
