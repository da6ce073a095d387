//! The desk, models and one model, as a browser sees them.

mod desk;
mod model;
mod models;
