//! Reads input: JSON bodies, forms and query strings become one [`Input`], from which handlers take named values.
//!
//! Every wrong field is reported, not only the first; messages name the field and the rule, never the value. Numbers may
//! be JSON numbers or texts and always reach the parser as the raw text that was sent: no float lies in between.
//!
//! ```ignore
//! let mut input = input;                                          // an extractor: JsonInput, FormInput or QueryInput
//! let quantity = input.required("quantity", Quantity::parse);
//! let reason = input.text("reason", REASON_MAX);
//! input.refuse_unknown();
//! input.finish()?;                                                // 422 with every field that was wrong
//! let quantity = quantity.ok_or_else(unreachable)?;               // see `Input::done` for the shorter way
//! ```

use super::error::AppError;
use actix_web::dev::Payload;
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::future::{Future, Ready, ready};
use std::ops::{Deref, DerefMut};
use std::pin::Pin;

/// The largest form, in bytes: the settings page with 10,000 characters of strategy fits several times.
pub const FORM_BYTES_MAX: usize = 64 * 1_024;
/// The largest JSON body, in bytes: decisions for a hundred coins with full reasons.
pub const JSON_BYTES_MAX: usize = 512 * 1_024;
/// The most fields of a form or query.
const FIELDS_MAX: usize = 300;
/// Rows of a list when nothing is asked.
pub const PAGE_DEFAULT: u32 = 50;
/// The most rows of a list.
pub const PAGE_MAX: u32 = 200;
/// The longest cursor, in bytes.
const CURSOR_MAX: usize = 200;

/// Named values as they were sent, and what was wrong with them so far. Printing it shows names and no values.
#[derive(Clone, Default)]
pub struct Input {
    values: BTreeMap<String, Vec<Value>>,
    asked: BTreeSet<String>,
    errors: BTreeMap<String, String>,
    is_json: bool,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("errors", &self.errors)
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

impl Input {
    /// From a JSON object.
    pub fn from_json(object: Map<String, Value>) -> Self {
        let values = object.into_iter().map(|(name, value)| (name, vec![value])).collect();
        Self { values, is_json: true, ..Self::default() }
    }

    /// From the pairs of a form or query; a name may be sent more than once.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        let mut input = Self::default();
        for (name, value) in pairs {
            input.values.entry(name).or_default().push(Value::String(value));
        }
        input
    }

