//! Where orders go: the built-in fill model, or an exchange.

use crate::domain::instrument::Instrument;
use crate::domain::market::{Coin, Quote};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::Order;
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::TraderSettings;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::JournaledOrder;
use async_trait::async_trait;
use std::sync::Arc;

/// One execution as the venue tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueFill {
    /// The venue's id of the trade; with venue and symbol it is the fill's identity.
    pub trade_id: i64,
    /// Quote units for one base unit.
    pub price: Price,
    /// Base executed.
    pub quantity: Quantity,
    /// Fee in `fee_asset`.
    pub fee: Money,
    /// The asset in which the fee was taken.
    pub fee_asset: Coin,
    /// Whether it rested in the book.
    pub is_maker: bool,
    /// Market time.
    pub at: Timestamp,
}

/// Where the venue says an order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueStatus {
    /// Resting or waiting for more volume.
    Open,
    /// All of it executed.
    Filled,
    /// Cancelled, possibly part filled.
    Canceled(String),
    /// Ended by the venue, possibly part filled.
    Expired(String),
}

/// What the venue knows about an order, with every fill so far (repeated ones are no-ops for the caller).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueReport {
    /// The venue's id.
    pub venue_order_id: i64,
    /// Where it stands.
    pub status: VenueStatus,
    /// Fills so far.
    pub fills: Vec<VenueFill>,
    /// The venue's answer as it came, for the record; secrets never appear in it.
    pub raw: String,
}

/// The most bytes of a venue's answer that are kept: a filled order with some forty executions.
pub const VENUE_ANSWER_BYTES_MAX: usize = 8 * 1_024;

/// A venue's answer as it is kept: text from outside, of bounded size. What was cut off is said at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueAnswer(String);

impl VenueAnswer {
    /// Takes over an answer; `None` when it is empty.
    pub fn of(raw: &str) -> Option<Self> {
        if raw.is_empty() {
            return None;
        }
        // PostgreSQL takes no such character in a text.
        let raw = &*raw.replace('\0', "\u{fffd}");
        if raw.len() <= VENUE_ANSWER_BYTES_MAX {
            return Some(Self(raw.to_owned()));
        }
        let kept = &raw[..raw.floor_char_boundary(VENUE_ANSWER_BYTES_MAX)];
        Some(Self(format!("{kept} ... ({} more bytes were not kept)", raw.len() - kept.len())))
    }

    /// One that was kept.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of one attempt to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The venue has it.
    Accepted(VenueReport),
    /// A definite refusal.
    Rejected {
        /// The venue's code.
        code: String,
        /// The venue's words.
        message: String,
        /// The venue's answer, for the record; empty where there is none.
        raw: String,
    },
    /// Nothing left this process: no connection, or the venue wants no calls now. It costs no attempt.
    NotSent {
        /// Why not.
        why: String,
        /// Not before so many milliseconds have passed.
        retry_after_ms: i64,
    },
    /// Proven not accepted, and worth one more try (clock skew, rate limit).
    NotAccepted {
        /// What the venue said.
        why: String,
        /// Not before so many milliseconds have passed.
        retry_after_ms: i64,
    },
    /// Anything else: only a query can tell.
    Ambiguous {
        /// What was seen instead of an answer.
        why: String,
    },
}

/// What became of a question about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryOutcome {
    /// The venue knows it.
    Found(VenueReport),
    /// The venue does not know it.
    NotFound {
        /// True when the venue can never come to know it any more (the fill model lives and dies with its process);
        /// an exchange's single "no such order" proves nothing.
        is_final: bool,
    },
    /// No usable answer; proves nothing.
    Unavailable {
        /// What was seen instead.
        why: String,
    },
}

/// What became of a cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// Cancelled; the report has what was filled before.
    Canceled(VenueReport),
    /// Too late or unknown there: ask what it became.
    Refused {
        /// The venue's words.
        why: String,
    },
    /// No usable answer.
    Unavailable {
        /// What was seen instead.
        why: String,
    },
}

/// What a venue needs beside the order itself.
#[derive(Clone, Copy, Debug)]
pub struct OrderContext<'a> {
    /// The trader's settings: simulation takes its costs from them.
    pub settings: &'a TraderSettings,
    /// The market's filters.
    pub instrument: &'a Instrument,
    /// A price that was sent in with the decision (simulation only): it stands in for the market's until it is stale.
    pub given_quote: Option<Quote>,
}

/// A place that executes orders.
#[async_trait]
pub trait Venue: Send + Sync {
    /// Which kind it is.
    fn kind(&self) -> VenueKind;

    /// Sends a journaled order once. Never retries by itself.
    async fn submit(&self, order: &JournaledOrder, context: OrderContext<'_>) -> SubmitOutcome;

    /// Asks what became of an order.
    async fn query(&self, order: &Order, context: OrderContext<'_>) -> QueryOutcome;

    /// Cancels what is left of an order.
    async fn cancel(&self, order: &Order, context: OrderContext<'_>) -> CancelOutcome;
}

/// Finds the venues that live in this process. An exchange is not among them, and nothing is simulated in its stead.
pub trait VenueDirectory: Send + Sync {
    /// The venue, if it is one of these.
    fn find(&self, kind: VenueKind) -> Option<Arc<dyn Venue>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_cut_between_characters_and_says_so() {
        assert_eq!(VenueAnswer::of(""), None);
        let whole = "x".repeat(VENUE_ANSWER_BYTES_MAX);
        assert_eq!(VenueAnswer::of(&whole).unwrap().as_str(), whole);
        let long = format!("x{}", "é".repeat(VENUE_ANSWER_BYTES_MAX / 2));
        let kept = VenueAnswer::of(&long).unwrap();
        assert!(kept.as_str().ends_with("é ... (2 more bytes were not kept)"), "{}", kept.as_str());
        assert_eq!(kept.as_str().matches('é').count(), VENUE_ANSWER_BYTES_MAX / 2 - 1);
    }
}
