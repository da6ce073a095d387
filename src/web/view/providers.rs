//! Providers of language models: the list, the form, and the panel that tries one.

use askama::Template;

use super::{Badge, Empty, Field, FieldGroup, KeyValue, Shell};

/// One provider in the list.
#[derive(Clone, Debug)]
pub struct ProviderLine {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whose dialect it speaks, in words.
    pub kind: String,
    /// Its address.
    pub address: String,
    /// What is known of its key, for example `…7Qx9`.
    pub key: String,
    /// What its tokens cost, for example `$0.15 / $0.60`.
    pub price: String,
    /// The models that use it.
    pub used_by: String,
}

/// `/providers`.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/list.html")]
pub struct ProvidersPage {
    /// The layout.
    pub shell: Shell,
    /// The built-in rules, in words.
    pub built_in: String,
    /// How much the records of cycles take and how long they are kept, as a sentence.
    pub records: String,
    /// The providers.
    pub providers: Vec<ProviderLine>,
    /// What stands there before the first one.
    pub empty: Empty,
}

/// `/providers/new`.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/new.html")]
pub struct NewProviderPage {
    /// The layout.
    pub shell: Shell,
    /// Why the last attempt was refused; may be empty.
    pub error: String,
    /// The fields.
    pub groups: Vec<FieldGroup>,
    /// Usual addresses by kind.
    pub addresses: Vec<KeyValue>,
    /// Why the operator cannot save; empty when that is allowed.
    pub locked: String,
}

/// `/providers/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/show.html")]
pub struct ProviderPage {
    /// The layout.
    pub shell: Shell,
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What is known about it.
    pub facts: Vec<KeyValue>,
    /// Why the last attempt was refused; may be empty.
    pub error: String,
    /// The version that the form changes.
    pub version: i64,
    /// The fields.
    pub groups: Vec<FieldGroup>,
    /// Why the operator cannot save or delete; empty when that is allowed.
    pub locked: String,
    /// Why it cannot be deleted; empty when it can.
    pub kept_by: String,
    /// Trying it.
    pub probe: ProviderProbe,
}

/// One way of asking, as a test found it.
#[derive(Clone, Debug)]
pub struct ProbeRow {
    /// The way.
    pub mode: String,
    /// How it went.
    pub outcome: Badge,
    /// How long it took; may be empty.
    pub latency: String,
    /// Why it did not work; may be empty.
    pub why: String,
}

/// What was just tried with a provider, `#probe`.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/probe.html")]
pub struct ProviderProbe {
    /// The CSRF token.
    pub csrf: String,
    /// The provider.
    pub id: i64,
    /// Why the operator cannot try it; empty when that is allowed.
    pub locked: String,
    /// Which of its models to test.
    pub field: Field,
    /// What went wrong; may be empty.
    pub error: String,
    /// What was done; may be empty.
    pub done: String,
    /// The ways of asking that were tried.
    pub rows: Vec<ProbeRow>,
    /// Tokens and cost of a test.
    pub facts: Vec<KeyValue>,
    /// The names of the models that it offers, when it was asked.
    pub offered: Vec<String>,
}

components!(ProviderProbe);
