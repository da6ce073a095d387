//! An order: what goes to a venue, and the truth about it.
//!
//! | state | leaves by |
//! |---|---|
//! | Initialized | Submit, Deny |
//! | Submitted | Accept, Fill, Reject, Cancel, Expire, Lose, NotAccepted |
//! | Unknown | Accept, Fill, Cancel, Expire (each from a query), ProveAbsent |
//! | Accepted, PartiallyFilled | Fill, RequestCancel, Cancel, Expire |
//! | PendingCancel | Fill, Cancel, CancelReject, Expire |
//! | Filled | nothing |
//! | Canceled, Expired | Fill: a late one grows it |
//! | Rejected, Denied | nothing |
//!
//! Ambiguity is a state, not an error: a lost reply makes an order `Unknown`, and only asking the venue leaves it.

mod intent;

pub use intent::{OrderCause, OrderIntent, OrderKind, Purpose};

use crate::domain::digest::Digest;
use crate::domain::ids::{ClientOrderId, DecisionId, InstallationTag, OrderId};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::risk::RiskChecked;
use crate::domain::time::Timestamp;
use crate::word_enum;
use serde::{Deserialize, Serialize};

/// Where an order stands. Data lives in the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderState {
    /// Journaled; nothing was sent.
    Initialized,
    /// An attempt is committed; its bytes may be on the wire.
    Submitted {
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Wall-clock time of the attempt.
        sent_at: Timestamp,
        /// The lease epoch of the process that sends.
        epoch: i64,
    },
    /// The reply was lost. Never shown as failed.
    Unknown {
        /// Wall-clock time of the attempt whose reply was lost.
        sent_at: Timestamp,
        /// What was seen instead of a reply.
        why: String,
    },
    /// At the venue, nothing filled yet.
    Accepted,
    /// At the venue, a part filled.
    PartiallyFilled,
    /// A cancel is on its way.
    PendingCancel,
    /// All of it filled.
    Filled,
    /// Cancelled, possibly part filled.
    Canceled {
        /// Why, in words.
        reason: String,
    },
    /// Ended by the venue, possibly part filled.
    Expired {
        /// Why, in words.
        reason: String,
    },
    /// The venue refused it, or it never reached the venue.
    Rejected {
        /// Stable word or the venue's code.
        code: String,
        /// The venue's words.
        message: String,
    },
    /// We refused to send it.
    Denied {
        /// Why, in words.
        reason: String,
    },
}

word_enum! {
    /// The state's word in storage and in the API.
    OrderStatus {
        /// Journaled.
        Initialized = "initialized",
        /// Being sent.
        Submitted = "submitted",
        /// Reply lost.
        Unknown = "unknown",
        /// Resting.
        Accepted = "accepted",
        /// Part filled.
        PartiallyFilled = "partially_filled",
        /// Cancel on its way.
        PendingCancel = "pending_cancel",
        /// Done.
        Filled = "filled",
        /// Cancelled.
        Canceled = "canceled",
        /// Ended by the venue.
        Expired = "expired",
        /// Refused by the venue.
        Rejected = "rejected",
        /// Refused by us.
        Denied = "denied",
    }
}

impl OrderStatus {
    /// Whether anything is expected to happen still.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Initialized
            | Self::Submitted
            | Self::Unknown
            | Self::Accepted
            | Self::PartiallyFilled
            | Self::PendingCancel => true,
            Self::Filled | Self::Canceled | Self::Expired | Self::Rejected | Self::Denied => false,
        }
    }
}

