//! What it costs to read a language model's answer.

use countersign::adapters::llm::answer::StrictReader;
use countersign::domain::market::Coin;
use countersign::ports::language_model::{AnswerReader, ReadAnswer};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Answers in one timing.
const ANSWERS: u32 = 2_000;
/// Timings of which the middle one counts.
const ROUNDS: usize = 9;

/// Prints a row.
pub fn rows(row: impl Fn(&str, String, &str)) {
    let shown = format!("{:.1} µs", per_answer().as_secs_f64() * 1e6);
    row("Read a language model's answer about six coins (median)", shown, "< 50 µs");
}

fn per_answer() -> Duration {
    let coins = ["BTC", "ETH", "SOL", "XRP", "ADA", "DOGE"].map(|name| Coin::parse(name).unwrap());
    let decision = |coin: &Coin| {
        format!(
            r#"{{"coin":"{coin}","signal":"buy_to_enter","quantity":"0.0125","equity_pct":null,"leverage":1,"profit_target":"46000.5","stop_loss":"41000","confidence":"0.62","justification":"The price broke the upper band on rising volume, and the longer trend agrees; the stop stands below the last low.","invalidation":"A close below the last low."}}"#
        )
    };
    let text = format!(r#"{{"decisions":[{}]}}"#, coins.each_ref().map(decision).join(","));
    let all_usable =
        |answer: &ReadAnswer| matches!(answer, ReadAnswer::Coins(read) if read.iter().all(|(_, one)| one.is_ok()));
    assert!(all_usable(&StrictReader.read(&text, &coins)));
    let round = |_| {
        let begun = Instant::now();
        for _ in 0..ANSWERS {
            black_box(StrictReader.read(black_box(&text), &coins));
        }
        begun.elapsed() / ANSWERS
    };
    super::median((0..ROUNDS).map(round).collect())
}
