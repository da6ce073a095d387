//! The JSON API, told as a program that uses it would.

pub(crate) mod document;
mod door;
mod flow;
mod input;
mod lists;
mod real_money;
mod refusals;
pub mod shorthand;
mod slow;
