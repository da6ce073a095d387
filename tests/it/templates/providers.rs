//! Samples of providers: a list, a form that was refused, and one that was tried.

use super::decisions::shell;
use countersign::web::view::*;

fn group() -> FieldGroup {
    let fields = vec![
        Field::new("name", "Name", FieldKind::Text, "Router <b>trend</b>").required(),
        Field::new("api_key", "Key", FieldKind::Password, "never shown").error("Key is required again."),
    ];
    FieldGroup { title: "How it is reached".into(), note: String::new(), fields }
}

pub fn list(empty: bool) -> ProvidersPage {
    let line = ProviderLine {
        id: 2,
        name: "Router <img src=x>".into(),
        kind: "OpenRouter".into(),
        address: "https://openrouter.ai/api/v1".into(),
        key: "…7Qx9".into(),
        price: "$0.15 / $0.6".into(),
        used_by: "Sage".into(),
    };
    ProvidersPage {
        shell: shell("Providers", Nav::Models, None),
        built_in: "EMA cross".into(),
        records: "120 records of cycles take 4.2 MB of 1,024.0 MB. Each is kept for 90 days.".into(),
        providers: if empty { Vec::new() } else { vec![line] },
        empty: Empty::new("No provider yet.", "").with_action("Add a provider", "/providers/new"),
    }
}

pub fn new() -> NewProviderPage {
    NewProviderPage {
        shell: shell("New provider", Nav::Models, None),
        error: "Some fields need another look.".into(),
        groups: vec![group()],
        addresses: vec![KeyValue::new("Ollama", "http://127.0.0.1:11434/v1")],
        locked: String::new(),
    }
}

pub fn page() -> ProviderPage {
    let probe = ProviderProbe {
        csrf: "c5rf-t0ken".into(),
        id: 2,
        locked: String::new(),
        field: Field::new("model_name", "Model", FieldKind::Text, "small-1")
            .suggestions(vec!["small-1".into(), "<script>alert(1)</script>".into()]),
        error: "The test ended before every way was tried.".into(),
        done: "small-1 works with JSON Schema.".into(),
        rows: vec![ProbeRow {
            mode: "JSON Schema".into(),
            outcome: Badge { text: "works".into(), tone: Tone::Good },
            latency: "120 ms".into(),
            why: "<b>trend</b>".into(),
        }],
        facts: vec![KeyValue::new("Tokens used", "100 in, 20 out")],
        offered: vec!["<img src=x>".into()],
    };
    ProviderPage {
        shell: shell("Router", Nav::Models, None),
        id: 2,
        name: "Router".into(),
        facts: vec![KeyValue::new("Key", "…7Qx9")],
        error: String::new(),
        version: 1,
        groups: vec![group()],
        locked: String::new(),
        kept_by: String::new(),
        probe,
    }
}
