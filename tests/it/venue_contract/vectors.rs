//! What public clients sent, held against what ours signs and sends: client and paper exchange cannot be wrong together.

use crate::paper_exchange::house::{Wishes, open_with};
use crate::paper_exchange::vectors::{Recording, recording};
use countersign::adapters::binance::order::{NewOrder, OrderTerms, TimeInForce};
use countersign::adapters::binance::sign::Signer;
use countersign::domain::ids::ClientOrderId;
use countersign::domain::market::Symbol;
use countersign::domain::money::{Money, Price, Quantity};
use countersign::domain::signal::Side;
use countersign::ports::clock::Clock;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

#[test]
fn our_signature_is_the_one_that_public_clients_made() {
    let Recording { secret, requests, .. } = recording();
    let signer = Signer::parse(&secret.into()).unwrap();
    let mut checked = 0;
    for request in requests.iter().filter(|request| request.signed && request.status == 200) {
        let (payload, signature) = request.split();
        assert_eq!(Some(signer.sign(payload.as_bytes()).as_str()), signature, "{} {}", request.method, request.path);
        checked += 1;
    }
    assert!(checked > 20, "{checked} requests");
}

/// Without what a client chooses for itself, and numbers as numbers.
fn terms(text: &str) -> BTreeMap<String, String> {
    let own = ["timestamp", "recvWindow", "signature", "newOrderRespType"];
    let pairs = text.split('&').filter_map(|pair| pair.split_once('=')).filter(|(name, _)| !own.contains(name));
    let value = |text: &str| text.parse::<Decimal>().map_or_else(|_| text.to_owned(), |n| n.normalize().to_string());
    pairs.map(|(name, text)| (name.to_owned(), value(text))).collect()
}

#[test]
fn our_orders_are_the_ones_that_public_clients_send() {
    let mut kinds = BTreeMap::new();
    for request in recording().requests {
        if (request.method.as_str(), request.path.as_str(), request.status) != ("POST", "/api/v3/order", 200) {
            continue;
        }
        let theirs = terms(&request.body);
        let quantity = theirs.get("quantity").map(|text| Quantity::parse(text).unwrap());
        let terms_of = match (theirs["type"].as_str(), quantity) {
            ("MARKET", Some(quantity)) => OrderTerms::Market(quantity),
            ("MARKET", None) => OrderTerms::MarketByQuote(Money::new(theirs["quoteOrderQty"].parse().unwrap())),
            ("LIMIT", Some(quantity)) => {
                let price = Price::parse(&theirs["price"]).unwrap();
                OrderTerms::Limit(quantity, price, TimeInForce::GoodTillCancelled)
            }
            other => panic!("{other:?}"),
        };
        let side = if theirs["side"] == "BUY" { Side::Buy } else { Side::Sell };
        let client_order_id = ClientOrderId::from_stored(theirs["newClientOrderId"].clone());
        let ours = NewOrder { symbol: Symbol(theirs["symbol"].clone()), side, terms: terms_of, client_order_id };
        assert_eq!(terms(ours.params().as_str()), theirs, "{}", request.client);
        *kinds.entry((request.client, theirs["type"].clone())).or_insert(0) += 1;
    }
    assert_eq!(
        kinds.values().sum::<i32>(),
        6,
        "market by quantity and by quote, and a limit, of both clients: {kinds:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_paper_exchange_takes_the_recorded_signatures_and_no_other() {
    let recording = recording();
    let accounts = vec![format!("{}:{}:USDT=100000,BTC=1", recording.key, recording.secret)];
    let house = open_with(Wishes { accounts, ..Wishes::default() }).await;
    let mut checked = 0;
    // Questions only: an order that is played twice is another order.
    let asks = recording.requests.iter().filter(|request| request.signed && request.method == "GET");
    for request in asks.filter(|request| request.status == 200 && request.path != "/api/v3/order") {
        house.clock.advance_ms((request.timestamp().unwrap() - house.clock.now().0).max(0));
        let headers = [("X-MBX-APIKEY", recording.key.as_str())];
        let target = format!("{}?{}", request.path, request.query);
        let taken = house.wire.send("GET", &target, &headers, "").await;
        assert_eq!(taken.status, 200, "{target}: {}", taken.text);
        // One digit of what was signed, and then one of the signature.
        for (from, to) in [("recvWindow=1", "recvWindow=2"), ("signature=", "signature=0")] {
            let forged = target.replacen(from, to, 1);
            assert_ne!(forged, target);
            let refused = house.wire.send("GET", &forged, &headers, "").await;
            assert_eq!(refused.code(), -1022, "{forged}");
        }
        checked += 1;
    }
    assert!(checked >= 5, "{checked} requests");
}