    /// Whether the name was sent at all, even as null or empty.
    pub fn was_sent(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The raw JSON value of a name, for nested objects; null counts as not sent.
    pub fn raw(&mut self, name: &str) -> Option<Value> {
        self.asked.insert(name.to_owned());
        self.values.get(name).and_then(|values| values.last()).filter(|value| !value.is_null()).cloned()
    }

    /// A nested JSON object; anything else is an error.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.raw(name)? {
            Value::Object(object) => Some(object),
            _ => self.refuse(name, "must be an object"),
        }
    }

    /// A text or number, as the text that was sent. Null and, in forms, an empty field count as not sent.
    pub fn scalar(&mut self, name: &str) -> Option<String> {
        match self.raw(name)? {
            Value::String(text) if text.is_empty() && !self.is_json => None,
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => self.refuse(name, "must be a number or a text"),
        }
    }

    /// A text of at most `max_chars` characters; JSON numbers are no texts.
    pub fn text(&mut self, name: &str, max_chars: usize) -> Option<String> {
        match self.raw(name)? {
            Value::String(text) if text.chars().count() > max_chars => {
                self.refuse(name, format!("must be {max_chars} characters or less"))
            }
            Value::String(text) if text.contains('\0') => self.refuse(name, "must not contain a zero character"),
            Value::String(text) => Some(text),
            _ => self.refuse(name, "must be a text"),
        }
    }

    /// A secret text, taken out of the input so that nothing else keeps or repeats it. Absent, null and empty are none.
    pub fn secret(&mut self, name: &str, max_chars: usize) -> Option<SecretString> {
        self.asked.insert(name.to_owned());
        match self.values.remove(name)?.pop()? {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) if text.chars().count() > max_chars => {
                self.refuse(name, format!("must be {max_chars} characters or less"))
            }
            Value::String(text) => Some(text.into()),
            _ => self.refuse(name, "must be a text"),
        }
    }

    /// A text that must be there and hold more than spaces; empty after an error.
    pub fn required_text(&mut self, name: &str, max_chars: usize) -> String {
        let before = self.errors.len();
        match self.text(name, max_chars) {
            Some(text) if !text.trim().is_empty() => text,
            _ => {
                if self.errors.len() == before {
                    self.fail(name, "is required");
                }
                String::new()
            }
        }
    }

    /// Whatever `parse` makes of the text or number; absent stays absent.
    pub fn optional<T, E: Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.scalar(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(why) => self.refuse(name, why.to_string()),
        }
    }

    /// Like [`Self::optional`], and absent is an error: `None` only ever comes with an error noted.
    pub fn required<T, E: Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        if self.values.get(name).is_none_or(|values| values.iter().all(Value::is_null)) {
            self.asked.insert(name.to_owned());
            return self.refuse(name, "is required");
        }
        let before = self.errors.len();
        let value = self.optional(name, parse);
        if value.is_none() && self.errors.len() == before {
            return self.refuse(name, "is required");
        }
        value
    }

    /// A whole number within a range, in plain digits.
    pub fn integer(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let rule = format!("must be a whole number from {} to {}", range.start(), range.end());
        self.optional(name, |text| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let value = if plain { text.parse::<i64>().ok() } else { None };
            value.filter(|value| range.contains(value)).ok_or(rule)
        })
    }

    /// One of the known words, through `parse`; the rule lists `words`.
    pub fn word<T>(&mut self, name: &str, words: &[&str], parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name, 100)?;
        match parse(&text) {
            Some(value) => Some(value),
            None => self.refuse(name, format!("must be one of {}", words.join(", "))),
        }
    }

    /// A yes or no: JSON `true` and `false`, in forms `true`, `on`, `false` or the last of several.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        let is_json = self.is_json;
        match self.raw(name)? {
            Value::Bool(value) => Some(value),
            Value::String(text) if !is_json && matches!(text.as_str(), "true" | "on" | "1") => Some(true),
            Value::String(text) if !is_json && matches!(text.as_str(), "false" | "off" | "0" | "") => Some(false),
            _ => self.refuse(name, "must be true or false"),
        }
    }

    /// Several texts: a JSON array, or a form field sent several times; empty ones are left out.
    pub fn texts(&mut self, name: &str, max_items: usize, max_chars: usize) -> Option<Vec<String>> {
        self.asked.insert(name.to_owned());
        let items = match self.values.get(name)?.as_slice() {
            [Value::Null] => return None,
            [Value::Array(items)] => items.clone(),
            many if !self.is_json => many.to_vec(),
            _ => return self.refuse(name, "must be a list of texts"),
        };
        let mut texts = Vec::with_capacity(items.len().min(max_items));
        for item in items {
            match item {
                Value::String(text) if text.chars().count() <= max_chars => texts.push(text),
                _ => return self.refuse(name, format!("must be texts of {max_chars} characters or less")),
            }
        }
        texts.retain(|text| !text.is_empty());
        if texts.len() > max_items {
            return self.refuse(name, format!("must be {max_items} items or less"));
        }
        Some(texts)
    }

    /// Notes that a field is wrong; the first note of a field stays.
    pub fn fail(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.errors.entry(name.into()).or_insert_with(|| why.into());
    }

    /// Notes every name that nobody asked for. Call it after asking for all of them.
    pub fn refuse_unknown(&mut self) {
        let known = |name: &String| self.asked.contains(name) || name == super::csrf::FIELD;
        let unknown: Vec<String> = self.values.keys().filter(|name| !known(name)).cloned().collect();
        for name in unknown {
            // A name is repeated only when it looks like one: anything else may be a value that slipped.
            let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            self.fail(if is_name { name } else { "?".to_owned() }, "is not known");
        }
    }

    /// What is wrong so far, for a form that is shown again.
    pub const fn errors(&self) -> &BTreeMap<String, String> {
        &self.errors
    }

    /// What was typed into a field, for a form that is shown again; never ask for a secret.
    pub fn typed(&self, name: &str) -> String {
        match self.values.get(name).and_then(|values| values.last()) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(value)) => value.to_string(),
            _ => String::new(),
        }
    }

    /// Ends reading.
    ///
    /// # Errors
    /// 422 with every field that was wrong.
    pub fn finish(self) -> Result<(), AppError> {
        if self.errors.is_empty() { Ok(()) } else { Err(AppError::invalid(self.errors)) }
    }

    /// Ends reading with the values that were required: `input.done(a.zip(b))?`.
    ///
    /// # Errors
    /// 422 with every field that was wrong.
    pub fn done<T>(self, values: Option<T>) -> Result<T, AppError> {
        match values {
            Some(values) if self.errors.is_empty() => Ok(values),
            _ => Err(AppError::invalid(self.errors)),
        }
    }

    fn refuse<T>(&mut self, name: &str, why: impl Into<String>) -> Option<T> {
        self.fail(name, why);
        None
    }
}

macro_rules! input_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name(pub Input);

        impl Deref for $name {
            type Target = Input;
            fn deref(&self) -> &Input {
                &self.0
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut Input {
                &mut self.0
            }
        }
    };
}

input_newtype! {
    /// Extracts a JSON object; no body at all is an empty object.
    JsonInput
}
input_newtype! {
    /// Extracts a form.
    FormInput
}
input_newtype! {
    /// Extracts the query string.
    QueryInput
}

type InputFuture<T> = Pin<Box<dyn Future<Output = Result<T, AppError>>>>;

impl FromRequest for JsonInput {
    type Error = AppError;
    type Future = InputFuture<Self>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = payload.take();
        Box::pin(async move {
            let body = read(payload, JSON_BYTES_MAX).await?;
            parse_json(&body).map(Self)
        })
    }
}

