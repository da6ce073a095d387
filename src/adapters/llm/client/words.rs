//! A provider's own words about an error: found where providers put them, cut, and without the key.

use crate::domain::provider::AnswerMode;
use crate::ports::language_model::ChatError;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// The most characters of them.
const WORDS_MAX: usize = 200;
/// What a refusal names when it is about how the answer's shape was asked for.
const SHAPE_WORDS: [&str; 4] = ["response_format", "response format", "schema", "json_object"];

/// The words in a body.
pub(super) fn of_body(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<Value>(&text) {
        Ok(json) => of(&json),
        Err(_) if text.trim_start().starts_with('<') => "it answered with HTML".to_owned(),
        Err(_) => text.into_owned(),
    }
}

/// The words in a JSON error.
pub(super) fn of(json: &Value) -> String {
    let error = json.get("error").or_else(|| json.get(0)?.get("error"));
    let places = [error.and_then(|error| error.get("message")), error, json.get("message"), json.get("detail")];
    let found = places.into_iter().flatten().find_map(Value::as_str);
    found.map_or_else(|| "it did not say why".to_owned(), str::to_owned)
}

/// Words fit to be shown: no key, no control characters, one short line.
pub(super) fn shown(words: &str, key: Option<&SecretString>) -> String {
    let words = match key.map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()) {
        Some(key) => words.replace(key, "(the key)"),
        None => words.to_owned(),
    };
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(WORDS_MAX) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

/// Tells a refusal of the shape from every other refusal.
pub(super) fn mode_unsupported(error: ChatError, mode: AnswerMode) -> ChatError {
    match error {
        ChatError::Refused { provider, status: 400 | 422, why }
            if mode != AnswerMode::Plain && SHAPE_WORDS.iter().any(|word| why.to_lowercase().contains(word)) =>
        {
            ChatError::ModeUnsupported { provider, mode, why }
        }
        other => other,
    }
}
