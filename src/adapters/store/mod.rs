//! The database: SQLite or PostgreSQL behind the same code.

mod access;
mod connect;
mod entity;

pub use access::DbAccessStore;
pub use connect::{ConnectError, Db, connect, migrate};
