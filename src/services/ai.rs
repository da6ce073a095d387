//! What a desk needs to work with language models.

use crate::ports::language_model::{AnswerReader, LanguageModels};
use std::sync::Arc;

/// Who is asked, and who reads the answer; see [`crate::ports::language_model`].
#[derive(Clone)]
pub struct Ai {
    /// Asks.
    pub models: Arc<dyn LanguageModels>,
    /// Reads what was answered.
    pub answers: Arc<dyn AnswerReader>,
}
