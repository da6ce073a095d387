//! The unknown-outcome desk: what is known, what is not, and what may be done.

use askama::Template;

use super::{Countdown, Empty, Env, KeyValue, Shell, Side, When};

/// One condition of proven absence.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Whether it holds.
    pub met: bool,
    /// In words.
    pub text: String,
    /// When it can hold at the earliest.
    pub countdown: Option<Countdown>,
}

/// One line of the evidence.
#[derive(Clone, Debug)]
pub struct EvidenceRow {
    /// When; the last time for answers that were the same.
    pub at: When,
    /// What happened.
    pub what: String,
    /// For example `6 times, first 18 s ago`; may be empty.
    pub note: String,
}

/// One order whose outcome is unknown.
#[derive(Clone, Debug)]
pub struct UnknownCard {
    /// The order.
    pub id: i64,
    /// Environment.
    pub env: Env,
    /// Sign and word.
    pub side: Side,
    /// For example `Buy 0.0100 BTC`.
    pub title: String,
    /// The model.
    pub model_id: i64,
    /// Its name.
    pub model: String,
    /// The decision that caused it.
    pub decision_id: Option<i64>,
    /// When it was sent.
    pub sent: When,
    /// What was seen instead of an answer.
    pub why: String,
    /// What was ordered.
    pub terms: Vec<KeyValue>,
    /// What it counts as until the exchange tells.
    pub counts_as: String,
    /// What waits meanwhile, and what does not.
    pub frozen: String,
    /// Attempts and answers, oldest first.
    pub evidence: Vec<EvidenceRow>,
    /// What absence needs; empty where the venue tells at once.
    pub conditions: Vec<Condition>,
    /// When it is asked about next.
    pub next: Option<Countdown>,
    /// Whether it may be asked about now.
    pub can_probe: bool,
}

/// `/orders/unknown`.
#[derive(Clone, Debug, Template)]
#[template(path = "unknown/page.html")]
pub struct UnknownPage {
    /// The layout.
    pub shell: Shell,
    /// The orders, oldest first.
    pub cards: Vec<UnknownCard>,
    /// How many more there are than are shown, in words; empty for none.
    pub more: String,
    /// What stands there without any.
    pub empty: Empty,
}
