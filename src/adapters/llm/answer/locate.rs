//! Finds the one object of an answer. Words may stand before it, and one code fence around; nothing else.
//!
//! In prose a brace is a brace. An object begins where a brace is followed by a name in double quotes or by its end, and
//! from there on it must be JSON to its last byte. What follows it would be a second thought: it makes the answer
//! ambiguous, so it is refused.

use super::json::{Fault, is_space};

const FENCE: &str = "```";

/// Where the object begins.
pub(super) struct Start {
    /// The byte of its brace.
    pub at: usize,
    is_fenced: bool,
}

/// Finds where the object begins.
pub(super) fn start(text: &str) -> Result<Start, Fault> {
    if text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty() {
        return Err(Fault::Shape("is empty"));
    }
    let Some(at) = next_object(text, 0)? else {
        let has_brace = text.contains('{');
        let quotes = "holds no JSON object: the names of its fields must stand in double quotes";
        return Err(Fault::Shape(if has_brace { quotes } else { "holds no JSON object" }));
    };
    let before = text[..at].trim_end();
    if before.ends_with(['[', '{', '"', '\'', '\\', ',', '=']) {
        return Err(Fault::Shape("holds its object inside of something else: it must stand alone"));
    }
    Ok(Start { at, is_fenced: opens_fence(&text[..at]) })
}

/// Whether nothing but the end of the fence follows the object, which ends before `end`.
pub(super) fn end(text: &str, start: &Start, end: usize) -> Result<(), Fault> {
    let rest = text[end..].trim();
    let after = match (start.is_fenced, rest.strip_prefix(FENCE)) {
        (true, Some(after)) => after.trim_start(),
        (true, None) if rest.is_empty() => return Err(Fault::Shape("does not close its code fence")),
        _ => rest,
    };
    if after.is_empty() {
        return Ok(());
    }
    match next_object(text, end) {
        Ok(None) => Err(Fault::Shape("has more text after its object")),
        _ => Err(Fault::Shape("holds more than one JSON object")),
    }
}

/// The next brace, from `from` on, that begins an object.
fn next_object(text: &str, from: usize) -> Result<Option<usize>, Fault> {
    let mut at = from;
    while let Some(found) = text[at..].find('{') {
        let brace = at + found;
        let rest = text[brace + 1..].trim_start_matches(|c: char| u8::try_from(c).is_ok_and(is_space));
        match rest.bytes().next() {
            None => return Err(Fault::Truncated),
            Some(b'"' | b'}') => return Ok(Some(brace)),
            Some(_) => at = text.len() - rest.len(),
        }
    }
    Ok(None)
}

/// Whether a text ends with a line that opens a code fence: the fence, and the name of a language at most.
fn opens_fence(before: &str) -> bool {
    let before = before.trim_end();
    let fence = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
    fence.ends_with(FENCE) && before.matches(FENCE).count() % 2 == 1
}
