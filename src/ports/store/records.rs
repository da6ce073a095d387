//! The records of cycles as the store keeps them.

use super::StoreError;
use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, ReaskId, TraderId};
use crate::domain::reask::Reask;
use crate::domain::time::Timestamp;
use crate::ports::bundle::PackedBundle;
use async_trait::async_trait;

/// What a list of bundles shows: everything but the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleHead {
    /// Where it stands: bundles are numbered in the order in which they were kept.
    pub number: i64,
    /// Its name.
    pub hash: Digest,
    /// Whose.
    pub trader_id: TraderId,
    /// Of which cycle.
    pub cycle_id: CycleId,
    /// Wall-clock time of the judgement.
    pub at: Timestamp,
    /// Length of the document, in bytes.
    pub size: u64,
    /// Bytes that it takes in the store.
    pub stored: u64,
}

/// What all bundles together take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BundleTotal {
    /// How many there are.
    pub count: u64,
    /// Bytes that they take in the store.
    pub stored: u64,
}

/// Which bundles are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BundleFilter {
    /// Of one trader only.
    pub trader: Option<TraderId>,
    /// Judged at this wall-clock time or later.
    pub since: Option<Timestamp>,
    /// Judged before this wall-clock time.
    pub before: Option<Timestamp>,
}

/// Reads about the records of cycles.
#[async_trait]
pub trait RecordReads: Send + Sync {
    /// A bundle by its name; `None` when it was never kept or has been removed.
    async fn bundle(&self, hash: &Digest) -> Result<Option<PackedBundle>, StoreError>;
    /// Bundles after a number, the oldest first.
    async fn bundle_heads(&self, filter: BundleFilter, after: i64, limit: u32) -> Result<Vec<BundleHead>, StoreError>;
    /// A question that was put once more.
    async fn reask(&self, id: ReaskId) -> Result<Option<Reask>, StoreError>;
    /// What a cycle's question was put once more as, the newest first.
    async fn reasks(&self, cycle: CycleId) -> Result<Vec<Reask>, StoreError>;
    /// What all of them take.
    async fn bundle_total(&self) -> Result<BundleTotal, StoreError>;
}
