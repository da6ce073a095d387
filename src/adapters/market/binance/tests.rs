//! Tests of the Binance market against a server that answers well, badly or not at all.

use super::super::simulated_clock::tests::HandClock;
use super::*;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// 2026-01-01 10:20:00 UTC.
const NOW: i64 = 1_767_262_800_000;

struct Desk {
    server: MockServer,
    market: Arc<BinanceMarket>,
    wall: Arc<HandClock>,
}

async fn desk() -> Desk {
    let server = MockServer::start().await;
    let wall = Arc::new(HandClock(AtomicI64::new(NOW)));
    let config = BinanceConfig {
        base_url: server.uri(),
        timeout: Duration::from_millis(400),
        retry_delay: Duration::from_millis(1),
    };
    let market = Arc::new(BinanceMarket::new(&config, wall.clone()).expect("loopback is fine"));
    Desk { server, market, wall }
}

impl Desk {
    async fn answers(&self, at: &str, answer: ResponseTemplate, calls: u64) {
        Mock::given(method("GET")).and(path(at)).respond_with(answer).expect(calls).mount(&self.server).await;
    }

    async fn lists(&self) {
        let answer = ResponseTemplate::new(200).set_body_json(exchange_info());
        Mock::given(path("/api/v3/exchangeInfo")).respond_with(answer).mount(&self.server).await;
    }

    fn later(&self, ms: i64) {
        self.wall.0.fetch_add(ms, Ordering::SeqCst);
    }
}

fn exchange_info() -> Value {
    let filters = json!([
        {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "120.50000000", "stepSize": "0.00000000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": true, "maxNotional": "9000000.0"},
        {"filterType": "SOMETHING_NEW", "limit": {"deep": [1, 2]}}
    ]);
    let old = json!([
        {"filterType": "PRICE_FILTER", "tickSize": "0.00010000"},
        {"filterType": "LOT_SIZE", "minQty": "0.10000000", "maxQty": "99999999999999.0", "stepSize": "0.10000000"},
        {"filterType": "MIN_NOTIONAL", "minNotional": "10.00000000"}
    ]);
    let market = |base: &str, quote: &str, status: &str, filters: &Value| {
        json!({"symbol": format!("{base}{quote}"), "status": status, "baseAsset": base, "quoteAsset": quote,
               "isSpotTradingAllowed": true, "permissions": [], "filters": filters, "brandNewField": {"a": 1}})
    };
    json!({"timezone": "UTC", "serverTime": NOW, "rateLimits": [{}], "exchangeFilters": [], "symbols": [
        market("BTC", "USDT", "TRADING", &filters),
        market("XRP", "USDT", "CANCEL_ONLY", &old),
        market("这是测试币456", "USDT", "TRADING", &filters),
        market("ETH", "BTC", "TRADING", &filters),
        market("BAD", "USDT", "TRADING", &json!([{"filterType": "LOT_SIZE", "stepSize": "1e-5"}])),
    ]})
}

fn symbol(name: &str) -> Symbol {
    Symbol(name.to_owned())
}

fn ticker(name: &str, price: &str) -> Value {
    json!({"symbol": name, "lastPrice": price, "openPrice": "1", "closeTime": NOW - 500, "count": 76})
}

/// `count` hourly rows of which the last is the running one at `NOW`.
fn rows(count: i64) -> Value {
    let running = NOW / HOUR_MS * HOUR_MS;
    let row = |n: i64| {
        let open = running - (count - 1 - n) * HOUR_MS;
        json!([
            open,
            "100.10000000",
            "103.00000000",
            "99.50000000",
            "101.20000000",
            "12.5",
            open + HOUR_MS - 1,
            "0",
            7,
            "0",
            "0",
            "0"
        ])
    };
    (0..count).map(row).collect()
}

