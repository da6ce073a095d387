//! The record of one cycle: everything that its decisions followed from, so that it can be read again and judged again
//! without a market, an exchange, a provider or a clock.
//!
//! A bundle is named by its content. It holds no key and no password: whatever is sealed stays with its owner.

use crate::domain::ai_cost::AiCall;
use crate::domain::book::BookView;
use crate::domain::decision::Impact;
use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, DecisionId, ProviderId, TraderId};
use crate::domain::instrument::Instrument;
use crate::domain::market::{Coin, Quote};
use crate::domain::money::Quantity;
use crate::domain::order::OrderIntent;
use crate::domain::provider::ProviderKind;
use crate::domain::risk::RiskReport;
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::VenueKind;
use crate::ports::advisor::{Brief, Proposal, UnusableAnswer};
use crate::ports::language_model::{ChatReply, ChatRequest};
use crate::word_enum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The form of bundles that is written today. Older ones stay readable.
pub const BUNDLE_FORMAT: u32 = 1;

/// Everything that a cycle's decisions followed from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bundle {
    /// The form of this document.
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The cycle it belongs to.
    pub cycle_id: CycleId,
    /// Wall-clock time of its beginning.
    pub started_at: Timestamp,
    /// Wall-clock time at which its answers were judged.
    pub judged_at: Timestamp,
    /// The model as it was: axes, settings, version, answers in a row that could not be used.
    pub trader: Trader,
    /// Whether the answers came with a right to propose only.
    pub propose_only: bool,
    /// Who answered, and how the answer came about.
    pub source: AnswerSource,
    /// What a language model was told, before it was put into words.
    pub brief: Option<Brief>,
    /// What the answers were judged by; none when there was nothing to judge.
    pub scene: Option<SceneRecord>,
    /// What was read out of the answer.
    pub answers: Vec<AnswerRecord>,
    /// What the code made of it, in the same order.
    pub rulings: Vec<RulingRecord>,
}

impl Bundle {
    /// The conversation with a language model, if that is who answered.
    pub const fn conversation(&self) -> Option<&Conversation> {
        match &self.source {
            AnswerSource::LanguageModel(conversation) => Some(conversation),
            AnswerSource::Rules { .. } | AnswerSource::Outside { .. } => None,
        }
    }
}

/// Who answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum AnswerSource {
    /// Rules in this program.
    Rules {
        /// Which.
        model_name: String,
    },
    /// Somebody who sent decisions in.
    Outside {
        /// An operator or a token.
        actor: String,
    },
    /// A language model.
    LanguageModel(Conversation),
}

/// A conversation with a language model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Who was asked.
    pub provider_id: ProviderId,
    /// Its name at that time.
    pub provider: String,
    /// Whose dialect it speaks.
    pub kind: ProviderKind,
    /// Which of its models.
    pub model_name: String,
    /// The name of the template's content.
    pub template_version: String,
    /// The template.
    pub template: String,
    /// Coins that were asked about.
    pub coins: Vec<Coin>,
    /// What was left out of the prompt to stay within its limit, in words.
    pub cut: Vec<String>,
    /// Questions in order.
    pub turns: Vec<Turn>,
}

/// One question, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Exactly what was asked: messages, temperature, schema, the way of asking. Shared with whoever is asking.
    #[serde(with = "shared")]
    pub request: Arc<ChatRequest>,
    /// The answer as it came.
    pub reply: Option<ChatReply>,
    /// Why there was none, in words.
    pub error: Option<String>,
    /// When, how long, tokens, cost.
    pub call: AiCall,
}

/// What answers are judged by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SceneRecord {
    /// Market time.
    pub market_at: Timestamp,
    /// Markets of the coins that matter.
    pub instruments: Vec<Instrument>,
    /// Prices that were known, fresh or not.
    pub quotes: BTreeMap<Coin, Quote>,
    /// The account: cash, positions, orders under way, decisions that waited.
    pub view: BookView,
    /// The account's name in digests.
    pub account: String,
    /// What the exchange said was free; none where the book decides.
    pub free: Option<BTreeMap<Coin, Quantity>>,
    /// Why no entry could be sent.
    pub entries_halted: Option<String>,
}

