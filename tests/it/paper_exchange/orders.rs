//! Orders from placement to their end, with the balances that follow.

use super::house::{KEY, SECRET, amount, open, plain, sign};
use countersign::ports::clock::Clock;
use rust_decimal::Decimal;
use serde_json::Value;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[track_caller]
fn has_keys(value: &Value, keys: &str) {
    let mut expected: Vec<&str> = keys.split_whitespace().collect();
    let mut found: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_market_buy_by_quantity_pays_its_fee_from_what_was_bought() {
    let house = open().await;
    let (ask, _) = house.best("BTCUSDT").await;
    let answer = house.place("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&newClientOrderId=mine-1").await;
    let order = answer.good();
    has_keys(
        &order,
        "symbol orderId orderListId clientOrderId transactTime price origQty executedQty origQuoteOrderQty \
         cummulativeQuoteQty status timeInForce type side workingTime fills selfTradePreventionMode",
    );
    assert_eq!(order["status"], "FILLED");
    assert_eq!(order["price"], "0.00000000");
    assert_eq!(order["executedQty"], "0.01000000");
    assert_eq!(order["clientOrderId"], "mine-1");
    assert_eq!(order["orderListId"], -1);
    assert_eq!(order["transactTime"], house.clock.now().0);
    let fills = order["fills"].as_array().unwrap();
    let fee: Decimal = fills.iter().map(|fill| amount(&fill["commission"])).sum();
    assert_eq!(amount(&fills[0]["price"]), ask, "at the best price of the book");
    assert!(fills.iter().all(|fill| fill["commissionAsset"] == "BTC" && fill["tradeId"].is_i64()));
    assert_eq!(fee, dec("0.00001"), "ten basis points of what was received");
    assert_eq!(house.balance("BTC").await, (dec("1.00999"), Decimal::ZERO));
    let spent = amount(&order["cummulativeQuoteQty"]);
    assert_eq!(house.balance("USDT").await, (dec("100000") - spent, Decimal::ZERO));

    let trades = house.signed("GET", "/api/v3/myTrades", "symbol=BTCUSDT").await.good();
    assert_eq!(trades.as_array().unwrap().len(), fills.len());
    has_keys(
        &trades[0],
        "symbol id orderId orderListId price qty quoteQty commission commissionAsset time isBuyer isMaker isBestMatch",
    );
    assert_eq!((&trades[0]["orderId"], &trades[0]["id"]), (&order["orderId"], &fills[0]["tradeId"]));
    let public = house.public("/api/v3/trades?symbol=BTCUSDT").await.good();
    assert_eq!(public[0]["id"], fills[0]["tradeId"]);
    assert_eq!(public[0]["isBuyerMaker"], false, "the buyer took");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_market_buy_by_quote_never_spends_more_and_a_sale_pays_in_quote() {
    let house = open().await;
    let order = house.place("symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=1000").await.good();
    let (executed, spent) = (amount(&order["executedQty"]), amount(&order["cummulativeQuoteQty"]));
    assert!(spent <= dec("1000") && spent > dec("998"), "{spent}");
    assert!((executed % dec("0.00001")).is_zero(), "whole steps");
    assert_eq!(order["origQuoteOrderQty"], "1000.00000000");
    assert_eq!(order["origQty"], order["executedQty"]);

    let before = house.balance("USDT").await.0;
    let sold = house.place("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.02").await.good();
    let fees = sold["fills"].as_array().unwrap().iter().map(|fill| {
        assert_eq!(fill["commissionAsset"], "USDT");
        amount(&fill["commission"])
    });
    let received = amount(&sold["cummulativeQuoteQty"]) - fees.sum::<Decimal>();
    assert_eq!(house.balance("USDT").await.0, before + received);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_order_rests_locks_is_found_is_unique_while_open_and_is_taken_back() {
    let house = open().await;
    let terms = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.5&price=80000&newClientOrderId=rest-1";
    let order = house.place(terms).await.good();
    assert_eq!((&order["status"], &order["fills"]), (&Value::from("NEW"), &Value::Array(Vec::new())));
    assert_eq!(house.balance("USDT").await, (dec("60000"), dec("40000")));

    let again = house.place(terms).await;
    assert_eq!((again.status, again.code()), (400, -2010));
    assert_eq!(again.json()["msg"], "Duplicate order sent.");

    let found = house.signed("GET", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=rest-1").await.good();
    has_keys(
        &found,
        "symbol orderId orderListId clientOrderId price origQty executedQty cummulativeQuoteQty status timeInForce type side \
         stopPrice icebergQty time updateTime isWorking workingTime origQuoteOrderQty selfTradePreventionMode",
    );
    assert_eq!((&found["orderId"], &found["isWorking"]), (&order["orderId"], &Value::Bool(true)));
    let id = order["orderId"].as_i64().unwrap();
    let both = format!("symbol=BTCUSDT&orderId={id}&origClientOrderId=another");
    assert_eq!(house.signed("GET", "/api/v3/order", &both).await.code(), -2039);
    let open = house.signed("GET", "/api/v3/openOrders", "").await.good();
    assert_eq!(open.as_array().unwrap().len(), 1);

    let cancel = "symbol=BTCUSDT&origClientOrderId=rest-1&newClientOrderId=cancel-1";
    let canceled = house.signed("DELETE", "/api/v3/order", cancel).await.good();
    has_keys(
        &canceled,
        "symbol origClientOrderId orderId orderListId clientOrderId transactTime price origQty executedQty \
         origQuoteOrderQty cummulativeQuoteQty status timeInForce type side selfTradePreventionMode",
    );
    assert_eq!((&canceled["origClientOrderId"], &canceled["clientOrderId"]), (&"rest-1".into(), &"cancel-1".into()));
    assert_eq!(canceled["status"], "CANCELED");
    assert_eq!(house.balance("USDT").await, (dec("100000"), Decimal::ZERO));
    let twice = house.signed("DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=rest-1").await;
    assert_eq!((twice.status, twice.code()), (400, -2011));
    assert_eq!(house.place(terms).await.status, 200, "a name is free again once its order is closed");
    let all = house.signed("GET", "/api/v3/allOrders", "symbol=BTCUSDT").await.good();
    assert_eq!(all.as_array().unwrap().len(), 2);
    let cleared = house.signed("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").await.good();
    assert_eq!(cleared.as_array().unwrap().len(), 1);
    assert_eq!(house.signed("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").await.code(), -2011);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resting_order_fills_as_maker_when_the_market_comes_to_it() {
    let house = open().await;
    let (_, bid) = house.best("BTCUSDT").await;
    let terms = format!("symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.001&price={}", plain(bid));
    let ack = house.place(&terms).await.good();
    has_keys(&ack, "symbol orderId orderListId clientOrderId transactTime");
    let id = ack["orderId"].as_i64().unwrap();
    let question = format!("symbol=BTCUSDT&orderId={id}");
    let mut filled = false;
    for minutes in 1..600 {
        house.market.advance_to(countersign::domain::time::Timestamp(1_767_225_750_000 + minutes * 60_000));
        house.exchange.tick_now().await;
        filled = house.signed("GET", "/api/v3/order", &question).await.good()["status"] == "FILLED";
        if filled {
            break;
        }
    }
    assert!(filled, "ten hours of a moving market come to the best bid");
    let trades = house.signed("GET", "/api/v3/myTrades", &question).await.good();
    assert_eq!((&trades[0]["isMaker"], &trades[0]["isBuyer"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(amount(&trades[0]["price"]), bid, "at the maker's price");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_cannot_rest_end_expired_with_what_they_got() {
    let house = open().await;
    let (ask, _) = house.best("BTCUSDT").await;
    let ioc = format!("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=1&price={}", plain(ask));
    let order = house.place(&ioc).await.good();
    assert_eq!(order["status"], "EXPIRED");
    assert!(amount(&order["executedQty"]) > Decimal::ZERO && amount(&order["executedQty"]) < Decimal::ONE);
    assert_eq!(order["expiryReason"], "UNFILLED_IOC_QUANTITY_EXPIRED");
    let fok = format!("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=FOK&quantity=1&price={}", plain(ask));
    let order = house.place(&fok).await.good();
    assert_eq!((&order["status"], &order["executedQty"]), (&"EXPIRED".into(), &"0.00000000".into()));
    let through = plain((ask * dec("1.01")).round_dp(2));
    let maker = format!("symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.01&price={through}");
    let refused = house.place(&maker).await;
    assert_eq!((refused.status, refused.code()), (400, -2010));
    assert_eq!(refused.json()["msg"], "Order would immediately match and take.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_an_order_is_told_by_its_code() {
    let house = open().await;
    let market = "symbol=BTCUSDT&side=BUY&type=MARKET";
    let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC";
    let cases = [
        (String::from("side=BUY&type=MARKET&quantity=1"), -1102),
        (String::from("symbol=BTCUSDT&type=MARKET&quantity=1"), -1102),
        (String::from("symbol=NOSUCH&side=BUY&type=MARKET&quantity=1"), -1121),
        (String::from("symbol=btcusdt&side=BUY&type=MARKET&quantity=1"), -1100),
        (String::from("symbol=BTCUSDT&side=LONG&type=MARKET&quantity=1"), -1117),
        (String::from("symbol=BTCUSDT&side=BUY&type=ICEBERG&quantity=1"), -1116),
        (market.to_owned(), -1102),
        (format!("{market}&quantity=1e-5"), -1100),
        (format!("{market}&quantity=-1"), -1100),
        (format!("{market}&quantity="), -1105),
        (format!("{market}&quantity=0"), -1013),
        (format!("{market}&quantity=0.000001"), -1013),
        (format!("{market}&quantity=0.000015"), -1013),
        (format!("{market}&quantity=0.0000123456789"), -1111),
        (format!("{market}&quantity=0.00002"), -1013),
        (format!("{market}&quantity=1&price=5"), -1106),
        (format!("{market}&quantity=1&timeInForce=GTC"), -1106),
        (format!("{market}&quantity=1&quoteOrderQty=5"), -1106),
        (format!("{market}&quantity=1&misspelt=5"), -1104),
        (format!("{market}&quantity=1&quantity=2"), -1101),
        (format!("{market}&quantity=5&newClientOrderId=no%20spaces"), -1100),
        (format!("{market}&quantity=5&newClientOrderId={}", "x".repeat(37)), -1100),
        (format!("{market}&quantity=1&newOrderRespType=SHORT"), -1130),
        (format!("{market}&quantity=1&strategyType=5"), -1134),
        (format!("{market}&quantity=1&icebergQty=1"), -2010),
        (format!("{market}&quantity=5"), -2010),
        (format!("{limit}&quantity=0.001"), -1102),
        (format!("{limit}&quantity=0.001&price=0"), -1013),
        (format!("{limit}&quantity=0.001&price=80000.001"), -1013),
        (format!("{limit}&quantity=0.001&price=100"), -1013),
        (format!("{limit}&quantity=0.001&price=80000&stopPrice=1"), -1106),
        (String::from("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=NOW&quantity=1&price=80000"), -1115),
        (String::from("symbol=BTCUSDT&side=BUY&type=STOP_LOSS&quantity=0.001&stopPrice=80000"), -2010),
    ];
    for (params, code) in cases {
        let answer = house.place(&params).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{params}: {}", answer.text);
    }
    assert_eq!(house.balance("USDT").await, (dec("100000"), Decimal::ZERO), "nothing of it was done");
    let test = house.signed("POST", "/api/v3/order/test", &format!("{market}&quantity=5")).await;
    assert_eq!(test.good(), serde_json::json!({}), "a test looks at neither account nor book");
    let test = house.signed("POST", "/api/v3/order/test", &format!("{market}&quantity=0.000015")).await;
    assert_eq!(test.code(), -1013);
    let rates = format!("{market}&quantity=5&computeCommissionRates=true");
    let rates = house.signed("POST", "/api/v3/order/test", &rates).await.good();
    assert_eq!(rates["standardCommissionForOrder"]["taker"], "0.00100000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_travel_in_query_and_body_and_the_query_wins() {
    let house = open().await;
    let key = [("X-MBX-APIKEY", KEY), ("Content-Type", "application/json;charset=utf-8")];
    let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001";
    let body = format!("price=80000&quantity=0.002&timestamp={}", house.clock.now().0);
    let signature = sign(SECRET, &format!("{query}{body}"));
    let signed_body = format!("{body}&signature={signature}");
    let placed = house.wire.send("POST", &format!("/api/v3/order?{query}"), &key, &signed_body).await.good();
    assert_eq!(placed["origQty"], "0.00100000");
    let with_separator = format!("{body}&signature={}", sign(SECRET, &format!("{query}&{body}")));
    let refused = house.wire.send("POST", &format!("/api/v3/order?{query}"), &key, &with_separator).await;
    assert_eq!(refused.code(), -1022);

    let everything = house.with_signature(&format!("{query}&price=80000"));
    let placed = house.wire.send("POST", &format!("/api/v3/order?{everything}"), &key, "").await.good();
    assert_eq!(placed["status"], "NEW", "all in the query, with a content type that says JSON and no body");

    let delete = house.with_signature(&format!("symbol=BTCUSDT&orderId={}", placed["orderId"]));
    let form = [("X-MBX-APIKEY", KEY), ("Content-Type", "application/x-www-form-urlencoded")];
    let canceled = house.wire.send("DELETE", "/api/v3/order", &form, &delete).await.good();
    assert_eq!(canceled["status"], "CANCELED", "a DELETE may carry a form");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commission_is_paid_in_bnb_once_the_account_chooses_so() {
    let house = open().await;
    let on = house.signed("POST", "/sapi/v1/bnbBurn", "spotBNBBurn=true").await.good();
    assert_eq!(on["spotBNBBurn"], true);
    let order = house.place("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01").await.good();
    assert!(order["fills"].as_array().unwrap().iter().all(|fill| fill["commissionAsset"] == "BNB"));
    assert_eq!(house.balance("BTC").await.0, dec("1.01"));
    assert!(house.balance("BNB").await.0 < dec("10"));
    let rates = house.signed("GET", "/api/v3/account/commission", "symbol=BTCUSDT").await.good();
    assert_eq!(rates["discount"]["enabledForAccount"], true);
}