#[tokio::test]
async fn filters_are_read_with_their_traps_and_kept_for_an_hour() {
    let desk = desk().await;
    desk.answers("/api/v3/exchangeInfo", ResponseTemplate::new(200).set_body_json(exchange_info()), 2).await;
    let list = desk.market.instruments().await.expect("answers");
    let btc = list.of_coin(&crate::domain::market::Coin::parse("BTC").expect("coin")).expect("listed");
    let shown = |value: rust_decimal::Decimal| value.to_string();
    assert_eq!((shown(btc.tick_size), shown(btc.step_size)), ("0.01".into(), "0.00001".into()));
    assert_eq!((shown(btc.min_quantity), shown(btc.max_quantity)), ("0.00001".into(), "9000".into()));
    assert_eq!(shown(btc.finer.market_lot.max), "120.5");
    assert_eq!((shown(btc.min_notional), btc.trading), ("5".into(), true));
    let xrp = list.of_symbol(&symbol("XRPUSDT")).expect("listed");
    assert!(!xrp.trading, "an unknown status is not tradable");
    assert_eq!((shown(xrp.min_notional), shown(xrp.max_quantity)), ("10".into(), "1000000000000".into()));
    assert_eq!(list.coins().count(), 3, "a market with unreadable filters or another quote asset is left out");
    desk.later(HOUR_MS - 1);
    desk.market.instruments().await.expect("kept");
    desk.later(1);
    desk.market.instruments().await.expect("asked again");
}

