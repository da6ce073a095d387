//! Exchange keys: what may be saved, what a check finds, what is cancelled, who may spend real money; and that no secret
//! is ever seen again.

#[macro_use]
pub mod house;

mod api;
mod arming;
pub mod canary;
mod page;
mod rotation;
mod vault;
