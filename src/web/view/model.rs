//! One model: what is it doing, and why?

use askama::Template;

use super::{Badge, Chart, DecisionRow, Empty, Env, Figure, KeyValue, RuleRow, Shell, Side, Signed, Tab, When};

/// An open position.
#[derive(Clone, Debug)]
pub struct PositionRow {
    /// The coin.
    pub coin: String,
    /// `long` or `short`, with leverage: `long x 3`.
    pub side: String,
    /// Quantity with coin.
    pub quantity: String,
    /// Average entry.
    pub entry: String,
    /// Price now.
    pub now: String,
    /// Unrealised profit and loss.
    pub pnl: Signed,
    /// Stop, or a dash.
    pub stop: String,
    /// Target, or a dash.
    pub target: String,
    /// Where the margin is used up, or a dash.
    pub liquidation: String,
    /// Why it cannot be closed right now; empty when it can.
    pub blocked: String,
}

/// A decision with its reasons.
#[derive(Clone, Debug)]
pub struct ToldDecision {
    /// The row.
    pub row: DecisionRow,
    /// Why, in the advisor's words: untrusted text, may be empty.
    pub why: String,
    /// Named facts behind it: untrusted text.
    pub facts: Vec<KeyValue>,
    /// Whether the facts are unfolded.
    pub open_facts: bool,
    /// What each rule said.
    pub rules: Vec<RuleRow>,
    /// For example `12 rules checked, none against it`; empty when none was.
    pub rules_title: String,
    /// Whether the rules are unfolded.
    pub open_rules: bool,
}

/// A closed trade or a fill, as a table row.
#[derive(Clone, Debug)]
pub struct TradeRow {
    /// When.
    pub at: When,
    /// Sign and word.
    pub side: Side,
    /// The coin.
    pub coin: String,
    /// Quantity with coin.
    pub quantity: String,
    /// Price.
    pub price: String,
    /// Fee with asset.
    pub fee: String,
    /// Realised profit and loss; flat with a dash for an entry.
    pub pnl: Signed,
    /// The order it came from.
    pub order_id: Option<i64>,
}

/// An order, as a table row.
#[derive(Clone, Debug)]
pub struct OrderRow {
    /// The order.
    pub id: i64,
    /// When it was journaled.
    pub at: When,
    /// Environment.
    pub env: Env,
    /// The model's name; empty on the model's own page.
    pub model: String,
    /// Sign and word.
    pub side: Side,
    /// For example `Buy 0.0100 BTC`.
    pub title: String,
    /// `market`, or `limit IOC at 43,466.25`.
    pub style: String,
    /// Filled share, for example `60 %`.
    pub filled: String,
    /// Average price of the fills, or a dash.
    pub price: String,
    /// What caused it: `decision`, `stop`, `target`, `operator`, `liquidation`.
    pub cause: String,
    /// The state.
    pub state: Badge,
    /// Whether a cancel can be asked for.
    pub can_cancel: bool,
}

/// One exchange of words with an advisor.
#[derive(Clone, Debug)]
pub struct ConversationRow {
    /// When.
    pub at: When,
    /// The cycle.
    pub cycle_id: i64,
    /// What came of it, for example `2 decisions, 1 denied`.
    pub outcome: String,
    /// What was asked: untrusted text.
    pub asked: String,
    /// What was answered: untrusted text.
    pub answered: String,
}

/// `/models/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "models/detail.html")]
pub struct ModelPage {
    /// The layout.
    pub shell: Shell,
    /// The model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its advisor in words, for example `EMA cross, rules and not AI`.
    pub advisor: String,
    /// Where it trades.
    pub env: Env,
    /// The address of this page, with the book that is shown.
    pub url: String,
    /// Its books, when there is more than one.
    pub books: Vec<Tab>,
    /// Its automation level in words.
    pub automation: String,
    /// `running`, `paused`, `deleted`, `stopped`.
    pub state: Badge,
    /// Why it is in that state, may be empty.
    pub state_note: String,
    /// `next run in 3:12` without the time; may be empty.
    pub next_run: String,
    /// RFC 3339 of the next run; empty when there is none.
    pub next_run_iso: String,
    /// Whether pause is offered, otherwise resume.
    pub running: bool,
    /// Whether the model is deleted and only read.
    pub deleted: bool,
    /// Why "Run now" is not possible; empty when it is.
    pub run_blocked: String,
    /// Whether it cannot go live as configured, in a sentence; may be empty.
    pub live_note: String,
    /// Equity, today, total, drawdown, cash, realised, ...
    pub figures: Vec<Figure>,
    /// The equity curve.
    pub equity: Option<Chart>,
    /// What stands in its place.
    pub equity_empty: Empty,
    /// Open positions.
    pub positions: Vec<PositionRow>,
    /// What stands there without any.
    pub positions_empty: Empty,
    /// The rules with what is used of each limit.
    pub risk: Vec<RuleRow>,
    /// The latest decisions with their reasons.
    pub decisions: Vec<ToldDecision>,
    /// What stands there without any.
    pub decisions_empty: Empty,
    /// The latest orders.
    pub orders: Vec<OrderRow>,
    /// The latest trades.
    pub trades: Vec<TradeRow>,
    /// The latest conversations.
    pub conversations: Vec<ConversationRow>,
}
