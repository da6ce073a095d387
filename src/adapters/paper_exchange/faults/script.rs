//! Reads a fault script, and says which line breaks which rule.

use super::{Action, FAULTS_MAX, Fault, FaultScript};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

/// The seed of a script that names none.
const SEED_DEFAULT: u64 = 1;
/// The longest wait, in seconds: an hour.
const SECONDS_MAX: f64 = 3_600.0;
/// The longest Retry-After, in seconds: three days, as the longest ban.
const RETRY_AFTER_MAX: u64 = 3 * 86_400;
/// Seconds of a ban that names none: the shortest real one.
const BAN_DEFAULT: u64 = 120;
/// The longest message.
const MESSAGE_MAX: usize = 500;
/// Codes that leave the outcome open, which come with a 5xx.
const OPEN_CODES: [i32; 5] = [-1000, -1001, -1006, -1007, -1008];

/// Why a script is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {rule}")]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// What it breaks.
    pub rule: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    seed: Option<u64>,
    #[serde(default)]
    fault: Vec<Spanned<RawFault>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawCount {
    Times(u64),
    Word(String),
}

/// Every key that any action knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFault {
    method: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    skip: Option<u64>,
    count: Option<Spanned<RawCount>>,
    probability: Option<Spanned<f64>>,
    action: Spanned<String>,
    seconds: Option<Spanned<f64>>,
    accepted: Option<Spanned<bool>>,
    bytes: Option<Spanned<usize>>,
    status: Option<Spanned<u16>>,
    code: Option<Spanned<i32>>,
    message: Option<Spanned<String>>,
    retry_after: Option<Spanned<u64>>,
    milliseconds: Option<Spanned<i64>>,
    queries: Option<Spanned<u32>>,
    share: Option<Spanned<f64>>,
}

/// Where in the text a rule is broken.
struct Broken {
    at: usize,
    rule: String,
}

impl Broken {
    fn new<T>(at: &Spanned<T>, rule: impl Into<String>) -> Self {
        Self { at: at.span().start, rule: rule.into() }
    }
}

/// Reads a script.
pub(super) fn parse(text: &str) -> Result<FaultScript, ScriptError> {
    let line_of = |at: usize| text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
    let raw: RawScript = toml::from_str(text).map_err(|error| ScriptError {
        line: error.span().map_or(1, |span| line_of(span.start)),
        rule: error.message().to_owned(),
    })?;
    if let Some(beyond) = raw.fault.get(FAULTS_MAX) {
        let rule = format!("there are more than {FAULTS_MAX} faults");
        return Err(ScriptError { line: line_of(beyond.span().start), rule });
    }
    let refused = |broken: Broken| ScriptError { line: line_of(broken.at), rule: broken.rule };
    let faults = raw.fault.into_iter().map(|fault| read_fault(fault.into_inner()).map_err(refused));
    Ok(FaultScript { seed: raw.seed.unwrap_or(SEED_DEFAULT), faults: faults.collect::<Result<_, _>>()? })
}

fn read_fault(mut raw: RawFault) -> Result<Fault, Broken> {
    let action = read_action(&mut raw)?;
    refuse_leftovers(&raw)?;
    let method = match raw.method {
        Some(method) if !["GET", "POST", "PUT", "DELETE"].contains(&method.get_ref().as_str()) => {
            return Err(Broken::new(&method, "`method` must be GET, POST, PUT or DELETE"));
        }
        method => method.map(Spanned::into_inner),
    };
    let path = match raw.path {
        Some(path) if !path.get_ref().starts_with('/') => {
            return Err(Broken::new(&path, "`path` must begin with a slash, such as \"/api/v3/order\""));
        }
        path => path.map(Spanned::into_inner),
    };
    let count = match raw.count {
        None => Some(1),
        Some(count) => match count.get_ref() {
            RawCount::Times(times) => Some(*times),
            RawCount::Word(word) if word == "forever" => None,
            RawCount::Word(_) => return Err(Broken::new(&count, "`count` must be a number or \"forever\"")),
        },
    };
    let probability = match raw.probability {
        Some(chance) if !(0.0..=1.0).contains(chance.get_ref()) => {
            return Err(Broken::new(&chance, "`probability` must be 0 to 1"));
        }
        chance => chance.map_or(1.0, Spanned::into_inner),
    };
    Ok(Fault { method, path, skip: raw.skip.unwrap_or(0), count, probability, action })
}

