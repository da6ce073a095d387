//! The desk: how are we doing, and what needs me?

use askama::Template;

use super::{Badge, Chart, DecisionRow, Empty, Env, Shell, Signed, Tone};

/// Something a person should look at.
#[derive(Clone, Debug)]
pub struct NeedRow {
    /// For example `Buy 0.0100 BTC`.
    pub title: String,
    /// For example `Sage · expires in 41 min`.
    pub note: String,
    /// The figure or verb at the end of the row.
    pub value: String,
    /// Its tone.
    pub tone: Tone,
    /// Where it leads.
    pub url: String,
}

/// A model in a table.
#[derive(Clone, Debug)]
pub struct ModelRow {
    /// The model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its advisor in words, for example `EMA cross, rules`.
    pub advisor: String,
    /// Where it trades.
    pub env: Env,
    /// `shows`, `asks` or `acts`.
    pub acts: String,
    /// `running`, `paused`, ...
    pub state: Badge,
    /// Equity without currency; a dash before the first snapshot.
    pub equity: String,
    /// Change since 00:00 UTC.
    pub today: Signed,
    /// Return since the start.
    pub total: Signed,
    /// Open positions.
    pub open: String,
    /// Closed trades won and lost, for example `31 / 22`.
    pub closed: String,
    /// Drawdown from the high-water mark.
    pub drawdown: String,
    /// `3:12`, `paused`, `running`.
    pub next_run: String,
    /// RFC 3339 of the next run for the countdown; empty when there is none.
    pub next_run_iso: String,
    /// Decisions of it that wait.
    pub pending: u64,
}

/// Equity of one environment; environments are never summed.
#[derive(Clone, Debug)]
pub struct BookToday {
    /// The environment.
    pub env: Env,
    /// Equity with currency.
    pub equity: String,
    /// Change since 00:00 UTC.
    pub today: Signed,
    /// For example `3 models, 2 positions`.
    pub note: String,
}

/// One part of the health bar.
#[derive(Clone, Debug)]
pub struct HealthItem {
    /// For example `Market`.
    pub label: String,
    /// For example `2 s old, synthetic`.
    pub text: String,
    /// Whether it is well.
    pub ok: bool,
}

/// `/`.
#[derive(Clone, Debug, Template)]
#[template(path = "desk/page.html")]
pub struct DeskPage {
    /// The layout.
    pub shell: Shell,
    /// For example `three models, the last 30 days`.
    pub subtitle: String,
    /// Workers, market, exchange, database.
    pub health: Vec<HealthItem>,
    /// One a environment in use.
    pub books: Vec<BookToday>,
    /// Equity of all models and buy-and-hold; none before the first snapshot.
    pub equity: Option<Chart>,
    /// What stands in the chart's place before.
    pub equity_empty: Empty,
    /// What needs a person, most urgent first.
    pub needs: Vec<NeedRow>,
    /// What stands there when nothing does.
    pub needs_empty: Empty,
    /// All models.
    pub models: Vec<ModelRow>,
    /// What stands there before the first model.
    pub models_empty: Empty,
    /// The latest decisions.
    pub latest: Vec<DecisionRow>,
}
