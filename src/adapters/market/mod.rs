//! Market data adapters: synthetic, replay and Binance public REST.
//!
//! ```text
//! synthetic  seeded walk (walk.rs) ----.
//!                                       >-- SimulatedClock: market time runs at a speed, or by hand in tests
//! replay     kline files (kline_file) -'
//! binance    public REST ---------------- wall clock
//! ```

pub mod binance;
pub mod known_markets;
pub mod replay;
pub mod simulated_clock;
pub mod synthetic;

mod kline_file;
mod series;
mod walk;
