//! The pure heart: no async, IO, clock, randomness, database or web. Time and ids arrive as arguments.

pub mod absence;
pub mod access;
pub mod auto_pause;
pub mod book;
pub mod credential;
pub mod cycle;
pub mod decision;
pub mod digest;
pub mod fill;
pub mod ids;
pub mod incident;
pub mod instrument;
pub mod ledger;
pub mod market;
pub mod money;
pub mod notification;
pub mod order;
pub mod position;
pub mod protection;
pub mod reconciliation;
pub mod risk;
pub mod signal;
pub mod time;
pub mod trader;
pub mod trader_settings;
pub mod venue_kind;
