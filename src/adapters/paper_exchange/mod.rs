//! A spot exchange inside the binary that speaks the wire of Binance, so that live trading can be learned, shown and
//! tested without one: by this desk, and by anyone who writes a bot for it.
//!
//! It shares no code with the client of the real exchange: the two must not be wrong together.
//!
//! ```text
//!  HTTP --> faults --> limits --> signature --> endpoints --> floor { engine, state log } --> answer, once on the disk
//!                                                  ^            ^
//!                                               candles       ticks
//!                                                  '--- market feed (synthetic or replayed) ---'
//! ```
//!
//! Market time may run at any speed; the exchange's clock, timestamps and windows are wall-clock time.

pub mod engine;

mod accounts;
mod auth;
mod bars;
mod call;
mod endpoints;
mod error;
mod exchange;
mod faults;
mod floor;
mod json;
mod limits;
mod mangle;
mod market_feed;
mod params;
mod render;
mod route;
mod running;
mod server;
mod state_log;
mod state_writer;
mod timing;

pub use accounts::{AccountSpec, AccountSpecError, KEY_LETTERS, KeyPermissions};
pub use exchange::PaperError;
pub use faults::{Action, FAULTS_MAX, Fault, FaultScript, Faults, ScriptError};
pub use limits::LimitsMode;
pub use running::{PaperConfig, PaperExchange};
pub use state_log::{OpenedLog, StateLogError};
pub use state_writer::LINES_MAX_BYTES;
