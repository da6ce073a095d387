//! Concrete implementations of the ports.

pub mod advisors;
pub mod market;
