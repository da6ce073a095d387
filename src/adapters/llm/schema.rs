//! The JSON Schema of an answer, written from the table of fields that the reader follows.
//!
//! Strict in the sense of the providers: no names that are not known beforehand, every field required, what may be absent
//! is null instead. Written by hand rather than as a map, since models fill the fields in the order of the schema.

use super::answer::{DECISIONS, FIELDS, Field, Shape};
use crate::domain::market::Coin;
use crate::domain::signal::Signal;

/// The schema of answers about these coins, as JSON text.
pub(super) fn write(coins: &[Coin]) -> String {
    let properties = FIELDS.map(|field| format!("{}:{}", quoted(field.name()), property(field, coins))).join(",");
    let required = list(FIELDS.iter().map(|field| field.name()));
    // A small model that is held to a schema repeats itself until its room is used up, unless the schema counts.
    let count = coins.len();
    let decision = format!(
        r#"{{"type":"object","properties":{{{properties}}},"required":{required},"additionalProperties":false}}"#
    );
    format!(
        r#"{{"type":"object","properties":{{"{DECISIONS}":{{"type":"array","minItems":{count},"maxItems":{count},"items":{decision}}}}},"required":["{DECISIONS}"],"additionalProperties":false}}"#
    )
}

fn property(field: Field, coins: &[Coin]) -> String {
    let kind = match field.shape() {
        Shape::Coin => format!(r#""type":"string","enum":{}"#, list(coins.iter().map(Coin::as_str))),
        Shape::Signal => {
            format!(r#""type":"string","enum":{}"#, list(Signal::ALL.iter().map(|signal| signal.as_str())))
        }
        Shape::Number => format!(r#""type":["string","null"],"pattern":{}"#, quoted(pattern(field))),
        Shape::OptionalWords => r#""type":["string","null"]"#.to_owned(),
        Shape::Whole => r#""type":["integer","null"]"#.to_owned(),
        Shape::Words => r#""type":"string""#.to_owned(),
    };
    format!("{{{kind},\"description\":{}}}", quoted(field.help()))
}

/// What a number looks like: small models write a percent sign or a word unless the schema forbids it.
const fn pattern(field: Field) -> &'static str {
    match field {
        Field::Confidence => r"^(0(\.[0-9]{1,4})?|1)$",
        _ => r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})?$",
    }
}

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
        let decision = &schema["properties"]["decisions"]["items"];
        let decisions = &schema["properties"]["decisions"];
        assert_eq!((&decisions["minItems"], &decisions["maxItems"]), (&Value::from(2), &Value::from(2)));
        for object in [&schema, decision] {
            assert_eq!(object["additionalProperties"], Value::Bool(false));
            let properties = object["properties"].as_object().unwrap();
            let required = object["required"].as_array().unwrap();
            assert_eq!(required.len(), properties.len());
            assert!(required.iter().all(|name| properties.contains_key(name.as_str().unwrap())));
        }
        assert_eq!(decision["properties"]["coin"]["enum"], serde_json::json!(["BTC", "ETH"]));
        assert_eq!(decision["properties"]["signal"]["enum"].as_array().unwrap().len(), Signal::ALL.len());
        assert_eq!(decision["properties"]["stop_loss"]["type"], serde_json::json!(["string", "null"]));
        let allows = |field: &str, text: &str| {
            let pattern = decision["properties"][field]["pattern"].as_str().unwrap();
            regex::Regex::new(pattern).unwrap().is_match(text)
        };
        assert!(["0", "1", "0.75"].iter().all(|text| allows("confidence", text)));
        assert!(!["1.5", "75%", "high", ".5", "5e-1"].iter().any(|text| allows("confidence", text)));
        assert!(["0.001", "43250.5"].iter().all(|text| allows("quantity", text)));
        assert!(!["1e3", "01", "1,000", "-1", ""].iter().any(|text| allows("quantity", text)));
        let order: Vec<usize> = FIELDS.map(|field| text.find(&format!("\"{}\":{{", field.name())).unwrap()).to_vec();
        assert!(order.is_sorted(), "models fill the fields in this order");
    }
}
