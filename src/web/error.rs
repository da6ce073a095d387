//! One error for every handler. It says what happened; how that looks is decided on the way out, in
//! [`super::security`], where it is known who asks.
//!
//! Nothing that was sent is ever repeated: a secret pasted into the wrong field would come back otherwise.

use crate::observe;
use crate::services::live::LiveRefusal;
use actix_web::body::BoxBody;
use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// What a request is refused or fails with.
///
/// Behind a pointer, since it travels in the `Err` of every handler, where it would make each answer as large as itself.
#[derive(Clone, Debug, PartialEq)]
pub struct AppError(Box<Inner>);

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: BTreeMap<String, String>,
    extra: Map<String, Value>,
    retry_after_s: Option<u64>,
    /// Why, for the log only.
    cause: Option<String>,
}

impl AppError {
    /// Any status with a stable code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            message: message.into(),
            fields: BTreeMap::new(),
            extra: Map::new(),
            retry_after_s: None,
            cause: None,
        }))
    }

    /// 400: the request cannot be read at all.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401: no session and no token, or one that has ended. Browsers are led to the login.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Log in, or send a valid bearer token.")
    }

    /// 403: known, but not allowed to.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 403 `csrf`: the request may have been made by another site.
    pub fn csrf() -> Self {
        let message = "The security token of the form is missing or too old. Reload the page and try again.";
        Self::new(StatusCode::FORBIDDEN, "csrf", message)
    }

    /// 404; `what` is the kind of thing, for example `decision`.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}."))
    }

    /// 409: the state of things does not allow it (any more).
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 410: it was there and its time is over.
    pub fn gone(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, code, message)
    }

    /// 422: some fields are refused; each is named with the rule it breaks.
    pub fn invalid(fields: BTreeMap<String, String>) -> Self {
        let named: Vec<String> = fields.iter().map(|(name, why)| format!("{name} {why}")).collect();
        let message = if named.is_empty() { "Some values are refused".to_owned() } else { named.join("; ") };
        let mut error = Self::unprocessable("invalid", format!("{message}."));
        error.0.fields = fields;
        error
    }

    /// 422 with a code of its own, for example `risk_denied`.
    pub fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// 413: more than is accepted here.
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The request is larger than is accepted here.")
    }

    /// 428: something must be named first, for example the terms of an approval.
    pub fn precondition_required(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_REQUIRED, code, message)
    }

    /// 429: too many attempts; `retry_after_s` says when the next is free.
    pub fn throttled(retry_after_s: u64) -> Self {
        let message = format!("Too many attempts. Try again in {retry_after_s} s.");
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "throttled", message);
        error.0.retry_after_s = Some(retry_after_s);
        error
    }

    /// A live account that may not or cannot be used: 409 for what a person can mend, 502 for the exchange's trouble.
    pub fn live(refusal: &LiveRefusal) -> Self {
        let words = crate::web::show::sentence(&refusal.to_string());
        match refusal {
            LiveRefusal::NotConfigured { .. } => Self::conflict("EXCHANGE_NOT_CONFIGURED", words),
            LiveRefusal::MainnetDisabled => Self::forbidden("mainnet_disabled", words),
            LiveRefusal::NotArmed(_) => Self::conflict("not_armed", words),
            LiveRefusal::Exchange(_) => Self::new(StatusCode::BAD_GATEWAY, "EXCHANGE_API_ERROR", words),
            LiveRefusal::Store(error) => Self::internal(error),
        }
    }

    /// 503: not now.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// 500: our own fault. The cause goes to the log, the person gets the id under which it is there.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        let mut error = Self::for_status(StatusCode::INTERNAL_SERVER_ERROR);
        error.0.cause = Some(observe::chain(cause));
        error
    }

    /// The words for a status that came without any of its own.
    pub fn for_status(status: StatusCode) -> Self {
        let (code, message) = match status.as_u16() {
            400 => ("bad_request", "The request cannot be read."),
            401 => return Self::unauthorized(),
            403 => ("forbidden", "This is not allowed."),
            404 => ("not_found", "There is nothing at this address."),
            405 => ("method_not_allowed", "This address does not know that method."),
            408 => ("timeout", "The request took too long to arrive."),
            413 => return Self::too_large(),
            415 => ("unsupported_media_type", "This kind of body is not accepted here."),
            500..=599 if status != StatusCode::SERVICE_UNAVAILABLE => ("internal", "Something broke on our side."),
            503 => ("unavailable", "The server cannot answer right now."),
            _ => ("refused", "The request was refused."),
        };
        Self::new(status, code, message)
    }

    /// Adds what is wrong with one field.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, why: impl Into<String>) -> Self {
        self.0.fields.insert(name.into(), why.into());
        self
    }

    /// Adds a value beside `error` in the JSON answer, for example the decision as it now is.
    #[must_use]
    pub fn with_extra(mut self, name: &str, value: Value) -> Self {
        self.0.extra.insert(name.to_owned(), value);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable word of the API.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The sentence for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What is wrong with each field; empty unless fields are at fault.
    pub fn fields(&self) -> &BTreeMap<String, String> {
        &self.0.fields
    }

    /// Why, for the log only.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Seconds until the next attempt is free.
    pub fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after_s
    }

    /// The JSON answer; `request_id` is shown when the fault is ours.
    pub fn json(&self, request_id: &str) -> Value {
        let mut error = json!({ "code": self.0.code, "message": self.0.message, "fields": self.0.fields });
        if self.0.status.is_server_error() {
            error["id"] = Value::String(request_id.to_owned());
        }
        let mut body = self.0.extra.clone();
        body.insert("error".to_owned(), error);
        Value::Object(body)
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.code)
    }
}

