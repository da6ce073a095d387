//! A provider in words: its line in the list, its facts, and the fields of its form.

use crate::domain::provider::{BASE_URL_MAX, PROVIDER_NAME_MAX, Provider, ProviderKind, TokenPrice};
use crate::domain::time::Timestamp;
use crate::ports::store::{BundleTotal, KnownMode};
use crate::services::providers::{CONCURRENCY, GivenProvider, PRICE_MAX, TIMEOUT_SECONDS};
use crate::services::prune_bundles::RecordLimits;
use crate::web::show;
use crate::web::view::{Choice, Field, FieldGroup, FieldKind, KeyValue, ProviderLine};
use std::collections::BTreeMap;

/// A kind by the name that people know it under.
const fn kind_word(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::OpenAi => "OpenAI",
        ProviderKind::OpenRouter => "OpenRouter",
        ProviderKind::DeepSeek => "DeepSeek",
        ProviderKind::Anthropic => "Anthropic",
        ProviderKind::Gemini => "Gemini",
        ProviderKind::LlamaCpp => "llama.cpp",
        ProviderKind::Vllm => "vLLM",
        ProviderKind::Ollama => "Ollama",
        ProviderKind::Other => "other",
    }
}

/// Where a kind usually answers; none for those that have no usual place.
const fn usual_address(kind: ProviderKind) -> Option<&'static str> {
    Some(match kind {
        ProviderKind::OpenAi => "https://api.openai.com/v1",
        ProviderKind::OpenRouter => "https://openrouter.ai/api/v1",
        ProviderKind::DeepSeek => "https://api.deepseek.com/v1",
        ProviderKind::Anthropic => "https://api.anthropic.com/v1",
        ProviderKind::Gemini => "https://generativelanguage.googleapis.com/v1beta/openai",
        ProviderKind::LlamaCpp => "http://127.0.0.1:8080/v1",
        ProviderKind::Vllm => "http://127.0.0.1:8000/v1",
        ProviderKind::Ollama => "http://127.0.0.1:11434/v1",
        ProviderKind::Other => return None,
    })
}

/// Usual addresses by kind.
pub(super) fn addresses() -> Vec<KeyValue> {
    let usual = ProviderKind::ALL.iter().filter_map(|kind| Some((*kind, usual_address(*kind)?)));
    usual.map(|(kind, address)| KeyValue::new(kind_word(kind), address)).collect()
}

fn price_words(price: Option<TokenPrice>) -> String {
    price.map_or_else(
        || "unknown".to_owned(),
        |price| format!("${} / ${}", price.input.normalize(), price.output.normalize()),
    )
}

fn key_words(provider: &Provider) -> String {
    match (&provider.api_key, &provider.key_last4) {
        (None, _) => "none".to_owned(),
        (Some(_), Some(last4)) => format!("…{last4}"),
        (Some(_), None) => "saved".to_owned(),
    }
}

/// A provider in the list.
pub(super) fn line(provider: &Provider, users: Vec<String>) -> ProviderLine {
    ProviderLine {
        id: provider.id.0,
        name: provider.name.clone(),
        kind: kind_word(provider.kind).to_owned(),
        address: provider.base_url.clone(),
        key: key_words(provider),
        price: price_words(provider.price),
        used_by: if users.is_empty() { "no model".to_owned() } else { users.join(", ") },
    }
}

/// What is known about a provider.
pub(super) fn facts(provider: &Provider, users: &[String], known: &[KnownMode], now: Timestamp) -> Vec<KeyValue> {
    let mut facts = vec![
        KeyValue::new("Kind", kind_word(provider.kind)),
        KeyValue::new("Address", &provider.base_url),
        KeyValue::new("Key", key_words(provider)),
        KeyValue::new("$ per 1M tokens, in / out", price_words(provider.price)),
        KeyValue::new("Used by", if users.is_empty() { "no model".to_owned() } else { users.join(", ") }),
    ];
    for known in known {
        let when = show::when(known.at.0, now.0);
        facts.push(KeyValue::new(&known.model_name, format!("{} worked {}", mode_word(known.mode), when.text)));
    }
    facts
}

