//! What leaves the process and what does not.

use super::*;
use crate::adapters::binance::client::OrderRef;
use crate::adapters::binance::host::CallError;
use crate::ports::exchange::{ExchangeAccount, ExchangeError, TradesFrom};
use crate::ports::venue::{CancelOutcome, QueryOutcome, SubmitOutcome, Venue};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The signature of the bytes before `&signature=`, worked out anew.
fn is_signed_as_sent(sent: &str) -> bool {
    let (payload, signature) = sent.rsplit_once("&signature=").expect("signed last");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(payload.as_bytes());
    hex::encode(mac.finalize().into_bytes()) == signature
}

#[tokio::test]
async fn the_bytes_that_were_signed_are_the_bytes_that_are_sent() {
    let desk = desk().await;
    desk.is_tested().await;
    desk.answers("POST", "/api/v3/order", ok(full())).await;
    desk.answers("GET", "/api/v3/order", ok(asked_about("NEW", "0.0"))).await;
    desk.answers("DELETE", "/api/v3/order", ok(asked_about("CANCELED", "0.0"))).await;
    let before = SystemClock.now();
    desk.account.send(&order(OrderKind::Market)).await;
    let wide = Symbol("这是测试币456USDT".into());
    let client = desk.account.client();
    client.order(&wide, OrderRef::Name("a b&c=d+e%")).await.expect("answers");
    client.cancel(&btcusdt(), OrderRef::Id(28)).await.expect("answers");
    let requests = desk.server.received_requests().await.expect("recorded");
    let of = |verb: &str, at: &str| {
        requests.iter().find(|request| request.method.as_str() == verb && request.url.path() == at).expect("sent")
    };
    let post = of("POST", "/api/v3/order");
    let body = String::from_utf8(post.body.clone()).expect("text");
    let start = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=10&newClientOrderId=csa1b2c3-d7-1&newOrderRespType=FULL\
                 &recvWindow=5000&timestamp=";
    assert!(body.starts_with(start), "{body}");
    assert!(is_signed_as_sent(&body) && post.url.query().is_none(), "a signature stands in no address of an order");
    let stamp: i64 = body[start.len()..].split('&').next().expect("a stamp").parse().expect("a number");
    assert!((-1_000..=1_000).contains(&(stamp - before.0)), "{stamp} against {}", before.0);
    let header =
        |request: &Request, name: &str| request.headers.get(name).map(|v| v.to_str().expect("text").to_owned());
    assert_eq!(header(post, "content-type").as_deref(), Some("application/x-www-form-urlencoded"));
    let get = of("GET", "/api/v3/order");
    let query = get.url.query().expect("parameters");
    let encoded = "symbol=%E8%BF%99%E6%98%AF%E6%B5%8B%E8%AF%95%E5%B8%81456USDT&origClientOrderId=a%20b%26c%3Dd%2Be%25&";
    assert!(query.starts_with(encoded) && is_signed_as_sent(query), "{query}");
    let delete = of("DELETE", "/api/v3/order");
    assert!(is_signed_as_sent(delete.url.query().expect("parameters")));
    for request in [post, get, delete] {
        assert_eq!(header(request, "x-mbx-apikey").as_deref(), Some(KEY));
    }
    assert_eq!(header(of("GET", "/api/v3/time"), "x-mbx-apikey"), None, "nobody gets the key who need not have it");
}

#[tokio::test]
async fn an_order_is_posted_once_whatever_comes_back() {
    for (case, answer, expected) in [
        ("500", ResponseTemplate::new(500), "ambiguous"),
        ("502 html", ResponseTemplate::new(502).set_body_string("<html>bad gateway</html>"), "ambiguous"),
        ("503 coded", error(503, -1008, "Server is currently overloaded."), "ambiguous"),
        ("504 coded", error(504, -1007, "Timeout waiting for response from backend server."), "ambiguous"),
        ("400 with -1006", error(400, -1006, "Execution status unknown."), "ambiguous"),
        ("400 with -1007", error(400, -1007, "Send status unknown; execution status unknown."), "ambiguous"),
        ("400 with a new code", error(400, -4321, "Something new."), "ambiguous"),
        ("403 html", ResponseTemplate::new(403).set_body_string("<html>blocked</html>"), "ambiguous"),
        ("429 html", ResponseTemplate::new(429).set_body_string("slow down"), "ambiguous"),
        ("302", ResponseTemplate::new(302).insert_header("Location", "/api/v3/elsewhere"), "ambiguous"),
        ("429 with -1003", error(429, -1003, "Too many requests queued."), "not accepted"),
        ("429 with -1015", error(429, -1015, "Too many new orders."), "not accepted"),
        ("400 with -1021", error(400, -1021, "Timestamp for this request is outside."), "not accepted"),
        ("400 with -1013", error(400, -1013, "Filter failure: LOT_SIZE"), "rejected"),
        ("400 with -2010", error(400, -2010, "Account has insufficient balance for requested action."), "rejected"),
        ("401", error(401, -2015, "Invalid API-key, IP, or permissions for action."), "rejected"),
    ] {
        let desk = desk().await;
        desk.is_tested().await;
        desk.answers("POST", "/api/v3/order", answer).await;
        let outcome = match desk.account.send(&order(OrderKind::Market)).await {
            SubmitOutcome::Accepted(_) => "accepted",
            SubmitOutcome::Rejected { .. } => "rejected",
            SubmitOutcome::NotAccepted { .. } => "not accepted",
            SubmitOutcome::NotSent { .. } => "not sent",
            SubmitOutcome::Ambiguous { .. } => "ambiguous",
        };
        assert_eq!((outcome, desk.count("POST /api/v3/order").await), (expected, 1), "{case}");
        assert_eq!(desk.count("GET /api/v3/elsewhere").await, 0, "no redirect is followed");
    }
}

