//! Who may ask for what: keys, signatures, time frames, and what a key is allowed to do.

use super::house::{KEY, SECRET, Wishes, open, open_with, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::ports::clock::Clock;
use ring::signature::{Ed25519KeyPair, KeyPair};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_signatures_are_told_apart_by_status_and_code() {
    let house = open().await;
    let now = house.clock.now().0;
    let good = house.with_signature("");
    let forged = format!("timestamp={now}&signature={}", sign("another secret", &format!("timestamp={now}")));
    let at = |ms: i64| format!("timestamp={ms}&signature={}", sign(SECRET, &format!("timestamp={ms}")));
    let cases = [
        (None, good.clone(), 401, -2014),
        (Some("not a key!"), good.clone(), 401, -2014),
        (Some("unknown"), good.clone(), 401, -2015),
        (Some(KEY), good.clone(), 200, 0),
        (Some(KEY), good.replace("signature=", "signature=0"), 400, -1022),
        (Some(KEY), forged, 400, -1022),
        (Some(KEY), format!("timestamp={now}"), 400, -1102),
        (Some(KEY), format!("signature={}", sign(SECRET, "")), 400, -1102),
        (Some(KEY), at(now - 5_001), 400, -1021),
        (Some(KEY), at(now - 5_001).replace("signature=", "signature=0"), 400, -1022),
        (Some(KEY), at(now - 5_000), 200, 0),
        (Some(KEY), at(now + 1_000), 400, -1021),
        (Some(KEY), at(now * 1_000), 200, 0),
        (
            Some(KEY),
            format!("misspelt=1&{}", house.with_signature("misspelt=1").replace("misspelt=1&", "")),
            400,
            -1104,
        ),
    ];
    for (key, query, status, code) in cases {
        let headers: Vec<(&str, &str)> = key.map(|key| ("X-MBX-APIKEY", key)).into_iter().collect();
        let answer = house.wire.send("GET", &format!("/api/v3/account?{query}"), &headers, "").await;
        assert_eq!((answer.status, answer.code()), (status, code), "{key:?} {query}: {}", answer.text);
        assert!(!answer.text.contains(SECRET));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_json_with_its_weight_and_unknown_paths_are_404() {
    let house = open().await;
    let mut used = 0;
    for (target, status, weight) in [
        ("/api/v3/ping", 200, 1),
        ("/api/v3/exchangeInfo", 200, 20),
        ("/api/v3/nothing", 404, 1),
        ("/fapi/v1/ping", 404, 1),
        ("/", 404, 1),
        ("/api/v3/depth?symbol=NOSUCH", 400, 5),
        ("/api/v3/ping?extra=1", 400, 1),
    ] {
        let answer = house.public(target).await;
        used += weight;
        assert_eq!(answer.status, status, "{target}: {}", answer.text);
        assert!(answer.header("content-type").starts_with("application/json"), "{target}");
        assert_eq!(answer.header("x-mbx-used-weight-1m"), used.to_string(), "{target}");
        assert_eq!(answer.header("x-mbx-used-weight"), used.to_string(), "{target}");
        answer.json();
    }
    assert_eq!(house.wire.send("PUT", "/api/v3/order", &[], "").await.status, 404);
    let large = house.wire.send("POST", "/api/v3/order", &[("X-MBX-APIKEY", KEY)], &"x".repeat(100_000)).await;
    assert_eq!(large.status, 413);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_free_when_it_succeeds_and_costs_when_it_fails() {
    let house = open().await;
    let placed = house.place("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=80000").await;
    assert_eq!((placed.status, placed.header("x-mbx-used-weight-1m")), (200, "0"));
    assert_eq!((placed.header("x-mbx-order-count-10s"), placed.header("x-mbx-order-count-1d")), ("1", "1"));
    let refused = house.place("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.000015").await;
    assert_eq!((refused.status, refused.header("x-mbx-used-weight-1m")), (400, "1"));
    assert_eq!(refused.header("x-mbx-order-count-10s"), "");
    let counted = house.signed("GET", "/api/v3/rateLimit/order", "").await.good();
    assert_eq!((&counted[0]["interval"], &counted[0]["count"]), (&"SECOND".into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_are_told_in_the_unit_that_is_asked_for() {
    let house = open().await;
    let now = house.clock.now().0;
    for (unit, expected) in [("MILLISECOND", now), ("microsecond", now * 1_000), ("MICROSECOND", now * 1_000)] {
        let answer = house.wire.send("GET", "/api/v3/time", &[("X-MBX-TIME-UNIT", unit)], "").await;
        assert_eq!(answer.good()["serverTime"], expected, "{unit}");
    }
    let refused = house.wire.send("GET", "/api/v3/time", &[("X-MBX-TIME-UNIT", "SECOND")], "").await;
    assert_eq!((refused.status, refused.code()), (400, -1194));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ed25519_key_signs_in_base64() {
    let dir = tempfile::tempdir().unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = STANDARD.encode([&prefix[..], pair.public_key().as_ref()].concat());
    let file = dir.path().join("public.pem");
    std::fs::write(&file, format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")).unwrap();
    let accounts = vec![format!("{KEY}:@{}:USDT=5", file.display())];
    let house = open_with(Wishes { accounts, ..Wishes::default() }).await;
    let payload = format!("omitZeroBalances=true&timestamp={}", house.clock.now().0);
    let signature = STANDARD.encode(pair.sign(payload.as_bytes()).as_ref());
    let encoded: String = form_urlencoded::byte_serialize(signature.as_bytes()).collect();
    let ask = async |signature: &str| {
        let target = format!("/api/v3/account?{payload}&signature={signature}");
        house.wire.send("GET", &target, &[("X-MBX-APIKEY", KEY)], "").await
    };
    let account = ask(&encoded).await.good();
    assert_eq!(
        account["balances"],
        serde_json::json!([{"asset": "USDT", "free": "5.00000000", "locked": "0.00000000"}])
    );
    assert_eq!(ask(&encoded.to_lowercase()).await.code(), -1022);
    assert_eq!(ask(&sign(SECRET, &payload)).await.code(), -1022);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_tells_what_it_may_do_and_may_not_do_more() {
    let accounts = vec![
        format!("{KEY}:{SECRET}"),
        format!("unsafe:{SECRET}:USDT=1:withdraw,universal-transfer,any-ip"),
        format!("reader:{SECRET}:USDT=1000:no-trade"),
    ];
    let house = open_with(Wishes { accounts, ..Wishes::default() }).await;
    let ask = async |method: &str, key: &str, path: &str, params: &str| {
        let target = format!("{path}?{}", house.with_signature(params));
        house.wire.send(method, &target, &[("X-MBX-APIKEY", key)], "").await
    };
    let path = "/sapi/v1/account/apiRestrictions";
    let safe = ask("GET", KEY, path, "").await.good();
    assert_eq!((&safe["enableWithdrawals"], &safe["ipRestrict"]), (&false.into(), &true.into()));
    assert_eq!((&safe["enableReading"], &safe["enableSpotAndMarginTrading"]), (&true.into(), &true.into()));
    let dangerous = ask("GET", "unsafe", path, "").await.good();
    assert_eq!((&dangerous["enableWithdrawals"], &dangerous["permitsUniversalTransfer"]), (&true.into(), &true.into()));
    assert_eq!(dangerous["ipRestrict"], false);
    let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001";
    let refused = ask("POST", "reader", "/api/v3/order", order).await;
    assert_eq!((refused.status, refused.code()), (401, -2015));
    assert_eq!(ask("GET", "reader", "/api/v3/account", "").await.good()["canTrade"], false);
    assert_eq!(ask("GET", "reader", "/api/v3/openOrders", "").await.good(), serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_never_see_each_other() {
    let accounts = vec![format!("{KEY}:{SECRET}"), format!("other:{SECRET}")];
    let house = open_with(Wishes { accounts, ..Wishes::default() }).await;
    let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=80000&newClientOrderId=mine";
    let id = house.place(limit).await.good()["orderId"].clone();
    let other = async |method: &str, path: &str, params: &str| {
        let target = format!("{path}?{}", house.with_signature(params));
        house.wire.send(method, &target, &[("X-MBX-APIKEY", "other")], "").await
    };
    let mine = format!("symbol=BTCUSDT&orderId={id}");
    assert_eq!(other("GET", "/api/v3/order", &mine).await.code(), -2013);
    assert_eq!(other("DELETE", "/api/v3/order", &mine).await.code(), -2011);
    assert_eq!(other("GET", "/api/v3/allOrders", "symbol=BTCUSDT").await.good(), serde_json::json!([]));
    assert_eq!(other("POST", "/api/v3/order", limit).await.status, 200, "a client's names are its own");
}