/// What was read out of an answer for one coin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerRecord {
    /// The coin.
    pub coin: Coin,
    /// What the advisor wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    /// Or why that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

impl AnswerRecord {
    /// Writes down what was read for a coin.
    pub fn of(coin: &Coin, answer: &Result<Proposal, UnusableAnswer>) -> Self {
        Self {
            coin: coin.clone(),
            proposal: answer.as_ref().ok().cloned(),
            unusable: answer.as_ref().err().map(|unusable| unusable.message.clone()),
        }
    }

    /// What was read for the coin.
    pub fn read(&self) -> (Coin, Result<Proposal, UnusableAnswer>) {
        let missing = || UnusableAnswer { message: self.unusable.clone().unwrap_or_default() };
        (self.coin.clone(), self.proposal.clone().ok_or_else(missing))
    }
}

word_enum! {
    /// What the code made of an answer.
    RulingWord {
        /// It could not be used.
        Unusable = "unusable",
        /// Nothing was to be done.
        Hold = "hold",
        /// The rules refused it.
        Denied = "denied",
        /// The rules let it pass.
        Passed = "passed",
    }
}

/// What the code made of one coin's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulingRecord {
    /// The coin.
    pub coin: Coin,
    /// The decision that it became.
    pub decision_id: DecisionId,
    /// In a word.
    pub word: RulingWord,
    /// Why it could not be used, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The order it asked for, on the venue's grid.
    pub intent: Option<OrderIntent>,
    /// The digest of that order's terms: what a person approves.
    pub digest: Option<Digest>,
    /// What the order would change.
    pub impact: Impact,
    /// Every rule with its verdict.
    pub report: RiskReport,
}

/// A bundle as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedBundle {
    /// SHA-256 of the document, before it was compressed.
    pub hash: Digest,
    /// Whose.
    pub trader_id: TraderId,
    /// Of which cycle.
    pub cycle_id: CycleId,
    /// Where the model traded.
    pub venue: VenueKind,
    /// Wall-clock time of the judgement.
    pub at: Timestamp,
    /// Whether it holds what a language model was told: a question that can be put to others.
    pub has_brief: bool,
    /// Length of the document, in bytes.
    pub size: u64,
    /// The document, compressed.
    pub body: Vec<u8>,
}

/// Why a stored bundle cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It is not what its name says.
    #[error("bundle {0} is damaged: its content does not match its name")]
    Damaged(Digest),
    /// It is no bundle of a form that this program knows.
    #[error("bundle {hash} cannot be read: {why}")]
    Unreadable {
        /// Which.
        hash: Digest,
        /// In words.
        why: String,
    },
    /// It is larger than any bundle should be.
    #[error("a bundle of {bytes} bytes is larger than {} MB", BUNDLE_MAX_BYTES / 1024 / 1024)]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
}

/// The largest bundle that is kept or read, before compression, in bytes: answers of a megabyte fit, twice.
pub const BUNDLE_MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Turns bundles into bytes and back.
pub trait BundleCodec: Send + Sync {
    /// Writes a bundle down, names and compresses it.
    ///
    /// # Errors
    /// [`BundleError::TooLarge`].
    fn pack(&self, bundle: &Bundle) -> Result<PackedBundle, BundleError>;

    /// The document of a stored bundle, as JSON text; its name is checked.
    ///
    /// # Errors
    /// When it is damaged.
    fn document(&self, packed: &PackedBundle) -> Result<String, BundleError>;

    /// Reads a stored bundle; its name is checked.
    ///
    /// # Errors
    /// When it is damaged or of another form.
    fn unpack(&self, packed: &PackedBundle) -> Result<Bundle, BundleError>;
}

/// Something shared is written as what it is.
mod shared {
    use super::{Arc, Deserialize, Serialize};
    use serde::{Deserializer, Serializer};

    pub fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().serialize(serializer)
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}
