//! Language models behind the chat-completions endpoint: writing what they are asked, asking, and reading what they answer.
//!
//! ```text
//! brief -> prompt + schema -> client -> the answer's text -> answer -> a proposal, or why there is none, for each coin
//! ```

pub mod answer;
pub mod client;
pub mod keys;
pub mod prompt;
mod schema;
