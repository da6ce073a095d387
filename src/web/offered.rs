//! What providers said that they offer, remembered while the process runs: suggestions for whoever types a model's name.

use crate::domain::ids::ProviderId;
use crate::domain::provider::Provider;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Providers whose lists are remembered at most; a desk has a handful.
const PROVIDERS_MAX: usize = 100;

/// The last list of each provider, as long as the provider stays as it was.
#[derive(Debug, Default)]
pub struct OfferedNames(Mutex<HashMap<ProviderId, (i64, Vec<String>)>>);

impl OfferedNames {
    /// Remembers what a provider offers.
    pub fn put(&self, provider: &Provider, names: Vec<String>) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= PROVIDERS_MAX {
            lists.clear();
        }
        lists.insert(provider.id, (provider.version, names));
    }

    /// What a provider offers; nothing when nobody asked since it was changed.
    pub fn of(&self, provider: &Provider) -> Vec<String> {
        let lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = lists.get(&provider.id).filter(|(version, _)| *version == provider.version);
        list.map(|(_, names)| names.clone()).unwrap_or_default()
    }
}
