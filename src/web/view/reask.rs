//! A cycle's question, put once more: the form, and both answers side by side.

use askama::Template;

use super::{Badge, Env, Field, KeyValue, Shell, Talk, Tone};

/// `/cycles/{id}/ask`.
#[derive(Clone, Debug, Template)]
#[template(path = "cycles/ask.html")]
pub struct AskPage {
    /// The layout.
    pub shell: Shell,
    /// The cycle.
    pub id: i64,
    /// The model whose question it is.
    pub model: String,
    /// Why it was refused; may be empty.
    pub error: String,
    /// Why the operator cannot ask; empty when that is allowed.
    pub locked: String,
    /// Provider, model, template.
    pub fields: Vec<Field>,
    /// Answers that were given so far.
    pub earlier: Vec<EarlierAnswer>,
}

/// An earlier answer to the same question.
#[derive(Clone, Debug)]
pub struct EarlierAnswer {
    /// Where it is shown.
    pub url: String,
    /// Who answered.
    pub who: String,
    /// Where it stands.
    pub state: Badge,
    /// Who asked, and when.
    pub note: String,
}

/// `/answers/{id}` and `/shadows/{id}/steps/{number}`: a cycle's answer beside another one.
#[derive(Clone, Debug, Template)]
#[template(path = "cycles/answer.html")]
pub struct AnswerPage {
    /// The layout.
    pub shell: Shell,
    /// Where it belongs, and what that is called.
    pub back: (String, String),
    /// What it is.
    pub title: String,
    /// The cycle.
    pub cycle: i64,
    /// Where the model traded.
    pub env: Env,
    /// Who was asked now.
    pub who: String,
    /// Where the question stands.
    pub state: Badge,
    /// What the person should know about it; may be empty.
    pub note: String,
    /// Whether that is bad.
    pub note_tone: Tone,
    /// What else there is to know; may be empty.
    pub facts: Vec<KeyValue>,
    /// What the other answer is called.
    pub other: &'static str,
    /// Whether the question may be put to one more.
    pub can_ask: bool,
    /// Loads the page again after so many seconds; 0 for never.
    pub reload_s: u32,
    /// The answer of the cycle and the other one.
    pub sides: Vec<AnswerSide>,
    /// Coin by coin.
    pub coins: Vec<CoinAnswers>,
    /// The conversation with the other one, question by question.
    pub talk: Option<Talk>,
}

/// One of the two answers.
#[derive(Clone, Debug)]
pub struct AnswerSide {
    /// `The cycle` or `Asked again`.
    pub title: String,
    /// Who answered: model and provider.
    pub who: String,
    /// Tokens, cost, time, template.
    pub facts: Vec<KeyValue>,
    /// The text of the answer: untrusted.
    pub answered: String,
}

/// What both answered for one coin.
#[derive(Clone, Debug)]
pub struct CoinAnswers {
    /// The coin.
    pub coin: String,
    /// Whether both lead to the same.
    pub same: bool,
    /// What the cycle's answer says and what came of it.
    pub then: CoinAnswer,
    /// What the other answer says and what would have come of it.
    pub now: CoinAnswer,
}

/// One answer for one coin.
#[derive(Clone, Debug)]
pub struct CoinAnswer {
    /// What was answered, in a few words: untrusted.
    pub text: String,
    /// What the rules made of it.
    pub ruling: Badge,
    /// The order, or why there is none; may be empty.
    pub note: String,
    /// Why, in the model's words: untrusted; may be empty.
    pub justification: String,
}
