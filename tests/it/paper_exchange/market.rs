//! What everybody may see.

use super::house::{Wishes, amount, open, open_with};
use countersign::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use rust_decimal::Decimal;

/// Market time at the start of a story: half-way through a candle of five minutes.
const START: i64 = 1_767_225_750_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exchange_describes_its_markets_with_filters_and_limits() {
    let house =
        open_with(Wishes { limits: countersign::adapters::paper_exchange::LimitsMode::Binance, ..Wishes::default() })
            .await;
    let info = house.public("/api/v3/exchangeInfo").await.good();
    assert_eq!((&info["timezone"], info["symbols"].as_array().unwrap().len()), (&"UTC".into(), 6));
    let limits: Vec<String> = info["rateLimits"].as_array().unwrap().iter().map(|it| format!("{it}")).collect();
    assert!(limits[0].contains("REQUEST_WEIGHT") && limits[0].contains("6000"), "{limits:?}");
    let btc = house.public("/api/v3/exchangeInfo?symbol=BTCUSDT").await.good();
    let symbol = &btc["symbols"][0];
    assert_eq!(
        (&symbol["status"], &symbol["baseAsset"], &symbol["quoteAsset"]),
        (&"TRADING".into(), &"BTC".into(), &"USDT".into())
    );
    assert_eq!(symbol["permissionSets"], serde_json::json!([["SPOT"]]));
    let filters = symbol["filters"].as_array().unwrap();
    let filter = |name: &str| filters.iter().find(|it| it["filterType"] == name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(filter("PRICE_FILTER")["tickSize"], "0.01000000");
    assert_eq!(filter("LOT_SIZE")["stepSize"], "0.00001000");
    assert_eq!(filter("MARKET_LOT_SIZE")["stepSize"], "0.00000000");
    assert_eq!(filter("NOTIONAL")["minNotional"], "5.00000000");
    assert!(filter("MAX_NUM_ORDERS")["maxNumOrders"].is_i64());
    for name in ["PERCENT_PRICE_BY_SIDE", "MAX_NUM_ALGO_ORDERS"] {
        filter(name);
    }
    let two = house.public("/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%2C%22ETHUSDT%22%5D").await.good();
    assert_eq!(two["symbols"].as_array().unwrap().len(), 2);
    for (query, code) in [
        ("symbol=NOSUCH", -1121),
        ("symbols=%5B%22BTCUSDT%22%2C%22NOSUCH%22%5D", -1121),
        ("symbols=BTCUSDT", -1100),
        ("symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D", -1128),
        ("symbol=BTCUSDT&permissions=SPOT", -1128),
        ("symbolStatus=CLOSED", -1122),
    ] {
        assert_eq!(house.public(&format!("/api/v3/exchangeInfo?{query}")).await.code(), code, "{query}");
    }
    let halted = house.public("/api/v3/exchangeInfo?symbolStatus=HALT").await.good();
    assert_eq!(halted["symbols"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn book_and_tickers_agree_on_the_price() {
    let house = open().await;
    let book = house.public("/api/v3/depth?symbol=BTCUSDT&limit=5").await.good();
    let side = |name: &str| -> Vec<(Decimal, Decimal)> {
        let rows = book[name].as_array().unwrap();
        rows.iter().map(|row| (amount(&row[0]), amount(&row[1]))).collect()
    };
    let (bids, asks) = (side("bids"), side("asks"));
    assert_eq!((bids.len(), asks.len()), (5, 5));
    assert!(bids.windows(2).all(|pair| pair[0].0 > pair[1].0) && asks.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(bids.iter().chain(&asks).all(|(_, quantity)| *quantity > Decimal::ZERO));
    let last = amount(&house.public("/api/v3/ticker/price?symbol=BTCUSDT").await.good()["price"]);
    assert!(bids[0].0 < last && last < asks[0].0, "{bids:?} {last} {asks:?}");
    let best = house.public("/api/v3/ticker/bookTicker?symbol=BTCUSDT").await.good();
    assert_eq!((amount(&best["bidPrice"]), amount(&best["askQty"])), (bids[0].0, asks[0].1));
    for path in ["ticker/price", "ticker/bookTicker", "ticker/24hr"] {
        let all = house.public(&format!("/api/v3/{path}")).await.good();
        assert_eq!(all.as_array().unwrap().len(), 6, "{path}");
        assert_eq!(house.public(&format!("/api/v3/{path}?symbol=NOSUCH")).await.code(), -1121);
        assert_eq!(house.public(&format!("/api/v3/{path}?symbol=BTCUSDT&symbolStatus=HALT")).await.code(), -1220);
    }
    let day = house.public("/api/v3/ticker/24hr?symbol=BTCUSDT").await.good();
    assert_eq!((amount(&day["lastPrice"]), amount(&day["askPrice"])), (last, asks[0].0));
    let change = amount(&day["lastPrice"]) - amount(&day["openPrice"]);
    assert_eq!(amount(&day["priceChange"]), change);
    assert!(amount(&day["highPrice"]) >= last && amount(&day["lowPrice"]) <= last);
    assert!(amount(&day["volume"]) > Decimal::ZERO);
    let mini = house.public("/api/v3/ticker/24hr?symbol=BTCUSDT&type=MINI").await.good();
    assert!(mini.get("priceChange").is_none() && mini["lastPrice"] == day["lastPrice"]);
    for path in ["ticker/tradingDay?symbol=BTCUSDT", "ticker?symbol=BTCUSDT&windowSize=4h", "avgPrice?symbol=BTCUSDT"] {
        house.public(&format!("/api/v3/{path}")).await.good();
    }
    assert_eq!(house.public("/api/v3/ticker").await.code(), -1102);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candles_come_in_order_and_the_last_one_is_running() {
    let house = open().await;
    let candles = async |query: &str| {
        let rows = house.public(&format!("/api/v3/klines?symbol=BTCUSDT&{query}")).await.good();
        rows.as_array().unwrap().clone()
    };
    let last = amount(&house.public("/api/v3/ticker/price?symbol=BTCUSDT").await.good()["price"]);
    for (interval, ms) in [("5m", 5 * MINUTE_MS), ("15m", 15 * MINUTE_MS), ("1h", HOUR_MS), ("1d", DAY_MS)] {
        let rows = candles(&format!("interval={interval}&limit=10")).await;
        assert_eq!(rows.len(), 10, "{interval}");
        for pair in rows.windows(2) {
            assert_eq!(pair[1][0].as_i64().unwrap() - pair[0][0].as_i64().unwrap(), ms, "{interval}");
        }
        let newest = &rows[9];
        let (open, close) = (newest[0].as_i64().unwrap(), newest[6].as_i64().unwrap());
        assert!(open <= START && START <= close && close - open == ms - 1, "{interval}: the last one is running");
        assert_eq!(amount(&newest[4]), last, "{interval}: and closes at the last price for now");
        assert!(rows.iter().all(|row| row.as_array().unwrap().len() == 12 && amount(&row[2]) >= amount(&row[3])));
    }
    let from = START - 10 * HOUR_MS;
    let span = candles(&format!("interval=1h&startTime={from}&endTime={}&limit=3", START - HOUR_MS)).await;
    assert_eq!(span.len(), 3, "the oldest from the start on");
    assert!(span[0][0].as_i64().unwrap() >= from && span[0][0].as_i64().unwrap() < from + HOUR_MS);
    let until = candles(&format!("interval=1h&endTime={}&limit=2", START - 5 * HOUR_MS)).await;
    assert!(until.len() == 2 && until[1][0].as_i64().unwrap() <= START - 5 * HOUR_MS);
    for (query, code) in [
        ("symbol=BTCUSDT&interval=2m", -1120),
        ("symbol=BTCUSDT&interval=1m", -1120),
        ("symbol=NOSUCH&interval=1h", -1121),
        ("symbol=BTCUSDT", -1102),
        ("symbol=BTCUSDT&interval=1h&limit=0", -1102),
    ] {
        assert_eq!(house.public(&format!("/api/v3/klines?{query}")).await.code(), code, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_move_with_market_time_and_the_clock_does_not() {
    let house = open().await;
    let price = async || house.public("/api/v3/ticker/price?symbol=BTCUSDT").await.good()["price"].clone();
    let before = price().await;
    let time = house.public("/api/v3/time").await.good();
    house.market.advance_to(Timestamp(START + DAY_MS));
    house.exchange.tick_now().await;
    assert_ne!(price().await, before);
    assert_eq!(house.public("/api/v3/time").await.good(), time);
}
