//! Inbox, decisions, orders, stop and live events, as a browser sees them.

pub mod browser;
mod clock;
mod decisions;
pub mod house;
mod inbox;
mod live;
mod orders;
mod statements;
