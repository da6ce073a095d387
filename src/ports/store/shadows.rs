//! Candidates on paper as the store keeps them.

use super::{Page, StoreError};
use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, ShadowId, TraderId};
use crate::domain::shadow::{Shadow, ShadowStep};
use async_trait::async_trait;

/// The record of a cycle that a shadow may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderRecord {
    /// Where it stands among all records.
    pub number: i64,
    /// Of which cycle.
    pub cycle_id: CycleId,
    /// Its name.
    pub hash: Digest,
}

/// Reads about shadows.
#[async_trait]
pub trait ShadowReads: Send + Sync {
    /// A shadow, active or not.
    async fn shadow(&self, id: ShadowId) -> Result<Option<Shadow>, StoreError>;
    /// The shadows of a trader, at most `limit`: those that run, then those that have ended, each the newest first.
    async fn shadows(&self, trader: TraderId, limit: u32) -> Result<Vec<Shadow>, StoreError>;
    /// The shadows that follow a trader now, oldest first.
    async fn followers(&self, trader: TraderId) -> Result<Vec<Shadow>, StoreError>;
    /// Every shadow that is shown new records, oldest first.
    async fn active_shadows(&self) -> Result<Vec<Shadow>, StoreError>;
    /// Those of them for whom there is a record that they have not seen; whoever has waited longest comes first.
    async fn shadows_behind(&self) -> Result<Vec<ShadowId>, StoreError>;
    /// The steps of a shadow, the newest first.
    async fn shadow_steps(&self, shadow: ShadowId, page: Page) -> Result<Vec<ShadowStep>, StoreError>;
    /// Of the records of a trader's own cycles that hold a question: the first one after a number.
    async fn next_record(&self, trader: TraderId, after: i64) -> Result<Option<LeaderRecord>, StoreError>;
    /// The last one after a number.
    async fn last_record(&self, trader: TraderId, after: i64) -> Result<Option<LeaderRecord>, StoreError>;
    /// How many come after a number.
    async fn records_after(&self, trader: TraderId, after: i64) -> Result<u64, StoreError>;
    /// The number of the newest record of all; 0 before the first.
    async fn newest_record(&self) -> Result<i64, StoreError>;
}
