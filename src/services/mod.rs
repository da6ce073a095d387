//! Use cases.

pub mod volatility;
