//! Who may answer for a model: the built-in rules by their names, or any language model of a provider.

use crate::domain::ids::{BUILT_IN_PROVIDER, ProviderId};
use crate::domain::trader::MODEL_NAME_MAX;
use crate::ports::store::{Guard, StoreError};
use crate::services::desk::Desk;
use std::collections::BTreeMap;

/// Built-in rules are chosen by their names; what a provider's language models are called, only the provider knows.
/// Answers the guard that keeps the provider from being deleted meanwhile.
pub(super) async fn check_advisor(
    desk: &Desk,
    provider: i64,
    model_name: &str,
    fields: &mut BTreeMap<String, String>,
) -> Result<Option<Guard>, StoreError> {
    let id = ProviderId(provider);
    if id == BUILT_IN_PROVIDER {
        check_built_in(desk, model_name, fields);
        return Ok(None);
    }
    let Some(provider) = desk.store.provider(id).await?.filter(|provider| provider.deleted_at.is_none()) else {
        fields.insert("provider_id".to_owned(), "is not a provider of this installation".to_owned());
        return Ok(None);
    };
    let is_name = (1..=MODEL_NAME_MAX).contains(&model_name.chars().count())
        && model_name.trim() == model_name
        && !model_name.contains(char::is_control);
    if !is_name {
        let rule =
            format!("must be the provider's name of a model: 1 to {MODEL_NAME_MAX} characters, no space around it");
        fields.insert("model_name".to_owned(), rule);
    }
    Ok(Some(Guard::Provider { id, version: provider.version }))
}

fn check_built_in(desk: &Desk, model_name: &str, fields: &mut BTreeMap<String, String>) {
    let known = desk.advisors.providers();
    let Some(provider) = known.iter().find(|known| known.id == BUILT_IN_PROVIDER) else {
        fields.insert("provider_id".to_owned(), "is not a provider of this installation".to_owned());
        return;
    };
    let offered =
        model_name.len() <= MODEL_NAME_MAX && provider.models.iter().any(|info| info.model_name == model_name);
    if !offered {
        let names: Vec<&str> = provider.models.iter().map(|info| info.model_name).collect();
        fields.insert("model_name".to_owned(), format!("must be one of {}", names.join(", ")));
    }
}
