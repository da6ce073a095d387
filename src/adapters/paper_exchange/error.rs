//! What the exchange says no with: an HTTP status, a stable negative code, and a text that may change.

use super::json::Json;

/// A refusal as it goes over the wire: `{"code":-1121,"msg":"Invalid symbol."}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// The stable code, below zero.
    pub code: i32,
    /// The words; clients must not rely on them.
    pub message: String,
    /// Seconds after which asking again makes sense, for 429 and 418.
    pub retry_after: Option<u64>,
    /// The JSON of `data`, which only a half-done cancel-replace carries.
    pub data: Option<String>,
}

impl ApiError {
    /// A refusal with status 400.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), retry_after: None, data: None }
    }

    /// The same with another status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// No such path.
    pub fn unknown_path() -> Self {
        Self::new(-1020, "This operation is not supported.").with_status(404)
    }

    /// A body beyond the limit.
    pub fn body_too_large() -> Self {
        Self::new(-1100, "The request body is too large.").with_status(413)
    }

    /// The market behind the exchange does not answer: nothing was done.
    pub fn market_unavailable() -> Self {
        Self::new(-1001, "Internal error; unable to process your request. Please try again.").with_status(503)
    }

    /// The state log cannot be written: what was asked may or may not have happened.
    pub fn log_broken() -> Self {
        Self::new(-1006, "An unexpected response was received from the message bus. Execution status unknown.")
            .with_status(503)
    }

    /// No key, or one that cannot be a key.
    pub fn key_format() -> Self {
        Self::new(-2014, "API-key format invalid.").with_status(401)
    }

    /// A key that nobody has here.
    pub fn unknown_key() -> Self {
        Self::new(-2015, "Invalid API-key, IP, or permissions for action.").with_status(401)
    }

    /// The signature does not fit the bytes that came.
    pub fn signature() -> Self {
        Self::new(-1022, "Signature for this request is not valid.")
    }

    /// The timestamp is older than the window allows.
    pub fn too_late() -> Self {
        Self::new(-1021, "Timestamp for this request is outside of the recvWindow.")
    }

    /// The timestamp is from the future.
    pub fn too_early() -> Self {
        Self::new(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    }

    /// A required parameter is missing or cannot be read.
    pub fn mandatory(name: &str) -> Self {
        Self::new(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
    }

    /// One of two parameters is required.
    pub fn either(one: &str, other: &str) -> Self {
        Self::new(-1102, format!("Param '{one}' or '{other}' must be sent, but both were empty/null!"))
    }

    /// A parameter above its maximum.
    pub fn above(name: &str, limit: &str) -> Self {
        Self::new(-1102, format!("'{name}' contains unexpected value. Cannot be greater than {limit}."))
    }

    /// A parameter that holds what its pattern does not allow.
    pub fn illegal(name: &str, range: &str) -> Self {
        Self::new(-1100, format!("Illegal characters found in parameter '{name}'; legal range is '{range}'."))
    }

    /// A parameter that was sent empty.
    pub fn empty(name: &str) -> Self {
        Self::new(-1105, format!("Parameter '{name}' was empty."))
    }

    /// A parameter that this kind of request has no use for.
    pub fn not_required(name: &str) -> Self {
        Self::new(-1106, format!("Parameter '{name}' sent when not required."))
    }

    /// A value that is not among those allowed.
    pub fn invalid(name: &str) -> Self {
        Self::new(-1130, format!("Data sent for parameter '{name}' is not valid."))
    }

    /// A parameter that came twice.
    pub fn duplicated() -> Self {
        Self::new(-1101, "Duplicate values for a parameter detected.")
    }

    /// More parameters than one request may have.
    pub fn too_many_parameters(limit: usize) -> Self {
        Self::new(-1101, format!("Too many parameters; expected at most '{limit}'."))
    }

    /// Parameters that nobody read.
    pub fn unread(read: usize, sent: usize) -> Self {
        Self::new(
            -1104,
            format!("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."),
        )
    }

    /// Parameters that exclude each other.
    pub fn bad_combination() -> Self {
        Self::new(-1128, "Combination of optional parameters invalid.")
    }

    /// A span of time beyond what one answer covers.
    pub fn span_too_long(hours: u32) -> Self {
        Self::new(-1127, format!("More than {hours} hours between startTime and endTime."))
    }

    /// A market that is not traded here.
    pub fn bad_symbol() -> Self {
        Self::new(-1121, "Invalid symbol.")
    }

    /// A candle length that this market does not have.
    pub fn bad_interval() -> Self {
        Self::new(-1120, "Invalid interval.")
    }

    /// A header that names no unit of time.
    pub fn bad_time_unit() -> Self {
        Self::new(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
    }

    /// Too much request weight used.
    pub fn overweight(limit: u64, interval: &str, retry_after: u64) -> Self {
        let message = format!(
            "Too much request weight used; current limit is {limit} request weight per {interval}. Please use \
             WebSocket Streams for live updates to avoid polling the API."
        );
        Self { retry_after: Some(retry_after), ..Self::new(-1003, message).with_status(429) }
    }

    /// Too many orders of one account.
    pub fn too_many_orders(limit: u64, interval: &str, retry_after: u64) -> Self {
        let message = format!("Too many new orders; current limit is {limit} orders per {interval}.");
        Self { retry_after: Some(retry_after), ..Self::new(-1015, message).with_status(429) }
    }

    /// The address went on after it was told to wait.
    pub fn banned(until_ms: i64, retry_after: u64) -> Self {
        let message = format!(
            "Way too much request weight used; IP banned until {until_ms}. Please use WebSocket Streams for live updates \
             to avoid bans."
        );
        Self { retry_after: Some(retry_after), ..Self::new(-1003, message).with_status(418) }
    }

    /// The body of the answer.
    pub fn body(&self) -> Vec<u8> {
        let mut json = Json::new();
        self.write(&mut json);
        json.into_bytes()
    }

    /// Writes the refusal as an object, also inside of another answer.
    pub fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.int("code", i64::from(self.code));
            json.text("msg", &self.message);
            if let Some(data) = &self.data {
                json.raw("data", data);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_code_and_a_message() {
        let body = String::from_utf8(ApiError::illegal("price", "\"").body()).expect("text");
        assert_eq!(
            body,
            r#"{"code":-1100,"msg":"Illegal characters found in parameter 'price'; legal range is '\"'."}"#
        );
        let parsed: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(parsed["code"], -1100);
    }
}
