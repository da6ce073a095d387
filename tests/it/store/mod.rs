//! The store's contract, held against both databases.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, in helpers too")]

mod commits;
mod conversations;
mod coordination;
mod credentials;
mod curves;
mod harness;
mod inbox;
mod incidents;
mod orders;
mod round_trips;
mod samples;
mod speed;
mod stop_switch;
