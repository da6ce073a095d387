//! What was asked and answered so far, and what it cost: kept outside of the asking, so that a cycle which fails or is
//! cut short still has its record and its bill.

use crate::domain::ai_cost::AiCall;
use crate::domain::incident::NewIncident;
use crate::domain::provider::AnswerMode;
use crate::ports::bundle::{Conversation, Turn};
use crate::ports::language_model::{ChatReply, ChatRole};
use rust_decimal::Decimal;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A conversation under way. It is written with the cycle's end, good or bad.
#[derive(Debug, Default)]
pub struct Transcript(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    conversation: Option<Conversation>,
    warnings: Vec<NewIncident>,
}

impl Transcript {
    /// The conversation; none when nobody was asked.
    pub fn conversation(&self) -> Option<Conversation> {
        self.lock().conversation.clone().filter(|conversation| !conversation.turns.is_empty())
    }

    /// The calls that were made.
    pub fn calls(&self) -> Vec<AiCall> {
        self.lock().conversation.iter().flat_map(|said| &said.turns).map(|turn| turn.call.clone()).collect()
    }

    /// What a person should know about their cost.
    pub fn warnings(&self) -> Vec<NewIncident> {
        self.lock().warnings.clone()
    }

    pub(super) fn begin(&self, conversation: Conversation) {
        self.lock().conversation = Some(conversation);
    }

    pub(super) fn cut(&self, cut: &[String]) {
        if let Some(conversation) = &mut self.lock().conversation {
            conversation.cut = cut.to_vec();
        }
    }

    /// A turn that begins. It stands as it is until it is closed.
    pub(super) fn open(&self, turn: Turn) {
        if let Some(conversation) = &mut self.lock().conversation {
            conversation.turns.push(turn);
        }
    }

    /// The turn that was opened last, as it ended.
    pub(super) fn close(&self, turn: Turn) {
        if let Some(last) = self.lock().conversation.as_mut().and_then(|conversation| conversation.turns.last_mut()) {
            *last = turn;
        }
    }

    pub(super) fn warn(&self, incident: NewIncident) {
        self.lock().warnings.push(incident);
    }

    pub(super) fn cost(&self) -> Decimal {
        self.calls().iter().filter_map(|call| call.cost).fold(Decimal::ZERO, Decimal::saturating_add)
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conversation {
    /// The answers that came, in order.
    pub fn replies(&self) -> impl Iterator<Item = &ChatReply> {
        self.turns.iter().filter_map(|turn| turn.reply.as_ref())
    }

    /// The way of asking that was settled on.
    pub fn mode(&self) -> Option<AnswerMode> {
        self.turns.last().map(|turn| turn.request.mode)
    }

    /// What was asked, for a person: the prompt as it was answered, and what was asked again.
    pub fn asked(&self) -> String {
        let mut text = String::new();
        for (index, turn) in self.essential().into_iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n\n--- asked again ---\n" };
            text.push_str(separator);
            let said: Vec<&str> = match index {
                0 => turn.request.messages.iter().map(|message| message.content.as_str()).collect(),
                _ => turn.request.messages.last().iter().map(|message| message.content.as_str()).collect(),
            };
            text.push_str(&said.join("\n\n"));
        }
        text
    }

    /// What was answered, verbatim, or why there was no answer.
    pub fn answered(&self) -> String {
        let mut text = String::new();
        for (index, turn) in self.essential().into_iter().enumerate() {
            match (&turn.reply, &turn.error, index) {
                (Some(reply), _, 0) => text.push_str(&reply.content),
                (Some(reply), _, _) => {
                    text.push_str("\n\n--- answered again ---\n");
                    text.push_str(&reply.content);
                }
                (None, Some(error), 0) => text.push_str(&format!("--- no answer ---\n{error}")),
                (None, Some(error), _) => text.push_str(&format!("\n\n--- no second answer ---\n{error}")),
                (None, None, _) => {}
            }
        }
        text
    }

    /// The questions without those that were put once more in another way, because the provider does not take the first.
    fn essential(&self) -> Vec<&Turn> {
        let is_followed_up =
            |turn: &Turn| turn.request.messages.iter().any(|message| message.role == ChatRole::Assistant);
        let first = self.turns.iter().rposition(|turn| !is_followed_up(turn)).unwrap_or(0);
        self.turns.iter().skip(first).collect()
    }
}
