//! The one integration-test binary: six binaries would cost six links after each edit.

mod api;
mod browser;
mod ledger;
mod market;
mod pages_a;
mod pages_b;
mod pages_c;
mod replay;
mod store;
mod templates;
