//! Providers of language models: saved, changed, tried, deleted, chosen by models; and where their keys go.

pub mod lab;

mod api;
mod models;
mod page;
