//! One decision of an answer: from raw values to a proposal, or everything that is wrong with it.

use super::field::{FIELDS, Field};
use super::json::{Fault, Reader, Value};
use crate::domain::market::{COIN_MAX, Coin};
use crate::domain::money::{NumberError, Price, Quantity, parse_plain};
use crate::domain::signal::Signal;
use crate::ports::advisor::{Proposal, UnusableAnswer};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Under which name a proposal's explanation tells what would invalidate it.
pub const PROVEN_WRONG: &str = "What would prove it wrong";
/// The longest text of that, in characters: it stands in a table.
const PROVEN_WRONG_MAX: usize = 1_000;
/// The highest leverage that is looked at; the model's own limit is a risk rule.
const LEVERAGE_MAX: u32 = 1_000;
/// The largest size of an entry in percent of equity that is looked at: all of it at twentyfold leverage.
const EQUITY_PCT_MAX: Decimal = Decimal::from_parts(2_000, 0, 0, false, 0);

/// The values of one decision as they stand in the answer.
pub(super) struct Draft<'a> {
    values: [Option<Value<'a>>; FIELDS.len()],
    has_foreign: bool,
}

/// Which coin a decision is about.
pub(super) enum Named {
    /// One that was asked about, by its place.
    Asked(usize),
    /// One that was asked about, in another spelling: who writes `btc` may mean something else by it.
    Spelt(usize),
    /// Another coin.
    Other(Coin),
    /// None that can be told.
    Nothing,
}

