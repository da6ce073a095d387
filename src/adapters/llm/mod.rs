//! Language models behind the chat-completions endpoint: writing what they are asked.

pub mod prompt;
