//! What a model's language model cost.

use askama::Template;

use super::{Badge, Figure, RuleRow, Shell};

/// The calls of one day or month.
#[derive(Clone, Debug)]
pub struct CostRow {
    /// `2026-11-27` or `2026-11`.
    pub label: String,
    /// How many calls.
    pub calls: String,
    /// Tokens of the prompts.
    pub input: String,
    /// Tokens of the answers.
    pub output: String,
    /// Decisions that came of them.
    pub decisions: String,
    /// With its currency.
    pub cost: String,
}

/// `/models/{id}/costs`.
#[derive(Clone, Debug, Template)]
#[template(path = "models/costs.html")]
pub struct CostsPage {
    /// The layout.
    pub shell: Shell,
    /// The model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Active, paused, deleted.
    pub state: Badge,
    /// Who answers.
    pub advisor: String,
    /// What the sums do not know; may be empty.
    pub note: String,
    /// The sums.
    pub figures: Vec<Figure>,
    /// The budgets that are set.
    pub budgets: Vec<RuleRow>,
    /// By day, the newest first.
    pub days: Vec<CostRow>,
    /// By month, the newest first.
    pub months: Vec<CostRow>,
}
