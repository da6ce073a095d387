//! Reconciliation: both sides of every account, and a person's word on what differs.

use askama::Template;

use super::{Badge, Empty, Env, Shell, Signed, Toast, When};

/// One asset, both sides.
#[derive(Clone, Debug)]
pub struct AssetRow {
    /// The asset.
    pub asset: String,
    /// Held at first contact.
    pub baseline: String,
    /// Brought and taken by our fills.
    pub ours: String,
    /// Adopted by people.
    pub adjusted: String,
    /// The sum of these.
    pub expected: String,
    /// What the exchange says.
    pub exchange: String,
    /// Too much or missing.
    pub difference: Signed,
}

/// One open order, both sides.
#[derive(Clone, Debug)]
pub struct RestingRow {
    /// For example `Buy 0.0100 BTC`, with a link when it is ours.
    pub title: String,
    /// Our order, if it is one.
    pub order_id: Option<i64>,
    /// Where it stands here; a dash for a foreign one.
    pub here: String,
    /// Where it stands there.
    pub there: String,
}

/// One difference.
#[derive(Clone, Debug)]
pub struct DifferenceRow {
    /// Identity.
    pub id: i64,
    /// For example `Trade that is not ours`.
    pub kind: String,
    /// The asset, market or order.
    pub subject: String,
    /// What we have.
    pub local: String,
    /// What the exchange has.
    pub exchange: String,
    /// What adopting adds, for example `+0.01 BTC, -432.50 USDT`; empty when it moves no money.
    pub effect: String,
    /// First seen.
    pub first: When,
    /// `open`, `explained`, `adopted`, `gone`.
    pub status: Badge,
    /// Who settled it, when and why; may be empty.
    pub settled: String,
    /// Whether it may be explained.
    pub can_explain: bool,
    /// Whether it may be adopted.
    pub can_adopt: bool,
    /// What was typed before, when it was refused.
    pub typed: String,
    /// Why it was refused, may be empty.
    pub error: String,
}

/// One run.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// When it ended.
    pub at: When,
    /// Who asked for it.
    pub by: String,
    /// How it ended.
    pub outcome: Badge,
    /// In words.
    pub summary: String,
}

/// One account.
#[derive(Clone, Debug)]
pub struct AccountCard {
    /// The session's CSRF token.
    pub csrf: String,
    /// Its name.
    pub fingerprint: String,
    /// Environment.
    pub env: Env,
    /// The models on it.
    pub models: Vec<(i64, String)>,
    /// How it stands.
    pub state: Badge,
    /// What that means for entries, in a sentence.
    pub sentence: String,
    /// The last successful run.
    pub last: Option<When>,
    /// First contact.
    pub first: Option<When>,
    /// What just happened here.
    pub notice: Option<Toast>,
    /// Every asset, both sides.
    pub assets: Vec<AssetRow>,
    /// Open orders, both sides.
    pub resting: Vec<RestingRow>,
    /// Open and explained differences.
    pub differences: Vec<DifferenceRow>,
    /// Adopted and gone ones.
    pub past: Vec<DifferenceRow>,
    /// The latest runs.
    pub runs: Vec<RunRow>,
    /// Whether a run may be asked for.
    pub can_run: bool,
    /// Whether it may begin anew.
    pub can_begin_anew: bool,
}

/// `/reconciliation`.
#[derive(Clone, Debug, Template)]
#[template(path = "reconciliation/page.html")]
pub struct ReconciliationPage {
    /// The layout.
    pub shell: Shell,
    /// The accounts, by first contact.
    pub accounts: Vec<AccountCard>,
    /// What stands there without any.
    pub empty: Empty,
}
