//! A decision: one signal for one coin, and what became of it.
//!
//! ```text
//! (answer unusable) -> ModelError
//! Proposed -> NoAction | Denied | Displayed | PendingApproval | Ordered
//! Displayed -> PendingApproval | Denied | Expired | Superseded | Cancelled
//! PendingApproval -> Ordered | Denied | Rejected | PendingApproval (version + 1) | Expired | Superseded | Cancelled
//! ```
//! There is no resting "approved": approval and order are one transaction.

use crate::domain::account::AccountName;
use crate::domain::digest::{Digest, Terms};
use crate::domain::ids::{BookId, CycleId, DecisionId, OrderId, TraderId};
use crate::domain::market::{Coin, Quote, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::risk::RiskReport;
use crate::domain::signal::Signal;
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::OrderStyle;
use crate::domain::venue_kind::VenueKind;
use crate::word_enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest reason that a person may give, in characters.
pub const REASON_MAX: usize = 500;

/// Who approved which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The operator's or token's name.
    pub by: String,
    /// Wall-clock time.
    pub at: Timestamp,
    /// The version that was approved.
    pub version: i64,
    /// Whether the terms had been edited by a person before.
    pub edited: bool,
}

/// Where a decision stands. Data lives in the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecisionState {
    /// Just read from the advisor's answer; never stored.
    Proposed,
    /// The answer for this coin was unusable.
    ModelError {
        /// The field and the rule.
        why: String,
    },
    /// The model holds.
    NoAction,
    /// A risk check said no; the report holds all reasons.
    Denied {
        /// Set when the denial came at approval.
        approval: Option<Approval>,
    },
    /// Shown only.
    Displayed {
        /// Wall-clock time.
        expires_at: Timestamp,
    },
    /// Waits for a person.
    PendingApproval {
        /// Wall-clock time.
        expires_at: Timestamp,
        /// What exactly is being asked.
        digest: Digest,
    },
    /// An order exists.
    Ordered {
        /// The order.
        order: OrderId,
        /// `None` when the model acted by itself.
        approval: Option<Approval>,
    },
    /// A person said no.
    Rejected {
        /// Who.
        by: String,
        /// Why; may be empty.
        reason: String,
    },
    /// Nobody answered in time.
    Expired,
    /// A newer decision for the same coin took its place.
    Superseded {
        /// The newer one.
        by: DecisionId,
    },
    /// A stop, a change of axis or credentials, or the model's deletion ended it.
    Cancelled {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

word_enum! {
    /// The state's word in storage and in the API.
    DecisionStatus {
        /// The answer was unusable.
        ModelError = "model_error",
        /// Hold.
        NoAction = "no_action",
        /// Refused by risk.
        Denied = "denied",
        /// Shown only.
        Displayed = "displayed",
        /// Waits for a person.
        Pending = "pending",
        /// An order exists.
        Ordered = "ordered",
        /// Refused by a person.
        Rejected = "rejected",
        /// Timed out.
        Expired = "expired",
        /// Replaced.
        Superseded = "superseded",
        /// Ended from outside.
        Cancelled = "cancelled",
    }
}

impl DecisionStatus {
    /// Whether anything can still happen to the decision.
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Displayed | Self::Pending)
    }
}

/// What can happen to a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecisionEvent {
    /// The answer for this coin could not be used.
    AnswerUnusable {
        /// The field and the rule.
        why: String,
    },
    /// The model holds.
    Hold,
    /// The risk rules refused it, at proposal or when approval was asked for.
    Deny,
    /// Manual level: show it.
    Show {
        /// Wall-clock time.
        expires_at: Timestamp,
    },
    /// Ask a person: semi-automated level, or an operator on a displayed decision.
    Ask {
        /// Wall-clock time.
        expires_at: Timestamp,
        /// Digest of the terms asked about.
        digest: Digest,
    },
    /// Fully automated level: act.
    Act {
        /// The journaled order.
        order: OrderId,
    },
    /// A person approved and every check passed.
    Approve {
        /// The journaled order.
        order: OrderId,
        /// By whom.
        approval: Approval,
    },
    /// A person approved but the re-check refused.
    DenyApproval {
        /// By whom.
        approval: Approval,
    },
    /// A person approved but the price had moved: ask again with a fresh quote.
    Requote {
        /// Digest of the new version.
        digest: Digest,
    },
    /// A person changed the terms.
    Edit {
        /// Digest of the new version.
        digest: Digest,
    },
    /// A person said no.
    Reject {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Its time is over.
    Expire,
    /// A newer decision for the same coin.
    Supersede {
        /// The newer one.
        by: DecisionId,
    },
    /// Ended from outside.
    Cancel {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

impl DecisionEvent {
    /// The event's word in the history.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AnswerUnusable { .. } => "answer_unusable",
            Self::Hold => "hold",
            Self::Deny => "denied",
            Self::Show { .. } => "displayed",
            Self::Ask { .. } => "asked",
            Self::Act { .. } => "ordered",
            Self::Approve { .. } => "approved",
            Self::DenyApproval { .. } => "denied_at_approval",
            Self::Requote { .. } => "requoted",
            Self::Edit { .. } => "edited",
            Self::Reject { .. } => "rejected",
            Self::Expire => "expired",
            Self::Supersede { .. } => "superseded",
            Self::Cancel { .. } => "cancelled",
        }
    }
}

