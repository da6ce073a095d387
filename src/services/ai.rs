//! What a desk needs to work with language models.

use crate::ports::language_model::{AnswerReader, LanguageModels};
use crate::services::places::Places;
use crate::services::shutdown::Shutdown;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Questions of cycles that are put once more at the same time, in this process.
pub const REASKS_AT_ONCE: usize = 4;

/// Who is asked, and who reads the answer; see [`crate::ports::language_model`].
#[derive(Clone)]
pub struct Ai {
    /// Asks.
    pub models: Arc<dyn LanguageModels>,
    /// Reads what was answered.
    pub answers: Arc<dyn AnswerReader>,
    /// How many questions each provider is asked at once.
    pub places: Arc<Places>,
    /// [`REASKS_AT_ONCE`] of them.
    pub reasks: Arc<Semaphore>,
    /// The end of the process: answers are not waited for much longer.
    pub closing: Shutdown,
}

impl Ai {
    /// With every place free.
    pub fn new(models: Arc<dyn LanguageModels>, answers: Arc<dyn AnswerReader>, closing: Shutdown) -> Self {
        let reasks = Arc::new(Semaphore::new(REASKS_AT_ONCE));
        Self { models, answers, places: Arc::new(Places::default()), reasks, closing }
    }
}