impl FromRequest for FormInput {
    type Error = AppError;
    type Future = InputFuture<Self>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = payload.take();
        Box::pin(async move {
            let body = read(payload, FORM_BYTES_MAX).await?;
            Ok(Self(Input::from_pairs(decode_pairs(&body))))
        })
    }
}

impl FromRequest for QueryInput {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(Input::from_pairs(decode_pairs(request.query_string().as_bytes())))))
    }
}

/// Which part of a list is asked for: `?limit=50&cursor=...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Rows, 1 to [`PAGE_MAX`].
    pub limit: u32,
    /// Where the last page ended, as its answer said.
    pub cursor: Option<String>,
}

impl Paging {
    /// Takes `limit` and `cursor` out of a query.
    pub fn read(query: &mut Input) -> Self {
        let limit = query.integer("limit", 1..=i64::from(PAGE_MAX)).and_then(|limit| u32::try_from(limit).ok());
        Self { limit: limit.unwrap_or(PAGE_DEFAULT), cursor: query.text("cursor", CURSOR_MAX) }
    }
}

/// Reads a JSON object from a body.
///
/// # Errors
/// 400 when it is not JSON, or not an object.
pub fn parse_json(body: &[u8]) -> Result<Input, AppError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Input { is_json: true, ..Input::default() });
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(Input::from_json(object)),
        Ok(_) => Err(AppError::bad_request("malformed_json", "The body must be a JSON object.")),
        Err(error) => {
            // Only the place: the parser's own words repeat what was sent.
            let place = format!("line {}, column {}", error.line(), error.column());
            Err(AppError::bad_request("malformed_json", format!("The body is not valid JSON ({place}).")))
        }
    }
}

/// The pairs of a form or query. What cannot be decoded is no pair.
pub fn decode_pairs(text: &[u8]) -> Vec<(String, String)> {
    let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
    let pairs = web::Query::<Vec<(String, String)>>::from_query(text).map(web::Query::into_inner);
    let mut pairs = pairs.unwrap_or_default();
    pairs.truncate(FIELDS_MAX);
    pairs
}

async fn read(mut payload: Payload, max: usize) -> Result<Bytes, AppError> {
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| AppError::bad_request("malformed_body", "The body cannot be read."))?;
        if body.len() + chunk.len() > max {
            return Err(AppError::too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::{Price, Quantity};

    fn json(text: &str) -> Input {
        parse_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_reach_the_parser_as_the_text_that_was_sent() {
        let mut input = json(r#"{"quantity": 0.10000000000000000001, "price": "43250.0"}"#);
        let quantity = input.required("quantity", Quantity::parse).map(|q| q.to_string());
        assert_eq!(quantity.as_deref(), Some("0.10000000000000000001"));
        assert!(input.required("price", Price::parse).is_some());
        input.finish().unwrap();
    }

    #[test]
    fn every_wrong_field_is_named_and_no_value_is_repeated() {
        let mut input = json(
            r#"{"quantity": 1e-5, "price": "hunter2", "leverage": 1.5, "flag": "yes", "reason": 7, "sneaky": 1, "Hunter2 Hunter2": 1}"#,
        );
        input.required("quantity", Quantity::parse);
        input.required("price", Price::parse);
        input.required("name", |text| Ok::<_, String>(text.to_owned()));
        input.integer("leverage", 1..=20);
        input.boolean("flag");
        input.text("reason", 100);
        input.refuse_unknown();
        let error = input.finish().unwrap_err();
        let names: Vec<&str> = error.fields().keys().map(String::as_str).collect();
        assert_eq!(names, ["?", "flag", "leverage", "name", "price", "quantity", "reason", "sneaky"]);
        assert!(!error.json("").to_string().to_lowercase().contains("hunter2"));
    }

    #[test]
    fn forms_tell_off_from_not_sent_and_take_lists() {
        let mut input = Input::from_pairs(decode_pairs(b"flag=false&flag=true&coins=BTC&coins=ETH&empty=&n=%31"));
        assert_eq!(input.boolean("flag"), Some(true));
        assert_eq!(input.boolean("other"), None);
        assert_eq!(input.texts("coins", 5, 10), Some(vec!["BTC".to_owned(), "ETH".to_owned()]));
        assert_eq!(input.optional("empty", Price::parse), None);
        assert_eq!(input.integer("n", 0..=9), Some(1));
        input.refuse_unknown();
        input.finish().unwrap();
    }

    #[test]
    fn malformed_json_is_placed_but_not_quoted() {
        let error = parse_json(b"{\"api_key\": hunter2}").unwrap_err();
        assert_eq!((error.status().as_u16(), error.code()), (400, "malformed_json"));
        assert!(!error.message().contains("hunter2") && error.message().contains("line 1"));
        assert!(parse_json(b"[1]").is_err());
        assert!(parse_json(b"  ").is_ok());
    }
}
