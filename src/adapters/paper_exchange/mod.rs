//! A spot exchange inside the binary that speaks the wire of Binance, so that live trading can be learned, shown and
//! tested without one: by this desk, and by anyone who writes a bot for it.
//!
//! It shares no code with the client of the real exchange: the two must not be wrong together.

pub mod engine;