impl<'a> Draft<'a> {
    /// Reads the object that comes next.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut draft = Self { values: [const { None }; FIELDS.len()], has_foreign: false };
        reader.open_object()?;
        let mut is_first = true;
        while let Some(name) = reader.next_name(is_first)? {
            is_first = false;
            let value = reader.value()?;
            match Field::named(&name) {
                None => draft.has_foreign = true,
                Some(field) => {
                    if draft.values[field as usize].replace(value).is_some() {
                        return Err(Fault::Twice(field.name()));
                    }
                }
            }
        }
        Ok(draft)
    }

    /// Which of these coins it is about.
    pub fn names(&self, coins: &[Coin]) -> Named {
        let Some(Value::Text(name)) = self.value(Field::Coin) else { return Named::Nothing };
        if let Some(index) = coins.iter().position(|coin| coin.as_str() == name) {
            return Named::Asked(index);
        }
        if let Some(index) = coins.iter().position(|coin| is_spelling(name, coin)) {
            return Named::Spelt(index);
        }
        Coin::parse(name).map_or(Named::Nothing, Named::Other)
    }

    /// The proposal, or everything that is wrong with it in one message.
    pub fn proposal(&self) -> Result<Proposal, UnusableAnswer> {
        let mut wrong = Wrong::default();
        if self.has_foreign {
            wrong.0.push("the decision has a field that was not asked for".to_owned());
        }
        let signal = wrong.of(Field::Signal, self.signal());
        // A close takes what is held and a hold nothing: there, zero is as good as nothing.
        let is_entry = signal.is_none_or(Signal::is_entry);
        let number = |field: Field| self.number(field, is_entry);
        let quantity = wrong.of(Field::Quantity, number(Field::Quantity)).flatten();
        let equity_pct = wrong.of(Field::EquityPct, number(Field::EquityPct).and_then(equity_pct)).flatten();
        let leverage = wrong.of(Field::Leverage, self.leverage(is_entry)).unwrap_or(1);
        let profit_target = wrong.of(Field::ProfitTarget, number(Field::ProfitTarget)).flatten();
        let stop_loss = wrong.of(Field::StopLoss, number(Field::StopLoss)).flatten();
        let confidence = wrong.of(Field::Confidence, self.confidence()).flatten();
        let justification = wrong.of(Field::Justification, self.justification());
        let invalidation = wrong.of(Field::Invalidation, self.words(Field::Invalidation)).flatten();
        if is_entry && wrong.0.is_empty() {
            match (quantity, equity_pct) {
                (None, None) => wrong.0.push("an entry needs quantity or equity_pct".to_owned()),
                (Some(_), Some(_)) => wrong.0.push("an entry takes quantity or equity_pct, not both".to_owned()),
                _ => {}
            }
        }
        match (signal, justification) {
            (Some(signal), Some(justification)) if wrong.0.is_empty() => Ok(Proposal {
                signal,
                quantity: quantity.and_then(Quantity::new),
                equity_pct,
                leverage,
                confidence,
                profit_target: profit_target.and_then(Price::new),
                stop_loss: stop_loss.and_then(Price::new),
                justification: justification.to_owned(),
                explanation: explanation(invalidation),
            }),
            _ => Err(UnusableAnswer { message: wrong.0.join("; ") }),
        }
    }

    fn value(&self, field: Field) -> Option<&Value<'a>> {
        self.values[field as usize].as_ref()
    }

    fn signal(&self) -> Result<Signal, String> {
        let known = match self.value(Field::Signal) {
            None | Some(Value::Null) => return Err("is required".to_owned()),
            Some(Value::Text(word)) => Signal::parse(word),
            Some(_) => None,
        };
        let words = || Signal::ALL.iter().map(|signal| signal.as_str()).collect::<Vec<_>>().join(", ");
        known.ok_or_else(|| format!("must be one of {}", words()))
    }

    /// The characters of a number, however it was written; none for null, and for a field that is absent.
    fn digits(&self, field: Field) -> Result<Option<&str>, String> {
        match self.value(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(text)) => Ok(Some(text)),
            Some(Value::Text(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(_) => Err("must be a number or null".to_owned()),
        }
    }

    /// A number greater than zero. `is_strict` says whether zero is wrong or nothing.
    fn number(&self, field: Field, is_strict: bool) -> Result<Option<Decimal>, String> {
        let Some(text) = self.digits(field)? else { return Ok(None) };
        match plain(text).map_err(|rule| rule.to_string())? {
            zero if zero.is_zero() && is_strict => Err(NumberError::Zero.to_string()),
            zero if zero.is_zero() => Ok(None),
            value => Ok(Some(value)),
        }
    }

    fn leverage(&self, is_strict: bool) -> Result<u32, String> {
        let rule = || format!("must be a whole number between 1 and {LEVERAGE_MAX}, or null");
        let Some(text) = self.digits(Field::Leverage)? else { return Ok(1) };
        // The length is bounded before the number is read, and a sign is no digit.
        if !text.bytes().all(|b| b.is_ascii_digit()) || text.len() > 4 {
            return Err(rule());
        }
        match text.parse::<u32>() {
            Ok(0) if !is_strict => Ok(1),
            Ok(leverage) if (1..=LEVERAGE_MAX).contains(&leverage) => Ok(leverage),
            _ => Err(rule()),
        }
    }

    fn confidence(&self) -> Result<Option<Decimal>, String> {
        let Some(text) = self.digits(Field::Confidence)? else { return Ok(None) };
        let value = plain(text).ok().filter(|value| *value <= Decimal::ONE);
        value.map(Some).ok_or_else(|| "must be a plain number between 0 and 1, or null".to_owned())
    }

    fn justification(&self) -> Result<&str, String> {
        self.words(Field::Justification)?.ok_or_else(|| "is required".to_owned())
    }

    /// A text with something in it; none for null, blank and absent.
    fn words(&self, field: Field) -> Result<Option<&str>, String> {
        match self.value(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => {
                // A store may not hold them, and a terminal may obey them.
                if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
                    return Err("must not hold control characters".to_owned());
                }
                Ok(Some(text.as_ref()).filter(|text| !text.trim().is_empty()))
            }
            Some(_) => Err("must be text".to_owned()),
        }
    }
}

/// What is wrong with a decision, field by field.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn of<T>(&mut self, field: Field, value: Result<T, String>) -> Option<T> {
        value.map_err(|rule| self.0.push(format!("{} {rule}", field.name()))).ok()
    }
}

/// A number without any sign: a minus before zero is no slip worth guessing about.
fn plain(text: &str) -> Result<Decimal, NumberError> {
    match parse_plain(text) {
        Ok(_) if text.starts_with('-') => Err(NumberError::Negative),
        other => other,
    }
}

fn equity_pct(value: Option<Decimal>) -> Result<Option<Decimal>, String> {
    match value {
        Some(share) if share > EQUITY_PCT_MAX => Err(format!("must be {EQUITY_PCT_MAX} or less")),
        other => Ok(other),
    }
}

fn is_spelling(name: &str, coin: &Coin) -> bool {
    let name = name.trim();
    // What is much longer is no coin's name, and not worth writing in capitals.
    name.len() <= COIN_MAX * 4 && name.to_uppercase() == coin.as_str()
}

fn explanation(invalidation: Option<&str>) -> BTreeMap<String, String> {
    invalidation.map(|text| (PROVEN_WRONG.to_owned(), cut(text))).into_iter().collect()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(PROVEN_WRONG_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} … [cut at {PROVEN_WRONG_MAX} characters]", &text[..end]),
    }
}
