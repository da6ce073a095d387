//! Our own client of Binance Spot over REST, and the ports on top of it.
//!
//! ```text
//! endpoint   every call we make: method, path, weight, security          pure
//! request    the one encoded string; what is signed is what is sent      pure
//! sign       HMAC-SHA256 and Ed25519                                     pure
//! wire       answers as they come, open to words and fields not yet known
//! decode     answers -> what they mean here                              pure
//! classify   HTTP status first, then code; ambiguous is the default      pure
//! filters    a market's rules -> Instrument                              pure
//! rate_limit one budget of weight and orders, shared by all              pure
//! clock_sync the venue's time on our monotonic clock                     pure
//! host       one address: the only place that touches the network
//! public     reads without a key, typed
//! client     one key at one host: signed calls
//! venue      ports: orders and account
//! exchanges  both environments, and the accounts that are open
//! ```
//! A read may be repeated; an order is sent once. Nothing here prints a key, a secret, a signature or a URL.

pub mod client;
pub mod exchanges;
pub mod host;
pub mod order;
pub mod request;
pub mod sign;
pub mod venue;
pub mod wire;

mod classify;
mod clock_sync;
mod decode;
mod endpoint;
mod filters;
mod public;
mod rate_limit;

#[cfg(test)]
mod tests;

pub(crate) use endpoint::Endpoint;
pub(crate) use filters::exchange_info;
pub(crate) use host::CallError;
pub(crate) use rate_limit::Urgency;