/// What can happen to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    /// An attempt is being committed, right before its bytes leave.
    Submit {
        /// Wall-clock time.
        sent_at: Timestamp,
        /// The sender's lease epoch.
        epoch: i64,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// We refuse to send: stop, expiry, digest or risk at send time.
    Deny {
        /// Why.
        reason: String,
    },
    /// The venue has it.
    Accept,
    /// A part or the rest was executed.
    Fill {
        /// Nothing is left to fill.
        complete: bool,
    },
    /// The venue refused it.
    Reject {
        /// The venue's code.
        code: String,
        /// The venue's words.
        message: String,
    },
    /// The venue cancelled it.
    Cancel {
        /// Why.
        reason: String,
    },
    /// The venue ended it.
    Expire {
        /// Why.
        reason: String,
    },
    /// The reply was lost.
    Lose {
        /// What was seen instead.
        why: String,
    },
    /// Proven not accepted: it may be tried once more.
    NotAccepted,
    /// Nothing left: the attempt does not count.
    NotSent,
    /// Proven absent after an unknown outcome.
    ProveAbsent,
    /// A cancel is being sent.
    RequestCancel,
    /// The venue refused the cancel.
    CancelReject,
}

impl OrderEvent {
    /// The event's word in the time line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Submit { .. } => "submit",
            Self::Deny { .. } => "deny",
            Self::Accept => "accept",
            Self::Fill { .. } => "fill",
            Self::Reject { .. } => "reject",
            Self::Cancel { .. } => "cancel",
            Self::Expire { .. } => "expire",
            Self::Lose { .. } => "lose",
            Self::NotAccepted => "not_accepted",
            Self::NotSent => "not_sent",
            Self::ProveAbsent => "prove_absent",
            Self::RequestCancel => "request_cancel",
            Self::CancelReject => "cancel_reject",
        }
    }
}

/// An event that the state does not allow. A fill on a final order is an incident for the caller to raise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {state} cannot take the event {event}")]
pub struct IllegalOrderEvent {
    /// Where it stands.
    pub state: &'static str,
    /// What was tried.
    pub event: &'static str,
}

impl OrderState {
    /// The state's word.
    pub const fn status(&self) -> OrderStatus {
        match self {
            Self::Initialized => OrderStatus::Initialized,
            Self::Submitted { .. } => OrderStatus::Submitted,
            Self::Unknown { .. } => OrderStatus::Unknown,
            Self::Accepted => OrderStatus::Accepted,
            Self::PartiallyFilled => OrderStatus::PartiallyFilled,
            Self::PendingCancel => OrderStatus::PendingCancel,
            Self::Filled => OrderStatus::Filled,
            Self::Canceled { .. } => OrderStatus::Canceled,
            Self::Expired { .. } => OrderStatus::Expired,
            Self::Rejected { .. } => OrderStatus::Rejected,
            Self::Denied { .. } => OrderStatus::Denied,
        }
    }

    /// The next state: one total match over (state, event).
    ///
    /// # Errors
    /// [`IllegalOrderEvent`] for every pair that the module's table does not list.
    pub fn apply(&self, event: OrderEvent) -> Result<Self, IllegalOrderEvent> {
        use OrderEvent as E;
        use OrderState as S;
        let name = event.name();
        Ok(match (self, event) {
            (S::Initialized, E::Submit { sent_at, epoch, attempt }) => S::Submitted { attempt, sent_at, epoch },
            (S::Initialized, E::Deny { reason }) => S::Denied { reason },
            (S::Submitted { .. }, E::Reject { code, message }) => S::Rejected { code, message },
            (S::Submitted { sent_at, .. }, E::Lose { why }) => S::Unknown { sent_at: *sent_at, why },
            (S::Submitted { .. }, E::NotAccepted | E::NotSent) => S::Initialized,
            (S::Submitted { .. } | S::Unknown { .. }, E::Accept) => S::Accepted,
            (S::Unknown { .. }, E::ProveAbsent) => S::Rejected {
                code: "NEVER_REACHED".to_owned(),
                message: "the venue was asked repeatedly and never saw this order".to_owned(),
            },
            (
                S::Submitted { .. } | S::Unknown { .. } | S::Accepted | S::PartiallyFilled | S::PendingCancel,
                E::Fill { complete: true },
            ) => S::Filled,
            (
                S::Submitted { .. } | S::Unknown { .. } | S::Accepted | S::PartiallyFilled,
                E::Fill { complete: false },
            ) => S::PartiallyFilled,
            (S::PendingCancel, E::Fill { complete: false }) => S::PendingCancel,
            (S::Canceled { .. } | S::Expired { .. }, E::Fill { complete: true }) => S::Filled,
            (S::Canceled { .. } | S::Expired { .. }, E::Fill { complete: false }) => self.clone(),
            (S::Accepted | S::PartiallyFilled, E::RequestCancel) => S::PendingCancel,
            // What the order had become before the cancel is told by its fills; the caller follows up with a query.
            (S::PendingCancel, E::CancelReject) => S::Accepted,
            (
                S::Submitted { .. } | S::Unknown { .. } | S::Accepted | S::PartiallyFilled | S::PendingCancel,
                E::Cancel { reason },
            ) => S::Canceled { reason },
            (
                S::Submitted { .. } | S::Unknown { .. } | S::Accepted | S::PartiallyFilled | S::PendingCancel,
                E::Expire { reason },
            ) => S::Expired { reason },
            (state, _) => return Err(IllegalOrderEvent { state: state.status().as_str(), event: name }),
        })
    }
}

