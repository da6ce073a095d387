//! Answers by chance: the reader never fails, and what it takes is what stood there.
//!
//! The number of runs comes from `COUNTERSIGN_FUZZ_RUNS`; without it a few run with every test.

use super::coins;
use countersign::adapters::llm::answer::{DECISIONS_MAX, StrictReader};
use countersign::ports::language_model::{AnswerReader, ReadAnswer};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;

/// Runs with every test.
const RUNS: u32 = 2_000;
/// How many runs are asked for.
const RUNS_VARIABLE: &str = "COUNTERSIGN_FUZZ_RUNS";
/// What hostile answers are made of.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud83d",
    "```",
    "```json\n",
    "\n",
    " ",
    "null",
    "true",
    "NaN",
    "-",
    "1e5",
    "0.01",
    "00",
    "\"decisions\"",
    "{\"decisions\":[",
    "\"coin\":\"BTC\"",
    "\"signal\":\"hold\"",
    "\"quantity\":",
    "\"justification\":\"x\"",
    "]}",
    "<think>",
    "é",
    "０",
    "−",
    "\u{feff}",
    "\u{0}",
    "\"0,5\"",
    "buy",
];

fn config() -> ProptestConfig {
    let runs = std::env::var(RUNS_VARIABLE).ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    ProptestConfig { cases: runs, failure_persistence: None, ..ProptestConfig::default() }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => proptest::sample::select(PIECES).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A number as somebody may write one, many of them not plain.
fn number() -> impl Strategy<Value = String> {
    let digit = proptest::sample::select(&["0", "1", "5", "9", ".", "-", "+", "e", ",", "%", " ", "٣", "５"][..]);
    let odd = proptest::collection::vec(digit, 0..8).prop_map(|digits| digits.concat());
    let plain =
        (0_u64..100_000_000_000, 0_u32..12).prop_map(|(value, scale)| Decimal::new(value as i64, scale).to_string());
    prop_oneof![odd, plain]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn it_reads_whatever_comes(text in pieces()) {
        let asked = coins(&["BTC", "ETH"]);
        if let ReadAnswer::Coins(answers) = StrictReader.read(&text, &asked) {
            prop_assert!(answers.len() <= asked.len() + DECISIONS_MAX);
            prop_assert!(answers.iter().zip(&asked).all(|((coin, _), asked)| coin == asked));
        }
    }

    #[test]
    fn what_is_taken_is_what_stood_there(quantity in number(), stop in number(), sure in number()) {
        let decision = json!({
            "coin": "BTC", "signal": "buy_to_enter", "quantity": quantity, "stop_loss": stop, "confidence": sure,
            "justification": "x"
        });
        let text = json!({ "decisions": [decision] }).to_string();
        let ReadAnswer::Coins(answers) = StrictReader.read(&text, &coins(&["BTC"])) else {
            return Err(TestCaseError::fail("one coin's numbers spoil nothing but that coin"));
        };
        if let Ok(proposal) = &answers[0].1 {
            let source = |text: &str| text.parse::<Decimal>().unwrap();
            prop_assert_eq!(proposal.quantity.unwrap().decimal(), source(&quantity));
            prop_assert_eq!(proposal.stop_loss.unwrap().decimal(), source(&stop));
            prop_assert_eq!(proposal.confidence.unwrap(), source(&sure));
        } else {
            // Plain numbers in range are never refused.
            let is_plain = |text: &String| {
                let digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                digits && text.parse::<Decimal>().is_ok_and(|value| value > Decimal::ZERO) && !text.ends_with('.') && !text.starts_with('.')
            };
            let is_sure = source_or_zero(&sure) <= Decimal::ONE;
            prop_assert!(!(is_plain(&quantity) && is_plain(&stop) && is_plain(&sure) && is_sure), "{quantity} {stop} {sure}");
        }
    }

    #[test]
    fn one_changed_place_never_changes_a_number(at in 0_usize..400, piece in proptest::sample::select(PIECES)) {
        let whole = r#"{"decisions":[{"coin":"BTC","signal":"buy_to_enter","quantity":"0.0125","stop_loss":"40000.5","justification":"Up."}]}"#;
        let mut text = whole.to_owned();
        let at = at % (whole.len() + 1);
        text.insert_str(at, piece);
        if let ReadAnswer::Coins(answers) = StrictReader.read(&text, &coins(&["BTC"])) {
            for proposal in answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()) {
                let shown = |value: Option<String>| value.is_none_or(|value| text.contains(&value));
                prop_assert!(shown(proposal.quantity.map(|value| value.to_string())), "{text}");
                prop_assert!(shown(proposal.stop_loss.map(|value| value.to_string())), "{text}");
            }
        }
    }
}

fn source_or_zero(text: &str) -> Decimal {
    text.parse().unwrap_or_default()
}
