//! The one integration-test binary: six binaries would cost six links after each edit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, in helpers too")]

#[macro_use]
mod support;

mod access;
mod api;
mod browser;
mod campaign;
mod command_line;
mod credentials;
mod curves;
mod ledger;
mod live;
mod llm;
mod market;
mod mcp;
mod pages;
mod paper_exchange;
mod providers;
mod races;
mod reconciliation;
mod records;
mod replay;
mod store;
mod templates;
mod tidy;
mod venue_contract;
