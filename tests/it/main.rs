//! The one integration-test binary: six binaries would cost six links after each edit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, in helpers too")]

#[macro_use]
mod support;

mod access;
mod api;
mod browser;
mod command_line;
mod ledger;
mod market;
mod pages_a;
mod pages_b;
mod pages_c;
mod races;
mod reconciliation;
mod replay;
mod store;
mod templates;
mod tidy;