/// Takes the keys that the action has a use for out of the table.
fn read_action(raw: &mut RawFault) -> Result<Action, Broken> {
    let accepted = |raw: &mut RawFault, default| raw.accepted.take().map_or(default, Spanned::into_inner);
    let name = raw.action.get_ref().clone();
    Ok(match name.as_str() {
        "drop_before" => Action::DropBefore,
        "drop_after_accept" => Action::DropAfterAccept,
        "hang" => Action::Hang { wait: seconds(raw)?, accepted: accepted(raw, true) },
        "truncate" => Action::Truncate { bytes: raw.bytes.take().map(Spanned::into_inner) },
        "status" => {
            let status = status(raw)?.ok_or_else(|| Broken::new(&raw.action, "`status` is missing"))?;
            Action::Status { status, accepted: accepted(raw, false) }
        }
        "error" => error(raw)?,
        "rate_limit" => Action::RateLimit { retry_after: retry_after(raw, 1)? },
        "order_limit" => Action::OrderLimit { retry_after: retry_after(raw, 1)? },
        "ban" => Action::Ban { retry_after: retry_after(raw, BAN_DEFAULT)? },
        "hide" => hide(raw)?,
        "repeat_rows" => Action::RepeatRows,
        "clock_skew" => {
            let skew = raw.milliseconds.take().ok_or_else(|| Broken::new(&raw.action, "`milliseconds` is missing"))?;
            Action::ClockSkew { milliseconds: skew.into_inner() }
        }
        "thin_book" => Action::ThinBook { share: share(raw)? },
        _ => return Err(Broken::new(&raw.action, "`action` is not known")),
    })
}

fn seconds(raw: &mut RawFault) -> Result<Duration, Broken> {
    let seconds = raw.seconds.take().ok_or_else(|| Broken::new(&raw.action, "`seconds` is missing"))?;
    if !(0.0..=SECONDS_MAX).contains(seconds.get_ref()) {
        return Err(Broken::new(&seconds, format!("`seconds` must be 0 to {SECONDS_MAX}")));
    }
    Ok(Duration::from_secs_f64(seconds.into_inner()))
}

fn status(raw: &mut RawFault) -> Result<Option<u16>, Broken> {
    match raw.status.take() {
        Some(status) if !(400..=599).contains(status.get_ref()) => {
            Err(Broken::new(&status, "`status` must be 400 to 599"))
        }
        status => Ok(status.map(Spanned::into_inner)),
    }
}

fn error(raw: &mut RawFault) -> Result<Action, Broken> {
    let code = raw.code.take().ok_or_else(|| Broken::new(&raw.action, "`code` is missing"))?;
    if !(-9_999..=-1).contains(code.get_ref()) {
        return Err(Broken::new(&code, "`code` must be -9999 to -1"));
    }
    let code = code.into_inner();
    let status = status(raw)?.unwrap_or(if OPEN_CODES.contains(&code) { 503 } else { 400 });
    let message = match raw.message.take() {
        Some(message) if message.get_ref().len() > MESSAGE_MAX => {
            return Err(Broken::new(&message, format!("`message` must be at most {MESSAGE_MAX} bytes")));
        }
        Some(message) => message.into_inner(),
        None => usual_words(code).to_owned(),
    };
    let accepted = raw.accepted.take().is_some_and(Spanned::into_inner);
    Ok(Action::Error { code, status, message, accepted })
}

/// What the real exchange says with the codes that a client must tell apart.
fn usual_words(code: i32) -> &'static str {
    match code {
        -1000 => "An unknown error occurred while processing the request.",
        -1001 => "Internal error; unable to process your request. Please try again.",
        -1006 => "An unexpected response was received from the message bus. Execution status unknown.",
        -1007 => "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        -1008 => "Server is currently overloaded with other requests. Please try again in a few minutes.",
        -1021 => "Timestamp for this request is outside of the recvWindow.",
        -2010 => "Duplicate order sent.",
        -2011 => "Unknown order sent.",
        -2013 => "Order does not exist.",
        -2015 => "Invalid API-key, IP, or permissions for action.",
        _ => "A fault on purpose.",
    }
}

fn retry_after(raw: &mut RawFault, default: u64) -> Result<u64, Broken> {
    match raw.retry_after.take() {
        Some(seconds) if *seconds.get_ref() > RETRY_AFTER_MAX => {
            Err(Broken::new(&seconds, format!("`retry_after` must be at most {RETRY_AFTER_MAX} seconds")))
        }
        seconds => Ok(seconds.map_or(default, Spanned::into_inner)),
    }
}

fn hide(raw: &mut RawFault) -> Result<Action, Broken> {
    let milliseconds = raw.milliseconds.take();
    let queries = raw.queries.take().map(Spanned::into_inner);
    if milliseconds.is_none() && queries.is_none() {
        return Err(Broken::new(&raw.action, "`milliseconds` or `queries` must say for how long"));
    }
    match milliseconds {
        Some(span) if *span.get_ref() < 0 => Err(Broken::new(&span, "`milliseconds` must not be negative")),
        span => Ok(Action::Hide { milliseconds: span.map(Spanned::into_inner), queries }),
    }
}

fn share(raw: &mut RawFault) -> Result<Decimal, Broken> {
    const DEFAULT: f64 = 0.001;
    let given = raw.share.take();
    let value = given.as_ref().map_or(DEFAULT, |share| *share.get_ref());
    let share = if (0.0..=1.0).contains(&value) { Decimal::try_from(value).ok() } else { None };
    share.ok_or_else(|| match &given {
        Some(at) => Broken::new(at, "`share` must be 0 to 1"),
        None => Broken::new(&raw.action, "`share` must be 0 to 1"),
    })
}

