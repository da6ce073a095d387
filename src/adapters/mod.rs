//! Concrete implementations of the ports.

pub mod advisors;
pub mod binance;
pub mod bundle_codec;
pub mod clock;
pub mod indicators;
pub mod llm;
pub mod market;
pub mod mcp_bridge;
pub mod paper_exchange;
pub mod simulation;
pub mod stop_switch;
pub mod store;
pub mod vault;
