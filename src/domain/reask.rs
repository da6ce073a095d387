//! The same question once more: what a cycle's language model was told, told to another one or in other words. It shows
//! what would have been decided, and decides nothing.

use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, ProviderId, ReaskId, TraderId};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::word_enum;

/// Answers that are kept to one cycle's question at most.
pub const REASKS_MAX: usize = 20;
/// A question without an answer after this long has none to come: its process ended. Longer than it may wait for its turn
/// and for a place, and than four patient calls.
pub const REASK_ENDS_AFTER_MS: i64 = 75 * MINUTE_MS;

word_enum! {
    /// In which words the question is put.
    ReaskTemplate {
        /// In those of the cycle.
        Recorded = "recorded",
        /// In those that the model uses now.
        Current = "current",
        /// In the program's own.
        Default = "default",
    }
}

/// A question that was put again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reask {
    /// Identity.
    pub id: ReaskId,
    /// The cycle whose question it is.
    pub cycle_id: CycleId,
    /// Whose.
    pub trader_id: TraderId,
    /// Who is asked.
    pub provider_id: ProviderId,
    /// Which of its models.
    pub model_name: String,
    /// In which words.
    pub template: ReaskTemplate,
    /// An operator or a token.
    pub asked_by: String,
    /// Wall-clock time.
    pub asked_at: Timestamp,
    /// Wall-clock time; none while it is asked.
    pub finished_at: Option<Timestamp>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// The record of the answer.
    pub bundle: Option<Digest>,
}

/// Where such a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaskState {
    /// It is being asked.
    Asking,
    /// There is an answer.
    Answered,
    /// There is none.
    Failed,
    /// The process that asked has ended.
    Lost,
}

impl Reask {
    /// Where it stands at wall-clock time `now`.
    pub fn state(&self, now: Timestamp) -> ReaskState {
        match (self.finished_at, &self.bundle) {
            (Some(_), Some(_)) => ReaskState::Answered,
            (Some(_), None) => ReaskState::Failed,
            (None, _) if now.since(self.asked_at) > REASK_ENDS_AFTER_MS => ReaskState::Lost,
            (None, _) => ReaskState::Asking,
        }
    }
}
