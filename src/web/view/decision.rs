//! A decision in full: the term sheet, what can be done with it, and what was done.

use askama::Template;

use super::{Badge, Countdown, Env, Figure, KeyValue, PriceLine, Side, Signed, Tone, When};

/// The figures of a term sheet, each formatted with the instrument's precision and its unit.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Coin, for labels.
    pub coin: String,
    /// Quantity with coin, and leverage when above one: `0.0100 BTC` or `0.0100 BTC x 3`.
    pub quantity: String,
    /// Notional with currency.
    pub notional: String,
    /// Worst price that may be paid or taken, or `market` without a cap.
    pub worst_price: String,
    /// For example `hard cap, +50 bps`.
    pub worst_note: String,
    /// Price when it was proposed.
    pub price_asked: String,
    /// Price now; a dash when it is unknown.
    pub price_now: String,
    /// Move since proposed, for example `+2.5 bps since asked`.
    pub drift: Signed,
    /// `You pay`, `You receive`, or `Margin`.
    pub pay_label: String,
    /// That amount with currency.
    pub pay: String,
    /// For example `fee about 0.43`.
    pub fee: String,
    /// Loss if the stop is hit; none without a stop.
    pub loss_at_stop: Option<Signed>,
    /// For example `stop 42,000, target 45,000`.
    pub stop_note: String,
    /// Exposure in the coin, for example `0.0 → 4.3 %`.
    pub exposure: String,
    /// For example `limit 10 %`.
    pub exposure_note: String,
    /// Free cash, for example `100.0 → 95.7 %`.
    pub cash: String,
    /// For example `reserve 20 %`.
    pub cash_note: String,
    /// What may still be lost today, with currency.
    pub budget: String,
    /// For example `of a 3 % daily loss`.
    pub budget_note: String,
    /// Confidence, for example `0.72`.
    pub confidence: String,
    /// What the confidence means, may be empty.
    pub confidence_note: String,
}

impl Terms {
    /// The cells in the order they are read: price, cost, risk, effect, trust.
    pub fn figures(self) -> Vec<Figure> {
        let loss = match self.loss_at_stop {
            Some(loss) => Figure::money("Loss at stop", loss, self.stop_note),
            None => Figure::new("Loss at stop", "no stop", self.stop_note),
        };
        vec![
            Figure::new("Worst price", self.worst_price, self.worst_note),
            Figure::with_change("Now", self.price_now, self.drift),
            Figure::new(self.pay_label, self.pay, self.fee),
            loss,
            Figure::new(format!("{} exposure", self.coin), self.exposure, self.exposure_note),
            Figure::new("Cash", self.cash, self.cash_note),
            Figure::new("Today's budget left", self.budget, self.budget_note),
            Figure::new("Confidence", self.confidence, self.confidence_note),
            Figure::new("Quantity", self.quantity, ""),
            Figure::new("Notional", self.notional, format!("asked at {}", self.price_asked)),
        ]
    }
}

/// What a rule said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within its limit.
    Ok,
    /// Beyond it: the decision is denied.
    Denied,
    /// Not applicable, for example an entry rule on an exit.
    Skipped,
}

impl Verdict {
    /// The CSS class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Denied => "denied",
            Self::Skipped => "skipped",
        }
    }

    /// The sign.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::Denied => "✕",
            Self::Skipped => "–",
        }
    }

    /// The word, for screen readers and for denied rules.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "within limit",
            Self::Denied => "denied",
            Self::Skipped => "not applicable",
        }
    }
}

/// One evaluated risk rule.
#[derive(Clone, Debug)]
pub struct RuleRow {
    /// Its verdict.
    pub verdict: Verdict,
    /// Its name in words, for example `Position size`.
    pub name: String,
    /// Value against limit, for example `4.3 / 10 %`.
    pub reading: String,
    /// How much of the limit is used, 0 to 100; none when that makes no sense.
    pub used: Option<u8>,
    /// A sentence, shown when denied and on hover.
    pub text: String,
}

/// One step of a decision's, an order's or an incident's history.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// When.
    pub at: When,
    /// Who: an operator's name, a model's name, or `countersign`.
    pub who: String,
    /// What, for example `asked for approval`.
    pub what: String,
    /// More, may be empty.
    pub note: String,
}

/// One fill.
#[derive(Clone, Debug)]
pub struct FillRow {
    /// When.
    pub at: When,
    /// Quantity with coin.
    pub quantity: String,
    /// Price.
    pub price: String,
    /// Fee with asset.
    pub fee: String,
    /// `taker` or `maker`.
    pub liquidity: String,
    /// The venue's trade id.
    pub trade_id: String,
}

/// What became of a decision.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The state in a sentence, for example `Filled 0.0100 BTC at 43,262.00`.
    pub text: String,
    /// Its tone; an unknown outcome is [`Tone::Wait`], never bad.
    pub tone: Tone,
    /// The order, if there is one.
    pub order_id: Option<i64>,
    /// Its fills.
    pub fills: Vec<FillRow>,
}

/// A card above the terms that says why the last attempt did not do what was asked.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Its tone.
    pub tone: Tone,
    /// For example `Rejected by another operator, 12 s ago`.
    pub title: String,
    /// What it means and what to do.
    pub text: String,
    /// Old and new value, for a drifted price.
    pub change: Option<(String, String)>,
    /// Rules that denied it.
    pub reasons: Vec<String>,
}