#[tokio::test]
async fn silence_after_an_order_left_is_ambiguous_and_not_repeated() {
    let desk = desk_of(ExchangeEnvironment::Testnet, Duration::from_secs(2)).await;
    desk.is_tested().await;
    desk.answers("POST", "/api/v3/order", ok(full()).set_delay(Duration::from_secs(30))).await;
    desk.answers("GET", "/api/v3/account", ok(json!({})).set_delay(Duration::from_secs(30))).await;
    let outcome = desk.account.send(&order(OrderKind::Market)).await;
    assert_eq!(outcome, SubmitOutcome::Ambiguous { why: "Binance did not answer in time".into() });
    assert_eq!(desk.count("POST /api/v3/order").await, 1);
    let silent = ExchangeError::Unreachable("Binance did not answer in time".into());
    assert_eq!(desk.account.balances().await, Err(silent));
}

/// A whole answer, after which the connection ends.
fn whole(body: &Value) -> String {
    let body = body.to_string();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// Answers questions about the time and one test, and is gone when that answer is there.
async fn leaves_after_the_test(listener: tokio::net::TcpListener) {
    let mut listener = Some(listener);
    while let Some(here) = listener.take() {
        let (mut socket, _) = here.accept().await.expect("a caller");
        let mut request = vec![0; 8_192];
        let length = socket.read(&mut request).await.unwrap_or_default();
        let is_time = String::from_utf8_lossy(&request[..length]).contains("/api/v3/time");
        let body = if is_time { json!({"serverTime": SystemClock.now().0}) } else { json!({}) };
        listener = is_time.then_some(here);
        let _ = socket.write_all(whole(&body).as_bytes()).await;
    }
}

/// Answers questions about the time and tests, and breaks every other answer off; returns what it was asked.
async fn breaks_off(listener: tokio::net::TcpListener, answer: &'static str) -> Vec<String> {
    let mut asked = Vec::new();
    loop {
        let Ok((mut socket, _)) = listener.accept().await else { return asked };
        let mut request = vec![0; 8_192];
        let length = socket.read(&mut request).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&request[..length]).into_owned();
        let line = text.lines().next().unwrap_or_default().to_owned();
        let reply = if line.contains("/api/v3/time") {
            whole(&json!({"serverTime": SystemClock.now().0}))
        } else if line.contains("/order/test") {
            whole(&json!({}))
        } else {
            asked.push(line.clone());
            answer.to_owned()
        };
        let _ = socket.write_all(reply.as_bytes()).await;
        drop(socket);
        if line.starts_with("GET /api/v3/account") {
            return asked;
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_ambiguous_for_an_order_and_no_answer_for_a_read() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"symbol\":", "HTTP/1.1 200", "garbage\r\n\r\n"]
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let host = host_at(
            &format!("http://{}", listener.local_addr().expect("bound")),
            Duration::from_secs(5),
            Arc::new(SystemClock),
        );
        let server = tokio::spawn(breaks_off(listener, answer));
        let account = account_at(&host, ExchangeEnvironment::Testnet);
        let outcome = account.send(&order(OrderKind::Market)).await;
        assert!(matches!(outcome, SubmitOutcome::Ambiguous { .. }), "{answer:?}: {outcome:?}");
        assert!(matches!(account.balances().await, Err(ExchangeError::Unreachable(_))));
        let asked = server.await.expect("ran");
        assert_eq!(asked.iter().filter(|line| line.starts_with("POST /api/v3/order ")).count(), 1, "{asked:?}");
    }
}

