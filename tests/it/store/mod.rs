//! The store's contract, held against both databases.

mod harness;
mod round_trips;
mod samples;