/// An event that the state does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a decision that is {state} cannot be {event}")]
pub struct IllegalDecisionEvent {
    /// Where it stands.
    pub state: &'static str,
    /// What was tried.
    pub event: &'static str,
}

impl DecisionState {
    /// The word of a stored state; `None` for [`DecisionState::Proposed`], which is never stored.
    pub const fn status(&self) -> Option<DecisionStatus> {
        Some(match self {
            Self::Proposed => return None,
            Self::ModelError { .. } => DecisionStatus::ModelError,
            Self::NoAction => DecisionStatus::NoAction,
            Self::Denied { .. } => DecisionStatus::Denied,
            Self::Displayed { .. } => DecisionStatus::Displayed,
            Self::PendingApproval { .. } => DecisionStatus::Pending,
            Self::Ordered { .. } => DecisionStatus::Ordered,
            Self::Rejected { .. } => DecisionStatus::Rejected,
            Self::Expired => DecisionStatus::Expired,
            Self::Superseded { .. } => DecisionStatus::Superseded,
            Self::Cancelled { .. } => DecisionStatus::Cancelled,
        })
    }

    /// When a waiting decision expires.
    pub const fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Displayed { expires_at } | Self::PendingApproval { expires_at, .. } => Some(*expires_at),
            _ => None,
        }
    }

    /// The order, once there is one.
    pub const fn order(&self) -> Option<OrderId> {
        match self {
            Self::Ordered { order, .. } => Some(*order),
            _ => None,
        }
    }

    /// The next state: one total match over (state, event).
    ///
    /// # Errors
    /// [`IllegalDecisionEvent`] for every pair that the table in the module's documentation does not list.
    pub fn apply(&self, event: DecisionEvent) -> Result<Self, IllegalDecisionEvent> {
        use DecisionEvent as E;
        use DecisionState as S;
        let name = event.name();
        Ok(match (self, event) {
            (S::Proposed, E::AnswerUnusable { why }) => S::ModelError { why },
            (S::Proposed, E::Hold) => S::NoAction,
            (S::Proposed | S::Displayed { .. }, E::Deny) => S::Denied { approval: None },
            (S::Proposed, E::Show { expires_at }) => S::Displayed { expires_at },
            (S::Proposed | S::Displayed { .. }, E::Ask { expires_at, digest }) => {
                S::PendingApproval { expires_at, digest }
            }
            (S::Proposed, E::Act { order }) => S::Ordered { order, approval: None },
            (S::PendingApproval { .. }, E::Approve { order, approval }) => {
                S::Ordered { order, approval: Some(approval) }
            }
            (S::PendingApproval { .. }, E::DenyApproval { approval }) => S::Denied { approval: Some(approval) },
            (S::PendingApproval { expires_at, .. }, E::Requote { digest } | E::Edit { digest }) => {
                S::PendingApproval { expires_at: *expires_at, digest }
            }
            (S::PendingApproval { .. }, E::Reject { by, reason }) => S::Rejected { by, reason },
            (S::Displayed { .. } | S::PendingApproval { .. }, E::Expire) => S::Expired,
            (S::Displayed { .. } | S::PendingApproval { .. }, E::Supersede { by }) => S::Superseded { by },
            (S::Displayed { .. } | S::PendingApproval { .. }, E::Cancel { by, reason }) => S::Cancelled { by, reason },
            (state, _) => {
                let state = state.status().map_or("proposed", DecisionStatus::as_str);
                return Err(IllegalDecisionEvent { state, event: name });
            }
        })
    }
}

