//! Events of exchange keys, the vault, and real money. No secret comes here, and no part of one.

use crate::domain::credential::CheckCode;
use crate::domain::provider::{AnswerMode, Provider};
use crate::domain::trader::Trader;
use crate::domain::venue_kind::ExchangeEnvironment;
use std::path::Path;
use tracing::{error, info, warn};

/// A vault key was made at first use.
pub fn vault_key_made(file: &Path) {
    warn!(
        file = %file.display(),
        "a new vault key was made: keep a copy of this file apart from the database; without it saved exchange keys \
         cannot be opened"
    );
}

/// The environment holds a vault key that is not the one in use.
pub fn vault_key_variable_is_old(variable: &str) {
    warn!(variable, "the vault key in the environment is not the one in use: remove it, or set the current one");
}

/// There is no usable vault key: live trading is off.
pub fn vault_locked(why: &str) {
    error!(why, "the vault is locked; live trading is off");
}

/// A model's exchange keys changed.
pub fn credentials_changed(trader: &Trader, by: &str) {
    info!(model = trader.id.0, by, "exchange credentials changed");
}

/// A provider of language models was created, changed or deleted, or its key was.
pub fn provider_changed(provider: &Provider, verb: &str, by: &str) {
    info!(provider = provider.id.0, verb, by, "provider of language models changed");
}

/// A provider was tried; none of the modes may have worked.
pub fn provider_tested(provider: &Provider, mode: Option<AnswerMode>, by: &str) {
    let mode = mode.map_or("none", AnswerMode::as_str);
    info!(provider = provider.id.0, mode, by, "provider of language models tested");
}

/// A key was checked at its exchange.
pub fn key_checked(trader: &Trader, environment: ExchangeEnvironment, code: CheckCode, by: &str) {
    metrics::counter!("countersign_key_checks_total", "code" => code.as_str()).increment(1);
    info!(model = trader.id.0, environment = environment.as_str(), code = code.as_str(), by, "exchange key checked");
}

/// A model may spend real money from now on.
pub fn model_armed(trader: &Trader, by: &str, hours: u32) {
    warn!(model = trader.id.0, by, hours, "ARMED: this model may spend real money");
}

/// A model may not spend real money any more.
pub fn model_disarmed(trader: &Trader, by: &str) {
    info!(model = trader.id.0, by, "model disarmed");
}
