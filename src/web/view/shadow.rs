//! Candidates that follow a model on paper.

use askama::Template;

use super::{Badge, Chart, Empty, Field, Figure, KeyValue, Shell, Signed, When};

/// One line of the comparison.
#[derive(Clone, Debug)]
pub struct ShadowLine {
    /// Where it is shown; empty for the model itself.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Who answers.
    pub who: String,
    /// Active, stopped, or what it waits for.
    pub state: Badge,
    /// What it has gained.
    pub result: Signed,
    /// What the model has gained at the same moments.
    pub model: Signed,
    /// The deepest fall.
    pub drawdown: String,
    /// Round trips, won ones first.
    pub trades: String,
    /// How often it wanted the same.
    pub agreed: String,
    /// Refused, unusable, unanswered.
    pub trouble: String,
    /// What asking it cost.
    pub cost: String,
}

/// `/models/{id}/shadows`.
#[derive(Clone, Debug, Template)]
#[template(path = "shadows/list.html")]
pub struct ShadowsPage {
    /// The layout.
    pub shell: Shell,
    /// The model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Active, paused, deleted.
    pub state: Badge,
    /// The candidates, the newest first.
    pub lines: Vec<ShadowLine>,
    /// Their curves beside the model's.
    pub chart: Option<Chart>,
    /// Shown when there are none.
    pub empty: Empty,
    /// Why nothing was started; may be empty.
    pub error: String,
    /// Why the operator cannot start one; empty when that is allowed.
    pub locked: String,
    /// The form of a new one.
    pub fields: Vec<Field>,
}

/// One record, as a candidate answered it.
#[derive(Clone, Debug)]
pub struct StepLine {
    /// Where it is told in full.
    pub url: String,
    /// The cycle.
    pub cycle: i64,
    /// Market time.
    pub market: String,
    /// Its equity.
    pub equity: String,
    /// The model's equity.
    pub model_equity: String,
    /// What was bought and sold, or why there was no answer.
    pub what: Vec<String>,
    /// Whether there was no answer.
    pub failed: bool,
    /// What it cost.
    pub cost: String,
}

/// `/shadows/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "shadows/show.html")]
pub struct ShadowPage {
    /// The layout.
    pub shell: Shell,
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The model.
    pub model_id: i64,
    /// The model's name.
    pub model: String,
    /// Active or stopped.
    pub state: Badge,
    /// Why it ended by itself; empty when it did not.
    pub ended: String,
    /// Who answers.
    pub who: String,
    /// When it was started.
    pub since: When,
    /// Its results.
    pub figures: Vec<Figure>,
    /// Its curve beside the model's.
    pub chart: Option<Chart>,
    /// What it holds on paper.
    pub positions: Vec<KeyValue>,
    /// Record by record, the newest first.
    pub steps: Vec<StepLine>,
    /// Where older ones are; empty when there are none.
    pub older: String,
    /// The template of its prompts; empty for the model's.
    pub template: String,
    /// Whether it can be ended by this operator.
    pub may_stop: bool,
}
