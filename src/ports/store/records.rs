//! The records of cycles as the store keeps them.

use super::{Page, StoreError};
use crate::domain::ai_cost::AiCall;
use crate::domain::cycle::{AnswerGrade, Cycle};
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

/// How many of a trader's newest cycles are looked through when conversations are searched.
pub const CONVERSATIONS_SEARCHED: u32 = 2_000;

/// Which conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// A text that was asked or answered, letters of either case, every character as it stands; empty for any.
    pub text: String,
    /// How much of the answer could be used.
    pub answer: Option<AnswerGrade>,
}

impl ConversationFilter {
    /// Whether anything is looked for at all.
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty() && self.answer.is_none()
    }
}

/// A page of conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversations {
    /// The cycles, newest first.
    pub cycles: Vec<Cycle>,
    /// Whether there are older cycles that were not looked through.
    pub is_cut: bool,
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
    /// A page of a trader's cycles with what was asked and answered. A filter looks through the newest
    /// [`CONVERSATIONS_SEARCHED`] of them.
    async fn conversations(
        &self,
        trader: TraderId,
        filter: &ConversationFilter,
        page: Page,
    ) -> Result<Conversations, StoreError>;
    /// Calls of language models for any of these cycles, oldest first; as many cycles as a page has.
    async fn calls_of_cycles(&self, cycles: &[CycleId]) -> Result<Vec<AiCall>, StoreError>;
}
