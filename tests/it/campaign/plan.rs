//! What goes wrong in a case: drawn from its seed, so that it goes wrong the same way again.

use countersign::adapters::paper_exchange::{Action, Fault};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;
use std::time::Duration;

const ORDER: &str = "/api/v3/order";
/// Where what became of an order is asked for.
const QUESTIONS: [&str; 6] =
    [ORDER, "/api/v3/openOrders", "/api/v3/allOrders", "/api/v3/myTrades", "/api/v3/account", "/api/v3/time"];
/// Kinds of trouble that a sent order can meet; seeds take them in turn, so that a campaign meets all of them.
const TROUBLES: u64 = 16;
/// The longest time for which an accepted order does not show, in milliseconds: less than proven absence allows for.
pub const HIDDEN_MAX_MS: u64 = 12_000;

/// What goes wrong.
#[derive(Debug)]
pub struct Plan {
    pub style: &'static str,
    /// While the purchase is approved, sent and followed.
    pub buying: Vec<Fault>,
    /// While what was bought is sold.
    pub closing: Vec<Fault>,
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let style = if seed.is_multiple_of(2) { "market" } else { "protected" };
        let buying = faults(&mut chance, (seed / 2) % TROUBLES);
        // Half of the sales meet nothing new, so that most purchases end flat.
        let trouble = chance.random_range(0..TROUBLES);
        let closing = if chance.random_bool(0.5) { faults(&mut chance, trouble) } else { Vec::new() };
        Self { style, buying, closing }
    }
}

fn faults(chance: &mut StdRng, trouble: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    let times = if chance.random_bool(0.2) { 2 } else { 1 };
    let action = sending(chance, trouble);
    // An order that is there already was accepted by the attempt before.
    let hides =
        matches!(action, Action::DropAfterAccept | Action::Truncate { .. } | Action::Hang { accepted: true, .. });
    faults.push(Fault { count: Some(times), ..Fault::once("POST", ORDER, action) });
    if hides && chance.random_bool(0.5) {
        // The reply is lost, and for a while the exchange says that it knows no such order.
        let (code, status) = (-2013, 400);
        let action = Action::Error { code, status, message: "Order does not exist.".to_owned(), accepted: false };
        faults.push(Fault { count: Some(chance.random_range(1..=5)), ..Fault::once("GET", ORDER, action) });
    }
    if chance.random_bool(0.15) {
        let trouble = chance.random_range(0..8);
        faults.push(Fault::once("POST", "/api/v3/order/test", sending(chance, trouble)));
    }
    for _ in 0..chance.random_range(0..3) {
        let path = QUESTIONS[chance.random_range(0..QUESTIONS.len())];
        let fault = Fault::once("GET", path, asking(chance, path));
        faults.push(Fault { skip: chance.random_range(0..3), count: Some(chance.random_range(1..=3)), ..fault });
    }
    faults
}

fn code(code: i32, status: u16, accepted: bool) -> Action {
    Action::Error { code, status, message: "A fault of the campaign.".to_owned(), accepted }
}

/// Trouble of a request that sends an order.
fn sending(chance: &mut StdRng, trouble: u64) -> Action {
    let accepted = chance.random_bool(0.5);
    match trouble {
        0 => Action::DropBefore,
        1 => Action::DropAfterAccept,
        2 => {
            let seconds = [1, 4, 16][chance.random_range(0..3)];
            Action::Hang { wait: Duration::from_secs(seconds), accepted }
        }
        3 => Action::Truncate { bytes: accepted.then(|| chance.random_range(0..200)) },
        4 => Action::Status { status: [500, 502, 503, 504][chance.random_range(0..4)], accepted },
        5 => code(-1006, 503, accepted),
        6 => code(-1007, 504, accepted),
        7 => code(-1021, 400, false),
        8 => Action::RateLimit { retry_after: chance.random_range(1..=3) },
        9 => Action::OrderLimit { retry_after: chance.random_range(1..=3) },
        10 => Action::Ban { retry_after: chance.random_range(1..=4) },
        11 => Action::Hide {
            milliseconds: Some(i64::try_from(chance.random_range(500..HIDDEN_MAX_MS)).unwrap()),
            queries: None,
        },
        12 => {
            // Only in these words is -2010 about an order that is there already.
            let message = "Duplicate order sent.".to_owned();
            Action::Error { code: -2010, status: 400, message, accepted: true }
        }
        13 => {
            let milliseconds = chance.random_range(1_500..9_000) * if accepted { 1 } else { -1 };
            Action::ClockSkew { milliseconds }
        }
        14 => Action::ThinBook { share: Decimal::new(chance.random_range(1..=40), 5) },
        _ => Action::RepeatRows,
    }
}

/// Trouble of a question.
fn asking(chance: &mut StdRng, path: &str) -> Action {
    let repeats = !matches!(path, "/api/v3/account" | "/api/v3/time");
    match chance.random_range(0..9) {
        0 => Action::DropBefore,
        1 => Action::Truncate { bytes: None },
        2 => Action::Status { status: 502, accepted: false },
        3 => code(-1007, 504, false),
        4 => Action::RateLimit { retry_after: 1 },
        5 => Action::Ban { retry_after: chance.random_range(1..=3) },
        6 => Action::ClockSkew { milliseconds: chance.random_range(-6_000..6_000) },
        7 => Action::Hang { wait: Duration::from_secs([2, 11][chance.random_range(0..2)]), accepted: true },
        _ if repeats => Action::RepeatRows,
        _ => Action::DropAfterAccept,
    }
}
