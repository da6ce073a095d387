//! Which template a trader's prompts are written from, and which ones they were written from before.

use crate::domain::ids::TraderId;
use crate::domain::time::Timestamp;

/// A template as it was saved. Nothing changes a saved one: the next takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptTemplate {
    /// Whose.
    pub trader_id: TraderId,
    /// From 1 for each trader; the highest is in force.
    pub number: i64,
    /// The text; `None` for the program's default, which may be another one in the next release.
    pub text: Option<String>,
    /// The name of its content, 16 hexadecimal digits; of a default, as it was at that time.
    pub version: String,
    /// An operator or a token.
    pub saved_by: String,
    /// Wall-clock time.
    pub saved_at: Timestamp,
}
