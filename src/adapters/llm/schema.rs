//! The JSON Schema of an answer, written from the table of fields that the reader follows.
//!
//! Strict in the sense of the providers: no names that are not known beforehand, every field required, what may be absent
//! is null instead. Written by hand rather than as a map, since models fill the fields in the order of the schema. What
//! the reader refuses in words (a size given twice, a size of nothing) has no place in the schema: small models that are
//! held to one fill every field they may.

use super::answer::{DECISIONS, FIELDS, Field, Shape};
use crate::domain::market::Coin;
use crate::domain::signal::Signal;

/// What a decision can be; a field that has nothing to say in it is null.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An entry whose size is a share of equity.
    EntryByPercent,
    /// An entry whose size is a quantity.
    EntryByQuantity,
    /// A close or a hold.
    NoEntry,
}

impl Kind {
    const ALL: [Self; 3] = [Self::EntryByPercent, Self::EntryByQuantity, Self::NoEntry];

    const fn name(self) -> &'static str {
        match self {
            Self::EntryByPercent => "entry_by_percent",
            Self::EntryByQuantity => "entry_by_quantity",
            Self::NoEntry => "no_entry",
        }
    }

    const fn has(self, field: Field) -> bool {
        match field {
            Field::Quantity => matches!(self, Self::EntryByQuantity),
            Field::EquityPct => matches!(self, Self::EntryByPercent),
            Field::Leverage | Field::ProfitTarget | Field::StopLoss => !matches!(self, Self::NoEntry),
            Field::Coin | Field::Signal | Field::Confidence | Field::Justification | Field::Invalidation => true,
        }
    }
}

/// The schema of answers about these coins, as JSON text.
pub(super) fn write(coins: &[Coin]) -> String {
    let kinds = Kind::ALL.map(|kind| format!("{}:{}", quoted(kind.name()), decision(kind))).join(",");
    let shared = FIELDS.into_iter().filter(|field| *field != Field::Signal);
    let shared = shared.map(|field| format!("{}:{}", quoted(field.name()), property(field, coins)));
    let any = Kind::ALL.map(|kind| reference(kind.name())).join(",");
    // A small model that is held to a schema repeats itself until its room is used up, unless the schema counts.
    let count = coins.len();
    format!(
        r##"{{"type":"object","properties":{{"{DECISIONS}":{{"type":"array","minItems":{count},"maxItems":{count},"items":{{"anyOf":[{any}]}}}}}},"required":["{DECISIONS}"],"additionalProperties":false,"$defs":{{{kinds},{}}}}}"##,
        shared.collect::<Vec<_>>().join(",")
    )
}

fn decision(kind: Kind) -> String {
    let properties = FIELDS.map(|field| {
        let value = match field {
            Field::Signal => signal(kind),
            field if kind.has(field) => reference(field.name()),
            _ => r#"{"type":"null"}"#.to_owned(),
        };
        format!("{}:{value}", quoted(field.name()))
    });
    let required = list(FIELDS.iter().map(|field| field.name()));
    format!(
        r#"{{"type":"object","properties":{{{}}},"required":{required},"additionalProperties":false}}"#,
        properties.join(",")
    )
}