impl std::error::Error for AppError {}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    /// An answer without a body that carries this error along; [`super::security::harden`] gives it its looks.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::new(self.0.status);
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<crate::services::access::AccessError> for AppError {
    fn from(error: crate::services::access::AccessError) -> Self {
        use crate::services::access::AccessError as Access;
        match error {
            Access::Throttled(too_many) => Self::throttled(too_many.retry_after_s),
            Access::WrongCredentials | Access::WrongSetupToken => {
                Self::unprocessable("wrong_credentials", format!("{error}."))
            }
            Access::SetupClosed => Self::for_status(StatusCode::NOT_FOUND),
            Access::UnknownUser => Self::not_found("user"),
            Access::NameTaken => Self::conflict("name_taken", "This user name is taken."),
            Access::BadUsername(why) => Self::invalid([("username".to_owned(), why.to_string())].into()),
            Access::BadPassword(why) => Self::invalid([("password".to_owned(), why.to_string())].into()),
            Access::BadLabel(why) => Self::invalid([("name".to_owned(), why.to_string())].into()),
            Access::Store(_) | Access::Password(_) => Self::internal(&error),
        }
    }
}

impl From<crate::ports::store::StoreError> for AppError {
    fn from(error: crate::ports::store::StoreError) -> Self {
        Self::internal(&error)
    }
}

/// Replaces the framework's JSON errors, which repeat what was sent.
pub fn json_error(error: JsonPayloadError, _: &actix_web::HttpRequest) -> actix_web::Error {
    match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => AppError::too_large(),
        _ => AppError::bad_request("malformed_json", "The body is not valid JSON of the expected shape."),
    }
    .into()
}

/// Replaces the framework's form errors, which repeat what was sent.
pub fn form_error(error: UrlencodedError, _: &actix_web::HttpRequest) -> actix_web::Error {
    match error {
        UrlencodedError::Overflow { .. } => AppError::too_large(),
        _ => AppError::bad_request("malformed_form", "The form cannot be read."),
    }
    .into()
}

/// Replaces the framework's query errors, which repeat what was sent.
pub fn query_error(_: QueryPayloadError, _: &actix_web::HttpRequest) -> actix_web::Error {
    AppError::bad_request("malformed_query", "The part of the address after the question mark cannot be read.").into()
}

/// Replaces the framework's path errors: an address whose id is no number names nothing.
pub fn path_error(_: PathError, _: &actix_web::HttpRequest) -> actix_web::Error {
    AppError::for_status(StatusCode::NOT_FOUND).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_names_each_field_and_keeps_causes_to_the_log() {
        let fields = [("quantity".to_owned(), "must not be negative".to_owned())].into();
        let error = AppError::invalid(fields).with_extra("decision", json!({ "id": 7 }));
        assert_eq!(
            error.json("r1"),
            json!({
                "error": {
                    "code": "invalid",
                    "message": "quantity must not be negative.",
                    "fields": { "quantity": "must not be negative" }
                },
                "decision": { "id": 7 }
            })
        );
        let ours = AppError::internal(&std::io::Error::other("password=hunter2"));
        assert!(!ours.json("r1").to_string().contains("hunter2"));
        assert_eq!(ours.json("r1")["error"]["id"], "r1");
        assert_eq!(ours.cause(), Some("password=hunter2"));
    }
}
