//! Inbox, decisions, orders, stop and live events, as a browser sees them.

mod browser;
mod clock;
mod decisions;
mod house;
mod inbox;
mod live;
mod orders;
