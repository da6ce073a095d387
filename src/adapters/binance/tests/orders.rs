//! The life of an order at the venue, as far as it is told.

use super::*;
use crate::ports::venue::{CancelOutcome, QueryOutcome, SubmitOutcome, Venue, VenueReport, VenueStatus};

async fn accepted(desk: &Desk, kind: OrderKind) -> VenueReport {
    match desk.account.send(&order(kind)).await {
        SubmitOutcome::Accepted(report) => report,
        other => panic!("not accepted: {other:?}"),
    }
}

async fn asked(desk: &Desk) -> QueryOutcome {
    desk.account.query(&order(OrderKind::Market), desk.context()).await
}

async fn found(desk: &Desk) -> VenueReport {
    match asked(desk).await {
        QueryOutcome::Found(report) => report,
        other => panic!("not found: {other:?}"),
    }
}

fn figures(report: &VenueReport) -> Vec<String> {
    let line = |fill: &crate::ports::venue::VenueFill| {
        format!("{} {} at {}, {} {}", fill.trade_id, fill.quantity, fill.price, fill.fee, fill.fee_asset)
    };
    report.fills.iter().map(line).collect()
}

#[tokio::test]
async fn a_full_answer_tells_every_fill_with_its_fee() {
    let desk = desk().await;
    desk.is_tested().await;
    desk.answers("POST", "/api/v3/order", ok(full())).await;
    let report = accepted(&desk, OrderKind::Market).await;
    assert_eq!((report.venue_order_id, &report.status), (28, &VenueStatus::Filled));
    assert_eq!(figures(&report)[1], "57 5 at 3999, 19.995 USDT");
    assert_eq!((report.fills.len(), report.fills[0].at), (5, Timestamp(1_507_725_176_595)));
    let raw: Value = serde_json::from_str(&report.raw).expect("as it came");
    assert_eq!(raw, full());
    assert_eq!(desk.asked().await, ["POST /api/v3/order/test", "POST /api/v3/order"]);
    accepted(&desk, OrderKind::Market).await;
    assert_eq!(desk.count("POST /api/v3/order/test").await, 1, "only the first order of a key is tested");
}

