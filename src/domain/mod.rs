//! The pure heart: no async, IO, clock, randomness, database or web. Time and ids arrive as arguments.

pub mod ids;
pub mod instrument;
pub mod market;
pub mod money;
pub mod signal;
pub mod time;
pub mod trader_settings;
pub mod venue_kind;