fn reference(name: &str) -> String {
    format!(r##"{{"$ref":"#/$defs/{name}"}}"##)
}

fn signal(kind: Kind) -> String {
    let fitting = Signal::ALL.iter().filter(|signal| signal.is_entry() != (kind == Kind::NoEntry));
    let help = quoted(Field::Signal.help());
    format!(r#"{{"type":"string","enum":{},"description":{help}}}"#, list(fitting.map(|signal| signal.as_str())))
}

fn property(field: Field, coins: &[Coin]) -> String {
    let kind = match field.shape() {
        Shape::Coin => format!(r#""type":"string","enum":{}"#, list(coins.iter().map(Coin::as_str))),
        Shape::Signal | Shape::Words => r#""type":"string""#.to_owned(),
        Shape::Size => format!(r#""type":"string","pattern":{}"#, quoted(NOT_ZERO)),
        Shape::Number => format!(r#""type":["string","null"],"pattern":{}"#, quoted(NOT_ZERO)),
        Shape::Share => format!(r#""type":["string","null"],"pattern":{}"#, quoted(SHARE)),
        Shape::OptionalWords => r#""type":["string","null"]"#.to_owned(),
        Shape::Whole => r#""type":["integer","null"],"minimum":1"#.to_owned(),
    };
    format!("{{{kind},\"description\":{}}}", quoted(field.help()))
}

/// A number greater than zero: small models write a percent sign, a word or 0 unless the schema forbids it.
const NOT_ZERO: &str = r"^([1-9][0-9]{0,11}(\.[0-9]{1,12})?|0\.0{0,9}[1-9][0-9]{0,9})$";
/// A number between 0 and 1.
const SHARE: &str = r"^(0(\.[0-9]{1,4})?|1)$";

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", words.map(quoted).collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_schema_is_strict_and_names_the_coins() {
        let coins = ["BTC", "ETH"].map(|name| Coin::parse(name).unwrap());
        let text = write(&coins);
        let schema: Value = serde_json::from_str(&text).unwrap();
        let decisions = &schema["properties"]["decisions"];
        assert_eq!((&decisions["minItems"], &decisions["maxItems"]), (&Value::from(2), &Value::from(2)));
        let kinds: Vec<&Value> =
            decisions["items"]["anyOf"].as_array().unwrap().iter().map(|kind| at(&schema, kind)).collect();
        for object in kinds.iter().copied().chain([&schema]) {
            assert_eq!(object["additionalProperties"], Value::Bool(false));
            let properties = object["properties"].as_object().unwrap();
            let required = object["required"].as_array().unwrap();
            assert_eq!(required.len(), properties.len());
            assert!(required.iter().all(|name| properties.contains_key(name.as_str().unwrap())));
        }
        let defs = &schema["$defs"];
        assert_eq!(defs["coin"]["enum"], serde_json::json!(["BTC", "ETH"]));
        assert_eq!(defs["stop_loss"]["type"], serde_json::json!(["string", "null"]));
        let allows = |field: &str, text: &str| {
            let pattern = defs[field]["pattern"].as_str().unwrap();
            regex::Regex::new(pattern).unwrap().is_match(text)
        };
        assert!(["0", "1", "0.75"].iter().all(|text| allows("confidence", text)));
        assert!(!["1.5", "75%", "high", ".5", "5e-1"].iter().any(|text| allows("confidence", text)));
        assert!(["0.001", "43250.5", "10", "0.5"].iter().all(|text| allows("quantity", text)));
        assert!(!["0", "0.0", "0.", "1e3", "01", "1,000", "-1", ""].iter().any(|text| allows("quantity", text)));
        for kind in Kind::ALL {
            let text = decision(kind);
            let places = FIELDS.map(|field| text.find(&format!("\"{}\":{{", field.name())).unwrap());
            assert!(places.is_sorted(), "models fill the fields in this order");
        }
    }

    #[test]
    fn an_entry_has_one_size_and_whatever_is_none_has_no_size() {
        let schema: Value = serde_json::from_str(&write(&[Coin::parse("BTC").unwrap()])).unwrap();
        let null = serde_json::json!({ "type": "null" });
        let mut signals = Vec::new();
        for kind in schema["properties"]["decisions"]["items"]["anyOf"].as_array().unwrap() {
            let fields = &at(&schema, kind)["properties"];
            let sizes = ["quantity", "equity_pct"].iter().filter(|name| fields[**name] != null).count();
            let words = fields["signal"]["enum"].as_array().unwrap();
            for word in words {
                let is_entry = Signal::parse(word.as_str().unwrap()).unwrap().is_entry();
                assert_eq!((sizes, fields["stop_loss"] != null), (usize::from(is_entry), is_entry), "{word}");
            }
            signals.extend(words.iter().map(ToString::to_string));
        }
        signals.sort();
        signals.dedup();
        assert_eq!(signals.len(), Signal::ALL.len(), "every signal can be said");
    }

    /// What a reference points to.
    fn at<'a>(schema: &'a Value, reference: &Value) -> &'a Value {
        schema.pointer(reference["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap()
    }
}