#[tokio::test]
async fn a_key_whose_first_order_would_be_refused_places_none() {
    let desk = desk().await;
    let refusal = error(401, -2015, "Invalid API-key, IP, or permissions for action.");
    desk.answers("POST", "/api/v3/order/test", refusal).await;
    let outcome = desk.account.send(&order(OrderKind::Market)).await;
    let message = "Invalid API-key, IP, or permissions for action.".to_owned();
    let raw = format!(r#"{{"code":-2015,"msg":"{message}"}}"#);
    assert_eq!(outcome, SubmitOutcome::Rejected { code: "-2015".into(), message, raw });
    assert_eq!(desk.count("POST /api/v3/order").await, 0);
}

#[tokio::test]
async fn a_test_that_brings_no_answer_places_nothing_and_is_not_ambiguous() {
    let desk = desk().await;
    desk.answers("POST", "/api/v3/order/test", ResponseTemplate::new(503)).await;
    let outcome = desk.account.send(&order(OrderKind::Market)).await;
    assert!(matches!(outcome, SubmitOutcome::NotSent { .. }), "{outcome:?}");
    assert_eq!(desk.count("POST /api/v3/order").await, 0);
}

#[tokio::test]
async fn a_limit_that_filled_in_part_expires_with_its_part() {
    let desk = desk().await;
    desk.is_tested().await;
    let mut partial = full();
    partial["status"] = json!("EXPIRED");
    partial["expiryReason"] = json!("UNFILLED_IOC_QUANTITY_EXPIRED");
    partial["executedQty"] = json!("1.00000000");
    partial["fills"] = json!([full()["fills"][0]]);
    desk.answers("POST", "/api/v3/order", ok(partial)).await;
    let report = accepted(&desk, OrderKind::LimitIoc(price("4001"))).await;
    let reason = "expired at the exchange: UNFILLED_IOC_QUANTITY_EXPIRED".to_owned();
    assert_eq!((report.status.clone(), report.fills.len()), (VenueStatus::Expired(reason), 1));
    let requests = desk.server.received_requests().await.expect("recorded");
    let body = String::from_utf8(requests.last().expect("sent").body.clone()).expect("text");
    assert!(body.contains("&type=LIMIT&timeInForce=IOC&quantity=10&price=4001&"), "{body}");
}

#[tokio::test]
async fn an_acknowledgement_is_open_and_fills_without_identity_are_asked_for() {
    let desk = desk().await;
    desk.is_tested().await;
    let ack = json!({"symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "clientOrderId": NAME, "transactTime": 5});
    Mock::given(method("POST"))
        .and(path("/api/v3/order"))
        .respond_with(ok(ack))
        .up_to_n_times(1)
        .mount(&desk.server)
        .await;
    let mut nameless = full();
    nameless["fills"][0]["tradeId"] = json!(-1);
    desk.answers("POST", "/api/v3/order", ok(nameless)).await;
    let trades = json!([traded(56, "4", "0.01", "BNB"), traded(57, "6", "0.006", "BTC")]);
    desk.answers("GET", "/api/v3/myTrades", ok(trades)).await;
    let acknowledged = accepted(&desk, OrderKind::Market).await;
    assert_eq!((acknowledged.status, acknowledged.fills.len()), (VenueStatus::Open, 0));
    let report = accepted(&desk, OrderKind::Market).await;
    assert_eq!(report.status, VenueStatus::Filled);
    assert_eq!(figures(&report), ["56 4 at 4000.000001, 0.01 BNB", "57 6 at 4000.000001, 0.006 BTC"]);
}

#[tokio::test]
async fn an_order_whose_trades_lag_behind_is_open_until_they_add_up() {
    let desk = desk().await;
    desk.answers("GET", "/api/v3/order", ok(asked_about("FILLED", "10.0"))).await;
    let late = ok(json!([traded(56, "4", "0", "BNB")]));
    Mock::given(path("/api/v3/myTrades")).respond_with(late).up_to_n_times(1).mount(&desk.server).await;
    let all = ok(json!([traded(56, "4", "0", "BNB"), traded(57, "6", "0", "BNB")]));
    desk.answers("GET", "/api/v3/myTrades", all).await;
    let first = found(&desk).await;
    assert_eq!((first.status, first.fills.len()), (VenueStatus::Open, 1));
    let second = found(&desk).await;
    assert_eq!((second.status, second.fills.len()), (VenueStatus::Filled, 2));
}

#[tokio::test]
async fn a_placed_order_stays_placed_when_its_trades_cannot_be_had() {
    let desk = desk().await;
    desk.is_tested().await;
    let mut bare = full();
    bare["fills"] = json!([]);
    desk.answers("POST", "/api/v3/order", ok(bare)).await;
    desk.answers("GET", "/api/v3/myTrades", ResponseTemplate::new(500)).await;
    let report = accepted(&desk, OrderKind::Market).await;
    assert_eq!((report.venue_order_id, report.status), (28, VenueStatus::Open));
}

#[tokio::test]
async fn an_order_of_our_name_is_adopted_when_it_is_ours() {
    for (field, value, is_adopted) in [
        ("side", "BUY", true),
        ("side", "SELL", false),
        ("origQty", "9.0", false),
        ("clientOrderId", "another", false),
        ("symbol", "ETHUSDT", false),
    ] {
        let desk = desk().await;
        desk.is_tested().await;
        desk.answers("POST", "/api/v3/order", error(400, -2010, "Duplicate order sent.")).await;
        let mut there = asked_about("NEW", "0.0");
        there[field] = json!(value);
        desk.answers("GET", "/api/v3/order", ok(there)).await;
        let outcome = desk.account.send(&order(OrderKind::Market)).await;
        let adopted = matches!(&outcome, SubmitOutcome::Accepted(report) if report.status == VenueStatus::Open);
        assert_eq!(adopted, is_adopted, "{field}: {outcome:?}");
        assert!(is_adopted || matches!(outcome, SubmitOutcome::Ambiguous { .. }), "{field}: {outcome:?}");
        assert_eq!(desk.count("POST /api/v3/order").await, 1);
    }
    let desk = desk().await;
    desk.is_tested().await;
    desk.answers("POST", "/api/v3/order", error(400, -2010, "Duplicate order sent.")).await;
    desk.answers("GET", "/api/v3/order", error(400, -2013, "Order does not exist.")).await;
    let outcome = desk.account.send(&order(OrderKind::Market)).await;
    assert!(matches!(outcome, SubmitOutcome::Ambiguous { .. }), "there and not there: {outcome:?}");
}

#[tokio::test]
async fn each_word_for_where_an_order_stands_has_its_meaning() {
    for (word, expected) in [
        ("NEW", "open"),
        ("PARTIALLY_FILLED", "open"),
        ("PENDING_NEW", "open"),
        ("PENDING_CANCEL", "open"),
        ("HIBERNATING", "open"),
        ("CANCELED", "canceled"),
        ("EXPIRED", "expired"),
        ("EXPIRED_IN_MATCH", "expired"),
        ("REJECTED", "expired"),
    ] {
        let desk = desk().await;
        desk.answers("GET", "/api/v3/order", ok(asked_about(word, "0.0"))).await;
        let status = match found(&desk).await.status {
            VenueStatus::Open => "open",
            VenueStatus::Filled => "filled",
            VenueStatus::Canceled(_) => "canceled",
            VenueStatus::Expired(_) => "expired",
        };
        assert_eq!(status, expected, "{word}");
    }
}

#[tokio::test]
async fn no_such_order_is_one_answer_and_trouble_is_none() {
    let desk = desk().await;
    let missing = error(400, -2013, "Order does not exist.");
    Mock::given(path("/api/v3/order")).respond_with(missing).up_to_n_times(1).mount(&desk.server).await;
    desk.answers("GET", "/api/v3/order", ResponseTemplate::new(503)).await;
    assert_eq!(asked(&desk).await, QueryOutcome::NotFound { is_final: false });
    assert!(matches!(asked(&desk).await, QueryOutcome::Unavailable { .. }));
}

#[tokio::test]
async fn an_order_is_asked_for_by_its_id_once_that_is_known() {
    let desk = desk().await;
    desk.answers("GET", "/api/v3/order", ok(asked_about("NEW", "0.0"))).await;
    found(&desk).await;
    let mut known = order(OrderKind::Market);
    known.venue_order_id = Some(28);
    desk.account.query(&known, desk.context()).await;
    let requests = desk.server.received_requests().await.expect("recorded");
    let queries: Vec<&str> = requests.iter().filter_map(|request| request.url.query()).collect();
    assert!(queries[0].contains("&origClientOrderId=csa1b2c3-d7-1&"), "{queries:?}");
    assert!(queries[1].contains("&orderId=28&") && !queries[1].contains("origClientOrderId"), "{queries:?}");
}

#[tokio::test]
async fn a_cancel_tells_what_was_filled_before_and_a_late_one_is_refused() {
    let desk = desk().await;
    let mut cancelled = asked_about("CANCELED", "4.0");
    cancelled["origClientOrderId"] = json!(NAME);
    cancelled["clientOrderId"] = json!("the-cancel");
    let once = Mock::given(method("DELETE")).and(path("/api/v3/order")).respond_with(ok(cancelled)).up_to_n_times(1);
    once.mount(&desk.server).await;
    desk.answers("DELETE", "/api/v3/order", error(400, -2011, "Unknown order sent.")).await;
    desk.answers("GET", "/api/v3/myTrades", ok(json!([traded(56, "4", "0.004", "BTC")]))).await;
    let cancel = async || desk.account.cancel(&order(OrderKind::Market), desk.context()).await;
    let CancelOutcome::Canceled(report) = cancel().await else { panic!("cancelled") };
    assert_eq!(report.status, VenueStatus::Canceled("cancelled at the exchange".into()));
    assert_eq!(figures(&report), ["56 4 at 4000.000001, 0.004 BTC"]);
    assert!(matches!(cancel().await, CancelOutcome::Refused { .. }));
}

#[tokio::test]
async fn trades_of_an_order_are_read_to_their_end() {
    let desk = desk().await;
    let page = |from: i64, count: i64| ok((from..from + count).map(|id| traded(id, "0.001", "0", "BNB")).collect());
    Mock::given(path("/api/v3/myTrades")).respond_with(page(1, 1_000)).up_to_n_times(1).mount(&desk.server).await;
    desk.answers("GET", "/api/v3/myTrades", page(1_001, 200)).await;
    let trades = desk.account.client().trades_of_order(&btcusdt(), 28).await.expect("answers");
    assert_eq!(trades.len(), 1_200);
    let requests = desk.server.received_requests().await.expect("recorded");
    let second = requests.last().and_then(|request| request.url.query()).expect("parameters");
    assert!(second.contains("&orderId=28&fromId=1001&limit=1000&"), "{second}");
}

#[tokio::test]
async fn a_filter_that_refuses_lets_the_filters_be_read_again() {
    let desk = desk().await;
    desk.is_tested().await;
    assert!(!desk.host.take_filters_doubted());
    desk.answers("POST", "/api/v3/order", error(400, -1013, "Filter failure: NOTIONAL")).await;
    let outcome = desk.account.send(&order(OrderKind::Market)).await;
    let raw = r#"{"code":-1013,"msg":"Filter failure: NOTIONAL"}"#.to_owned();
    let message = "Filter failure: NOTIONAL".to_owned();
    assert_eq!(outcome, SubmitOutcome::Rejected { code: "-1013".into(), message, raw });
    assert!(desk.host.take_filters_doubted() && !desk.host.take_filters_doubted());
}
