//! The store's contract, held against both databases.

mod commits;
mod coordination;
mod curves;
mod harness;
mod inbox;
mod incidents;
mod orders;
mod round_trips;
mod samples;
mod speed;
mod stop_switch;