#[tokio::test]
async fn prices_come_with_their_time_in_one_call_for_all_who_ask_at_once() {
    let desk = desk().await;
    desk.lists().await;
    let body = json!([ticker("BTCUSDT", "43250.10000000"), ticker("XRPUSDT", "0.00000000"), ticker("ODDUSDT", "1")]);
    let answer = ResponseTemplate::new(200).set_body_json(body).set_delay(Duration::from_millis(20));
    Mock::given(path("/api/v3/ticker/24hr"))
        .and(query_param("symbols", r#"["BTCUSDT","XRPUSDT"]"#))
        .and(query_param("type", "MINI"))
        .respond_with(answer)
        .expect(2)
        .mount(&desk.server)
        .await;
    let wanted = [symbol("BTCUSDT"), symbol("XRPUSDT"), symbol("NOPEUSDT")];
    let asked = (0..20).map(|_| desk.market.quotes(&wanted));
    for quotes in futures_util::future::join_all(asked).await {
        let quotes = quotes.expect("answers");
        assert_eq!(quotes.len(), 1, "a price of zero is no price, and unknown markets have none");
        let quote = quotes[&symbol("BTCUSDT")];
        assert_eq!((quote.price.to_string().as_str(), quote.at), ("43250.1", Timestamp(NOW - 500)));
    }
    desk.later(QUOTES_KEPT_MS - 1);
    desk.market.quotes(&wanted[..1]).await.expect("kept");
    desk.later(1);
    desk.market.quotes(&wanted[..1]).await.expect("asked again, for both that are wanted");
}

#[tokio::test]
async fn the_running_candle_is_dropped_and_the_rest_kept_until_the_next_closes() {
    let desk = desk().await;
    desk.lists().await;
    Mock::given(path("/api/v3/klines"))
        .and(query_param("interval", "1h"))
        .and(query_param("limit", "11"))
        .respond_with(ResponseTemplate::new(200).set_body_json(rows(11)))
        .expect(2)
        .mount(&desk.server)
        .await;
    let ask = async |limit| desk.market.candles(&symbol("BTCUSDT"), CandleInterval::OneHour, limit).await;
    let candles = ask(10).await.expect("answers");
    assert_eq!(candles.len(), 10);
    let last = candles.last().expect("ten");
    assert_eq!(last.open_time.0, NOW / HOUR_MS * HOUR_MS - HOUR_MS);
    assert_eq!((last.high.to_string(), last.volume.to_string()), ("103".into(), "12.5".into()));
    desk.later(39 * MINUTE_MS);
    assert_eq!(ask(4).await.expect("kept").len(), 4);
    desk.later(2 * MINUTE_MS);
    assert_eq!(ask(10).await.expect("asked again").len(), 10);
}

#[tokio::test]
async fn a_candle_closes_when_a_later_one_has_begun_or_when_it_is_long_over() {
    let at = |now: i64, count: i64| {
        let body = rows(count).to_string();
        wire::candles(body.as_bytes(), CandleInterval::OneHour, Timestamp(now), false).expect("readable").len()
    };
    let running_ends = NOW / HOUR_MS * HOUR_MS + HOUR_MS;
    assert_eq!(at(NOW, 5), 4);
    assert_eq!(at(running_ends + 1_000, 5), 4, "our clock may run ahead of the venue's");
    assert_eq!(at(running_ends + MINUTE_MS, 5), 5);
    assert_eq!(at(running_ends - HOUR_MS - 1, 5), 3, "and a candle from the future is not closed");
}

#[tokio::test]
async fn a_live_venue_quotes_the_middle_of_its_book_at_the_moment_of_asking() {
    let desk = desk().await;
    desk.lists().await;
    let host = Host::new(HostConfig::new(&desk.server.uri()), desk.wall.clone()).expect("loopback is fine");
    let market = BinanceMarket::over(Arc::new(host), desk.wall.clone());
    let book = |name: &str, bid: &str, ask: &str| json!({"symbol": name, "bidPrice": bid, "bidQty": "1", "askPrice": ask, "askQty": "1"});
    let body = json!([book("BTCUSDT", "43250.10000000", "43250.11000000"), book("XRPUSDT", "0.00000000", "0.5")]);
    Mock::given(path("/api/v3/ticker/bookTicker"))
        .and(query_param("symbols", r#"["BTCUSDT","XRPUSDT"]"#))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .up_to_n_times(1)
        .mount(&desk.server)
        .await;
    let quotes = market.quotes(&[symbol("BTCUSDT"), symbol("XRPUSDT")]).await.expect("answers");
    assert_eq!(quotes.len(), 1, "half a book is no price");
    let quote = quotes[&symbol("BTCUSDT")];
    assert_eq!((quote.price.to_string().as_str(), quote.at), ("43250.105", Timestamp(NOW)));
    desk.later(QUOTES_KEPT_MS);
    let crossed = ResponseTemplate::new(200).set_body_json(json!([book("BTCUSDT", "2", "1")]));
    desk.answers("/api/v3/ticker/bookTicker", crossed, 1).await;
    let error = market.quotes(&[symbol("BTCUSDT")]).await.expect_err("crossed");
    assert!(matches!(error, MarketDataError::Unreadable(_)), "{error}");
}

#[tokio::test]
async fn a_later_row_of_a_live_venue_closes_a_candle_whatever_our_clock_says() {
    let body = rows(5).to_string();
    let years_ago = Timestamp(NOW - 1_000 * DAY_MS);
    let candles = wire::candles(body.as_bytes(), CandleInterval::OneHour, years_ago, true).expect("readable");
    assert_eq!(candles.len(), 4);
}

#[tokio::test]
async fn an_unknown_market_is_named_without_asking() {
    let desk = desk().await;
    desk.lists().await;
    let error = desk.market.candles(&symbol("NOPEUSDT"), CandleInterval::OneHour, 5).await.expect_err("unknown");
    assert!(matches!(error, MarketDataError::UnknownSymbol(_)));
    assert_eq!(desk.server.received_requests().await.expect("recorded").len(), 1);
}

#[tokio::test]
async fn absurd_answers_are_unreadable_and_never_a_price() {
    let row = |change: (usize, Value)| {
        let mut row = rows(2)[0].as_array().expect("a row").clone();
        row[change.0] = change.1;
        json!([row])
    };
    let shared = ResponseTemplate::new(200);
    for (case, answer, expected) in [
        ("html", shared.clone().set_body_string("<html>maintenance</html>"), "not JSON of the documented shape"),
        ("empty", shared.clone(), "not JSON of the documented shape"),
        ("half", shared.clone().set_body_string("[[1767225600000,\"1"), "not JSON of the documented shape"),
        ("object", shared.clone().set_body_json(json!({"rows": []})), "not JSON of the documented shape"),
        ("huge", shared.clone().set_body_bytes(vec![b' '; ANSWER_BYTES_MAX + 1]), "longer than"),
        ("zero", shared.clone().set_body_json(row((1, json!("0")))), "open must be greater than zero"),
        ("number", shared.clone().set_body_json(row((4, json!(101.2)))), "close is not there as text"),
        ("exponent", shared.clone().set_body_json(row((2, json!("1e9")))), "high must be a plain decimal"),
        ("low", shared.clone().set_body_json(row((3, json!("200")))), "low must not be above"),
        ("time", shared.clone().set_body_json(row((0, json!(12)))), "open time is not on the interval"),
        ("order", shared.clone().set_body_json(json!([rows(2)[1], rows(2)[0]])), "not after the one before"),
        ("short", shared.clone().set_body_json(json!([[NOW / HOUR_MS * HOUR_MS]])), "is not there as text"),
    ] {
        let desk = desk().await;
        desk.lists().await;
        desk.answers("/api/v3/klines", answer, 1).await;
        let error = desk.market.candles(&symbol("BTCUSDT"), CandleInterval::OneHour, 5).await.expect_err(case);
        assert!(matches!(error, MarketDataError::Unreadable(_)), "{case}: {error}");
        assert!(error.to_string().contains(expected), "{case}: {error}");
    }
    for bad in ["abc", "-1", "NaN", "1e5"] {
        let desk = desk().await;
        desk.lists().await;
        desk.answers("/api/v3/ticker/24hr", shared.clone().set_body_json(json!([ticker("BTCUSDT", bad)])), 1).await;
        let error = desk.market.quotes(&[symbol("BTCUSDT")]).await.expect_err(bad);
        assert!(matches!(error, MarketDataError::Unreadable(_)), "{bad}: {error}");
    }
    let desk = desk().await;
    desk.answers("/api/v3/exchangeInfo", shared.set_body_json(json!({"symbols": []})), 1).await;
    assert!(matches!(desk.market.instruments().await, Err(MarketDataError::Unreadable(_))));
}

#[tokio::test]
async fn a_passing_failure_is_retried_a_few_times_and_a_refusal_is_not() {
    let flaky = desk().await;
    let broken = ResponseTemplate::new(502);
    Mock::given(path("/api/v3/exchangeInfo")).respond_with(broken).up_to_n_times(2).mount(&flaky.server).await;
    flaky.lists().await;
    flaky.market.instruments().await.expect("the third attempt");

    let down = desk().await;
    down.answers("/api/v3/exchangeInfo", ResponseTemplate::new(503), 3).await;
    let error = down.market.instruments().await.expect_err("down");
    assert_eq!(error.to_string(), "market data unavailable: Binance answered HTTP 503");
    let again = down.market.instruments().await.expect_err("kept");
    assert_eq!(again.to_string(), error.to_string(), "the failure answers for the next callers without a call");

    let refusing = desk().await;
    refusing.lists().await;
    let body = json!({"code": -1121, "msg": "Invalid\u{7} symbol."});
    refusing.answers("/api/v3/ticker/24hr", ResponseTemplate::new(400).set_body_json(body), 1).await;
    let error = refusing.market.quotes(&[symbol("BTCUSDT")]).await.expect_err("refused");
    let expected = "market data unavailable: Binance answered HTTP 400 with code -1121: Invalid symbol.";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_rate_limit_silences_every_call_until_it_is_over() {
    for status in [429, 418] {
        let desk = desk().await;
        desk.lists().await;
        let limit = ResponseTemplate::new(status).insert_header("Retry-After", "30");
        let limited = Mock::given(path("/api/v3/ticker/24hr")).respond_with(limit).up_to_n_times(1).expect(1);
        limited.mount(&desk.server).await;
        let good = ResponseTemplate::new(200).set_body_json(json!([ticker("BTCUSDT", "1")]));
        desk.answers("/api/v3/ticker/24hr", good, 1).await;
        let wanted = [symbol("BTCUSDT")];
        let error = desk.market.quotes(&wanted).await.expect_err("limited").to_string();
        assert!(error.contains(&format!("HTTP {status}")) && error.contains("waiting 30 s"), "{error}");
        desk.later(29_000);
        let error = desk.market.quotes(&wanted).await.expect_err("still limited").to_string();
        assert!(error.contains("the next call is in 1 s"), "{error}");
        let candles = desk.market.candles(&wanted[0], CandleInterval::OneHour, 5).await;
        assert!(candles.is_err(), "the limit holds for every endpoint");
        desk.later(3_000);
        assert_eq!(desk.market.quotes(&wanted).await.expect("answers").len(), 1);
    }
}

#[tokio::test]
async fn silence_and_unreachable_hosts_are_said_in_words() {
    let slow = desk().await;
    let answer = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    slow.answers("/api/v3/exchangeInfo", answer, 3).await;
    let error = slow.market.instruments().await.expect_err("silent");
    assert_eq!(error.to_string(), "market data unavailable: Binance did not answer in time");

    let gone = desk().await;
    let Desk { server, market, .. } = gone;
    drop(server);
    let error = market.quotes(&[symbol("BTCUSDT")]).await.expect_err("gone");
    assert!(matches!(error, MarketDataError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base_url = format!("http://{}", listener.local_addr().expect("bound"));
    let server = tokio::spawn(async move {
        let mut served = 0;
        while served < 3 {
            let (mut socket, _) = listener.accept().await.expect("a caller");
            let mut request = [0; 4_096];
            let _ = socket.read(&mut request).await;
            let half =
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"symbols\":[";
            let _ = socket.write_all(half).await;
            served += 1;
        }
        served
    });
    let (timeout, retry_delay) = (Duration::from_secs(5), Duration::from_millis(1));
    let wall = Arc::new(HandClock(AtomicI64::new(NOW)));
    let market = BinanceMarket::new(&BinanceConfig { base_url, timeout, retry_delay }, wall).expect("loopback");
    let error = market.instruments().await.expect_err("half an answer");
    assert_eq!(error.to_string(), "market data unavailable: Binance broke off its answer");
    assert_eq!(server.await.expect("ran"), 3, "a read is tried three times");
}

#[tokio::test]
async fn old_filters_serve_for_a_day_when_new_ones_cannot_be_had() {
    let desk = desk().await;
    let good = ResponseTemplate::new(200).set_body_json(exchange_info());
    Mock::given(path("/api/v3/exchangeInfo")).respond_with(good).up_to_n_times(1).mount(&desk.server).await;
    let bad = ResponseTemplate::new(403).set_body_string("<html>no</html>");
    Mock::given(path("/api/v3/exchangeInfo")).respond_with(bad).mount(&desk.server).await;
    desk.market.instruments().await.expect("answers");
    desk.later(2 * HOUR_MS);
    desk.market.instruments().await.expect("the old list");
    desk.later(DAY_MS);
    let error = desk.market.instruments().await.expect_err("too old");
    assert_eq!(error.to_string(), "market data unavailable: Binance answered HTTP 403");
}

#[test]
fn only_https_or_loopback_is_taken_as_a_base() {
    let wall: Arc<dyn Clock> = Arc::new(HandClock(AtomicI64::new(NOW)));
    let with = |base: &str| {
        let config = BinanceConfig { base_url: base.to_owned(), ..BinanceConfig::default() };
        BinanceMarket::new(&config, wall.clone()).is_ok()
    };
    assert!(with(DATA_ONLY_HOST) && with("http://127.0.0.1:9") && with("http://[::1]:9") && with("http://localhost"));
    for bad in ["http://example.com", "ftp://example.com", "example.com", "", "data:text/plain,x"] {
        assert!(!with(bad), "{bad}");
    }
}
