//! Settings, what is done with a model, incidents, notifications and the account, as a browser sees them.

mod account;
mod attention;
mod model_actions;
mod settings;
mod toggles;
