//! Parameters of a request: from the query and, for everything but GET, from a form body; the query wins.
//!
//! Reading a parameter marks it, and what nobody read is an error in the end, as at the real exchange: a misspelt
//! parameter would otherwise be an order with other terms than its sender believes.

use super::error::ApiError;
use super::timing::sent_ms;
use rust_decimal::Decimal;
use std::borrow::Cow;

/// The most parameters that one request may have.
const COUNT_MAX: usize = 64;
/// Digits before and after the point.
const DIGITS_MAX: usize = 20;
/// What a number looks like.
const NUMBER_RANGE: &str = r"^([0-9]{1,20})(\.[0-9]{1,20})?$";
/// What an integer looks like.
const INTEGER_RANGE: &str = "^[0-9]{1,20}$";
/// What a market's name looks like.
const SYMBOL_RANGE: &str = r"^[\w\-._&&[^a-z]]{1,50}$";
/// The longest name of a market, in characters.
const SYMBOL_MAX: usize = 50;
/// What a client's order id looks like.
const CLIENT_ID_RANGE: &str = "^[a-zA-Z0-9-_]{1,36}$";
/// The longest client order id.
const CLIENT_ID_MAX: usize = 36;

#[derive(Debug)]
struct Pair<'r> {
    name: Cow<'r, str>,
    value: Cow<'r, str>,
    is_read: bool,
}

/// The parameters of one request.
#[derive(Debug)]
pub struct Params<'r> {
    pairs: Vec<Pair<'r>>,
}

impl<'r> Params<'r> {
    /// Reads query and form body.
    ///
    /// # Errors
    /// -1101 when a name comes twice in one of them, or there are too many.
    pub fn parse(query: &'r str, body: &'r str) -> Result<Self, ApiError> {
        let mut pairs: Vec<Pair<'r>> = Vec::with_capacity(16);
        read_part(&mut pairs, query, 0)?;
        let from_query = pairs.len();
        read_part(&mut pairs, body, from_query)?;
        Ok(Self { pairs })
    }

