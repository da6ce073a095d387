//! Use cases. Each reads, lets the domain decide, and commits once; nothing here knows a database, a page or an exchange.

pub mod access;
pub mod apply_fill;
pub mod attention;
pub mod cycle_parts;
pub mod decide;
pub mod desk;
pub mod emergency_stop;
pub mod follow_others;
pub mod health;
pub mod journal;
pub mod live_feed;
pub mod models;
pub mod observe_equity;
pub mod passwords;
pub mod protect;
pub mod read;
pub mod reconcile;
pub mod resolve_unknown;
pub mod run_cycle;
pub mod settle;
pub mod shutdown;
pub mod submit_order;
pub mod throttle;
pub mod volatility;
