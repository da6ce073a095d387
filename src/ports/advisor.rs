//! Whoever proposes: rules in this binary today, language models through the same door.

mod brief;

pub use brief::{
    BRIEF_CANDLES, BRIEF_CLOSED_TRADES, BRIEF_PAST_DECISIONS, BRIEF_RECENT_CANDLES, Brief, BriefInput, ClosedTrade,
    CoinBrief, MissingInput, OrderBrief, PastDecision, PositionBrief, WaitingBrief,
};

use crate::domain::ids::ProviderId;
use crate::domain::market::Coin;
use crate::domain::money::{Price, Quantity};
use crate::domain::signal::Signal;
use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest justification that is kept, in characters; the rest is cut and the cut is said.
pub const JUSTIFICATION_MAX: usize = 4_000;
/// What an advisor wants for one coin. Quantities are wishes: the desk cuts them to the venue's grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What to do.
    pub signal: Signal,
    /// Base quantity; needed for entries, ignored for `close_position` and `hold`.
    pub quantity: Option<Quantity>,
    /// Or instead the notional of an entry as a share of equity, in percent.
    pub equity_pct: Option<Decimal>,
    /// At least 1.
    pub leverage: u32,
    /// Between 0 and 1.
    pub confidence: Option<Decimal>,
    /// Price at which to take profit.
    pub profit_target: Option<Price>,
    /// Price at which to give up.
    pub stop_loss: Option<Price>,
    /// Reasons in words.
    pub justification: String,
    /// Named facts behind the reasons, shown as a small table: `EMA 9` -> `43,210.5`.
    pub explanation: BTreeMap<String, String>,
}

/// An answer for one coin that cannot be used, and why. It never spoils the other coins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct UnusableAnswer {
    /// Names the field and the rule, never the value.
    pub message: String,
}

/// One cycle's answer.
#[derive(Clone, Debug, Default)]
pub struct Advice {
    /// For each coin a proposal or why there is none. Coins that the advisor left out are not traded.
    pub coins: Vec<(Coin, Result<Proposal, UnusableAnswer>)>,
    /// What was asked, for the conversation page.
    pub asked: String,
    /// What was answered, verbatim.
    pub answered: String,
}

/// Why an advisor gave no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum AdvisorError {
    /// The advisor took too long.
    #[error("the advisor did not answer within {seconds} s")]
    TimedOut {
        /// The limit, in seconds.
        seconds: u64,
    },
    /// The advisor failed; the text is fit for a person.
    #[error("the advisor failed: {0}")]
    Failed(String),
}

/// Proposes trades for one trader's cycle.
#[async_trait]
pub trait Advisor: Send + Sync {
    /// Answers for the coins of the brief.
    ///
    /// # Errors
    /// When there is no answer at all.
    async fn advise(&self, brief: &Brief) -> Result<Advice, AdvisorError>;
}

/// One advisor that a provider offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvisorInfo {
    /// The name used in settings and the API: `ema_cross`.
    pub model_name: &'static str,
    /// The name shown: `EMA cross`.
    pub label: &'static str,
    /// One sentence on what it does.
    pub description: &'static str,
    /// Rules are labelled as rules, never as AI.
    pub is_rules: bool,
}

/// A source of advisors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderInfo {
    /// Identity; 1 is the built-in provider.
    pub id: ProviderId,
    /// The name shown.
    pub name: &'static str,
    /// What it offers.
    pub models: Vec<AdvisorInfo>,
}

/// Finds advisors by provider and name.
pub trait AdvisorDirectory: Send + Sync {
    /// Every provider with its advisors.
    fn providers(&self) -> Vec<ProviderInfo>;

    /// One advisor; `None` when the provider does not offer it.
    fn find(&self, provider: ProviderId, model_name: &str) -> Option<Arc<dyn Advisor>>;
}
