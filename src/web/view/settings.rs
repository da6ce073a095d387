//! A model's settings: three toggles with their consequences, then everything else by group.

use askama::Template;

use super::{ConfirmForm, CredentialsPanel, FieldGroup, Shell};

/// One choice of a toggle.
#[derive(Clone, Debug)]
pub struct AxisOption {
    /// The value sent, for example `semi_automated`.
    pub value: String,
    /// The word.
    pub label: String,
    /// The consequence in words.
    pub consequence: String,
    /// Whether it is the current one.
    pub chosen: bool,
    /// Why it cannot be chosen; empty when it can.
    pub blocked: String,
}

/// One of the three toggles.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The field: `environment`, `automation` or `exchange_environment`.
    pub field: &'static str,
    /// Where it is posted.
    pub action: String,
    /// The heading, for example `Where it trades`.
    pub title: String,
    /// The choices.
    pub options: Vec<AxisOption>,
    /// What is missing or noteworthy, said plainly; may be empty.
    pub note: String,
}

impl Axis {
    /// Where it trades: simulation or live.
    pub fn environment(model_id: i64, current: &str, note: impl Into<String>) -> Self {
        Self {
            field: "environment",
            action: format!("/models/{model_id}/environment"),
            title: "Where it trades".into(),
            options: vec![
                AxisOption::new("simulation", "Simulation", "no exchange, no keys", current),
                AxisOption::new("live", "Live", "orders go to the exchange below", current),
            ],
            note: note.into(),
        }
    }

    /// How it acts: manual, semi-automated, fully automated.
    pub fn automation(model_id: i64, current: &str) -> Self {
        Self {
            field: "automation",
            action: format!("/models/{model_id}/automation"),
            title: "How it acts".into(),
            options: vec![
                AxisOption::new("manual", "Manual", "shows, never trades", current),
                AxisOption::new("semi_automated", "Semi-automated", "asks you in the inbox", current),
                AxisOption::new("fully_automated", "Fully automated", "trades within its limits", current),
            ],
            note: String::new(),
        }
    }

    /// Which exchange: testnet or mainnet. `mainnet_blocked` says why mainnet cannot be chosen, empty when it can.
    pub fn exchange(model_id: i64, current: &str, mainnet_blocked: &str) -> Self {
        let mut mainnet = AxisOption::new("mainnet", "Mainnet", "real money", current);
        if !mainnet_blocked.is_empty() {
            mainnet.consequence = mainnet_blocked.into();
            mainnet.blocked = mainnet_blocked.into();
        }
        Self {
            field: "exchange_environment",
            action: format!("/models/{model_id}/exchange-environment"),
            title: "Which exchange".into(),
            options: vec![AxisOption::new("testnet", "Testnet", "play money", current), mainnet],
            note: String::new(),
        }
    }
}

impl AxisOption {
    /// A choice that can be made.
    pub fn new(value: &str, label: &str, consequence: &str, current: &str) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            consequence: consequence.into(),
            chosen: value == current,
            blocked: String::new(),
        }
    }
}

/// The three toggles, `#axes`; the answer to every change of one.
#[derive(Clone, Debug, Template)]
#[template(path = "models/axes.html")]
pub struct AxisPanel {
    /// The CSRF token.
    pub csrf: String,
    /// The model's name.
    pub model: String,
    /// Environment, automation, exchange environment.
    pub axes: Vec<Axis>,
    /// The extra confirmation, shown in the panel; see [`AxisPanel::confirm_full`].
    pub confirm: Option<ConfirmForm>,
    /// What the last change did, for example `2 waiting decisions cancelled.`; may be empty.
    pub done: String,
    /// Why the last change was refused, may be empty.
    pub error: String,
}

impl AxisPanel {
    /// Asks once more before a model acts by itself; posts `automation=fully_automated` with `confirm=yes`.
    pub fn confirm_full(csrf: impl Into<String>, model_id: i64, model: &str) -> ConfirmForm {
        use super::KeyValue;
        ConfirmForm {
            lead: format!(
                "{model} will then send orders without asking, within the limits below. It pauses itself after a losing streak or a lost day, and the red stop always works."
            ),
            hidden: vec![KeyValue::new("automation", "fully_automated"), KeyValue::new("confirm", "yes")],
            cancel_url: format!("/models/{model_id}/settings"),
            cancel: "Keep asking me".into(),
            target: "#axes".into(),
            ..ConfirmForm::new(
                csrf,
                format!("/models/{model_id}/automation"),
                format!("Let {model} trade by itself?"),
                format!("Let {model} trade by itself"),
            )
        }
    }
}

/// `/models/{id}/settings`.
#[derive(Clone, Debug, Template)]
#[template(path = "models/settings.html")]
pub struct SettingsPage {
    /// The layout.
    pub shell: Shell,
    /// The model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The toggles.
    pub axes: AxisPanel,
    /// The exchange keys.
    pub credentials: CredentialsPanel,
    /// How many fields were refused, in a sentence; may be empty.
    pub error: String,
    /// Every other setting, by group.
    pub groups: Vec<FieldGroup>,
    /// The high-water mark with currency, for the danger zone.
    pub high_water_mark: String,
    /// The drawdown from it.
    pub drawdown: String,
}

components!(AxisPanel);
