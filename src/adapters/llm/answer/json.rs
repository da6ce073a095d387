//! Reads JSON strictly, piece by piece, keeping every number as the text that it was.
//!
//! Own code where a library would do for most uses: names that stand twice must be noticed, numbers must not pass through
//! a float or a normalisation, the end of the object must be known, and nothing may recurse on a hostile depth.

use std::borrow::Cow;

/// How deep an answer may nest; what is asked for needs three.
const DEPTH_MAX: usize = 16;

/// Why an answer as a whole cannot be read. Follows the words "the answer".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The text ends within the object.
    #[error("ends in the middle of its object")]
    Truncated,
    /// Not JSON.
    #[error("is not valid JSON: {0}")]
    Syntax(&'static str),
    /// A name stands twice in one object.
    #[error("gives the field {0} twice in one object")]
    Twice(&'static str),
    /// Deeper than anything that was asked for.
    #[error("nests more than {DEPTH_MAX} levels deep")]
    TooDeep,
    /// JSON, but not what was asked for.
    #[error("{0}")]
    Shape(&'static str),
}

/// A value as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A text, its escapes resolved.
    Text(Cow<'a, str>),
    /// A number's own characters.
    Number(&'a str),
    /// `true` or `false`.
    Truth,
    /// `null`.
    Null,
    /// An object or an array, read over.
    Nested,
}

/// A place in a text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

const NAME: Fault = Fault::Syntax("a field's name must stand in double quotes");
const COLON: Fault = Fault::Syntax("a colon must follow a field's name");
const COMMA: Fault = Fault::Syntax("a comma or a closing bracket is missing");
const VALUE: Fault = Fault::Syntax("a value is missing, or is none that JSON knows");
const NUMBER: Fault = Fault::Syntax("a number is not written as JSON writes numbers");
const CONTROL: Fault = Fault::Syntax("a text holds a line break or another control character that is not escaped");
const ESCAPE: Fault = Fault::Syntax("a text holds an escape that JSON does not know");

/// White space between the parts of a JSON text.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

impl<'a> Reader<'a> {
    /// A reader at this byte of a text.
    pub fn at(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// The byte after what was read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether an array comes next.
    pub fn opens_array(&mut self) -> Result<bool, Fault> {
        Ok(self.peek()? == b'[')
    }

    /// Whether an object comes next.
    pub fn opens_object(&mut self) -> Result<bool, Fault> {
        Ok(self.peek()? == b'{')
    }

    /// Enters an array.
    pub fn open_array(&mut self) -> Result<(), Fault> {
        self.expect(b'[', VALUE)
    }

    /// Enters an object.
    pub fn open_object(&mut self) -> Result<(), Fault> {
        self.expect(b'{', VALUE)
    }

    /// Goes to the next value of an array; false when the array has ended.
    pub fn next_item(&mut self, is_first: bool) -> Result<bool, Fault> {
        self.next(is_first, b']')
    }

    /// Goes to the next value of an object and tells its name; none when the object has ended.
    pub fn next_name(&mut self, is_first: bool) -> Result<Option<Cow<'a, str>>, Fault> {
        if !self.next(is_first, b'}')? {
            return Ok(None);
        }
        let name = self.name()?;
        Ok(Some(name))
    }

    /// Reads one value whole.
    pub fn value(&mut self) -> Result<Value<'a>, Fault> {
        if matches!(self.peek()?, b'{' | b'[') {
            self.read_over()?;
            return Ok(Value::Nested);
        }
        self.scalar()
    }

    fn next(&mut self, is_first: bool, end: u8) -> Result<bool, Fault> {
        let byte = self.peek()?;
        if byte == end {
            self.at += 1;
            return Ok(false);
        }
        if !is_first {
            self.expect(b',', COMMA)?;
        }
        Ok(true)
    }

    fn name(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek()? != b'"' {
            return Err(NAME);
        }
        let name = self.string()?;
        self.expect(b':', COLON)?;
        Ok(name)
    }

    /// Reads over an object or an array, with a stack of its own instead of recursion.
    fn read_over(&mut self) -> Result<(), Fault> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            let end = match self.peek()? {
                b'{' => Some(b'}'),
                b'[' => Some(b']'),
                _ => None,
            };
            let mut is_first = false;
            if let Some(end) = end {
                if open.len() == DEPTH_MAX {
                    return Err(Fault::TooDeep);
                }
                open.push(end);
                self.at += 1;
                is_first = true;
            } else {
                self.scalar()?;
            }
            while let Some(end) = open.last().copied() {
                if self.next(is_first, end)? {
                    if end == b'}' {
                        self.name()?;
                    }
                    break;
                }
                is_first = false;
                open.pop();
            }
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    fn scalar(&mut self) -> Result<Value<'a>, Fault> {
        match self.peek()? {
            b'"' => self.string().map(Value::Text),
            b'-' | b'0'..=b'9' => self.number().map(Value::Number),
            b't' => self.word("true", Value::Truth),
            b'f' => self.word("false", Value::Truth),
            b'n' => self.word("null", Value::Null),
            _ => Err(VALUE),
        }
    }

    fn word(&mut self, word: &'static str, value: Value<'a>) -> Result<Value<'a>, Fault> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.len() < word.len() && word.as_bytes().starts_with(rest) {
            return Err(Fault::Truncated);
        }
        if !rest.starts_with(word.as_bytes()) {
            return Err(VALUE);
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.text[self.at..];
        let is_part = |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().take_while(|b| is_part(b)).count();
        if length == rest.len() {
            return Err(Fault::Truncated);
        }
        let number = &rest[..length];
        if !is_number(number) {
            return Err(NUMBER);
        }
        self.at += length;
        Ok(number)
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        let begin = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut at = begin;
        let mut has_escape = false;
        loop {
            match bytes.get(at) {
                None => return Err(Fault::Truncated),
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escape = true;
                    at += 2;
                }
                Some(0..0x20) => return Err(CONTROL),
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        // A quote and a backslash are single bytes of their own, so both ends lie between characters.
        let raw = &self.text[begin..at];
        if has_escape { unescape(raw).map(Cow::Owned) } else { Ok(Cow::Borrowed(raw)) }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Result<u8, Fault> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| is_space(**byte)).count();
        self.text.as_bytes().get(self.at).copied().ok_or(Fault::Truncated)
    }

    fn expect(&mut self, byte: u8, otherwise: Fault) -> Result<(), Fault> {
        if self.peek()? != byte {
            return Err(otherwise);
        }
        self.at += 1;
        Ok(())
    }
}

