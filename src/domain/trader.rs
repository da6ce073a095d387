//! A trader: one AI model with its settings and its three axes. On screen and in the API it is called a "model".

use crate::domain::ids::{ProviderId, TraderId};
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::TraderSettings;
use crate::domain::venue_kind::{Axes, ExchangeType};
use serde::{Deserialize, Serialize};

/// The longest name of a trader, in characters.
pub const NAME_MAX: usize = 60;
/// The longest name of an advisor, in characters.
pub const MODEL_NAME_MAX: usize = 120;

/// Whether the trader takes part at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TradingState {
    /// Cycles run.
    Active,
    /// No cycle runs and no entry is sent; exits by a person and protective exits still work.
    Paused {
        /// Who paused it.
        by: String,
        /// Why, in words.
        reason: String,
        /// Wall-clock time.
        at: Timestamp,
    },
}

/// One AI model with its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trader {
    /// Identity.
    pub id: TraderId,
    /// Unique among traders that are not deleted.
    pub name: String,
    /// Who answers.
    pub provider_id: ProviderId,
    /// Which advisor of the provider.
    pub model_name: String,
    /// Whose rules live trading follows.
    pub exchange_type: ExchangeType,
    /// Simulation or live, how it acts, testnet or mainnet.
    pub axes: Axes,
    /// Active or paused.
    pub state: TradingState,
    /// Everything else.
    pub settings: TraderSettings,
    /// Market time of the next scheduled cycle; `None` means as soon as possible.
    pub next_run_at: Option<Timestamp>,
    /// Failed calls in a row (market data or advisor); any success resets it.
    pub api_errors: u32,
    /// Cycles in a row whose language model gave nothing usable; a usable answer resets it.
    pub model_errors: u32,
    /// Wall-clock time.
    pub created_at: Timestamp,
    /// Wall-clock time of deletion; its history stays readable.
    pub deleted_at: Option<Timestamp>,
    /// Grows with every change to axes, state or settings: compare-and-set, and the "policy version" of digests.
    pub version: i64,
}

/// So many unusable answers in a row put a model in safe mode.
pub const SAFE_MODE_AFTER: u32 = 3;

impl Trader {
    /// Whether the model is in safe mode: it is asked, but opens nothing until it has given a usable answer.
    pub const fn is_in_safe_mode(&self) -> bool {
        self.model_errors >= SAFE_MODE_AFTER
    }

    /// Whether cycles may run.
    pub fn is_active(&self) -> bool {
        self.deleted_at.is_none() && self.state == TradingState::Active
    }
}

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {NAME_MAX} characters, without control characters, and not start or end with a space")]
pub struct NameError;

/// Checks a trader's name.
///
/// # Errors
/// [`NameError`] states the rule.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let count = name.chars().count();
    let ok = (1..=NAME_MAX).contains(&count) && name.trim() == name && !name.chars().any(char::is_control);
    ok.then_some(()).ok_or(NameError)
}
