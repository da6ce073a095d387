//! Forms: one field component, one confirmation component, and the page either stands on without JavaScript.

use std::fmt::Display;

use askama::{Template, filters::HtmlSafe};

use super::{Choice, Env, KeyValue, Shell};

/// What kind of control a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// A secret; its value is never rendered.
    Password,
    /// A decimal or integer, typed as text so that no browser rounds it.
    Number,
    /// A switch; sends `true` when on. A hidden `false` goes first, so "off" is told from "not sent".
    Bool,
    /// One of [`Field::choices`].
    Select,
    /// Several lines of text.
    Area,
    /// Any number of [`Field::choices`], each sent under the same key.
    Assets,
}

/// One labelled control with help, unit, range and error.
#[derive(Clone, Debug, Template)]
#[template(path = "component/field.html")]
pub struct Field {
    /// The name it is sent under.
    pub key: String,
    /// The label.
    pub label: String,
    /// A sentence of help, may be empty.
    pub help: String,
    /// The control.
    pub kind: FieldKind,
    /// What was typed or stored; for [`FieldKind::Bool`] `true` or `false`. Never rendered for a password.
    pub value: String,
    /// The unit shown beside it, may be empty.
    pub unit: String,
    /// The legal range in words, may be empty.
    pub range: String,
    /// Why the value was refused, empty when it was not.
    pub error: String,
    /// Choices of a select or of assets.
    pub choices: Vec<Choice>,
    /// What a line of text suggests; anything else may be typed too.
    pub suggestions: Vec<String>,
    /// The `autocomplete` token, for example `username` or `off`.
    pub autocomplete: &'static str,
    /// Whether it must be filled.
    pub required: bool,
    /// Whether it takes the focus when the page or dialog opens.
    pub autofocus: bool,
}

impl Field {
    /// A field without help, unit, range or error.
    pub fn new(key: impl Into<String>, label: impl Into<String>, kind: FieldKind, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            label: label.into(),
            help: String::new(),
            kind,
            value: value.into(),
            unit: String::new(),
            range: String::new(),
            error: String::new(),
            choices: Vec::new(),
            suggestions: Vec::new(),
            autocomplete: "off",
            required: false,
            autofocus: false,
        }
    }

    /// Sets the help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Sets the unit.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Sets the range.
    #[must_use]
    pub fn range(mut self, range: impl Into<String>) -> Self {
        self.range = range.into();
        self
    }

    /// Sets the error; empty clears it.
    #[must_use]
    pub fn error(mut self, error: impl Into<String>) -> Self {
        self.error = error.into();
        self
    }

    /// Sets the choices.
    #[must_use]
    pub fn choices(mut self, choices: Vec<Choice>) -> Self {
        self.choices = choices;
        self
    }

    /// Sets what is suggested. Browsers that are told to complete nothing would not show it.
    #[must_use]
    pub fn suggestions(mut self, suggestions: Vec<String>) -> Self {
        if !suggestions.is_empty() {
            self.autocomplete = "on";
        }
        self.suggestions = suggestions;
        self
    }

    /// Sets the `autocomplete` token.
    #[must_use]
    pub fn autocomplete(mut self, token: &'static str) -> Self {
        self.autocomplete = token;
        self
    }

    /// Marks it as required.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Gives it the focus.
    #[must_use]
    pub fn autofocus(mut self) -> Self {
        self.autofocus = true;
        self
    }

    /// Whether the switch is on.
    pub fn is_on(&self) -> bool {
        self.value == "true"
    }

    /// Whether the control is of this kind; templates cannot compare enums by name.
    pub fn is(&self, kind: &str) -> bool {
        kind == match self.kind {
            FieldKind::Text => "text",
            FieldKind::Password => "password",
            FieldKind::Number => "number",
            FieldKind::Bool => "bool",
            FieldKind::Select => "select",
            FieldKind::Area => "area",
            FieldKind::Assets => "assets",
        }
    }
}

