//! Samples of exchange keys: one verified, one armed for real money.

use countersign::web::{show, view::*};

const NOW: i64 = 1_767_225_600_000;

fn fields(prefix: &str, error: &str) -> Vec<Field> {
    vec![
        Field::new(format!("{prefix}api_key"), "API key", FieldKind::Password, "").required(),
        Field::new(format!("{prefix}api_secret"), "Secret", FieldKind::Password, "").error(error).required(),
    ]
}

pub fn panel(armed: bool) -> CredentialsPanel {
    let testnet = KeyCard {
        environment: "testnet",
        env: Env::Testnet,
        title: "Binance testnet key".into(),
        state: Badge { text: "verified, can trade".into(), tone: Tone::Good },
        checked: Some(show::when(NOW - 720_000, NOW)),
        is_saved: true,
        facts: vec![
            KeyValue::new("Key ending in", "…Hx7Q"),
            KeyValue::new("Account fingerprint", "0f3a9b2c4d5e6f70"),
            KeyValue::new("Can trade", "yes"),
        ],
        error: String::new(),
        done: "The testnet key works and can trade.".into(),
        fields: fields("testnet_", "Secret must be 64 letters and digits."),
        submit: "Replace testnet key".into(),
        locked: String::new(),
        may_verify: true,
        gate: None,
    };
    let mainnet = KeyCard {
        environment: "mainnet",
        env: Env::Mainnet,
        title: "Binance mainnet key".into(),
        error: "The key can withdraw <b>trend</b>.".into(),
        fields: fields("", ""),
        submit: "Replace mainnet key".into(),
        locked: if armed { "Only an administrator may save or delete exchange keys.".into() } else { String::new() },
        gate: Some(gate(armed)),
        ..testnet.clone()
    };
    CredentialsPanel {
        csrf: "c5rf-t0ken".into(),
        id: 1,
        name: "Sage <img src=x>".into(),
        vault_problem: "the vault key is missing.".into(),
        cards: vec![testnet, mainnet],
    }
}

fn gate(armed: bool) -> GateView {
    GateView {
        steps: vec![
            GateStep { done: true, text: "The server was started with --allow-mainnet".into() },
            GateStep { done: false, text: "An administrator arms the model by typing its name".into() },
        ],
        armed_until: armed.then(|| show::countdown(NOW + 3_600_000, NOW)),
        armed_by: "Armed by ada.".into(),
        blocked: String::new(),
        may_disarm: true,
    }
}
