//! Use cases.

pub mod access;
pub mod health;
pub mod passwords;
pub mod shutdown;
pub mod throttle;
pub mod volatility;
