//! The database: SQLite or PostgreSQL behind the same code.

mod connect;

pub use connect::{ConnectError, Db, connect, migrate};
