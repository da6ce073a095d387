//! The two fields with which somebody names a language model: who hosts it, and what it is called there.

use super::providers::known_names;
use crate::services::desk::Desk;
use crate::web::error::AppError;
use crate::web::offered::OfferedNames;
use crate::web::view::{Choice, Field, FieldKind};
use std::collections::BTreeMap;

/// What was typed so far.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedModel {
    /// The provider's id.
    pub provider_id: String,
    /// Its name of the model.
    pub model_name: String,
}

/// Provider and model. None when there is no provider to choose.
///
/// # Errors
/// When the database fails.
pub(super) async fn fields(
    desk: &Desk,
    offered: &OfferedNames,
    typed: &NamedModel,
    errors: &BTreeMap<String, String>,
) -> Result<Option<[Field; 2]>, AppError> {
    let providers = desk.store.providers().await?;
    if providers.is_empty() {
        return Ok(None);
    }
    let mut names = Vec::new();
    for provider in &providers {
        names.extend(known_names(desk, provider, offered).await?);
    }
    names.sort_unstable();
    names.dedup();
    let choice = |provider: &crate::domain::provider::Provider| {
        let id = provider.id.to_string();
        let selected = id == typed.provider_id;
        Choice::new(id, &provider.name, selected)
    };
    let why = |key: &str, label: &str| errors.get(key).map_or_else(String::new, |why| format!("{label} {why}."));
    Ok(Some([
        Field::new("provider_id", "Provider", FieldKind::Select, "")
            .choices(providers.iter().map(choice).collect())
            .error(why("provider_id", "Provider")),
        Field::new("model_name", "Language model", FieldKind::Text, &typed.model_name)
            .help("What the provider calls it, such as gpt-4o-mini.")
            .suggestions(names)
            .required()
            .error(why("model_name", "Language model")),
    ]))
}
