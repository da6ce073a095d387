//! What stands around a question and around an answer. Fields that are not known are left alone: providers add many.

use super::attempt::Asked;
use crate::domain::provider::{AnswerMode, Provider, ProviderKind, TokenUsage};
use crate::ports::language_model::{ANSWER_MAX_BYTES, ChatError, ChatMessage, ChatReply, ChatRequest};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The most models of a list, and the longest name of one, in bytes.
const MODELS_MAX: usize = 5_000;
const MODEL_NAME_MAX: usize = 200;
/// The longest short word of a provider that is kept, in characters: a model's name, why it stopped.
const WORD_MAX: usize = 100;

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    messages: &'a [ChatMessage],
    temperature: serde_json::Number,
    /// OpenAI's newer models know only this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { json_schema: Named<'a> },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'static str,
    strict: bool,
    /// As it stands: models fill the fields in the order of the schema.
    schema: &'a RawValue,
}

/// The body of a question.
pub(super) fn request(provider: &Provider, request: &ChatRequest) -> Result<Vec<u8>, ChatError> {
    let refused = |why: &str| ChatError::Refused { provider: provider.name.clone(), status: 0, why: why.to_owned() };
    let response_format = match request.mode {
        AnswerMode::Plain => None,
        AnswerMode::JsonObject => Some(Format::JsonObject),
        AnswerMode::JsonSchema => {
            let schema = serde_json::from_str(&request.schema).map_err(|_| refused("the schema is not JSON"))?;
            Some(Format::JsonSchema { json_schema: Named { name: "decisions", strict: true, schema } })
        }
    };
    let is_new = provider.kind == ProviderKind::OpenAi;
    let temperature = request.temperature.normalize().to_string();
    let question = Question {
        model: &request.model,
        messages: &request.messages,
        temperature: temperature.parse().map_err(|_| refused("the temperature is no number"))?,
        max_completion_tokens: is_new.then_some(request.max_tokens),
        max_tokens: (!is_new).then_some(request.max_tokens),
        stream: false,
        response_format,
    };
    serde_json::to_vec(&question).map_err(|_| refused("the question cannot be written"))
}

/// The HTTP status of a failure that stands in an answer without choices.
pub(super) fn failure(json: &Value) -> Option<u16> {
    let error = json.get("error").filter(|error| !error.is_null())?;
    if json.get("choices").and_then(Value::as_array).is_some_and(|choices| !choices.is_empty()) {
        return None;
    }
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    Some(code.filter(|code| (400..600).contains(code)).unwrap_or(500))
}

/// What was answered.
pub(super) fn reply(provider: &str, asked: &Asked) -> Result<ChatReply, ChatError> {
    let json = &asked.json;
    let choices = json.get("choices").and_then(Value::as_array);
    let choices = choices.ok_or_else(|| unreadable(provider, "it is no chat completion"))?;
    let choice = choices.first().ok_or_else(|| unreadable(provider, "it holds no choice"))?;
    let message = choice.get("message").filter(|message| message.is_object());
    let message = message.ok_or_else(|| unreadable(provider, "its choice holds no message"))?;
    let content = content(message.get("content")).ok_or_else(|| unreadable(provider, "its content is no text"))?;
    let refusal = message.get("refusal").and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    if content.len().max(refusal.as_ref().map_or(0, String::len)) > ANSWER_MAX_BYTES {
        return Err(unreadable(provider, "its content is longer than 1 MB"));
    }
    Ok(ChatReply {
        content: without_nul(content),
        refusal: refusal.map(without_nul),
        finish_reason: word(choice.get("finish_reason")),
        model: word(json.get("model")),
        usage: usage(json.get("usage")),
        latency_ms: asked.latency_ms,
        requests: asked.requests,
    })
}

/// The names of the models in a list.
pub(super) fn offered(provider: &str, asked: &Asked) -> Result<Vec<String>, ChatError> {
    let data = asked.json.get("data").and_then(Value::as_array);
    let data = data.ok_or_else(|| unreadable(provider, "it is no list of models"))?;
    if data.len() > MODELS_MAX {
        return Err(unreadable(provider, "its list of models is too long"));
    }
    let is_name = |name: &&str| (1..=MODEL_NAME_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    let name = |model: &Value| model.get("id").and_then(Value::as_str).filter(is_name).map(str::to_owned);
    let names: Option<Vec<String>> = data.iter().map(name).collect();
    names.ok_or_else(|| unreadable(provider, "a model in its list has no usable name"))
}

/// PostgreSQL keeps no zero character in a text, and what cannot be kept could not be billed either. It is replaced before
/// anything is read, so that what is kept is what was read.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// A text, nothing, or parts of which the text ones count.
fn content(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(parts)) => {
            let is_text = |part: &&Value| part.get("type").is_none_or(|kind| kind == "text");
            parts.iter().filter(is_text).map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        Some(_) => None,
    }
}

fn word(value: Option<&Value>) -> Option<String> {
    let text = value.and_then(Value::as_str)?;
    Some(text.chars().filter(|c| !c.is_control()).take(WORD_MAX).collect())
}

fn usage(value: Option<&Value>) -> Option<TokenUsage> {
    let tokens = |name: &str| value?.get(name)?.as_u64();
    Some(TokenUsage { input: tokens("prompt_tokens")?, output: tokens("completion_tokens")? })
}

fn unreadable(provider: &str, why: &str) -> ChatError {
    ChatError::Unreadable { provider: provider.to_owned(), why: why.to_owned() }
}