    /// Whether a parameter was sent; that alone does not read it.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|pair| pair.name == name)
    }

    /// The text of a parameter, if it was sent; that alone does not read it.
    pub fn peek(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|pair| pair.name == name).map(|pair| &*pair.value)
    }

    /// The text of a parameter.
    ///
    /// # Errors
    /// -1105 when it was sent empty.
    pub fn text(&mut self, name: &str) -> Result<Option<&str>, ApiError> {
        let Some(pair) = self.pairs.iter_mut().find(|pair| pair.name == name) else { return Ok(None) };
        pair.is_read = true;
        if pair.value.is_empty() { Err(ApiError::empty(name)) } else { Ok(Some(&pair.value)) }
    }

    /// The text of a parameter that must be there.
    ///
    /// # Errors
    /// -1102 when it is missing or empty.
    pub fn required(&mut self, name: &str) -> Result<&str, ApiError> {
        match self.text(name) {
            Ok(Some(text)) => Ok(text),
            _ => Err(ApiError::mandatory(name)),
        }
    }

    /// A plain number: no sign, no exponent, at most 20 digits on either side of the point.
    ///
    /// # Errors
    /// -1100 for other notations, -1102 beyond what a decimal holds.
    pub fn decimal(&mut self, name: &str) -> Result<Option<Decimal>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if !is_plain(text) {
            return Err(ApiError::illegal(name, NUMBER_RANGE));
        }
        plain(text).map(Some).ok_or_else(|| ApiError::mandatory(name))
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// -1100 for other notations, -1102 beyond 63 bits.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if !is_digits(text) {
            return Err(ApiError::illegal(name, INTEGER_RANGE));
        }
        text.parse().map(Some).map_err(|_| ApiError::mandatory(name))
    }

    /// A moment in milliseconds; microseconds are understood too.
    ///
    /// # Errors
    /// See [`Self::integer`].
    pub fn time(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        Ok(self.integer(name)?.map(sent_ms))
    }

    /// The number of rows asked for: `default` when nothing is said, and never more than `max`.
    ///
    /// # Errors
    /// See [`Self::integer`]; zero is refused too.
    pub fn limit(&mut self, default: usize, max: usize) -> Result<usize, ApiError> {
        match self.integer("limit")? {
            None => Ok(default),
            Some(0) => Err(ApiError::mandatory("limit")),
            Some(limit) => Ok(usize::try_from(limit).unwrap_or(max).min(max)),
        }
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// -1102 for anything else.
    pub fn truth(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(ApiError::mandatory(name)),
        }
    }

    /// One of a list of words.
    ///
    /// # Errors
    /// -1130 for any other word.
    pub fn word(&mut self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|word| **word == text);
        found.map(|word| Some(*word)).ok_or_else(|| ApiError::invalid(name))
    }

    /// The market's name, in letters and digits of any script, without lower case.
    ///
    /// # Errors
    /// -1102 when it is missing, -1100 when it cannot be a name.
    pub fn symbol(&mut self) -> Result<&str, ApiError> {
        let text = self.required("symbol")?;
        if is_symbol(text) { Ok(text) } else { Err(ApiError::illegal("symbol", SYMBOL_RANGE)) }
    }

    /// The market's name, if one was sent.
    ///
    /// # Errors
    /// See [`Self::symbol`].
    pub fn optional_symbol(&mut self) -> Result<Option<&str>, ApiError> {
        if self.has("symbol") { self.symbol().map(Some) } else { Ok(None) }
    }

    /// A JSON list of markets: `["BTCUSDT","ETHUSDT"]`.
    ///
    /// # Errors
    /// -1100 when it is no such list, -1151 when a name comes twice.
    pub fn symbols(&mut self) -> Result<Option<Vec<String>>, ApiError> {
        let Some(text) = self.text("symbols")? else { return Ok(None) };
        let illegal = || ApiError::illegal("symbols", r#"^\["[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}")*\]$"#);
        let names: Vec<String> = serde_json::from_str(text).map_err(|_| illegal())?;
        if names.is_empty() || !names.iter().all(|name| is_symbol(name)) {
            return Err(illegal());
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ApiError::new(-1151, "Symbol is present multiple times in the list."));
        }
        Ok(Some(names))
    }

    /// A client's own id of an order, a list or a cancel.
    ///
    /// # Errors
    /// -1100 when it holds other characters than the exchange allows.
    pub fn client_id(&mut self, name: &str) -> Result<Option<&str>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.len() > CLIENT_ID_MAX || !text.bytes().all(allowed) {
            return Err(ApiError::illegal(name, CLIENT_ID_RANGE));
        }
        Ok(Some(text))
    }

    /// Refuses a parameter that this kind of request has no use for.
    ///
    /// # Errors
    /// -1106 when it was sent.
    pub fn refuse(&self, names: &[&str]) -> Result<(), ApiError> {
        match names.iter().find(|name| self.has(name)) {
            Some(name) => Err(ApiError::not_required(name)),
            None => Ok(()),
        }
    }

    /// Takes note of parameters that the exchange knows and that change nothing here.
    pub fn skip(&mut self, names: &[&str]) {
        for pair in self.pairs.iter_mut().filter(|pair| names.iter().any(|name| pair.name == *name)) {
            pair.is_read = true;
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// -1104 when something was sent that nobody read.
    pub fn finish(&self) -> Result<(), ApiError> {
        let read = self.pairs.iter().filter(|pair| pair.is_read).count();
        if read < self.pairs.len() { Err(ApiError::unread(read, self.pairs.len())) } else { Ok(()) }
    }
}

/// Adds the pairs of one part. Pairs before `own` came from the other part, and win.
fn read_part<'r>(pairs: &mut Vec<Pair<'r>>, part: &'r str, own: usize) -> Result<(), ApiError> {
    for (name, value) in form_urlencoded::parse(part.as_bytes()) {
        if pairs[own..].iter().any(|pair| pair.name == name) {
            return Err(ApiError::duplicated());
        }
        if pairs[..own].iter().any(|pair| pair.name == name) {
            continue;
        }
        if pairs.len() == COUNT_MAX {
            return Err(ApiError::too_many_parameters(COUNT_MAX));
        }
        pairs.push(Pair { name, value, is_read: false });
    }
    Ok(())
}

