//! Hostile answers as models give them, each with its outcome beside it.
//!
//! `name.txt` is the answer, to the byte. `name.expected` holds one line for each coin: its signal and every value that
//! was taken, or `unusable` and words of the reason; or one line `whole` with words of the reason for all of it.

use super::coins;
use countersign::adapters::llm::answer::{PROVEN_WRONG, StrictReader};
use countersign::ports::advisor::Proposal;
use countersign::ports::language_model::{ANSWER_MAX_BYTES, AnswerReader, ReadAnswer};
use std::path::{Path, PathBuf};

/// Fewer answers than this are no corpus.
const ANSWERS_MIN: usize = 60;

fn answers() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/llm/corpus");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    found.sort();
    found
}

fn told(proposal: &Proposal) -> String {
    let leverage = Some(proposal.leverage).filter(|leverage| *leverage != 1);
    let values = [
        ("quantity", proposal.quantity.map(|value| value.to_string())),
        ("equity_pct", proposal.equity_pct.map(|value| value.to_string())),
        ("leverage", leverage.map(|value| value.to_string())),
        ("profit_target", proposal.profit_target.map(|value| value.to_string())),
        ("stop_loss", proposal.stop_loss.map(|value| value.to_string())),
        ("confidence", proposal.confidence.map(|value| value.to_string())),
        ("wrong_if", proposal.explanation.get(PROVEN_WRONG).cloned()),
    ];
    let given = values.iter().filter_map(|(name, value)| Some(format!(" {name}={}", value.as_ref()?)));
    format!("{}{}", proposal.signal, given.collect::<String>())
}

/// What is not as expected.
fn differences(text: &str, expected: &str) -> Vec<String> {
    let has_words = |message: &str, words: &str| words.split(" & ").all(|word| message.contains(word.trim()));
    let lines: Vec<&str> = expected.lines().collect();
    match StrictReader.read(text, &coins(&["BTC", "ETH", "SOL"])) {
        ReadAnswer::Unusable(why) => match lines.as_slice() {
            [line] if line.strip_prefix("whole").is_some_and(|words| has_words(&why.message, words)) => Vec::new(),
            _ => vec![format!("all of it is unusable: {}", why.message)],
        },
        ReadAnswer::Coins(coins) => {
            let line = |n: usize| lines.get(n).copied().unwrap_or("nothing");
            let mut wrong: Vec<String> = Vec::new();
            for (n, (coin, answer)) in coins.iter().enumerate() {
                let is_expected = match answer {
                    Ok(proposal) => line(n) == format!("{coin} {}", told(proposal)),
                    Err(why) => line(n)
                        .strip_prefix(&format!("{coin} unusable "))
                        .is_some_and(|words| has_words(&why.message, words)),
                };
                if !is_expected {
                    wrong.push(format!("{coin} {:?}, not {}", answer.as_ref().map(told), line(n)));
                }
            }
            wrong.extend(lines.iter().skip(coins.len()).map(|line| format!("nothing, not {line}")));
            wrong
        }
    }
}

#[test]
fn every_answer_ends_as_expected() {
    let answers = answers();
    assert!(answers.len() >= ANSWERS_MIN, "{} answers", answers.len());
    let mut wrong = Vec::new();
    for path in &answers {
        let text = std::fs::read_to_string(path).unwrap();
        let expected = std::fs::read_to_string(path.with_extension("expected")).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        wrong.extend(differences(&text, &expected).into_iter().map(|why| format!("{name}: {why}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_answer_beyond_its_limit_is_not_looked_at() {
    let whole = |padding: usize| {
        let padding = "x".repeat(padding);
        format!(r#"{{"decisions":[{{"coin":"BTC","signal":"hold","justification":"{padding}"}}]}}"#)
    };
    let room = ANSWER_MAX_BYTES - whole(0).len();
    let expected = ["BTC hold", "ETH unusable leaves", "SOL unusable leaves"].join("\n");
    assert_eq!(differences(&whole(room), &expected), [""; 0]);
    assert_eq!(differences(&whole(room + 1), "whole longer than 1 MB"), [""; 0]);
}

#[test]
fn a_reason_never_repeats_a_value() {
    let secret = "hunter2";
    let quoted = format!("\"{secret}\"");
    for field in ["coin", "signal", "quantity", "equity_pct", "leverage", "stop_loss", "confidence", secret] {
        let text =
            format!(r#"{{"decisions":[{{"coin":"BTC","signal":"hold","justification":"x","{field}":{quoted}}}]}}"#);
        let answer = format!("{:?}", StrictReader.read(&text, &coins(&["BTC"])));
        assert!(!answer.contains(secret), "{answer}");
    }
}