/// An order with its name, its terms and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Identity.
    pub id: OrderId,
    /// What was ordered.
    pub intent: OrderIntent,
    /// Sequence within the cause, from 1.
    pub sequence: u32,
    /// The name under which the venue knows it.
    pub client_order_id: ClientOrderId,
    /// The venue's id once it has answered.
    pub venue_order_id: Option<i64>,
    /// Digest of the terms at the moment of journaling.
    pub digest: Digest,
    /// Where it stands.
    pub state: OrderState,
    /// Attempts to send so far.
    pub attempts: u32,
    /// Base filled.
    pub filled: Quantity,
    /// Quote value of what was filled, before fees.
    pub filled_value: Money,
    /// Fees so far, in quote.
    pub fees: Money,
    /// Wall-clock time of journaling.
    pub created_at: Timestamp,
    /// Market time of journaling.
    pub market_at: Timestamp,
    /// Wall-clock time of the last change.
    pub updated_at: Timestamp,
    /// Not sent after this wall-clock time; `None` for exits, which never expire.
    pub send_before: Option<Timestamp>,
    /// Grows with each change: compare-and-set.
    pub version: i64,
}

impl Order {
    /// A journal entry: named, stamped with its digest, nothing sent. Only what the risk rules passed can be journaled.
    pub fn journal(
        id: OrderId,
        checked: RiskChecked<OrderIntent>,
        sequence: u32,
        installation: &InstallationTag,
        created_at: Timestamp,
        market_at: Timestamp,
        send_before: Option<Timestamp>,
    ) -> Self {
        let (intent, _) = checked.into_parts();
        Self {
            id,
            client_order_id: intent.cause.client_order_id(installation, sequence),
            digest: intent.terms().digest(),
            intent,
            sequence,
            venue_order_id: None,
            state: OrderState::Initialized,
            attempts: 0,
            filled: Quantity::ZERO,
            filled_value: Money::ZERO,
            fees: Money::ZERO,
            created_at,
            market_at,
            updated_at: created_at,
            send_before,
            version: 1,
        }
    }

    /// The state's word.
    pub const fn status(&self) -> OrderStatus {
        self.state.status()
    }

    /// Base not filled yet.
    pub fn remaining(&self) -> Quantity {
        self.intent.quantity.minus(self.filled)
    }

    /// Average price of what was filled.
    pub fn average_price(&self) -> Option<Price> {
        self.filled_value.per(self.filled)
    }

    /// The decision behind it, if any.
    pub const fn decision_id(&self) -> Option<DecisionId> {
        match self.intent.cause {
            OrderCause::Decision(id) => Some(id),
            _ => None,
        }
    }

