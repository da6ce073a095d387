//! What an answer says about a request: HTTP status first, then code. Whatever is not on a list here is ambiguous.
//!
//! | answer | verdict |
//! |---|---|
//! | 2xx | the body tells |
//! | 4xx with -1021, -1003, -1015 | proven not accepted, may be tried again |
//! | 4xx with -2010 and "Duplicate order sent." | an order of this name is there: ask and adopt |
//! | 4xx with a code on the list of definite refusals | refused |
//! | 5xx, whatever the code; -1006, -1007; any other code; no code; 3xx | ambiguous |

use serde::Deserialize;

/// The most characters of the venue's words that are repeated.
const WORDS_MAX: usize = 200;

/// The timestamp was outside of the window: our clock is off.
pub const CODE_TIMESTAMP: i64 = -1021;
/// Too many requests.
pub const CODE_TOO_MANY_REQUESTS: i64 = -1003;
/// Too many orders.
pub const CODE_TOO_MANY_ORDERS: i64 = -1015;
/// The engine refused an order.
pub const CODE_ORDER_REJECTED: i64 = -2010;
/// No such order.
pub const CODE_NO_SUCH_ORDER: i64 = -2013;
/// A filter failed.
pub const CODE_FILTER: i64 = -1013;
/// Too many decimal places.
pub const CODE_PRECISION: i64 = -1111;

/// Codes with which a request was looked at, refused, and did nothing.
const DEFINITE: &[i64] = &[
    -1002, -1013, -1014, -1020, -1022, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111, -1112, -1114,
    -1115, -1116, -1117, -1118, -1119, -1120, -1121, -1127, -1128, -1130, -1131, -1134, -1145, -1158, -1160, -1165,
    -1166, -1168, -1194, -1196, -1197, -1198, -1199, -1210, -1211, -1220, -2008, -2010, -2011, -2013, -2014, -2015,
    -2016, -2026, -2039,
];

/// What became of a request that was answered with something other than success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Looked at and refused; it did nothing.
    Refused(Refusal),
    /// Proven not accepted: our clock was off.
    ClockOff(Refusal),
    /// Proven not accepted: too many requests, or too many orders of the account.
    TooMany(Refusal),
    /// An order with this name is there already.
    Duplicate(Refusal),
    /// It may or may not have been accepted.
    Ambiguous(String),
}

/// The venue's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The venue's code, below zero.
    pub code: i64,
    /// Its text, shortened.
    pub message: String,
}

impl Refusal {
    /// The venue's answer as it was read, in its own form.
    pub fn body(&self) -> String {
        serde_json::json!({ "code": self.code, "msg": self.message }).to_string()
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Binance answered HTTP {} with code {}: {}", self.status, self.code, self.message)
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    code: i64,
    msg: String,
}

/// The venue's code and text; `None` when the body has another shape.
pub fn refusal(status: u16, body: &[u8]) -> Option<Refusal> {
    let error: ErrorBody = serde_json::from_slice(body).ok()?;
    (error.code < 0).then(|| Refusal { status, code: error.code, message: printable(&error.msg) })
}

/// Classifies an answer that is not a success.
pub fn classify(status: u16, body: &[u8]) -> Verdict {
    let Some(refusal) = refusal(status, body) else {
        return Verdict::Ambiguous(format!("Binance answered HTTP {status}"));
    };
    if !(400..500).contains(&status) {
        return Verdict::Ambiguous(refusal.to_string());
    }
    match refusal.code {
        CODE_TIMESTAMP => Verdict::ClockOff(refusal),
        CODE_TOO_MANY_REQUESTS | CODE_TOO_MANY_ORDERS => Verdict::TooMany(refusal),
        CODE_ORDER_REJECTED if refusal.message.to_ascii_lowercase().contains("duplicate order") => {
            Verdict::Duplicate(refusal)
        }
        code if DEFINITE.contains(&code) => Verdict::Refused(refusal),
        _ => Verdict::Ambiguous(refusal.to_string()),
    }
}

/// A text of the venue, fit for a log line and a page.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(status: u16, body: &str) -> &'static str {
        match classify(status, body.as_bytes()) {
            Verdict::Refused(_) => "refused",
            Verdict::ClockOff(_) => "clock",
            Verdict::TooMany(_) => "too many",
            Verdict::Duplicate(_) => "duplicate",
            Verdict::Ambiguous(_) => "ambiguous",
        }
    }

    fn coded(status: u16, code: i64, text: &str) -> &'static str {
        word(status, &serde_json::json!({"code": code, "msg": text}).to_string())
    }

    #[test]
    fn status_goes_before_code_and_ambiguous_is_the_default() {
        let definite = "refused";
        for (code, at_400) in [
            (-1000, "ambiguous"),
            (-1001, "ambiguous"),
            (-1002, definite),
            (-1003, "too many"),
            (-1006, "ambiguous"),
            (-1007, "ambiguous"),
            (-1008, "ambiguous"),
            (-1013, definite),
            (-1015, "too many"),
            (-1016, "ambiguous"),
            (-1021, "clock"),
            (-1022, definite),
            (-1102, definite),
            (-1111, definite),
            (-1121, definite),
            (-2010, definite),
            (-2011, definite),
            (-2013, definite),
            (-2014, definite),
            (-2015, definite),
            (-2021, "ambiguous"),
            (-4242, "ambiguous"),
        ] {
            for (status, expected) in [
                (400, at_400),
                (401, at_400),
                (403, at_400),
                (418, at_400),
                (429, at_400),
                (302, "ambiguous"),
                (500, "ambiguous"),
                (502, "ambiguous"),
                (503, "ambiguous"),
                (504, "ambiguous"),
            ] {
                assert_eq!(coded(status, code, "words"), expected, "HTTP {status} with {code}");
            }
        }
    }

    #[test]
    fn a_name_that_is_taken_is_told_apart_from_other_refusals_of_the_engine() {
        assert_eq!(coded(400, -2010, "Duplicate order sent."), "duplicate");
        assert_eq!(coded(400, -2010, "Account has insufficient balance for requested action."), "refused");
        assert_eq!(coded(503, -2010, "Duplicate order sent."), "ambiguous");
    }

    #[test]
    fn answers_of_another_shape_prove_nothing() {
        for body in [
            "",
            "<html>blocked</html>",
            "{}",
            "[]",
            "null",
            r#"{"code":-2010}"#,
            r#"{"msg":"x"}"#,
            r#"{"code":0,"msg":"x"}"#,
            r#"{"code":200,"msg":"x"}"#,
            r#"{"code":"-2010","msg":"x"}"#,
            r#"{"code":-2010,"msg":"cut off"#,
        ] {
            for status in [302, 400, 401, 403, 404, 409, 418, 429, 500, 503] {
                assert_eq!(word(status, body), "ambiguous", "HTTP {status}: {body}");
            }
        }
    }

    #[test]
    fn the_venues_words_are_shortened_and_hold_no_control_characters() {
        let body = serde_json::json!({"code": -1013, "msg": format!("a\n\u{7}b{}", "x".repeat(1_000))}).to_string();
        let Verdict::Refused(refusal) = classify(400, body.as_bytes()) else { panic!("definite") };
        assert_eq!(refusal.message.chars().count(), WORDS_MAX);
        assert!(refusal.message.starts_with("abxx"));
    }
}
