//! What happens to those who ask too much.

use super::house::{Wishes, open_with};
use countersign::adapters::paper_exchange::LimitsMode;

async fn limited() -> super::house::House {
    open_with(Wishes { limits: LimitsMode::Binance, ..Wishes::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_weight_is_429_then_418_and_both_say_for_how_long() {
    let house = limited().await;
    // Books of 5,000 levels weigh 250 each.
    for _ in 0..24 {
        house.public("/api/v3/depth?symbol=BTCUSDT&limit=5000").await.good();
    }
    let refused = house.public("/api/v3/ping").await;
    assert_eq!((refused.status, refused.code(), refused.header("retry-after")), (429, -1003, "60"));
    assert_eq!(refused.header("x-mbx-used-weight-1m"), "6000");
    house.clock.advance_ms(20_000);
    assert_eq!(house.public("/api/v3/ping").await.header("retry-after"), "40");
    let mut ban = house.public("/api/v3/ping").await;
    for _ in 0..20 {
        ban = house.public("/api/v3/ping").await;
    }
    assert_eq!((ban.status, ban.code(), ban.header("retry-after")), (418, -1003, "120"));
    house.clock.advance_ms(60_000);
    let order = house.place("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001").await;
    assert_eq!(
        (order.status, order.header("retry-after")),
        (418, "60"),
        "a ban is for everything, past the minute too"
    );
    house.clock.advance_ms(60_000);
    house.public("/api/v3/ping").await.good();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_rest_are_counted_and_refused_beyond_the_limit() {
    let house = limited().await;
    let place = async |n: usize| {
        let price = 80_000 + n;
        let params = format!("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.0001&price={price}");
        house.place(&params).await
    };
    for n in 0..100 {
        assert_eq!(place(n).await.header("x-mbx-order-count-10s"), (n + 1).to_string());
    }
    let refused = place(100).await;
    assert_eq!((refused.status, refused.code(), refused.header("retry-after")), (429, -1015, "10"));
    let market = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001";
    assert_eq!(house.place(market).await.code(), -1015);
    house.clock.advance_ms(10_000);
    let taken = house.place(market).await;
    assert_eq!((taken.status, taken.header("x-mbx-order-count-10s")), (200, "0"), "what takes at once is not counted");
    assert_eq!(taken.header("x-mbx-order-count-1d"), "100");
}
