//! Orders: the list, and one order with its time line.

use askama::Template;

use super::{Badge, Choice, Empty, Env, EventRow, FillRow, KeyValue, OrderRow, Shell, Side, Tab, When};

/// `/orders`.
#[derive(Clone, Debug, Template)]
#[template(path = "orders/list.html")]
pub struct OrdersPage {
    /// The layout.
    pub shell: Shell,
    /// All, open, unknown, filled, cancelled, rejected.
    pub tabs: Vec<Tab>,
    /// The current status, sent along with the model filter.
    pub status: String,
    /// The model filter.
    pub models: Vec<Choice>,
    /// The rows, newest first.
    pub rows: Vec<OrderRow>,
    /// What stands there without any.
    pub empty: Empty,
    /// The next page.
    pub older_url: Option<String>,
}

/// One attempt to send an order.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    /// Its number.
    pub number: String,
    /// When it was committed.
    pub at: When,
    /// What came back in a word, for example `accepted`, `no reply`.
    pub result: Badge,
    /// Status, code or message; may be empty.
    pub note: String,
}

/// One leg of a ledger posting.
#[derive(Clone, Debug)]
pub struct LedgerRow {
    /// When.
    pub at: When,
    /// The account, for example `cash USDT`.
    pub account: String,
    /// Debit, or empty.
    pub debit: String,
    /// Credit, or empty.
    pub credit: String,
    /// What for.
    pub memo: String,
}

/// `/orders/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "orders/detail.html")]
pub struct OrderPage {
    /// The layout.
    pub shell: Shell,
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
    /// The state.
    pub state: Badge,
    /// Whether its outcome is unknown.
    pub unknown: bool,
    /// What the state means right now, for example `The reply was lost. Asking the exchange; nothing is sent again.`
    pub state_note: String,
    /// When it was journaled.
    pub at: When,
    /// Filled share in words, for example `60 % filled`.
    pub filled: String,
    /// That share, 0 to 100.
    pub filled_pct: u8,
    /// Client order id, exchange id, style, worst price, average price, cause, ...
    pub facts: Vec<KeyValue>,
    /// Whether a cancel can be asked for.
    pub can_cancel: bool,
    /// The state time line, oldest first.
    pub events: Vec<EventRow>,
    /// Attempts to send it.
    pub attempts: Vec<AttemptRow>,
    /// What the exchange last answered, as it came; empty without an answer.
    pub answer: String,
    /// Fills.
    pub fills: Vec<FillRow>,
    /// Ledger lines.
    pub ledger: Vec<LedgerRow>,
}
