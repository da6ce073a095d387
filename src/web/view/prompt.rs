//! The editor of a model's prompt template.

use askama::Template;

use super::{Badge, Shell, When};

/// One line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// `+`, `-` or a space.
    pub sign: char,
    /// The line without its end.
    pub text: String,
}

/// A template as it was saved.
#[derive(Clone, Debug)]
pub struct SavedTemplate {
    /// From 1.
    pub number: i64,
    /// The name of its content.
    pub version: String,
    /// Whether the default was gone back to.
    pub is_default: bool,
    /// Who saved it.
    pub by: String,
    /// When.
    pub at: When,
}

/// What a template would tell the model now, `#prompt-preview`; answered alone while somebody types.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "models/prompt_preview.html")]
pub struct PromptPreview {
    /// Why there is none, may be empty.
    pub error: String,
    /// The estimated size, in a sentence.
    pub size: String,
    /// What was left out, in words.
    pub cut: Vec<String>,
    /// The rules: untrusted text.
    pub system: String,
    /// The data: untrusted text.
    pub user: String,
    /// How the template differs from the default; empty when it does not.
    pub diff: Vec<DiffLine>,
}

/// `/models/{id}/prompt`.
#[derive(Clone, Debug, Template)]
#[template(path = "models/prompt.html")]
pub struct PromptPage {
    /// The layout.
    pub shell: Shell,
    /// The model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What should be known before editing, may be empty.
    pub note: String,
    /// `default` or `its own`.
    pub state: Badge,
    /// Whether the default is in force.
    pub is_default: bool,
    /// The version in force, sent along with a change.
    pub version: String,
    /// Whether the person may save.
    pub may_save: bool,
    /// The longest template, in bytes.
    pub bytes_max: String,
    /// What stands in the editor.
    pub template: String,
    /// Why it was not saved, may be empty.
    pub error: String,
    /// What it would say.
    pub preview: PromptPreview,
    /// Earlier ones, newest first.
    pub saved: Vec<SavedTemplate>,
}

components!(PromptPreview);
