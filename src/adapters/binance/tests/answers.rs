//! Answers of every shape: the documented ones are understood, hostile ones are never taken for one.

use super::*;
use crate::adapters::binance::order::{GainLeg, OcoOrder, StopLeg};
use crate::adapters::binance::wire::WireCancelled;
use crate::domain::ids::ClientOrderId;
use crate::domain::signal::Side;
use crate::ports::exchange::{ExchangeAccount, ExchangeError, TradesFrom};
use crate::ports::venue::{CancelOutcome, QueryOutcome, SubmitOutcome, Venue};

/// Successes that are none.
fn hostile() -> Vec<(&'static str, ResponseTemplate)> {
    let good = || ResponseTemplate::new(200);
    let whole = full().to_string();
    let mut exponent = full();
    exponent["executedQty"] = json!("1e1");
    let mut float = full();
    float["executedQty"] = json!(10.0);
    vec![
        ("html", good().set_body_string("<html>maintenance</html>")),
        ("empty", good()),
        ("huge", good().set_body_bytes(vec![b' '; 9 * 1_024 * 1_024])),
        ("cut off", good().set_body_string(whole[..whole.len() - 40].to_owned())),
        ("an empty object", ok(json!({}))),
        ("an error with a good status", ok(json!({"code": -2010, "msg": "no"}))),
        ("a list of numbers", ok(json!([1, 2, 3]))),
        ("null", ok(json!(null))),
        ("an exponent", ok(exponent)),
        ("a float", ok(float)),
        ("not UTF-8", good().set_body_bytes(vec![0xff, 0xfe, 0x00])),
        ("deep", good().set_body_string("[".repeat(100_000))),
    ]
}

#[tokio::test]
async fn a_hostile_answer_is_ambiguous_for_an_order_and_none_for_a_read() {
    for (case, answer) in hostile() {
        let desk = desk().await;
        desk.is_tested().await;
        Mock::given(path("/api/v3/order")).respond_with(answer.clone()).mount(&desk.server).await;
        Mock::given(path("/api/v3/account")).respond_with(answer.clone()).mount(&desk.server).await;
        Mock::given(path("/api/v3/myTrades")).respond_with(answer).mount(&desk.server).await;
        let order = order(OrderKind::Market);
        let outcome = desk.account.send(&order).await;
        assert!(matches!(outcome, SubmitOutcome::Ambiguous { .. }), "{case}: {outcome:?}");
        assert_eq!(desk.count("POST /api/v3/order").await, 1, "{case}");
        let queried = desk.account.query(&order, desk.context()).await;
        assert!(matches!(queried, QueryOutcome::Unavailable { .. }), "{case}: {queried:?}");
        let cancelled = desk.account.cancel(&order, desk.context()).await;
        assert!(matches!(cancelled, CancelOutcome::Unavailable { .. }), "{case}: {cancelled:?}");
        let balances = desk.account.balances().await;
        assert!(matches!(balances, Err(ExchangeError::Unreadable(_))), "{case}: {balances:?}");
        let trades = desk.account.trades(&btcusdt(), TradesFrom::Newest).await;
        assert!(matches!(trades, Err(ExchangeError::Unreadable(_))), "{case}: {trades:?}");
    }
}

#[tokio::test]
async fn impossible_figures_are_unreadable_and_fields_not_yet_known_are_passed_over() {
    let desk = desk().await;
    let mut odd = traded(1, "1", "0", "BNB");
    odd["somethingNew"] = json!({"deep": [1]});
    desk.answers("GET", "/api/v3/openOrders", ok(json!([asked_about("NEW", "-1")]))).await;
    let refused = desk.account.open_orders(Some(&btcusdt())).await;
    assert_eq!(refused, Err(ExchangeError::Unreadable("Binance's answer has a quantity that cannot be".into())));
    for (field, value) in [("price", "0"), ("qty", "-1"), ("commissionAsset", "not a coin")] {
        let mut bad = odd.clone();
        bad[field] = json!(value);
        let once = Mock::given(path("/api/v3/myTrades")).respond_with(ok(json!([bad]))).up_to_n_times(1);
        once.mount(&desk.server).await;
        let trades = desk.account.trades(&btcusdt(), TradesFrom::Newest).await;
        assert!(matches!(trades, Err(ExchangeError::Unreadable(_))), "{field}: {trades:?}");
    }
    desk.answers("GET", "/api/v3/myTrades", ok(json!([odd]))).await;
    assert_eq!(desk.account.trades(&btcusdt(), TradesFrom::Newest).await.map(|trades| trades.len()), Ok(1));
}