/// A form that asks once more, or asks for the last missing value: approve, edit, reject, close, delete, stop.
///
/// It opens as a dialog where JavaScript runs and stands on a page of its own ([`FormPage`]) where it does not.
#[derive(Clone, Debug, Template)]
#[template(path = "component/confirm.html")]
pub struct ConfirmForm {
    /// The CSRF token.
    pub csrf: String,
    /// Where it is posted.
    pub action: String,
    /// The heading, for example `Approve: buy 0.0100 BTC`.
    pub title: String,
    /// What happens, in a sentence or two.
    pub lead: String,
    /// The environment it happens in.
    pub env: Option<Env>,
    /// Terms shown as a list.
    pub terms: Vec<KeyValue>,
    /// What deserves a second thought, may be empty.
    pub warning: String,
    /// Why the last attempt was refused, may be empty.
    pub error: String,
    /// Hidden values, for example version and digest.
    pub hidden: Vec<KeyValue>,
    /// The controls.
    pub fields: Vec<Field>,
    /// The submit button: verb and noun with the terms.
    pub submit: String,
    /// Whether submitting destroys or stops something.
    pub danger: bool,
    /// Where "cancel" leads without JavaScript.
    pub cancel_url: String,
    /// What "cancel" says.
    pub cancel: String,
    /// The CSS selector the answer replaces, empty to load the answer as a page.
    pub target: String,
}

impl ConfirmForm {
    /// A form without terms, fields, warning or error; the answer loads as a page.
    pub fn new(
        csrf: impl Into<String>,
        action: impl Into<String>,
        title: impl Into<String>,
        submit: impl Into<String>,
    ) -> Self {
        Self {
            csrf: csrf.into(),
            action: action.into(),
            title: title.into(),
            lead: String::new(),
            env: None,
            terms: Vec::new(),
            warning: String::new(),
            error: String::new(),
            hidden: Vec::new(),
            fields: Vec::new(),
            submit: submit.into(),
            danger: false,
            cancel_url: "/".into(),
            cancel: "Cancel".into(),
            target: String::new(),
        }
    }

    /// The confirmation before an approval; `title` names side, quantity and coin ("buy 0.0100 BTC").
    pub fn approve(
        csrf: impl Into<String>,
        id: i64,
        version: i64,
        digest: impl Into<String>,
        env: Env,
        title: &str,
        terms: Vec<KeyValue>,
    ) -> Self {
        Self {
            lead: "Sends one order with exactly these terms. Expiry, price and risk are checked again first.".into(),
            env: Some(env),
            terms,
            warning: if env == Env::Mainnet { "This spends real money on mainnet.".into() } else { String::new() },
            hidden: vec![KeyValue::new("version", version.to_string()), KeyValue::new("digest", digest)],
            danger: env == Env::Mainnet,
            cancel_url: format!("/decisions/{id}"),
            cancel: "Not yet".into(),
            target: "#detail".into(),
            ..Self::new(
                csrf,
                format!("/decisions/{id}/approve"),
                format!("Approve: {title}?"),
                format!("Approve: {title}"),
            )
        }
    }

    /// The rejection of a decision, with an optional reason.
    pub fn reject(
        csrf: impl Into<String>,
        id: i64,
        version: i64,
        env: Env,
        title: &str,
        reason: impl Into<String>,
        error: impl Into<String>,
    ) -> Self {
        Self {
            lead: "No order is sent. The reason is kept with the decision.".into(),
            env: Some(env),
            hidden: vec![KeyValue::new("version", version.to_string())],
            fields: vec![
                Field::new("reason", "Reason", FieldKind::Text, reason)
                    .help("Optional. One sentence helps whoever reads this later.")
                    .error(error)
                    .autofocus(),
            ],
            cancel_url: format!("/decisions/{id}"),
            cancel: "Keep it waiting".into(),
            target: "#detail".into(),
            ..Self::new(
                csrf,
                format!("/decisions/{id}/reject"),
                format!("Reject: {title}?"),
                format!("Reject: {title}"),
            )
        }
    }

    /// The edit form of a pending decision; fields are `quantity`, `leverage`, `stop_loss` and `profit_target`.
    pub fn edit(
        csrf: impl Into<String>,
        id: i64,
        version: i64,
        env: Env,
        title: &str,
        fields: Vec<Field>,
        error: impl Into<String>,
    ) -> Self {
        Self {
            lead: "The new terms are checked against every rule and get a new digest. Nothing is sent before you approve them.".into(),
            env: Some(env),
            error: error.into(),
            hidden: vec![KeyValue::new("version", version.to_string())],
            fields,
            cancel_url: format!("/decisions/{id}"),
            cancel: "Leave as it is".into(),
            target: "#detail".into(),
            ..Self::new(csrf, format!("/decisions/{id}/edit"), format!("Edit: {title}"), "Save terms and check again")
        }
    }

    /// The confirmation before a position is closed.
    pub fn close_position(
        csrf: impl Into<String>,
        model_id: i64,
        coin: &str,
        env: Env,
        title: &str,
        terms: Vec<KeyValue>,
    ) -> Self {
        Self {
            lead: "Sends one market order for the whole position. Risk limits never hold back an exit.".into(),
            env: Some(env),
            terms,
            cancel_url: format!("/models/{model_id}"),
            cancel: "Keep the position".into(),
            ..Self::new(
                csrf,
                format!("/models/{model_id}/positions/{coin}/close"),
                format!("Close {title}?"),
                format!("Close {title}"),
            )
        }
    }