    /// Applies an event: new state and next version.
    ///
    /// # Errors
    /// When the state does not allow the event; nothing is changed then.
    pub fn apply(&mut self, event: OrderEvent, at: Timestamp) -> Result<(), IllegalOrderEvent> {
        if let OrderEvent::Submit { attempt, .. } = &event {
            self.attempts = (*attempt).max(self.attempts);
        }
        let counts = event != OrderEvent::NotSent;
        self.state = self.state.apply(event)?;
        if !counts {
            self.attempts = self.attempts.saturating_sub(1);
        }
        self.updated_at = at;
        self.version += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states() -> Vec<OrderState> {
        use OrderState as S;
        let text = String::new();
        vec![
            S::Initialized,
            S::Submitted { attempt: 1, sent_at: Timestamp(5), epoch: 2 },
            S::Unknown { sent_at: Timestamp(5), why: text.clone() },
            S::Accepted,
            S::PartiallyFilled,
            S::PendingCancel,
            S::Filled,
            S::Canceled { reason: text.clone() },
            S::Expired { reason: text.clone() },
            S::Rejected { code: text.clone(), message: text.clone() },
            S::Denied { reason: text },
        ]
    }

    fn events() -> Vec<OrderEvent> {
        use OrderEvent as E;
        let text = String::new();
        vec![
            E::Submit { sent_at: Timestamp(5), epoch: 2, attempt: 1 },
            E::Deny { reason: text.clone() },
            E::Accept,
            E::Fill { complete: true },
            E::Fill { complete: false },
            E::Reject { code: text.clone(), message: text.clone() },
            E::Cancel { reason: text.clone() },
            E::Expire { reason: text.clone() },
            E::Lose { why: text },
            E::NotAccepted,
            E::NotSent,
            E::ProveAbsent,
            E::RequestCancel,
            E::CancelReject,
        ]
    }

    /// Rows: states in order; columns: events in order; the next status, `-` for refused.
    #[rustfmt::skip]
    const TABLE: [[&str; 14]; 11] = [
        // submit       deny      accept      fill all  fill part           reject      cancel      expire     lose       not acc.       not sent       absent      req cancel        cancel rej
        ["submitted",  "denied", "-",        "-",      "-",                "-",        "-",        "-",       "-",       "-",           "-",           "-",        "-",              "-"],
        ["-",          "-",      "accepted", "filled", "partially_filled", "rejected", "canceled", "expired", "unknown", "initialized", "initialized", "-",        "-",              "-"],
        ["-",          "-",      "accepted", "filled", "partially_filled", "-",        "canceled", "expired", "-",       "-",           "-",           "rejected", "-",              "-"],
        ["-",          "-",      "-",        "filled", "partially_filled", "-",        "canceled", "expired", "-",       "-",           "-",           "-",        "pending_cancel", "-"],
        ["-",          "-",      "-",        "filled", "partially_filled", "-",        "canceled", "expired", "-",       "-",           "-",           "-",        "pending_cancel", "-"],
        ["-",          "-",      "-",        "filled", "pending_cancel",   "-",        "canceled", "expired", "-",       "-",           "-",           "-",        "-",              "accepted"],
        ["-"; 14],
        ["-",          "-",      "-",        "filled", "canceled",         "-",        "-",        "-",       "-",       "-",           "-",           "-",        "-",              "-"],
        ["-",          "-",      "-",        "filled", "expired",          "-",        "-",        "-",       "-",       "-",           "-",           "-",        "-",              "-"],
        ["-"; 14],
        ["-"; 14],
    ];

    #[test]
    fn every_pair_of_state_and_event_does_what_the_table_says() {
        for (state, row) in states().iter().zip(TABLE) {
            for (event, expected) in events().into_iter().zip(row) {
                let label = format!("{state:?} + {event:?}");
                let got = state.apply(event).map_or("-", |next| next.status().as_str());
                assert_eq!(got, expected, "{label}");
            }
        }
    }

    #[test]
    fn an_order_unknown_since_a_moment_remembers_when_it_was_sent() {
        let sent = OrderState::Submitted { attempt: 1, sent_at: Timestamp(42), epoch: 7 };
        let lost = sent.apply(OrderEvent::Lose { why: "timeout".into() }).expect("legal");
        assert_eq!(lost, OrderState::Unknown { sent_at: Timestamp(42), why: "timeout".into() });
    }
}
