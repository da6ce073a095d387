//! Language models behind the chat-completions endpoint: asking them, and reading what they answer.
//!
//! ```text
//! prompt + schema -> client -> the answer's text -> answer -> a proposal, or why there is none, for each coin
//! ```

pub mod answer;
pub mod client;
mod schema;
