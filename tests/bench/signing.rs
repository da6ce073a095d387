//! What it costs to build an order's request and sign it, without the network.

use countersign::adapters::binance::order::{NewOrder, OrderTerms, TimeInForce};
use countersign::adapters::binance::sign::Signer;
use countersign::domain::ids::ClientOrderId;
use countersign::domain::market::Symbol;
use countersign::domain::money::{Price, Quantity};
use countersign::domain::signal::Side;
use std::hint::black_box;
use std::time::Duration;

/// Requests in one timing.
const REQUESTS: u32 = 20_000;
/// Timings of which the middle one counts.
const ROUNDS: usize = 9;
/// Binance's published examples; no account has them.
const HMAC: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u";

/// Prints a row for each kind of key.
pub fn rows(row: impl Fn(&str, String, &str)) {
    let shown = |time: Duration| format!("{:.2} µs", time.as_secs_f64() * 1e6);
    row("Build and sign an order's request, HMAC (median)", shown(per_request(HMAC)), "< 5 µs");
    row("the same with Ed25519", shown(per_request(ED25519)), "");
}

fn per_request(secret: &str) -> Duration {
    let signer = Signer::parse(&secret.to_owned().into()).unwrap();
    let order = NewOrder {
        symbol: Symbol("BTCUSDT".to_owned()),
        side: Side::Buy,
        terms: OrderTerms::Limit(
            Quantity::parse("0.00123").unwrap(),
            Price::parse("43250.17").unwrap(),
            TimeInForce::ImmediateOrCancel,
        ),
        client_order_id: ClientOrderId::from_stored("csa1b2c3-d123456-1".to_owned()),
    };
    let round = |_| {
        let begun = std::time::Instant::now();
        for n in 0..REQUESTS {
            let signed = black_box(&order).params().signed(&signer, 1_767_262_800_000 + i64::from(n));
            black_box(signed.as_str());
        }
        begun.elapsed() / REQUESTS
    };
    super::median((0..ROUNDS).map(round).collect())
}
