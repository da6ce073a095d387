//! A model's exchange keys on its settings page: how each stands, a form that forgets what was typed, and the gate
//! before real money.

use askama::Template;

use super::{Badge, Countdown, Env, Field, KeyValue, When};

/// One step before real money.
#[derive(Clone, Debug)]
pub struct GateStep {
    /// Whether it is done.
    pub done: bool,
    /// What must hold.
    pub text: String,
}

/// The gate before real money.
#[derive(Clone, Debug)]
pub struct GateView {
    /// What must hold before the model can be armed.
    pub steps: Vec<GateStep>,
    /// Until when it is armed, while it is.
    pub armed_until: Option<Countdown>,
    /// Who armed it, and what ends it; empty unless it is armed.
    pub armed_by: String,
    /// Why it cannot be armed now; empty when it can.
    pub blocked: String,
    /// Whether the operator may disarm.
    pub may_disarm: bool,
}

/// The key of one environment.
#[derive(Clone, Debug)]
pub struct KeyCard {
    /// `testnet` or `mainnet`.
    pub environment: &'static str,
    /// The same as a chip.
    pub env: Env,
    /// The heading, for example `Binance testnet key`.
    pub title: String,
    /// How it stands.
    pub state: Badge,
    /// When it was verified.
    pub checked: Option<When>,
    /// Whether there is one.
    pub is_saved: bool,
    /// What is known about it.
    pub facts: Vec<KeyValue>,
    /// What the last check or attempt found wrong; may be empty.
    pub error: String,
    /// What was just done; may be empty.
    pub done: String,
    /// The two halves; their values are never filled in.
    pub fields: Vec<Field>,
    /// The button.
    pub submit: String,
    /// Why the operator cannot save or delete; empty when that is allowed.
    pub locked: String,
    /// Whether the operator may verify.
    pub may_verify: bool,
    /// Mainnet's gate, once it matters.
    pub gate: Option<GateView>,
}

/// The keys of a model, `#credentials`.
#[derive(Clone, Debug, Template)]
#[template(path = "credentials/panel.html")]
pub struct CredentialsPanel {
    /// The CSRF token.
    pub csrf: String,
    /// The model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Why the vault is locked; empty when it is open.
    pub vault_problem: String,
    /// Testnet and mainnet.
    pub cards: Vec<KeyCard>,
}

components!(CredentialsPanel);
