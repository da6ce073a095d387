//! One cycle: what was asked, what was answered, what came of it; and whether it would come to the same today.

use askama::Template;

use super::{Badge, DecisionRow, EarlierAnswer, Env, Figure, KeyValue, Shell, Tone, When};

/// A text in a conversation.
#[derive(Clone, Debug)]
pub struct TalkPart {
    /// Whose words these are, for example `Prompt, system`.
    pub title: String,
    /// How long it is, for example `4.2 kB`.
    pub size: String,
    /// The words: untrusted text.
    pub text: String,
}

/// One question to a language model, with its answer.
#[derive(Clone, Debug)]
pub struct TalkTurn {
    /// For example `Question 1`.
    pub title: String,
    /// `answered`, `no answer`.
    pub state: Badge,
    /// Way of asking, tokens, cost, latency, why it stopped.
    pub facts: Vec<KeyValue>,
    /// Why there was no answer: may quote a provider; may be empty.
    pub error: String,
    /// What is not shown again; may be empty.
    pub note: String,
    /// What was asked and answered.
    pub parts: Vec<TalkPart>,
}

/// The conversation of a cycle, from its record.
#[derive(Clone, Debug)]
pub struct Talk {
    /// Provider, model, version of the template.
    pub facts: Vec<KeyValue>,
    /// What was left out of the prompt, in words.
    pub cut: Vec<String>,
    /// The questions in order.
    pub turns: Vec<TalkTurn>,
}

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
    /// Why its record cannot be looked at, as a sentence; empty when it can, or when there never was one.
    pub record_note: String,
    /// Name, size and author of the record; empty without one. With one, it can be replayed and downloaded.
    pub record: Vec<KeyValue>,
    /// Whether another language model can be asked the same.
    pub can_ask: bool,
    /// What others were asked.
    pub others: Vec<EarlierAnswer>,
    /// The conversation with a language model, in place of the two texts.
    pub talk: Option<Talk>,
}

/// One thing that a replay decides otherwise.
#[derive(Clone, Debug)]
pub struct ReplayDifferenceRow {
    /// The coin.
    pub coin: String,
    /// What, for example `order`.
    pub what: String,
    /// As recorded: may quote an answer.
    pub recorded: String,
    /// As it is now: may quote an answer.
    pub now: String,
}

/// What a replay makes of one coin's answer.
#[derive(Clone, Debug)]
pub struct ReplayedRow {
    /// The coin.
    pub coin: String,
    /// `passed`, `denied`, `hold`, `unusable`.
    pub ruling: Badge,
    /// Why, where that can be said in a word: may quote an answer.
    pub why: String,
    /// The order, in words.
    pub order: String,
    /// The short digest of its terms, or a dash.
    pub digest: String,
}

/// `/cycles/{id}/replay`.
#[derive(Clone, Debug, Template)]
#[template(path = "cycles/replay.html")]
pub struct ReplayPage {
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
    /// When the cycle began.
    pub at: When,
    /// How the verdict is meant.
    pub tone: Tone,
    /// The verdict, for example `The same decisions follow.`
    pub verdict: String,
    /// What that means, in a sentence; may be empty.
    pub note: String,
    /// Where something is decided otherwise.
    pub differences: Vec<ReplayDifferenceRow>,
    /// What follows now.
    pub decisions: Vec<ReplayedRow>,
    /// Name, size and author of the record; empty without one.
    pub record: Vec<KeyValue>,
}
