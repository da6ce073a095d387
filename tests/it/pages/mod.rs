//! The pages, as a browser without scripts sees them.

mod account;
mod attention;
mod decisions;
mod desk;
mod inbox;
mod live;
mod model;
mod model_actions;
mod models;
mod orders;
mod prompt;
mod settings;
mod statements;
mod toggles;
