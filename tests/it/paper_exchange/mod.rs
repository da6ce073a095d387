//! The paper exchange as its clients see it: over HTTP, with real signatures.

mod clients;
mod command;
mod durability;
mod faults;
pub mod house;
mod keys;
mod limits;
mod lists;
mod market;
mod orders;
pub mod vectors;
