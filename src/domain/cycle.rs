//! A cycle: one run of a trader, and the record it leaves.

use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, TraderId};
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::word_enum;

word_enum! {
    /// What started the cycle.
    CycleTrigger {
        /// The trader's own interval.
        Schedule = "schedule",
        /// A person.
        Operator = "operator",
        /// The API, with or without decisions of its own.
        Api = "api",
    }
}

word_enum! {
    /// How the cycle ended.
    CycleOutcome {
        /// Decisions were made (holding is one).
        Completed = "completed",
        /// It failed; an incident says why.
        Failed = "failed",
    }
}

word_enum! {
    /// How much of a language model's answer could be used.
    AnswerGrade {
        /// All of it.
        Used = "used",
        /// Some coins.
        Partly = "partly",
        /// Nothing.
        Unusable = "unusable",
        /// There was no answer.
        None = "no_answer",
    }
}

/// One run, stored when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Identity.
    pub id: CycleId,
    /// Whose.
    pub trader_id: TraderId,
    /// At which venue.
    pub venue: VenueKind,
    /// How its decisions were handled.
    pub automation: AutomationLevel,
    /// What started it.
    pub trigger: CycleTrigger,
    /// How it ended.
    pub outcome: CycleOutcome,
    /// Why it failed, in words.
    pub error: Option<String>,
    /// Remarks for whoever sent it, as stable words: `market_data_ignored`.
    pub warnings: Vec<String>,
    /// Market time at which prices were read.
    pub market_at: Timestamp,
    /// Wall-clock time.
    pub started_at: Timestamp,
    /// Wall-clock time.
    pub finished_at: Timestamp,
    /// What the advisor was told.
    pub asked: String,
    /// What it answered, verbatim.
    pub answered: String,
    /// How much of a language model's answer could be used; nothing for rules and decisions that were sent in.
    pub answer: Option<AnswerGrade>,
    /// The record of everything that the decisions followed from; it may have been removed since.
    pub bundle: Option<Digest>,
}

/// The value of a book at one moment, for curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EquitySnapshot {
    /// Which book.
    pub book_id: crate::domain::ids::BookId,
    /// Market time.
    pub at: Timestamp,
    /// Cash, margins and unrealised results.
    pub equity: Money,
    /// Free quote money.
    pub cash: Money,
}