#[tokio::test]
async fn what_never_left_is_told_so() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let host = host_at(&url, Duration::from_secs(5), Arc::new(SystemClock));
    let account = account_at(&host, ExchangeEnvironment::Testnet);
    // It goes away after the test of the key's first order, so that the order itself finds nobody.
    let server = tokio::spawn(leaves_after_the_test(listener));
    let unreachable = "Binance cannot be reached";
    let outcome = account.send(&order(OrderKind::Market)).await;
    server.await.expect("ran");
    assert_eq!(outcome, SubmitOutcome::NotSent { why: unreachable.into(), retry_after_ms: 1_000 });
    let (settings, instrument) = (TraderSettings::default(), instrument());
    let context = OrderContext { settings: &settings, instrument: &instrument, given_quote: None };
    let queried = account.query(&order(OrderKind::Market), context).await;
    assert_eq!(queried, QueryOutcome::Unavailable { why: unreachable.into() });
    assert_eq!(account.balances().await, Err(ExchangeError::Unreachable(unreachable.into())));
}

#[tokio::test]
async fn a_refused_timestamp_sets_the_clock_and_repeats_a_read_once() {
    let desk = desk().await;
    let refused = error(400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.");
    Mock::given(path("/api/v3/openOrders")).respond_with(refused.clone()).up_to_n_times(1).mount(&desk.server).await;
    desk.answers("GET", "/api/v3/openOrders", ok(json!([]))).await;
    assert_eq!(desk.account.open_orders(Some(&btcusdt())).await, Ok(Vec::new()));
    let asked = desk.server.received_requests().await.expect("recorded");
    let paths: Vec<&str> = asked.iter().map(|request| request.url.path()).collect();
    assert_eq!(paths, ["/api/v3/time", "/api/v3/openOrders", "/api/v3/time", "/api/v3/openOrders"]);
    desk.answers("GET", "/api/v3/account", refused).await;
    assert!(matches!(desk.account.permissions().await, Err(ExchangeError::ClockSkew(_))));
    assert_eq!(desk.count("GET /api/v3/account").await, 2, "and not a third time");
}

#[tokio::test]
async fn who_is_asked_to_wait_calls_nobody_until_then() {
    for status in [429, 418] {
        let desk = still_desk().await;
        let limit = error(status, -1003, "Too much request weight used; IP banned.").insert_header("Retry-After", "30");
        desk.answers("GET", "/api/v3/openOrders", limit).await;
        let first = desk.account.open_orders(Some(&btcusdt())).await.expect_err("limited");
        assert!(matches!(first, ExchangeError::RateLimited { retry_after_ms: 30_000, .. }), "{first}");
        let calls = desk.asked().await.len();
        let other = account_at(&desk.host, ExchangeEnvironment::Testnet);
        for account in [&desk.account, &other] {
            assert!(matches!(account.balances().await, Err(ExchangeError::RateLimited { .. })));
            let outcome = account.send(&order(OrderKind::Market)).await;
            assert!(matches!(outcome, SubmitOutcome::NotSent { retry_after_ms: 1.., .. }), "{outcome:?}");
            let cancelled = account.cancel(&order(OrderKind::Market), desk.context()).await;
            assert!(matches!(cancelled, CancelOutcome::Unavailable { .. }));
        }
        assert_eq!(desk.asked().await.len(), calls, "nobody was asked");
        let until = desk.host.banned_until().expect("in force");
        let restarted = host_at(&desk.server.uri(), Duration::from_secs(5), Arc::new(StillClock));
        restarted.restore_ban(until);
        let account = account_at(&restarted, ExchangeEnvironment::Testnet);
        assert!(matches!(account.balances().await, Err(ExchangeError::RateLimited { .. })), "after a restart, too");
    }
}

#[tokio::test]
async fn a_limit_of_orders_stops_orders_and_nothing_else() {
    let desk = still_desk().await;
    desk.is_tested().await;
    let limit = error(429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.");
    desk.answers("POST", "/api/v3/order", limit.insert_header("Retry-After", "9")).await;
    desk.answers("GET", "/api/v3/openOrders", ok(json!([]))).await;
    let refused = desk.account.send(&order(OrderKind::Market)).await;
    assert!(matches!(refused, SubmitOutcome::NotAccepted { .. }), "{refused:?}");
    let held = desk.account.send(&order(OrderKind::Market)).await;
    assert!(matches!(held, SubmitOutcome::NotSent { retry_after_ms: 1.., .. }), "{held:?}");
    assert_eq!(desk.count("POST /api/v3/order").await, 1);
    assert!(desk.account.open_orders(Some(&btcusdt())).await.is_ok());
}

#[tokio::test]
async fn one_budget_serves_every_key_and_background_yields_first() {
    let desk = still_desk().await;
    desk.is_tested().await;
    let nearly_full = ok(json!([])).insert_header("X-MBX-USED-WEIGHT-1M", "4500");
    desk.answers("GET", "/api/v3/myTrades", nearly_full).await;
    desk.answers("POST", "/api/v3/order", ok(full()).insert_header("x-mbx-used-weight-1m", "4790")).await;
    desk.answers("DELETE", "/api/v3/order", ok(asked_about("CANCELED", "0.0"))).await;
    desk.account.trades(&btcusdt(), TradesFrom::Newest).await.expect("the first one");
    let other = account_at(&desk.host, ExchangeEnvironment::Testnet);
    let held = other.trades(&btcusdt(), TradesFrom::Newest).await.expect_err("background waits");
    assert!(held.to_string().contains("our share of Binance's rate limit is used up"), "{held}");
    assert!(matches!(other.send(&order(OrderKind::Market)).await, SubmitOutcome::Accepted(_)), "an order goes on");
    assert!(matches!(other.balances().await, Err(ExchangeError::RateLimited { .. })), "until there is no room for it");
    let cancelled = other.cancel(&order(OrderKind::Market), desk.context()).await;
    assert!(matches!(cancelled, CancelOutcome::Canceled(_)), "a cancel always has room");
}

#[tokio::test]
async fn no_error_repeats_a_key_a_signature_or_an_address() {
    let desk = desk_of(ExchangeEnvironment::Mainnet, Duration::from_millis(700)).await;
    let host = desk.server.address().to_string();
    let mut said = Vec::new();
    for (at, answer) in [
        ("/api/v3/account", ResponseTemplate::new(500).set_body_string("boom")),
        ("/api/v3/openOrders", ok(json!({})).set_delay(Duration::from_secs(30))),
        ("/api/v3/allOrders", ok(json!([{"symbol": KEY}]))),
        ("/api/v3/myTrades", ResponseTemplate::new(301).insert_header("Location", "http://example.org/")),
    ] {
        desk.answers("GET", at, answer).await;
    }
    said.push(format!("{:?}", desk.account.permissions().await));
    said.push(format!("{:?}", desk.account.open_orders(None).await));
    said.push(format!("{:?}", desk.account.orders_since(&btcusdt(), Timestamp(5)).await));
    said.push(format!("{:?}", desk.account.trades(&btcusdt(), TradesFrom::Newest).await));
    said.push(format!("{:?}", desk.account.client().account().await));
    let Desk { server, account, .. } = desk;
    drop(server);
    said.push(format!("{:?}", account.balances().await));
    for text in said {
        assert!(text.contains("Err("), "{text}");
        let secrets = [KEY, SECRET, "signature", "timestamp=", "http://", &host];
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
    }
}

#[tokio::test]
async fn nothing_prints_a_secret() {
    let desk = desk().await;
    let pair = BinanceClient::new(
        Arc::clone(&desk.host),
        ExchangeEnvironment::Testnet,
        &"a b".to_owned().into(),
        &SECRET.to_owned().into(),
    );
    let shown = [
        format!("{:?}", desk.account),
        format!("{:?}", desk.account.client()),
        format!("{:?}", desk.host),
        format!("{:?}", HostConfig::new("https://api.binance.com")),
        format!("{pair:?}"),
        pair.err().map(|error| error.to_string()).unwrap_or_default(),
        format!("{:?}", CallError::Lost("x".into())),
    ];
    for text in shown {
        assert!(!text.contains(KEY) && !text.contains(SECRET) && !text.contains("a b"), "{text}");
        assert!(!text.contains(&KEY[..8]), "not even a part: {text}");
    }
    assert_eq!(desk.account.client().last4(), "Eh8A");
}

#[test]
fn only_https_or_this_machine_is_taken_as_an_address() {
    let with = |url: &str| Host::new(HostConfig::new(url), Arc::new(SystemClock)).is_ok();
    for good in ["https://api.binance.com", "https://api.binance.com/", "http://127.0.0.1:9", "http://[::1]:9"] {
        assert!(with(good), "{good}");
    }
    for bad in [
        "http://api.binance.com",
        "ftp://127.0.0.1",
        "127.0.0.1",
        "",
        "https://x/api",
        "https://x/?y=1",
        "https://me@x",
    ] {
        assert!(!with(bad), "{bad}");
    }
}