/// JSON's grammar of numbers: no plus, no leading zeros, digits on both sides of a point.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_whole = digits(whole) && (whole == "0" || !whole.starts_with('0'));
    is_whole && fraction.is_none_or(digits) && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

fn unescape(raw: &str) -> Result<String, Fault> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut after = escaped.chars();
        let kind = after.next().ok_or(ESCAPE)?;
        rest = after.as_str();
        text.push(match kind {
            '"' | '\\' | '/' => kind,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode(&mut rest)?,
            _ => return Err(ESCAPE),
        });
    }
    text.push_str(rest);
    Ok(text)
}

/// Four hex digits, or eight as a surrogate pair; half a pair is no character.
fn unicode(rest: &mut &str) -> Result<char, Fault> {
    let high = hex4(rest)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high).ok_or(ESCAPE);
    }
    *rest = rest.strip_prefix("\\u").ok_or(ESCAPE)?;
    let low = hex4(rest)?;
    if !(0xdc00..0xe000).contains(&low) {
        return Err(ESCAPE);
    }
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or(ESCAPE)
}

fn hex4(rest: &mut &str) -> Result<u32, Fault> {
    let (digits, after) = rest.split_at_checked(4).ok_or(ESCAPE)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ESCAPE);
    }
    *rest = after;
    u32::from_str_radix(digits, 16).map_err(|_| ESCAPE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<Value<'_>, Fault> {
        Reader::at(text, 0).value()
    }

    #[test]
    fn it_takes_what_serde_json_takes_and_refuses_what_that_refuses() {
        for text in [
            r#"{"a": [1, -0.5e+3, {"b": null}, [], {}], "c": "x\u00e9\ud83d\ude00\/"}"#,
            "[ ]",
            "{ }",
            r#"[true,false,null,"",0,-0,1.5,1E5]"#,
            "[1,]",
            "[,1]",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{"a":}"#,
            r#"{a:1}"#,
            "[01]",
            "[1.]",
            "[.5]",
            "[+1]",
            "[1e]",
            "[--1]",
            "[NaN]",
            "[Infinity]",
            "[tru]",
            "[nullx]",
            r#"["\x"]"#,
            r#"["\ud83d"]"#,
            r#"["\udc00"]"#,
            r#"["\u12"]"#,
            r#"["\u+123"]"#,
            "[\"a\nb\"]",
            "[1 2]",
            "[1}",
            r#"{"a":1]"#,
            "['a']",
            "[\"é\\u00e9\"]",
            r#"["\"#,
            "[",
            "{\"",
        ] {
            let theirs = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(whole(text).is_ok(), theirs, "{text}: {:?}", whole(text));
        }
    }

    #[test]
    fn every_beginning_of_a_value_is_told_as_truncated() {
        let text = r#"{"a": [1, -0.5, {"b": null}, [], {}], "c": "x\u00e9\ud83d\ude00\/", "d": true}"#;
        for end in 0..text.len() {
            assert_eq!(whole(&text[..end]), Err(Fault::Truncated), "{}", &text[..end]);
        }
        assert_eq!(whole(text), Ok(Value::Nested));
    }

    #[test]
    fn depth_is_bounded_without_recursion() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(whole(&nested(DEPTH_MAX)), Ok(Value::Nested));
        assert_eq!(whole(&nested(DEPTH_MAX + 1)), Err(Fault::TooDeep));
        assert_eq!(whole(&"[".repeat(1_000_000)), Err(Fault::TooDeep));
    }
}
