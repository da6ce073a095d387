//! What the services need from the world, as traits only.

pub mod access_store;
pub mod advisor;
pub mod bundle;
pub mod clock;
pub mod exchange;
pub mod language_model;
pub mod market_data;
pub mod stop_switch;
pub mod store;
pub mod vault;
pub mod venue;