word_enum! {
    /// Who made the decision.
    DecisionSource {
        /// The trader's own advisor.
        Advisor = "advisor",
        /// Sent in through the API.
        External = "external",
    }
}

/// What an order would change, shown before it is approved. Shares are per cent of equity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// Price x quantity at the quote.
    pub notional: Money,
    /// Estimated fee, in quote.
    pub fee: Money,
    /// The coin's exposure before.
    pub exposure_before_pct: Decimal,
    /// The coin's exposure after.
    pub exposure_after_pct: Decimal,
    /// Cash before.
    pub cash_before_pct: Decimal,
    /// Cash after.
    pub cash_after_pct: Decimal,
    /// What is lost when the stop is hit, fees included; `None` without a stop.
    pub loss_at_stop: Option<Money>,
    /// What may still be lost today before entries stop.
    pub daily_budget_left: Money,
}

/// One signal for one coin with its price context and reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Identity.
    pub id: DecisionId,
    /// Whose.
    pub trader_id: TraderId,
    /// Which account book it would change.
    pub book_id: BookId,
    /// The venue at proposal; a switch cancels the decision.
    pub venue: VenueKind,
    /// The account at proposal; other credentials cancel the decision.
    pub account: AccountName,
    /// The cycle that made it.
    pub cycle_id: CycleId,
    /// Advisor or outside.
    pub source: DecisionSource,
    /// The coin.
    pub coin: Coin,
    /// Its market; `None` when the venue has none.
    pub symbol: Option<Symbol>,
    /// What the model wants; `None` when the answer was unusable.
    pub signal: Option<Signal>,
    /// Base quantity on the venue's grid; for a close, what is held.
    pub quantity: Option<Quantity>,
    /// At least 1.
    pub leverage: u32,
    /// Between 0 and 1.
    pub confidence: Option<Decimal>,
    /// Price at which to take profit.
    pub profit_target: Option<Price>,
    /// Price at which to give up.
    pub stop_loss: Option<Price>,
    /// How it would be sent.
    pub order_style: OrderStyle,
    /// The hard cap of a protected order.
    pub worst_price: Option<Price>,
    /// Reasons in words.
    pub justification: String,
    /// Named facts behind the reasons.
    pub explanation: BTreeMap<String, String>,
    /// The price it is shown with; `None` when there was none.
    pub quote: Option<Quote>,
    /// Every rule that was evaluated, at the latest check.
    pub risk: RiskReport,
    /// What it would change, at the latest check.
    pub impact: Impact,
    /// Version of the trader's settings at the latest check.
    pub policy_version: i64,
    /// Whether a person changed the model's terms.
    pub edited: bool,
    /// Where it stands.
    pub state: DecisionState,
    /// Wall-clock time.
    pub created_at: Timestamp,
    /// Wall-clock time at which nothing more could happen to it.
    pub resolved_at: Option<Timestamp>,
    /// Grows with each change: compare-and-set.
    pub version: i64,
}

impl Decision {
    /// The stored word of the state.
    ///
    /// # Panics
    /// Never for a stored decision: `Proposed` only lives inside a cycle.
    pub fn status(&self) -> DecisionStatus {
        self.state.status().expect("a stored decision is never Proposed")
    }

    /// The digest while it waits for approval.
    pub const fn digest(&self) -> Option<&Digest> {
        match &self.state {
            DecisionState::PendingApproval { digest, .. } => Some(digest),
            _ => None,
        }
    }

    /// The terms as a person would approve them; `None` when there is nothing to order.
    pub fn terms(&self) -> Option<Terms> {
        Some(Terms {
            trader_id: self.trader_id,
            venue: self.venue,
            account: self.account.clone(),
            symbol: self.symbol.clone()?,
            signal: self.signal.filter(|signal| signal.is_actionable())?,
            quantity: self.quantity?,
            leverage: self.leverage,
            stop_loss: self.stop_loss,
            profit_target: self.profit_target,
            order_style: self.order_style,
            worst_price: self.worst_price,
            quote: self.quote?,
            policy_version: self.policy_version,
            version: self.version,
        })
    }

    /// Applies an event: new state, next version, and the resolution time when nothing more can happen.
    ///
    /// # Errors
    /// When the state does not allow the event; nothing is changed then.
    pub fn apply(&mut self, event: DecisionEvent, at: Timestamp) -> Result<(), IllegalDecisionEvent> {
        self.state = self.state.apply(event)?;
        self.version += 1;
        if !self.state.status().is_some_and(DecisionStatus::is_waiting) {
            self.resolved_at = Some(at);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
