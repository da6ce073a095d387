//! What a desk needs to work with language models.

use crate::ports::language_model::{AnswerReader, LanguageModels, PromptWriter};
use std::sync::Arc;

/// The three ports behind language models; see [`crate::ports::language_model`].
#[derive(Clone)]
pub struct Ai {
    /// Asks.
    pub models: Arc<dyn LanguageModels>,
    /// Reads what was answered.
    pub answers: Arc<dyn AnswerReader>,
    /// Writes what is asked.
    pub prompts: Arc<dyn PromptWriter>,
}
