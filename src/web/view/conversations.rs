//! What a model was asked and what it answered: the list that is searched.

use askama::Template;

use super::{Badge, Choice, Empty, Shell, When};

/// One cycle's words.
#[derive(Clone, Debug)]
pub struct SaidRow {
    /// The cycle.
    pub cycle_id: i64,
    /// When it began.
    pub at: When,
    /// How much of the answer could be used.
    pub answer: Badge,
    /// Tokens, cost and latency; empty where nobody was paid.
    pub bill: String,
    /// What was asked: untrusted text.
    pub asked: String,
    /// What was answered: untrusted text.
    pub answered: String,
    /// Whether the texts go on on the cycle's page.
    pub is_cut: bool,
}

/// `/models/{id}/conversations`.
#[derive(Clone, Debug, Template)]
#[template(path = "models/conversations.html")]
pub struct ConversationsPage {
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
    /// What is looked for.
    pub q: String,
    /// The longest text that is looked for, in characters.
    pub q_max: usize,
    /// How much of the answer could be used, to choose from.
    pub answers: Vec<Choice>,
    /// How far the search went, as a sentence; empty when it saw everything.
    pub note: String,
    /// The rows, newest first.
    pub rows: Vec<SaidRow>,
    /// What stands there without any.
    pub empty: Empty,
    /// The first page; none there.
    pub newest_url: Option<String>,
    /// The next page.
    pub older_url: Option<String>,
}