    /// The deletion of a model, confirmed by typing its name into `name`.
    pub fn delete_model(csrf: impl Into<String>, model_id: i64, model: &str, error: impl Into<String>) -> Self {
        Self {
            lead: "It stops trading at once and its waiting decisions are cancelled. Its history stays readable."
                .into(),
            fields: vec![
                Field::new("name", format!("Type {model} to confirm"), FieldKind::Text, "")
                    .error(error)
                    .required()
                    .autofocus(),
            ],
            danger: true,
            cancel_url: format!("/models/{model_id}/settings"),
            cancel: "Keep it".into(),
            ..Self::new(
                csrf,
                format!("/models/{model_id}/delete"),
                format!("Delete {model}?"),
                format!("Delete {model}"),
            )
        }
    }

    /// The deletion of an exchange key.
    pub fn delete_key(csrf: impl Into<String>, model_id: i64, model: &str, env: Env, error: impl Into<String>) -> Self {
        let environment = env.key();
        Self {
            lead: format!(
                "{model} cannot trade on {environment} without it. Waiting decisions and orders not yet sent are cancelled. The key stays valid at the exchange until you delete it there."
            ),
            env: Some(env),
            error: error.into(),
            danger: true,
            cancel_url: format!("/models/{model_id}/settings"),
            cancel: "Keep it".into(),
            ..Self::new(
                csrf,
                format!("/models/{model_id}/credentials/{environment}/delete"),
                format!("Delete the {environment} key of {model}?"),
                format!("Delete {environment} key"),
            )
        }
    }

    /// The deletion of a provider.
    pub fn delete_provider(csrf: impl Into<String>, id: i64, provider: &str, error: impl Into<String>) -> Self {
        Self {
            lead: "Its key is deleted here and stays valid at the provider until you delete it there. What it was asked stays readable.".into(),
            error: error.into(),
            danger: true,
            cancel_url: format!("/providers/{id}"),
            cancel: "Keep it".into(),
            ..Self::new(
                csrf,
                format!("/providers/{id}/delete"),
                format!("Delete {provider}?"),
                format!("Delete {provider}"),
            )
        }
    }

    /// Arming for real money, confirmed by typing the model's name into `name`.
    pub fn arm(
        csrf: impl Into<String>,
        model_id: i64,
        model: &str,
        hours: u32,
        terms: Vec<KeyValue>,
        error: impl Into<String>,
    ) -> Self {
        Self {
            lead: format!(
                "For {hours} h {model} may open positions on mainnet, within its limits. Closing them always works. Changing where it trades, its key, or giving it more freedom ends this at once."
            ),
            env: Some(Env::Mainnet),
            terms,
            warning: "This spends real money on mainnet.".into(),
            fields: vec![
                Field::new("name", format!("Type {model} to confirm"), FieldKind::Text, "")
                    .error(error)
                    .required()
                    .autofocus(),
            ],
            danger: true,
            cancel_url: format!("/models/{model_id}/settings"),
            cancel: "Not now".into(),
            ..Self::new(
                csrf,
                format!("/models/{model_id}/arm"),
                format!("Arm {model} for real money?"),
                format!("Arm {model} for {hours} h"),
            )
        }
    }

    /// The emergency stop of everything; `terms` says what will be hit (models, orders, decisions).
    pub fn stop(csrf: impl Into<String>, terms: Vec<KeyValue>, error: impl Into<String>) -> Self {
        Self {
            lead: "Pauses every model, lowers full automation to asking, cancels open orders and clears waiting decisions. Positions stay as they are, and their stops stay watched.".into(),
            terms,
            error: error.into(),
            fields: vec![Field::new("reason", "Reason", FieldKind::Text, "").help("Optional. Kept with the incident.").autofocus()],
            danger: true,
            cancel: "Keep trading".into(),
            ..Self::new(csrf, "/stop", "Stop all trading?", "Stop all trading now")
        }
    }
}

/// A form on a page of its own.
#[derive(Clone, Debug, Template)]
#[template(path = "layout/form_page.html")]
pub struct FormPage<F: Display + HtmlSafe> {
    /// The layout.
    pub shell: Shell,
    /// Where the way back leads.
    pub back_url: String,
    /// What the way back says.
    pub back: String,
    /// The form.
    pub form: F,
}

components!(Field, ConfirmForm);
