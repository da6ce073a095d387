//! Order lists, and taking an order back while placing another.

use super::house::{amount, open, plain};
use rust_decimal::Decimal;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oco_holds_its_base_once_and_ends_as_a_whole() {
    let house = open().await;
    let (ask, _) = house.best("BTCUSDT").await;
    let (above, stop) = (plain((ask * Decimal::new(12, 1)).round_dp(2)), plain((ask * Decimal::new(8, 1)).round_dp(2)));
    let terms = format!(
        "symbol=BTCUSDT&side=SELL&quantity=0.5&aboveType=LIMIT_MAKER&abovePrice={above}&belowType=STOP_LOSS_LIMIT\
         &belowStopPrice={stop}&belowPrice={stop}&belowTimeInForce=GTC&listClientOrderId=pair-1&aboveClientOrderId=up-1"
    );
    let list = house.signed("POST", "/api/v3/orderList/oco", &terms).await.good();
    assert_eq!((&list["contingencyType"], &list["listOrderStatus"]), (&"OCO".into(), &"EXECUTING".into()));
    let reports = list["orderReports"].as_array().unwrap();
    assert_eq!((reports.len(), list["orders"].as_array().unwrap().len()), (2, 2));
    let stop_leg = reports.iter().find(|leg| leg["type"] == "STOP_LOSS_LIMIT").unwrap();
    assert_eq!((&stop_leg["workingTime"], &stop_leg["orderListId"]), (&Value::from(-1), &list["orderListId"]));
    assert_eq!(amount(&stop_leg["stopPrice"]).normalize().to_string(), stop);
    assert_eq!(house.balance("BTC").await, (Decimal::new(5, 1), Decimal::new(5, 1)), "half is held, once");

    let found = house.signed("GET", "/api/v3/orderList", "origClientOrderId=pair-1").await.good();
    assert_eq!((&found["orderListId"], &found["orders"]), (&list["orderListId"], &list["orders"]));
    assert_eq!(house.signed("GET", "/api/v3/openOrderList", "").await.good().as_array().unwrap().len(), 1);

    let canceled = house.signed("DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=up-1").await.good();
    assert_eq!(canceled["listOrderStatus"], "ALL_DONE", "one leg takes the whole list with it");
    let legs = canceled["orderReports"].as_array().unwrap();
    assert!(legs.len() == 2 && legs.iter().all(|leg| leg["status"] == "CANCELED"), "{canceled}");
    assert_eq!(house.balance("BTC").await, (Decimal::ONE, Decimal::ZERO));
    assert_eq!(house.signed("GET", "/api/v3/openOrderList", "").await.good(), serde_json::json!([]));
    assert_eq!(house.signed("GET", "/api/v3/allOrderList", "").await.good().as_array().unwrap().len(), 1);

    let old = format!("symbol=BTCUSDT&side=SELL&quantity=0.1&price={above}&stopPrice={stop}");
    let list = house.signed("POST", "/api/v3/order/oco", &old).await.good();
    let id = list["orderListId"].as_i64().unwrap();
    let ended = house.signed("DELETE", "/api/v3/orderList", &format!("symbol=BTCUSDT&orderListId={id}")).await.good();
    assert_eq!(ended["listStatusType"], "ALL_DONE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oco_whose_prices_stand_on_the_wrong_side_is_refused() {
    let house = open().await;
    let (ask, _) = house.best("BTCUSDT").await;
    let wrong = plain((ask * Decimal::new(9, 1)).round_dp(2));
    let terms = format!(
        "symbol=BTCUSDT&side=SELL&quantity=0.1&aboveType=LIMIT_MAKER&abovePrice={wrong}&belowType=STOP_LOSS&belowStopPrice={wrong}"
    );
    let refused = house.signed("POST", "/api/v3/orderList/oco", &terms).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(house.balance("BTC").await, (Decimal::ONE, Decimal::ZERO));
    let market = "symbol=BTCUSDT&side=SELL&quantity=0.1&aboveType=MARKET&belowType=STOP_LOSS&belowStopPrice=1";
    assert_eq!(house.signed("POST", "/api/v3/orderList/oco", market).await.code(), -1158);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_tells_what_became_of_either_part() {
    let house = open().await;
    let path = "/api/v3/order/cancelReplace";
    let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001";
    house.place(&format!("{limit}&price=80000&newClientOrderId=first")).await.good();
    let both = format!("{limit}&price=81000&cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=first");
    let replaced = house.signed("POST", path, &both).await.good();
    assert_eq!((&replaced["cancelResult"], &replaced["newOrderResult"]), (&"SUCCESS".into(), &"SUCCESS".into()));
    assert_eq!(replaced["cancelResponse"]["status"], "CANCELED");
    let id = replaced["newOrderResponse"]["orderId"].as_i64().unwrap();

    let stopped = house.signed("POST", path, &both).await;
    assert_eq!((stopped.status, stopped.code()), (400, -2022));
    let data = &stopped.json()["data"];
    assert_eq!((&data["cancelResult"], &data["newOrderResult"]), (&"FAILURE".into(), &"NOT_ATTEMPTED".into()));
    assert_eq!((&data["cancelResponse"]["code"], &data["newOrderResponse"]), (&Value::from(-2011), &Value::Null));

    let anyway = format!("{limit}&price=82000&cancelReplaceMode=ALLOW_FAILURE&cancelOrigClientOrderId=first");
    let half = house.signed("POST", path, &anyway).await;
    assert_eq!((half.status, half.code()), (409, -2021));
    assert_eq!(half.json()["data"]["newOrderResponse"]["status"], "NEW");

    let too_much = format!(
        "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=50&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId={id}"
    );
    let half = house.signed("POST", path, &too_much).await;
    assert_eq!((half.status, half.code()), (409, -2021), "{}", half.text);
    assert_eq!(half.json()["data"]["cancelResult"], "SUCCESS");
    assert_eq!(half.json()["data"]["newOrderResponse"]["code"], -2010);
}
