//! The JSON API, told as a program that uses it would.

mod document;
mod door;
mod flow;
mod house;
mod input;
mod lists;
mod refusals;
