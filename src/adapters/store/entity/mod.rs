//! One module a table: rows as the database has them.

pub mod session;
pub mod setup_state;
pub mod token;
pub mod user;
