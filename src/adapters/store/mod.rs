//! The database: SQLite or PostgreSQL behind the same code.
//!
//! `sql_store` is the store itself, `commit` its one way to write, `reads` its questions; a module for each table
//! turns rows into the domain's values and back. `access` keeps users, sessions and tokens.

mod access;
mod account_reads;
mod ai_costs;
mod amount;
mod books;
mod bundles;
mod commit;
mod connect;
mod credentials;
mod cycles;
mod decision_rows;
mod decisions;
mod differences;
mod entity;
mod fills;
mod id_pool;
mod incidents;
mod leases;
mod ledger;
mod messages;
mod order_rows;
mod orders;
mod positions;
mod probes;
mod prompt_templates;
mod providers;
mod reads;
mod reasks;
mod reconciliation;
mod row;
mod shadows;
mod sql_store;
mod touched;
mod traders;
mod write;

pub use access::DbAccessStore;
pub use connect::{ConnectError, Db, connect, migrate};
pub use sql_store::SqlStore;
