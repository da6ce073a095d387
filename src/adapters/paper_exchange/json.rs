//! Writes the exchange's JSON: compact, money as strings with eight decimals, times in the unit that was asked for.
//!
//! A hand-written writer because answers are most of the work of a matched order, and because the shape is part of the
//! wire: numbers that are money are strings, ids and times are integers, and nothing is ever in exponent notation.

use super::timing::TimeUnit;
use rust_decimal::Decimal;
use std::fmt::Write;

/// Room for an order's answer without growing.
const USUAL_ANSWER: usize = 640;
/// Decimals of every amount on the wire.
pub const SCALE: usize = 8;

/// A document that is being written. Commas take care of themselves.
#[derive(Debug)]
pub struct Json {
    text: String,
    /// Whether the next value at this level needs a comma before it.
    comma: bool,
    unit: TimeUnit,
}

impl Json {
    /// An empty document with times in milliseconds.
    pub fn new() -> Self {
        Self::in_unit(TimeUnit::Millisecond)
    }

    /// An empty document with times in this unit.
    pub fn in_unit(unit: TimeUnit) -> Self {
        Self { text: String::with_capacity(USUAL_ANSWER), comma: false, unit }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// What was written, as text.
    pub fn into_text(self) -> String {
        self.text
    }

    /// An object as the next value.
    pub fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.separate();
        self.nest('{', '}', fields);
    }

    /// An array as the next value.
    pub fn array(&mut self, items: impl FnOnce(&mut Self)) {
        self.separate();
        self.nest('[', ']', items);
    }

    /// A field that is an object.
    pub fn object_field(&mut self, name: &str, fields: impl FnOnce(&mut Self)) {
        self.name(name);
        self.nest('{', '}', fields);
    }

    /// A field that is an array.
    pub fn array_field(&mut self, name: &str, items: impl FnOnce(&mut Self)) {
        self.name(name);
        self.nest('[', ']', items);
    }

    /// A text field.
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quote(value);
    }

    /// An integer field.
    pub fn int(&mut self, name: &str, value: i64) {
        self.name(name);
        self.integer(value);
    }

    /// A truth field.
    pub fn truth(&mut self, name: &str, value: bool) {
        self.name(name);
        self.text.push_str(if value { "true" } else { "false" });
    }

    /// A moment, given in milliseconds.
    pub fn time(&mut self, name: &str, ms: i64) {
        self.name(name);
        self.integer(self.unit.of_ms(ms));
    }

    /// An amount with eight decimals, as a string.
    pub fn amount(&mut self, name: &str, value: Decimal) {
        self.name(name);
        self.decimal(value, SCALE);
    }

    /// A number with so many decimals, as a string.
    pub fn decimals(&mut self, name: &str, value: Decimal, places: usize) {
        self.name(name);
        self.decimal(value, places);
    }

    /// A field whose value is written by `value`, which must write exactly one.
    pub fn field(&mut self, name: &str, value: impl FnOnce(&mut Self)) {
        self.name(name);
        self.comma = false;
        value(self);
        self.comma = true;
    }

    /// A field that is JSON already.
    pub fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.text.push_str(json);
    }

    /// A field without a value.
    pub fn null(&mut self, name: &str) {
        self.raw(name, "null");
    }

    /// A text inside of an array.
    pub fn text_item(&mut self, value: &str) {
        self.separate();
        self.quote(value);
    }

    /// An integer inside of an array.
    pub fn int_item(&mut self, value: i64) {
        self.separate();
        self.integer(value);
    }

    /// A moment inside of an array, given in milliseconds.
    pub fn time_item(&mut self, ms: i64) {
        self.int_item(self.unit.of_ms(ms));
    }

    /// An amount inside of an array.
    pub fn amount_item(&mut self, value: Decimal) {
        self.separate();
        self.decimal(value, SCALE);
    }

    fn nest(&mut self, open: char, close: char, inside: impl FnOnce(&mut Self)) {
        self.text.push(open);
        self.comma = false;
        inside(self);
        self.text.push(close);
        self.comma = true;
    }

    fn separate(&mut self) {
        if self.comma {
            self.text.push(',');
        }
        self.comma = true;
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
    }

    fn integer(&mut self, value: i64) {
        write!(self.text, "{value}").expect("writing to a string cannot fail");
    }

    fn decimal(&mut self, value: Decimal, places: usize) {
        write!(self.text, "\"{value:.places$}\"").expect("writing to a string cannot fail");
    }

    fn quote(&mut self, value: &str) {
        self.text.push('"');
        for letter in value.chars() {
            match letter {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                control if control < ' ' => {
                    write!(self.text, "\\u{:04x}", u32::from(control)).expect("writing to a string cannot fail");
                }
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_eight_decimals_and_times_their_unit() {
        let mut json = Json::in_unit(TimeUnit::Microsecond);
        json.object(|json| {
            json.amount("price", Decimal::new(1, 5));
            json.amount("whole", Decimal::from(12));
            json.time("time", 1_700_000_000_123);
            json.array_field("rows", |json| {
                json.array(|json| {
                    json.time_item(1);
                    json.amount_item(Decimal::ZERO);
                });
                json.object(|_| {});
            });
            json.truth("on", true);
            json.null("none");
        });
        let text = json.into_text();
        assert_eq!(
            text,
            r#"{"price":"0.00001000","whole":"12.00000000","time":1700000000123000,"rows":[[1000,"0.00000000"],{}],"on":true,"none":null}"#
        );
    }

    #[test]
    fn texts_are_escaped_and_keep_their_script() {
        let mut json = Json::new();
        json.array(|json| json.text_item("这\"\\\n币"));
        let text = json.into_text();
        assert_eq!(text, "[\"这\\\"\\\\\\u000a币\"]");
        let back: Vec<String> = serde_json::from_str(&text).expect("JSON");
        assert_eq!(back, ["这\"\\\n币"]);
    }
}
