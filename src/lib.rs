//! Countersign: a self-hosted desk in which AI models propose crypto trades and a person countersigns them.
//!
//! One arrow holds the house together: `domain <- ports <- services <- {web, workers, cli}`.
//! `adapters` implement `ports`, and only [`app`] names concrete adapters. ARCHITECTURE.md draws the picture.

pub mod adapters;
pub mod app;
pub mod cli;
pub mod domain;
pub mod observe;
pub mod ports;
pub mod services;
pub mod settings;
pub mod telemetry;
pub mod web;
pub mod workers;
