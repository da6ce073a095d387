//! One cycle: what was asked, what was answered, what came of it.

use askama::Template;

use super::{Badge, DecisionRow, Env, Figure, KeyValue, Shell, When};

/// `/cycles/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "cycles/page.html")]
pub struct CyclePage {
    /// The layout.
    pub shell: Shell,
    /// The cycle.
    pub id: i64,
    /// The model.
    pub model_id: i64,
    /// Its name.
    pub model: String,
    /// Environment at the time.
    pub env: Env,
    /// Automation level at the time, in words.
    pub automation: String,
    /// `running`, `done`, `failed`.
    pub state: Badge,
    /// When it began.
    pub at: When,
    /// Duration, trigger, advisor, number of decisions.
    pub figures: Vec<Figure>,
    /// Warnings and errors, as sentences.
    pub warnings: Vec<String>,
    /// The prices it saw, coin and price with age.
    pub prices: Vec<KeyValue>,
    /// What was asked: untrusted text.
    pub asked: String,
    /// What was answered: untrusted text.
    pub answered: String,
    /// The decisions it made.
    pub decisions: Vec<DecisionRow>,
}
