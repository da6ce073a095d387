//! Reads decisions that are sent in. One bad coin becomes an unusable answer of its own and never spoils the others.

use crate::domain::market::{COIN_MAX, Coin};
use crate::domain::money::{NumberError, Price, Quantity, parse_plain};
use crate::domain::signal::Signal;
use crate::ports::advisor::{JUSTIFICATION_MAX, Proposal, UnusableAnswer};
use crate::services::run_cycle::Answers;
use crate::web::form::Input;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most coins of one request.
pub const COINS_MAX: usize = 50;
/// The highest leverage that is looked at; the model's own limit is a risk rule.
const LEVERAGE_MAX: i64 = 1_000;
/// The words of `signal`.
const SIGNALS: &[&str] = &["buy_to_enter", "sell_to_enter", "close_position", "hold"];

/// What was sent in: decisions, if any, and prices.
#[derive(Debug, Default)]
pub struct Given {
    /// Coin by coin; none when the model's own advisor is to be asked.
    pub decisions: Option<Answers>,
    /// Prices that stand in for the market's in simulation.
    pub prices: Vec<(Coin, Price)>,
}

/// Takes `decisions` and `market_data` out of a body. What is wrong with one coin is that coin's answer; what is wrong
/// with the body as a whole is noted in the input.
pub fn read_given(input: &mut Input) -> Given {
    let decisions = input.object("decisions");
    let market_data = input.object("market_data").unwrap_or_default();
    for (name, is_too_many) in [
        ("decisions", decisions.as_ref().is_some_and(|coins| coins.len() > COINS_MAX)),
        ("market_data", market_data.len() > COINS_MAX),
    ] {
        if is_too_many {
            input.fail(name, format!("must name {COINS_MAX} coins or fewer"));
        }
    }
    if decisions.as_ref().is_some_and(Map::is_empty) {
        input.fail("decisions", "must name at least one coin; leave it out to ask the model");
    }
    if !input.errors().is_empty() {
        return Given::default();
    }
    let (prices, mut bad_prices) = read_prices(market_data);
    let decisions = decisions.map(|coins| read_decisions(coins, &mut bad_prices));
    if let Some(why) = bad_prices.into_values().next() {
        // No decision of its own can carry this one.
        input.fail("market_data", why);
    }
    Given { decisions, prices }
}

fn read_decisions(coins: Map<String, Value>, bad_prices: &mut BTreeMap<String, String>) -> Answers {
    let mut unreadable = 0;
    coins
        .into_iter()
        .map(|(name, value)| {
            let Some(coin) = Coin::parse(&name) else {
                unreadable += 1;
                return (stand_in(unreadable), unusable(coin_rule()));
            };
            let answer = match bad_prices.remove(&name) {
                Some(why) => unusable(why),
                None => read_proposal(value),
            };
            (coin, answer)
        })
        .collect()
}

/// A name that is no coin's cannot be stored or repeated; it stands under a name of ours.
fn stand_in(number: usize) -> Coin {
    Coin::parse(&format!("UNREADABLE{number}")).expect("letters and digits are a coin's name")
}

fn coin_rule() -> String {
    format!("the coin's name must be 1 to {COIN_MAX} upper-case letters or digits")
}

fn unusable(message: String) -> Result<Proposal, UnusableAnswer> {
    Err(UnusableAnswer { message })
}

/// One coin's decision.
fn read_proposal(value: Value) -> Result<Proposal, UnusableAnswer> {
    let Value::Object(fields) = value else { return unusable("the decision must be an object".to_owned()) };
    let mut input = Input::from_json(fields);
    let signal = input.word("signal", SIGNALS, Signal::parse);
    if signal.is_none() && input.errors().is_empty() {
        input.fail("signal", "is required");
    }
    let leverage = input.integer("leverage", 1..=LEVERAGE_MAX).and_then(|leverage| u32::try_from(leverage).ok());
    // A close takes what is held and a hold nothing: zero is as good as nothing there.
    let is_entry = signal.is_none_or(Signal::is_entry);
    let proposal = Proposal {
        signal: signal.unwrap_or(Signal::Hold),
        quantity: input.optional("quantity", |text| read_quantity(text, is_entry)).flatten(),
        equity_pct: None,
        leverage: leverage.unwrap_or(1),
        confidence: input.optional("confidence", read_confidence),
        profit_target: input.optional("profit_target", Price::parse),
        stop_loss: input.optional("stop_loss", Price::parse),
        justification: input.text("justification", JUSTIFICATION_MAX).unwrap_or_default(),
        explanation: BTreeMap::new(),
    };
    input.refuse_unknown();
    if input.errors().is_empty() {
        return Ok(proposal);
    }
    let named: Vec<String> = input.errors().iter().map(|(name, why)| format!("{name} {why}")).collect();
    unusable(named.join("; "))
}