/// What is left in the table has no use for this action.
fn refuse_leftovers(raw: &RawFault) -> Result<(), Broken> {
    let action = raw.action.get_ref();
    let left = |name: &str, at: Option<usize>| match at {
        Some(at) => Err(Broken { at, rule: format!("`{name}` has no use for the action `{action}`") }),
        None => Ok(()),
    };
    fn start<T>(value: &Option<Spanned<T>>) -> Option<usize> {
        value.as_ref().map(|value| value.span().start)
    }
    left("seconds", start(&raw.seconds))?;
    left("accepted", start(&raw.accepted))?;
    left("bytes", start(&raw.bytes))?;
    left("status", start(&raw.status))?;
    left("code", start(&raw.code))?;
    left("message", start(&raw.message))?;
    left("retry_after", start(&raw.retry_after))?;
    left("milliseconds", start(&raw.milliseconds))?;
    left("queries", start(&raw.queries))?;
    left("share", start(&raw.share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_can_be_said() {
        let script = r#"
            seed = 9
            [[fault]]
            method = "POST"
            path = "/api/v3/order"
            skip = 2
            count = "forever"
            probability = 0.5
            action = "drop_before"
            [[fault]]
            action = "drop_after_accept"
            [[fault]]
            action = "hang"
            seconds = 0.5
            accepted = false
            [[fault]]
            action = "truncate"
            bytes = 10
            [[fault]]
            action = "status"
            status = 502
            accepted = true
            [[fault]]
            action = "error"
            code = -1007
            [[fault]]
            action = "error"
            code = -1021
            [[fault]]
            action = "rate_limit"
            retry_after = 3
            [[fault]]
            action = "order_limit"
            [[fault]]
            action = "ban"
            [[fault]]
            action = "hide"
            queries = 2
            [[fault]]
            action = "repeat_rows"
            [[fault]]
            action = "clock_skew"
            milliseconds = -2000
            [[fault]]
            action = "thin_book"
            share = 0.01
        "#;
        let script = FaultScript::parse(script).expect("a script");
        assert_eq!(script.seed, 9);
        let first = &script.faults[0];
        assert_eq!((first.skip, first.count, first.method.as_deref()), (2, None, Some("POST")));
        assert!((first.probability - 0.5).abs() < f64::EPSILON);
        let second = &script.faults[1];
        assert_eq!((second.skip, second.count, second.path.as_deref()), (0, Some(1), None));
        let actions: Vec<Action> = script.faults.into_iter().map(|fault| fault.action).collect();
        assert_eq!(actions[2], Action::Hang { wait: Duration::from_millis(500), accepted: false });
        assert!(matches!(&actions[5], Action::Error { code: -1007, status: 503, accepted: false, .. }));
        assert!(matches!(&actions[6], Action::Error { code: -1021, status: 400, .. }));
        assert_eq!(actions[9], Action::Ban { retry_after: BAN_DEFAULT });
        assert_eq!(actions[10], Action::Hide { milliseconds: None, queries: Some(2) });
        assert_eq!(actions[13], Action::ThinBook { share: Decimal::new(1, 2) });
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let refused = |text: &str| FaultScript::parse(text).expect_err("refused").to_string();
        let cases = [
            ("sede = 1", "line 1: unknown field `sede`"),
            ("[[fault]]\naction = \"hang\"\nseconds = 5\nsecnds = 5", "line 4: unknown field `secnds`"),
            ("[[fault]]\naction = \"explode\"", "line 2: `action` is not known"),
            ("[[fault]]\nskip = 1", "line 1: missing field `action`"),
            ("[[fault]]\naction = \"hang\"", "line 2: `seconds` is missing"),
            ("[[fault]]\naction = \"hang\"\nseconds = -1", "line 3: `seconds` must be 0 to 3600"),
            ("[[fault]]\naction = \"drop_before\"\nstatus = 500", "line 3: `status` has no use for the action"),
            ("[[fault]]\naction = \"status\"\nstatus = 200", "line 3: `status` must be 400 to 599"),
            ("[[fault]]\nmethod = \"FETCH\"\naction = \"drop_before\"", "line 2: `method` must be"),
            ("[[fault]]\npath = \"api\"\naction = \"drop_before\"", "line 2: `path` must begin"),
            ("[[fault]]\ncount = \"never\"\naction = \"drop_before\"", "line 2: `count` must be"),
            ("[[fault]]\nprobability = 1.5\naction = \"drop_before\"", "line 2: `probability` must be"),
            ("[[fault]]\naction = \"hide\"", "line 2: `milliseconds` or `queries`"),
            ("[[fault]]\naction = \"error\"\ncode = 5", "line 3: `code` must be"),
            ("[[fault]]\naction = \"thin_book\"\nshare = 2", "line 3: `share` must be"),
            ("[[fault]\n", "line 1: "),
        ];
        for (text, says) in cases {
            let refusal = refused(text);
            assert!(refusal.starts_with(says), "{text:?} is refused with {refusal:?}, not {says:?}");
        }
    }
}
