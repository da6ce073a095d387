//! The two fields with which a person says who decides for a model: built-in rules, or a provider and its name of a model.

use crate::domain::ids::BUILT_IN_PROVIDER;
use crate::domain::provider::Provider;
use crate::services::desk::Desk;
use crate::web::error::AppError;
use crate::web::offered::OfferedNames;
use crate::web::pages::providers::known_names;
use crate::web::view::{Choice, Field, FieldKind};
use std::collections::BTreeMap;

/// The field of the advisor: rules by name, or a provider.
pub(in crate::web::pages) const ADVISOR: &str = "model_name";
/// The field of a language model's name.
pub(in crate::web::pages) const LANGUAGE_MODEL: &str = "language_model";

/// Both fields, with what was chosen and typed.
///
/// # Errors
/// When the database fails.
pub(in crate::web::pages) async fn advisor_fields(
    desk: &Desk,
    offered: &OfferedNames,
    (chosen, typed): (&str, &str),
    errors: &BTreeMap<String, String>,
) -> Result<[Field; 2], AppError> {
    let error = |key: &str, label: &str| errors.get(key).map_or_else(String::new, |why| format!("{label} {why}."));
    let providers = desk.store.providers().await?;
    let mut names = Vec::new();
    for provider in &providers {
        names.extend(known_names(desk, provider, offered).await?);
    }
    names.sort_unstable();
    names.dedup();
    Ok([
        Field::new(ADVISOR, "Advisor", FieldKind::Select, "")
            .help(descriptions(desk))
            .choices(advisors(desk, &providers, chosen))
            .error(error(ADVISOR, "Advisor")),
        Field::new(LANGUAGE_MODEL, "Language model", FieldKind::Text, typed)
            .help("For a language model: what its provider calls it, such as gpt-4o-mini.")
            .suggestions(names)
            .error(error(LANGUAGE_MODEL, "Language model")),
    ])
}

/// Puts what the service says of provider and model under the fields that a person sees.
pub(in crate::web::pages) fn name_advisor_fields(provider_id: i64, errors: &mut BTreeMap<String, String>) {
    if provider_id != BUILT_IN_PROVIDER.0
        && let Some(why) = errors.remove("model_name")
    {
        errors.insert(LANGUAGE_MODEL.to_owned(), why);
    }
    if let Some(why) = errors.remove("provider_id") {
        errors.entry(ADVISOR.to_owned()).or_insert(why);
    }
}

/// `1:ema_cross` names provider and advisor, `2:` a provider whose model is typed beside; without a number it is a
/// built-in one.
pub(in crate::web::pages) fn split_advisor(text: &str, language_model: &str) -> (i64, String) {
    match text.split_once(':').and_then(|(provider, name)| Some((provider.parse().ok()?, name))) {
        Some((provider, "")) => (provider, language_model.trim().to_owned()),
        Some((provider, name)) => (provider, name.to_owned()),
        None => (BUILT_IN_PROVIDER.0, text.to_owned()),
    }
}

/// What each advisor does, for the help below the choice.
fn descriptions(desk: &Desk) -> String {
    let providers = desk.advisors.providers();
    let infos = providers.iter().flat_map(|provider| &provider.models);
    let words: Vec<String> = infos.map(|info| format!("{}: {}", info.label, info.description)).collect();
    words.join(" ")
}

fn advisors(desk: &Desk, language_models: &[Provider], chosen: &str) -> Vec<Choice> {
    let providers = desk.advisors.providers();
    let others = language_models.iter().map(|provider| {
        let value = format!("{}:", provider.id);
        let selected = chosen == value;
        Choice::new(value, format!("{} (language model)", provider.name), selected)
    });
    let choices = providers.iter().flat_map(|provider| {
        provider.models.iter().map(|info| {
            let value = format!("{}:{}", provider.id, info.model_name);
            let kind = if info.is_rules { "rules, not AI" } else { provider.name };
            let selected = chosen == value || chosen == info.model_name;
            Choice::new(value, format!("{} ({kind})", info.label), selected)
        })
    });
    choices.chain(others).collect()
}
