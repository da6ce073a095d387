//! The risk rules: code has the last word after the model has spoken, at proposal, again at approval, and at send.
//!
//! Worst case counts: an open, pending or unknown **entry** counts as filled; an open, pending or unknown **exit**
//! counts as not filled. Exits skip the rules on size and loss: nobody is locked into a position.

mod exposure;
mod rules;
mod status;
#[cfg(test)]
mod tests;

pub use exposure::{CoinExposure, Exposure, unresolved};
pub use rules::{RiskContext, check};
pub use status::{RuleStatus, StatusLevel, risk_status};

use crate::domain::order::OrderIntent;
use crate::word_enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

word_enum! {
    /// The rules, in the order in which they are evaluated and shown.
    RuleCode {
        /// Quantity, leverage, sides, stop and target make sense.
        Sanity = "SANITY",
        /// The price is known and young.
        PriceAge = "PRICE_AGE",
        /// The venue's filters.
        Instrument = "INSTRUMENT",
        /// Notional of the coin after the trade.
        PositionSize = "POSITION_SIZE",
        /// Loss since 00:00 UTC.
        DailyLoss = "DAILY_LOSS",
        /// Entries opened today.
        DailyTrades = "DAILY_TRADES",
        /// Coins held at once.
        OpenPositions = "OPEN_POSITIONS",
        /// Cash after margin and fees.
        CashReserve = "CASH_RESERVE",
        /// Distance from the high-water mark.
        Drawdown = "DRAWDOWN",
        /// Spot cannot go short.
        ShortNotSupported = "SHORT_NOT_SUPPORTED",
        /// Spot has no leverage.
        LeverageNotSupported = "LEVERAGE_NOT_SUPPORTED",
        /// The account cannot pay for it.
        InsufficientBalance = "INSUFFICIENT_BALANCE",
        /// The exchange's account takes no entries now: not armed, or its books differ from ours.
        AccountHalted = "ACCOUNT_HALTED",
        /// Nobody knows what became of an earlier order of this market.
        OutcomeUnknown = "OUTCOME_UNKNOWN",
        /// The model's last answers were unusable: exits only. Reported only then.
        SafeMode = "SAFE_MODE",
    }
}

impl RuleCode {
    /// The name shown.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sanity => "Sanity",
            Self::PriceAge => "Price age",
            Self::Instrument => "Exchange filters",
            Self::PositionSize => "Position size",
            Self::DailyLoss => "Daily loss",
            Self::DailyTrades => "Trades today",
            Self::OpenPositions => "Open positions",
            Self::CashReserve => "Cash reserve",
            Self::Drawdown => "Drawdown",
            Self::ShortNotSupported => "Short selling",
            Self::LeverageNotSupported => "Leverage",
            Self::InsufficientBalance => "Balance",
            Self::AccountHalted => "Account",
            Self::OutcomeUnknown => "Unknown orders",
            Self::SafeMode => "Safe mode",
        }
    }
}

word_enum! {
    /// What a rule said.
    Verdict {
        /// Within the limit.
        Pass = "pass",
        /// Beyond it.
        Deny = "deny",
        /// Does not concern this order.
        Skip = "skip",
    }
}

/// One rule with its inputs, its limit and its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleResult {
    /// Which rule.
    pub rule: RuleCode,
    /// What it said.
    pub verdict: Verdict,
    /// The figure it looked at; `None` when it is no figure or unknown.
    pub value: Option<Decimal>,
    /// The limit it was held against.
    pub limit: Option<Decimal>,
    /// Unit of both: `%`, `s`, `x` or nothing.
    pub unit: String,
    /// For a person: names the figure and the rule.
    pub message: String,
}

/// Every rule that was evaluated, passed or not: all reasons, not the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskReport {
    /// In the order of [`RuleCode::ALL`].
    pub rules: Vec<RuleResult>,
}

impl RiskReport {
    /// Whether any rule said no.
    pub fn is_denied(&self) -> bool {
        self.denials().next().is_some()
    }

    /// The rules that said no.
    pub fn denials(&self) -> impl Iterator<Item = &RuleResult> {
        self.rules.iter().filter(|result| result.verdict == Verdict::Deny)
    }

    /// All reasons against it in one line.
    pub fn reasons(&self) -> String {
        self.denials().map(|result| format!("{}: {}", result.rule, result.message)).collect::<Vec<_>>().join("; ")
    }
}

/// Proof that the risk rules passed something: only [`check`] can make one.
#[derive(Clone, Debug)]
pub struct RiskChecked<T> {
    inner: T,
    report: RiskReport,
}

impl<T> RiskChecked<T> {
    /// Stands in for a check in unit tests of what comes after it: such orders break rules on purpose.
    #[cfg(test)]
    pub(crate) fn assumed(inner: T) -> Self {
        Self { inner, report: RiskReport::default() }
    }

    /// What was checked.
    pub const fn get(&self) -> &T {
        &self.inner
    }

    /// The rules as they were evaluated.
    pub const fn report(&self) -> &RiskReport {
        &self.report
    }

    /// Both parts.
    pub fn into_parts(self) -> (T, RiskReport) {
        (self.inner, self.report)
    }
}

/// What the rules made of an intent: proof that it may go on, or all reasons why not.
pub type RiskOutcome = Result<RiskChecked<OrderIntent>, RiskReport>;