#[tokio::test]
async fn the_documented_answers_of_order_lists_are_understood() {
    let desk = desk().await;
    let leg = |id: i64, kind: &str| {
        json!({"symbol": "BTCUSDT", "orderId": id, "orderListId": 1, "clientOrderId": format!("leg{id}"),
               "transactTime": 1710485608839_i64, "price": "1.00000000", "origQty": "5.00000000",
               "executedQty": "0.00000000", "origQuoteOrderQty": "0.000000", "cummulativeQuoteQty": "0.00000000",
               "status": "NEW", "timeInForce": "GTC", "type": kind, "side": "SELL", "stopPrice": "1.00000000",
               "workingTime": -1, "icebergQty": "1.00000000", "selfTradePreventionMode": "NONE"})
    };
    let list = json!({"orderListId": 1, "contingencyType": "OCO", "listStatusType": "EXEC_STARTED",
        "listOrderStatus": "EXECUTING", "listClientOrderId": "csa1b2c3-p7-1", "transactionTime": 1710485608839_i64,
        "symbol": "BTCUSDT", "orders": [{"symbol": "BTCUSDT", "orderId": 10, "clientOrderId": "leg10"}],
        "orderReports": [leg(10, "STOP_LOSS_LIMIT"), leg(11, "LIMIT_MAKER")]});
    desk.answers("POST", "/api/v3/orderList/oco", ok(list.clone())).await;
    desk.answers("DELETE", "/api/v3/orderList", ok(list.clone())).await;
    desk.answers("DELETE", "/api/v3/openOrders", ok(json!([asked_about("CANCELED", "0"), list]))).await;
    let client = desk.account.client();
    let oco = OcoOrder {
        symbol: btcusdt(),
        side: Side::Sell,
        quantity: quantity("5"),
        gain: GainLeg::LimitMaker(price("4500")),
        stop: StopLeg::StopLoss(price("3900")),
        list_client_order_id: ClientOrderId::from_stored("csa1b2c3-p7-1".into()),
    };
    let placed = client.place_oco(&oco).await.expect("placed").value;
    assert_eq!((placed.order_list_id, placed.order_reports.len()), (1, 2));
    assert_eq!(placed.list_client_order_id, "csa1b2c3-p7-1");
    assert_eq!(client.cancel_list(&btcusdt(), "csa1b2c3-p7-1").await.expect("cancelled").value.order_reports.len(), 2);
    let all = client.cancel_open_orders(&btcusdt()).await.expect("cancelled");
    assert!(matches!(all[..], [WireCancelled::Order(_), WireCancelled::List(_)]), "{all:?}");
}

#[tokio::test]
async fn the_documented_answers_about_fees_limits_and_prices_are_understood() {
    let desk = desk().await;
    let rates = |maker: &str, taker: &str| json!({"maker": maker, "taker": taker, "buyer": "0.00000030", "seller": "0.00000040"});
    let commission = json!({"symbol": "BTCUSDT", "standardCommission": rates("0.00000010", "0.00000020"),
        "specialCommission": rates("0.01000000", "0.02000000"), "taxCommission": rates("0.00000112", "0.00000114"),
        "discount": {"enabledForAccount": true, "enabledForSymbol": true, "discountAsset": "BNB", "discount": "0.75000000"}});
    desk.answers("GET", "/api/v3/account/commission", ok(commission)).await;
    let limits = json!([
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 0},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160000, "count": 7}
    ]);
    desk.answers("GET", "/api/v3/rateLimit/order", ok(limits)).await;
    desk.answers("GET", "/api/v3/ticker/price", ok(json!([{"symbol": "LTCBTC", "price": "4.00000200"}]))).await;
    let book = json!([{"symbol": "LTCBTC", "bidPrice": "4.00000000", "bidQty": "431.00000000",
                       "askPrice": "4.00000200", "askQty": "9.00000000"}]);
    desk.answers("GET", "/api/v3/ticker/bookTicker", ok(book)).await;
    let client = desk.account.client();
    let fees = client.commission(&btcusdt()).await.expect("answers");
    assert_eq!((fees.symbol.as_str(), fees.special_commission.taker.0), ("BTCUSDT", Decimal::new(2, 2)));
    let limits = client.order_rate_limits().await.expect("answers");
    assert_eq!(limits.iter().map(|limit| limit.count).collect::<Vec<_>>(), [Some(0), Some(7)]);
    let symbols = [Symbol("LTCBTC".into())];
    let prices = desk.host.prices(&symbols).await.expect("answers");
    assert_eq!((prices[0].symbol.as_str(), prices[0].price.0.to_string()), ("LTCBTC", "4.000002".into()));
    let book = desk.host.book_tickers(&symbols).await.expect("answers");
    assert!(book[0].bid_price < book[0].ask_price);
    assert_eq!(desk.host.prices(&[]).await.map(|prices| prices.len()), Ok(0), "nothing is asked for nothing");
}
