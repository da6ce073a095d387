//! Each fault of the script, as a client meets it.

use super::house::open;
use countersign::adapters::paper_exchange::{Action, Fault, FaultScript};
use rust_decimal::Decimal;
use serde_json::Value;
use std::time::Duration;

const ORDER: &str = "/api/v3/order";
const LIMIT: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=80000";
const QUESTION: &str = "symbol=BTCUSDT&origClientOrderId=x1";

fn named() -> String {
    format!("{LIMIT}&newClientOrderId=x1")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_connection_leaves_the_order_done_or_not_as_scripted() {
    let house = open().await;
    for (action, is_done) in [(Action::DropBefore, false), (Action::DropAfterAccept, true)] {
        house.fault("POST", ORDER, action.clone());
        let lost = house.try_signed("POST", ORDER, &named()).await;
        assert!(lost.is_err(), "{action:?} gives no answer: {lost:?}");
        let found = house.signed("GET", ORDER, QUESTION).await;
        assert_eq!(found.code() == 0, is_done, "{action:?}: {}", found.text);
    }
    assert_eq!(house.exchange.faults().met(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_answer_breaks_off_after_its_beginning() {
    let house = open().await;
    house.fault("POST", ORDER, Action::Truncate { bytes: Some(20) });
    let broken = house.try_signed("POST", ORDER, &named()).await;
    assert!(broken.is_err_and(|error| !error.is_connect()), "the body breaks off");
    assert_eq!(house.signed("GET", ORDER, QUESTION).await.good()["status"], "NEW");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statuses_and_codes_come_with_or_without_the_order() {
    let house = open().await;
    let error = |code, status, accepted| Action::Error { code, status, message: "on purpose".into(), accepted };
    let cases = [
        (Action::Status { status: 502, accepted: false }, 502, None, false),
        (Action::Status { status: 504, accepted: true }, 504, None, true),
        (error(-1006, 503, true), 503, Some(-1006), true),
        (error(-1007, 400, false), 400, Some(-1007), false),
        (error(-1021, 400, false), 400, Some(-1021), false),
        (error(-2010, 400, true), 400, Some(-2010), true),
        (Action::RateLimit { retry_after: 7 }, 429, Some(-1003), false),
        (Action::OrderLimit { retry_after: 7 }, 429, Some(-1015), false),
        (Action::Ban { retry_after: 7 }, 418, Some(-1003), false),
    ];
    for (n, (action, status, code, is_done)) in cases.into_iter().enumerate() {
        house.fault("POST", ORDER, action.clone());
        let answer = house.place(&format!("{LIMIT}&newClientOrderId=c{n}")).await;
        assert_eq!(answer.status, status, "{action:?}");
        match code {
            Some(code) => assert_eq!(answer.code(), code, "{action:?}"),
            None => assert!(answer.text.starts_with("<html>"), "{action:?}: {}", answer.text),
        }
        if matches!(status, 418 | 429) {
            assert_eq!(answer.header("retry-after"), "7");
        }
        let found = house.signed("GET", ORDER, &format!("symbol=BTCUSDT&origClientOrderId=c{n}")).await;
        assert_eq!(found.code() == 0, is_done, "{action:?}: {}", found.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_answer_comes_in_the_end() {
    let house = open().await;
    house.fault("POST", ORDER, Action::Hang { wait: Duration::from_millis(1_500), accepted: true });
    let terms = named();
    let (late, found) = tokio::join!(house.place(&terms), async {
        // Asked until it is there: the answer to the order itself is still on its way.
        loop {
            let found = house.signed("GET", ORDER, QUESTION).await;
            if found.code() == 0 {
                return found;
            }
        }
    });
    assert_eq!(late.good()["orderId"], found.good()["orderId"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_order_can_stay_hidden_for_some_questions_or_some_time() {
    let house = open().await;
    house.fault("POST", ORDER, Action::Hide { milliseconds: None, queries: Some(2) });
    house.place(&named()).await.good();
    assert_eq!(house.signed("GET", ORDER, QUESTION).await.code(), -2013);
    assert_eq!(house.signed("GET", "/api/v3/openOrders", "symbol=BTCUSDT").await.good(), Value::Array(Vec::new()));
    assert_eq!(house.signed("GET", ORDER, QUESTION).await.good()["status"], "NEW");

    house.fault("POST", ORDER, Action::Hide { milliseconds: Some(3_000), queries: None });
    house.place("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001&newClientOrderId=x2").await.good();
    let question = "symbol=BTCUSDT&origClientOrderId=x2";
    house.clock.advance_ms(2_999);
    assert_eq!(house.signed("GET", ORDER, question).await.code(), -2013);
    assert_eq!(house.signed("GET", "/api/v3/myTrades", "symbol=BTCUSDT").await.good(), Value::Array(Vec::new()));
    house.clock.advance_ms(1);
    assert_eq!(house.signed("GET", ORDER, question).await.good()["status"], "FILLED");
    assert!(!house.signed("GET", "/api/v3/myTrades", "symbol=BTCUSDT").await.good().as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_can_come_twice_the_clock_can_be_off_and_the_book_can_be_thin() {
    let house = open().await;
    house.place("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001").await.good();
    house.fault("GET", "/api/v3/myTrades", Action::RepeatRows);
    let twice = house.signed("GET", "/api/v3/myTrades", "symbol=BTCUSDT").await.good();
    let once = house.signed("GET", "/api/v3/myTrades", "symbol=BTCUSDT").await.good();
    assert_eq!(twice.as_array().unwrap().len(), once.as_array().unwrap().len() * 2);
    assert_eq!(twice[0], twice[1]);

    house.fault("POST", ORDER, Action::ClockSkew { milliseconds: -60_000 });
    assert_eq!(house.place(&named()).await.code(), -1021, "to a clock that is behind, now is the future");
    house.fault("POST", ORDER, Action::ClockSkew { milliseconds: 60_000 });
    assert_eq!(house.place(&named()).await.code(), -1021);

    let market = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.5";
    house.fault("POST", ORDER, Action::ThinBook { share: Decimal::new(1, 3) });
    let partly = house.place(market).await.good();
    assert_eq!(partly["status"], "EXPIRED", "{partly}");
    assert_ne!(partly["executedQty"], "0.00000000");
    assert_eq!(house.place(market).await.good()["status"], "FILLED", "the book is itself again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_is_set_counted_and_cleared_while_the_exchange_runs() {
    let house = open().await;
    let script = FaultScript::parse(
        "[[fault]]\nmethod = \"GET\"\npath = \"/api/v3/time\"\nskip = 1\ncount = \"forever\"\naction = \"status\"\nstatus = 503\n",
    );
    house.exchange.faults().set(script.unwrap());
    let ask = async || house.public("/api/v3/time").await.status;
    assert_eq!([ask().await, ask().await, ask().await], [200, 503, 503]);
    assert_eq!(house.public("/api/v3/ping").await.status, 200);
    house.exchange.faults().clear();
    assert_eq!(ask().await, 200);
    let any = Fault { method: None, path: None, ..Fault::once("", "", Action::Ban { retry_after: 1 }) };
    house.exchange.faults().add(any);
    assert_eq!([ask().await, ask().await], [418, 200]);
}