fn read_quantity(text: &str, is_entry: bool) -> Result<Option<Quantity>, NumberError> {
    match Quantity::parse(text) {
        Err(NumberError::Zero) if !is_entry => Ok(None),
        other => other.map(Some),
    }
}

fn read_confidence(text: &str) -> Result<Decimal, &'static str> {
    let rule = "must be a plain number between 0 and 1";
    parse_plain(text).ok().filter(|value| *value <= Decimal::ONE).ok_or(rule)
}

/// Prices by coin, and what is wrong with those that cannot be used.
fn read_prices(market_data: Map<String, Value>) -> (Vec<(Coin, Price)>, BTreeMap<String, String>) {
    let (mut prices, mut bad) = (Vec::new(), BTreeMap::new());
    for (name, value) in market_data {
        let Some(coin) = Coin::parse(&name) else {
            bad.insert(name, coin_rule());
            continue;
        };
        match read_price(value) {
            Ok(price) => prices.push((coin, price)),
            Err(why) => {
                bad.insert(name, why);
            }
        }
    }
    (prices, bad)
}

fn read_price(value: Value) -> Result<Price, String> {
    let Value::Object(fields) = value else { return Err("must hold an object with a price for each coin".to_owned()) };
    let mut input = Input::from_json(fields);
    let price = input.required("price", Price::parse);
    input.refuse_unknown();
    match price {
        Some(price) if input.errors().is_empty() => Ok(price),
        _ => Err(input.errors().iter().map(|(name, why)| format!("{name} {why}")).collect::<Vec<_>>().join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::form::parse_json;

    fn given(text: &str) -> (Given, Input) {
        let mut input = parse_json(text.as_bytes()).unwrap();
        let given = read_given(&mut input);
        (given, input)
    }

    #[test]
    fn one_bad_coin_does_not_spoil_the_others() {
        let body = r#"{"decisions": {
            "BTC": {"signal": "buy_to_enter", "quantity": "0.001"},
            "ETH": {"signal": "hunter2", "quantity": 1e5, "confidence": 1.01, "sneaky": 1},
            "btc": {"signal": "hold"},
            "SOL": "hold",
            "XRP": {"signal": "close_position", "quantity": 0}
        }}"#;
        let (given, input) = given(body);
        input.finish().unwrap();
        let answers = given.decisions.unwrap();
        let of = |name: &str| &answers.iter().find(|(coin, _)| coin.as_str() == name).unwrap().1;
        assert_eq!(of("BTC").as_ref().unwrap().quantity.unwrap().to_string(), "0.001");
        let why = of("ETH").as_ref().unwrap_err().message.clone();
        for field in ["signal must be one of", "quantity must be a plain", "confidence must", "sneaky is not known"] {
            assert!(why.contains(field), "{why}");
        }
        assert!(!why.contains("hunter2"));
        assert!(of("UNREADABLE1").is_err());
        assert!(of("SOL").is_err());
        assert_eq!(of("XRP").as_ref().unwrap().quantity, None);
    }

    #[test]
    fn a_bad_price_is_its_own_coins_fault() {
        let (given, input) = given(
            r#"{"decisions": {"BTC": {"signal": "hold"}, "ETH": {"signal": "hold"}},
                "market_data": {"BTC": {"price": "NaN"}, "ETH": {"price": 2500.10}}}"#,
        );
        input.finish().unwrap();
        assert_eq!(given.prices.len(), 1);
        let answers = given.decisions.unwrap();
        assert!(answers[0].1.as_ref().unwrap_err().message.starts_with("price must be a plain"));
        assert!(answers[1].1.is_ok());
    }

    #[test]
    fn what_is_no_set_of_decisions_is_refused_as_a_whole() {
        let many: Vec<String> = (0..=COINS_MAX).map(|n| format!("\"C{n}\": {{\"signal\": \"hold\"}}")).collect();
        for body in [
            r#"{"decisions": []}"#.to_owned(),
            r#"{"decisions": {}}"#.to_owned(),
            r#"{"decisions": "BTC"}"#.to_owned(),
            r#"{"market_data": 7}"#.to_owned(),
            r#"{"market_data": {"BTC": {"price": 0}}}"#.to_owned(),
            format!("{{\"decisions\": {{{}}}}}", many.join(",")),
        ] {
            assert!(given(&body).1.finish().is_err(), "{body}");
        }
    }
}
