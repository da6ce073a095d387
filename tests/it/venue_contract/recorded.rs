//! Our client against recorded answers: a small server that plays back what an exchange said, question by question, and
//! holds each question against the recording, signature included.
//!
//! `recorded.json` has, for each case, the requests in their order: what each must ask for, and what it is answered.

use super::bench::{Bench, Trouble};
use super::paper::account_at;
use crate::paper_exchange::house::{KEY, SECRET, sign};
use async_trait::async_trait;
use countersign::adapters::binance::venue::BinanceAccount;
use countersign::adapters::clock::SystemClock;
use countersign::domain::signal::Side;
use countersign::ports::clock::Clock;
use countersign::ports::store::JournaledOrder;
use countersign::ports::venue::{OrderContext, Venue, VenueFill};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// One request and what it was answered.
#[derive(Clone, Deserialize)]
struct Exchange {
    /// `POST /api/v3/order`.
    request: String,
    /// Parameters that it must have.
    #[serde(default)]
    with: Vec<String>,
    #[serde(default = "success")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Text is played as it is, everything else as JSON.
    answer: Value,
}

const fn success() -> u16 {
    200
}

fn recording() -> BTreeMap<String, Vec<Exchange>> {
    serde_json::from_str(include_str!("recorded.json")).unwrap()
}

/// The cases that are recorded.
pub fn names() -> Vec<String> {
    recording().into_keys().collect()
}

/// What is still to be asked, and what was asked otherwise.
#[derive(Default)]
struct Tape {
    left: VecDeque<Exchange>,
    played: Vec<(Exchange, String)>,
    wrong: Vec<String>,
}

struct Player(Arc<Mutex<Tape>>);

impl Respond for Player {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if request.url.path() == "/api/v3/time" {
            return ResponseTemplate::new(200).set_body_json(json!({ "serverTime": SystemClock.now().0 }));
        }
        let line = format!("{} {}", request.method, request.url.path());
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let asked = format!("{}{body}", request.url.query().unwrap_or_default());
        let mut tape = self.0.lock().unwrap();
        if let Err(why) = is_signed(request, &asked) {
            tape.wrong.push(format!("{line}: {why}"));
        }
        if line == "POST /api/v3/order/test" {
            return ResponseTemplate::new(200).set_body_json(json!({}));
        }
        let Some(next) = tape.left.pop_front() else {
            tape.wrong.push(format!("{line}?{asked} was never recorded"));
            return ResponseTemplate::new(500);
        };
        let missing = next.with.iter().filter(|pair| !asked.split('&').any(|given| given == pair.as_str()));
        let missing: Vec<&String> = missing.collect();
        if line != next.request || !missing.is_empty() {
            let told = format!("{line}?{asked} instead of {} with {:?}", next.request, next.with);
            tape.wrong.push(told);
        }
        let mut answer = ResponseTemplate::new(next.status);
        for (name, value) in &next.headers {
            answer = answer.insert_header(name.as_str(), value.as_str());
        }
        let answer = match &next.answer {
            Value::String(text) => answer.set_body_string(text.clone()),
            json => answer.set_body_json(json),
        };
        tape.played.push((next, asked));
        answer
    }
}

/// Checked with other code than our client signs with.
fn is_signed(request: &Request, asked: &str) -> Result<(), String> {
    let (payload, signature) = asked.rsplit_once("&signature=").ok_or("it is not signed")?;
    let key = request.headers.get("x-mbx-apikey").and_then(|value| value.to_str().ok());
    let is_right = key == Some(KEY) && sign(SECRET, payload) == signature;
    if is_right { Ok(()) } else { Err("its key or signature is not right".to_owned()) }
}

pub struct Recorded {
    /// Answers as long as it lives.
    _server: MockServer,
    tape: Arc<Mutex<Tape>>,
    account: BinanceAccount,
}

pub async fn open(case: &str) -> Recorded {
    let left = recording().remove(case).unwrap_or_else(|| panic!("{case} is not recorded"));
    let tape = Arc::new(Mutex::new(Tape { left: left.into(), ..Tape::default() }));
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Player(Arc::clone(&tape))).mount(&server).await;
    let account = account_at(&server.uri());
    Recorded { _server: server, tape, account }
}

#[async_trait]
impl Bench for Recorded {
    fn venue(&self) -> &dyn Venue {
        &self.account
    }

    /// What was recorded paid in BNB at 500, a quarter off.
    fn fee(&self, _: Side, fill: &VenueFill) -> (Decimal, &'static str) {
        let fee = (fill.price * fill.quantity).decimal() * Decimal::new(75, 5) / Decimal::from(500);
        (fee.round_dp(8), "BNB")
    }

    fn absence_is_final(&self) -> bool {
        false
    }

    // What surrounded the exchange when it answered is in its answers.
    async fn thin(&self) {}

    async fn lies_open(&self, _: &JournaledOrder, _: OrderContext<'_>) {}

    async fn troubles(&self, _: Trouble) {}

    async fn taken(&self, name: &str) -> Option<usize> {
        let tape = self.tape.lock().unwrap();
        let name = format!("newClientOrderId={name}");
        let is_taken = |(played, asked): &&(Exchange, String)| {
            played.request == "POST /api/v3/order" && played.status == 200 && asked.split('&').any(|pair| pair == name)
        };
        let sent = tape.played.iter().filter(is_taken).count();
        // One that was there before we came was taken too, and is told by the refusal of ours.
        let was_there = tape.played.iter().any(|(played, _)| played.answer["msg"] == "Duplicate order sent.");
        Some(sent + usize::from(was_there))
    }

    async fn end(&self) {
        let tape = self.tape.lock().unwrap();
        assert_eq!(tape.wrong, Vec::<String>::new());
        let left: Vec<&str> = tape.left.iter().map(|exchange| exchange.request.as_str()).collect();
        assert_eq!(left, Vec::<&str>::new(), "recorded, and never asked");
    }
}
