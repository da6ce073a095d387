//! The list of models and the form for a new one.

use askama::Template;

use super::{Empty, Field, ModelRow, Shell};

/// `/models`.
#[derive(Clone, Debug, Template)]
#[template(path = "models/list.html")]
pub struct ModelsPage {
    /// The layout.
    pub shell: Shell,
    /// The models.
    pub models: Vec<ModelRow>,
    /// What stands there before the first one.
    pub empty: Empty,
}

/// A group of fields under a heading.
#[derive(Clone, Debug)]
pub struct FieldGroup {
    /// The heading.
    pub title: String,
    /// A sentence below it, may be empty.
    pub note: String,
    /// The fields.
    pub fields: Vec<Field>,
}

/// `/models/new`: posts to `/models`.
#[derive(Clone, Debug, Template)]
#[template(path = "models/new.html")]
pub struct NewModelPage {
    /// The layout.
    pub shell: Shell,
    /// Why the last attempt was refused, may be empty.
    pub error: String,
    /// Usually one group with `name`, `model_name`, `initial_capital`, `supported_assets`, `trading_interval_minutes`.
    pub groups: Vec<FieldGroup>,
}

/// `/models/{id}/advisor`.
#[derive(Clone, Debug, Template)]
#[template(path = "models/advisor.html")]
pub struct AdvisorPage {
    /// The layout.
    pub shell: Shell,
    /// The model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Who decides now.
    pub now: String,
    /// Why nothing was changed; may be empty.
    pub error: String,
    /// Advisor and language model.
    pub fields: Vec<Field>,
}
