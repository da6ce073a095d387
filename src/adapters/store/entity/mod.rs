//! One module a table: rows as the database has them.

pub mod arm;
pub mod audit_line;
pub mod book;
pub mod credential;
pub mod cycle;
pub mod decision;
pub mod decision_count;
pub mod decision_event;
pub mod equity_snapshot;
pub mod fill;
pub mod incident;
pub mod lease;
pub mod ledger_entry;
pub mod ledger_transaction;
pub mod meta;
pub mod notification;
pub mod order;
pub mod order_attempt;
pub mod order_event;
pub mod outbox;
pub mod position;
pub mod session;
pub mod setup_state;
pub mod token;
pub mod trader;
pub mod user;