/// A way of asking for an answer's shape, in words.
pub(in crate::web) const fn mode_word(mode: crate::domain::provider::AnswerMode) -> &'static str {
    use crate::domain::provider::AnswerMode;
    match mode {
        AnswerMode::JsonSchema => "JSON Schema",
        AnswerMode::JsonObject => "JSON object",
        AnswerMode::Plain => "plain text",
    }
}

/// The form of a provider: a new one, or one that is changed.
pub(super) fn groups(
    given: &GivenProvider,
    errors: &BTreeMap<String, String>,
    before: Option<&Provider>,
) -> Vec<FieldGroup> {
    let field = |key: &str, label: &str, kind, value: &str| {
        let error = errors.get(key).map_or_else(String::new, |why| format!("{label} {why}."));
        Field::new(key, label, kind, value).error(error)
    };
    let number = |key: &str, label: &str, value: &str, unit: &str, range: String| {
        field(key, label, FieldKind::Number, value).unit(unit).range(range)
    };
    let kinds = ProviderKind::ALL
        .iter()
        .map(|kind| Choice::new(kind.as_str(), kind_word(*kind), kind.as_str() == given.kind))
        .collect();
    let key_help = match before.filter(|provider| provider.api_key.is_some()) {
        Some(_) => "Leave it empty to keep the saved key. Another address needs it again.",
        None => "Sealed, and never shown after saving. Leave it empty for a server that asks for none.",
    };
    let mut reach = vec![
        field("name", "Name", FieldKind::Text, &given.name)
            .help("How you will recognise it.")
            .range(format!("1 to {PROVIDER_NAME_MAX} characters"))
            .required(),
        field("kind", "Kind", FieldKind::Select, "").choices(kinds),
        field("base_url", "Address", FieldKind::Text, &given.base_url)
            .help("Used as it stands; /chat/completions and /models follow it.")
            .range(format!("https, or http on this machine and private networks; {BASE_URL_MAX} characters or less"))
            .required(),
        field("api_key", "Key", FieldKind::Password, "").help(key_help),
    ];
    if before.is_some_and(|provider| provider.api_key.is_some()) {
        let value = if given.remove_key { "true" } else { "false" };
        reach.push(field("remove_key", "Remove the saved key", FieldKind::Bool, value));
    }
    let price_range = format!("0 to {PRICE_MAX}; both or none");
    vec![
        FieldGroup { title: "How it is reached".to_owned(), note: String::new(), fields: reach },
        FieldGroup {
            title: "What it costs".to_owned(),
            note: "For a million tokens, as its price list says. Without prices no cost is counted.".to_owned(),
            fields: vec![
                number("input_price", "Prompt", &given.input_price, "$", price_range.clone()),
                number("output_price", "Answer", &given.output_price, "$", price_range),
            ],
        },
        FieldGroup {
            title: "Patience".to_owned(),
            note: String::new(),
            fields: vec![
                number(
                    "max_concurrency",
                    "Requests at once",
                    &given.max_concurrency,
                    "",
                    format!("{} to {}, of all models together", CONCURRENCY.0, CONCURRENCY.1),
                ),
                number(
                    "timeout_seconds",
                    "Longest wait for an answer",
                    &given.timeout_seconds,
                    "s",
                    format!("{} to {}", TIMEOUT_SECONDS.0, TIMEOUT_SECONDS.1),
                ),
            ],
        },
    ]
}

/// How much the records of cycles take, and how long they are kept.
pub(super) fn records(total: BundleTotal, limits: RecordLimits) -> String {
    let most = limits.max_bytes().map(|max| format!(" of {}", show::bytes(max))).unwrap_or_default();
    let kept = match limits.keep_days {
        0 => "They are kept for ever.".to_owned(),
        days => format!("Each is kept for {}.", show::plural(u64::from(days), "day", "days")),
    };
    let take = show::plural(total.count, "record of a cycle takes", "records of cycles take");
    format!("{take} {}{most}. {kept}", show::bytes(total.stored))
}
