//! Why the exchange does not do what it was asked for: Binance's code and text, and how far the request came.

use std::borrow::Cow;

/// How far a request came before it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was judged by its own content and the market's filters; `order/test` gives the same answer.
    Validation,
    /// It reached the engine, which looked at the account and the book.
    Engine,
}

/// A refusal. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Binance's code, below zero.
    pub code: i32,
    /// Binance's text.
    pub message: Cow<'static, str>,
    /// How far it came.
    pub phase: Phase,
}