impl Notice {
    /// Someone else was first; `title` says who and when.
    pub fn conflict(title: impl Into<String>) -> Self {
        Self {
            tone: Tone::Wait,
            title: title.into(),
            text: "Your click changed nothing. This is the decision as it stands.".into(),
            change: None,
            reasons: Vec::new(),
        }
    }

    /// The price moved beyond the limit; the new terms wait for another look.
    pub fn drift(old: impl Into<String>, new: impl Into<String>, moved: &str) -> Self {
        Self {
            tone: Tone::Wait,
            title: format!("The price moved {moved}. Look again."),
            text: "Nothing was sent. The terms below are fresh; approve again if they still suit you.".into(),
            change: Some((old.into(), new.into())),
            reasons: Vec::new(),
        }
    }

    /// A rule denied it on current data.
    pub fn denied(reasons: Vec<String>) -> Self {
        Self {
            tone: Tone::Bad,
            title: "Denied by risk on current data".into(),
            text: "Nothing was sent.".into(),
            change: None,
            reasons,
        }
    }

    /// It expired before the click arrived.
    pub fn expired(ago: &str) -> Self {
        Self {
            tone: Tone::Wait,
            title: format!("Expired {ago}"),
            text: "Nothing was sent. The model may ask again at its next run.".into(),
            change: None,
            reasons: Vec::new(),
        }
    }
}

/// The term sheet: a decision with everything needed to answer "may I?". Component, `#detail` on the inbox page.
#[derive(Clone, Debug, Template)]
#[template(path = "inbox/detail.html")]
pub struct TermSheet {
    /// The CSRF token.
    pub csrf: String,
    /// The decision.
    pub id: i64,
    /// Its version, sent back on every action.
    pub version: i64,
    /// The full digest, sent back on approval.
    pub digest: String,
    /// The digest shown, for example `7f3a 90c1 … c21e`; empty when there is none.
    pub digest_short: String,
    /// True when the address names this decision: on a narrow screen the list then steps aside.
    pub explicit: bool,
    /// Where the list is, for the way back on a narrow screen.
    pub back_url: String,
    /// Where it would be executed.
    pub env: Env,
    /// Sign and word.
    pub side: Side,
    /// For example `Buy 0.0100 BTC`.
    pub title: String,
    /// The model.
    pub model_id: i64,
    /// Its name.
    pub model: String,
    /// Its automation level in words.
    pub automation: String,
    /// The cycle it came from.
    pub cycle_id: Option<i64>,
    /// The state in a word.
    pub state: Badge,
    /// When it was proposed.
    pub asked: When,
    /// When it expires, while it waits.
    pub expires: Option<Countdown>,
    /// Why the last attempt did not go through.
    pub notice: Option<Notice>,
    /// The cells, usually [`Terms::figures`]; empty for an unusable answer.
    pub terms: Vec<Figure>,
    /// The price of the last day.
    pub line: Option<PriceLine>,
    /// The heading above the rules, for example `Rules checked just now`.
    pub rules_title: String,
    /// The rules.
    pub rules: Vec<RuleRow>,
    /// The model's reasons: untrusted text, always escaped.
    pub why: String,
    /// Further explanation as names and values: untrusted text.
    pub explanation: Vec<KeyValue>,
    /// Whether the explanation is folded away (explanation level beginner or intermediate).
    pub fold_explanation: bool,
    /// Whether the rules are folded away (explanation level beginner).
    pub fold_rules: bool,
    /// What an approval would do, in a sentence; empty once decided.
    pub on_approve: String,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// Who did what when, oldest first.
    pub events: Vec<EventRow>,
    /// Whether approve, edit and reject are offered.
    pub can_decide: bool,
    /// Whether "ask for approval" is offered (a displayed decision).
    pub can_request: bool,
    /// Side, quantity and coin in running text, for buttons: `buy 0.0100 BTC`.
    pub action_noun: String,
    /// Whether approving always asks once more (mainnet).
    pub confirm_first: bool,
    /// Why approving is not possible right now; empty when it is.
    pub blocked: String,
    /// Whether an order is on its way, so that the sheet follows order events.
    pub follow_order: bool,
}

/// A row of the inbox list, and of the latest decisions elsewhere.
#[derive(Clone, Debug, Template)]
#[template(path = "inbox/row.html")]
pub struct DecisionRow {
    /// The decision.
    pub id: i64,
    /// The environment.
    pub env: Env,
    /// Sign and word.
    pub side: Side,
    /// For example `Buy 0.0100 BTC`.
    pub title: String,
    /// The model's name.
    pub model: String,
    /// Notional without currency.
    pub amount: String,
    /// A short remark, for example `stop is near` or `will ask again`; may be empty.
    pub note: String,
    /// The move since proposed, if worth showing.
    pub drift: Option<Signed>,
    /// The countdown, while it waits.
    pub expires: Option<Countdown>,
    /// The state, shown when it does not wait.
    pub state: Option<Badge>,
    /// When it was proposed or decided, shown when it does not wait.
    pub at: When,
    /// Whether it is the one shown beside the list.
    pub selected: bool,
    /// Whether it travels out of band beside another fragment.
    pub oob: bool,
}

components!(TermSheet, DecisionRow);