/// A plain number; `None` for any other notation and beyond what a decimal holds.
pub fn plain(text: &str) -> Option<Decimal> {
    if is_plain(text) { Decimal::from_str_exact(text).ok() } else { None }
}

fn is_plain(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    is_digits(whole) && is_digits(fraction)
}

fn is_digits(text: &str) -> bool {
    (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_symbol(text: &str) -> bool {
    let allowed = |letter: char| (letter.is_alphanumeric() && !letter.is_ascii_lowercase()) || "-_.".contains(letter);
    (1..=SYMBOL_MAX).contains(&text.chars().count()) && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_wins_over_the_body_and_both_count_once() {
        let mut params = Params::parse("side=BUY&a=1", "side=SELL&b=2").expect("no duplicates within a part");
        assert_eq!(params.required("side"), Ok("BUY"));
        assert_eq!(params.finish().map_err(|error| error.message), Err(ApiError::unread(1, 3).message));
        params.skip(&["a", "b"]);
        assert_eq!(params.finish(), Ok(()));
    }

    #[test]
    fn a_name_that_comes_twice_is_refused() {
        assert_eq!(Params::parse("a=1&a=1", "").map(drop), Err(ApiError::duplicated()));
        assert_eq!(Params::parse("", "a=1&b=2&a=3").map(drop), Err(ApiError::duplicated()));
        let many: String = (0..=COUNT_MAX).map(|n| format!("p{n}=1&")).collect();
        assert_eq!(Params::parse(&many, "").map_err(|error| error.code).map(drop), Err(-1101));
    }

    #[test]
    fn only_plain_numbers_are_read() {
        let read = |text: &str| {
            let query = format!("quantity={text}");
            Params::parse(&query, "").expect("one pair").decimal("quantity").map_err(|error| error.code)
        };
        for bad in ["1e-5", "-1", "%2B1", "1%2C000", ".5", "5.", "1.2.3", "0x1", "NaN", "+1", "1 ", &"1".repeat(21)] {
            assert_eq!(read(bad), Err(-1100), "{bad}");
        }
        assert_eq!(read(""), Err(-1105));
        assert_eq!(read("0.00001"), Ok(Some(Decimal::new(1, 5))));
        assert_eq!(read("00012.50"), Ok(Some(Decimal::new(1250, 2))));
        assert_eq!(read("12345678901234567890.12345678901234567890"), Err(-1102), "more than a decimal holds");
    }

    #[test]
    fn names_of_markets_may_be_of_any_script_and_never_lower_case() {
        let read = |text: &str| {
            Params::parse(text, "").expect("pairs").symbol().map(str::to_owned).map_err(|error| error.code)
        };
        assert_eq!(read("symbol=BTCUSDT"), Ok("BTCUSDT".to_owned()));
        assert_eq!(read("symbol=%E8%BF%99%E6%98%AF%E6%B5%8B%E8%AF%95%E5%B8%81456"), Ok("这是测试币456".to_owned()));
        assert_eq!(read("symbol=btcusdt"), Err(-1100));
        assert_eq!(read("symbol=BTC/USDT"), Err(-1100));
        assert_eq!(read("symbol="), Err(-1102));
        assert_eq!(read("side=BUY"), Err(-1102));
    }

    #[test]
    fn lists_of_markets_are_json_without_repeats() {
        let read = |text: &str| {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("symbols", text).finish();
            Params::parse(&query, "").expect("one pair").symbols().map_err(|error| error.code)
        };
        assert_eq!(read(r#"["BTCUSDT","ETHUSDT"]"#), Ok(Some(vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()])));
        assert_eq!(read(r#"["BTCUSDT","BTCUSDT"]"#), Err(-1151));
        assert_eq!(read("BTCUSDT"), Err(-1100));
        assert_eq!(read("[]"), Err(-1100));
    }
}
