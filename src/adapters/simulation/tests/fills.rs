//! How much fills, at which price and fee, and what is refused.

use super::*;
use crate::adapters::simulation::{CODE_FILTER, CODE_NO_PRICE, worse};
use crate::domain::ids::PositionId;
use crate::domain::money::Money;
use proptest::prelude::*;

#[tokio::test]
async fn market_orders_pay_slippage_and_fee_on_both_sides_of_long_and_short() {
    let desk = Desk::with_volume("1000");
    for (id, purpose, expected_price, expected_fee) in [
        (1, Purpose::Entry(LONG), "100.05", "0.2001"),
        (2, Purpose::Exit(LONG), "99.95", "0.1999"),
        (3, Purpose::Entry(SHORT), "99.95", "0.1999"),
        (4, Purpose::Exit(SHORT), "100.05", "0.2001"),
    ] {
        let report = desk.accepted(&order(id, purpose, "2")).await;
        assert_eq!(report.status, VenueStatus::Filled);
        assert_eq!(report.fills.len(), 1);
        expect_figures(&report.fills[0], expected_price, "2", expected_fee);
        assert_eq!((report.fills[0].fee_asset.as_str(), report.fills[0].is_maker), ("USDT", false));
        assert_eq!((report.fills[0].at, report.fills[0].trade_id), (NOON, id * 10_000 + 1));
        assert_eq!(report.venue_order_id, id);
    }
}

#[tokio::test]
async fn the_price_lands_on_the_tick_against_the_order_and_the_fee_is_rounded_up() {
    let mut desk = Desk::with_volume("1000");
    desk.at(NOON, "33.33");
    // 33.33 x 1.0005 = 33.346665; x 0.9995 = 33.313335.
    let bought = desk.accepted(&order(1, Purpose::Entry(LONG), "0.333")).await;
    // 33.35 x 0.333 x 0.1 % = 0.01110555; the same at 0.07 % = 0.007773885, which needs nine places.
    expect_figures(&bought.fills[0], "33.35", "0.333", "0.01110555");
    desk.settings.set("taker_fee_pct", "0.07").expect("in range");
    let again = desk.accepted(&order(2, Purpose::Entry(LONG), "0.333")).await;
    expect_figures(&again.fills[0], "33.35", "0.333", "0.00777389");
    let sold = desk.accepted(&order(3, Purpose::Exit(LONG), "0.333")).await;
    assert_eq!(sold.fills[0].price.to_string(), "33.31");
}

#[tokio::test]
async fn slippage_and_fee_settings_do_what_they_say() {
    let mut desk = Desk::with_volume("1000");
    desk.settings.set("slippage_pct", "1").expect("in range");
    desk.settings.set("taker_fee_pct", "0.5").expect("in range");
    expect_figures(&desk.accepted(&order(1, Purpose::Entry(LONG), "1")).await.fills[0], "101", "1", "0.505");
    desk.settings.set("slippage_pct", "0").expect("in range");
    desk.settings.set("taker_fee_pct", "0").expect("in range");
    expect_figures(&desk.accepted(&order(2, Purpose::Entry(LONG), "1")).await.fills[0], "100", "1", "0");
}

#[tokio::test]
async fn an_order_beyond_the_volume_share_fills_over_later_candles_at_their_prices() {
    let desk = Desk::with_volume("10");
    let order = buy("3");
    let first = desk.accepted(&order).await;
    assert_eq!(first.status, VenueStatus::Open);
    expect_figures(&first.fills[0], "100.05", "1", "0.10005");

    let row = booked(order, &first.fills);
    assert_eq!(desk.found(&row).await, first, "nothing has closed since");

    let slot = NOON.floor_to(FIVE);
    desk.at(slot.plus_ms(FIVE + 1), "102");
    assert_eq!(desk.found(&row).await, first, "the candle is late");
    desk.trade(slot.plus_ms(FIVE), "102", "15");
    let second = desk.found(&row).await;
    assert_eq!((second.status.clone(), second.fills.len()), (VenueStatus::Open, 2));
    // 102 x 1.0005 = 102.051.
    expect_figures(&second.fills[1], "102.06", "1.5", "0.15309");
    assert_eq!((second.fills[1].trade_id, second.fills[1].at), (70_002, slot.plus_ms(FIVE)));

    desk.trade(slot.plus_ms(2 * FIVE), "98", "80");
    desk.at(slot.plus_ms(2 * FIVE), "98");
    let third = desk.found(&row).await;
    assert_eq!((third.status.clone(), third.fills.len()), (VenueStatus::Filled, 3));
    expect_figures(&third.fills[2], "98.05", "0.5", "0.049025");
    assert_eq!(third.fills[2].trade_id, 70_003);
    assert_eq!(third.fills.iter().map(|fill| fill.quantity).sum::<Quantity>(), quantity("3"));
    assert_eq!(desk.found(&row).await, third, "a finished order stays as it is");
}

#[tokio::test]
async fn several_candles_since_the_last_look_fill_one_share_each_however_often_it_is_asked() {
    let (often, once) = (Desk::with_volume("10"), Desk::with_volume("10"));
    let order = buy("100");
    let row = booked(order.clone(), &often.accepted(&order).await.fills);
    once.accepted(&order).await;
    for step in 1..=5 {
        let close = NOON.floor_to(FIVE).plus_ms(step * FIVE);
        for desk in [&often, &once] {
            desk.trade(close, "100", "20");
            desk.at(close.plus_ms(1), "100");
        }
        assert_eq!(often.found(&row).await.fills.len(), usize::try_from(step).expect("small") + 1);
    }
    assert_eq!(often.found(&row).await, once.found(&row).await);
}

#[tokio::test]
async fn what_had_to_rest_pays_the_makers_fee_and_what_was_had_at_once_the_takers() {
    let mut desk = Desk::with_volume("10");
    desk.settings.set("maker_fee_pct", "0.02").expect("in range");
    let order = buy("2");
    let first = desk.accepted(&order).await;
    expect_figures(&first.fills[0], "100.05", "1", "0.10005");
    let row = booked(order, &first.fills);
    let close = NOON.floor_to(FIVE).plus_ms(FIVE);
    desk.trade(close, "100", "20");
    desk.at(close.plus_ms(1), "100");
    let later = desk.found(&row).await;
    assert_eq!((first.fills[0].is_maker, later.fills[1].is_maker), (false, true));
    expect_figures(&later.fills[1], "100.05", "1", "0.02001");
}

#[tokio::test]
async fn hourly_candles_give_a_twelfth_at_once_and_the_rest_of_the_hour_when_they_close() {
    let desk = Desk::with_volume("1");
    let hour = NOON.floor_to(HOUR_MS);
    {
        let mut state = desk.market.0.lock().expect("lock");
        state.five.clear();
        state.hourly = vec![candle(hour.plus_ms(-HOUR_MS), "100", "120"), candle(hour, "101", "120")];
    }
    let order = buy("50");
    let report = desk.accepted(&order).await;
    expect_figures(&report.fills[0], "100.05", "1", "0.10005");
    desk.at(hour.plus_ms(HOUR_MS - 1), "100");
    let row = booked(order, &report.fills);
    assert_eq!(desk.found(&row).await.fills.len(), 1, "the hour is not over");
    desk.at(hour.plus_ms(HOUR_MS), "100");
    let later = desk.found(&row).await;
    assert_eq!(later.fills.len(), 2);
    assert_eq!(figures(&later.fills[1]).1, "12");
    assert_eq!((later.fills[1].trade_id, later.fills[1].price.to_string()), (70_013, "101.06".to_owned()));
}

#[tokio::test]
async fn a_limit_takes_what_is_there_within_its_price_and_the_rest_expires() {
    let desk = Desk::with_volume("10");
    let report = desk.accepted(&limit_buy("3", "100.05")).await;
    assert_eq!(report.fills.len(), 1);
    expect_figures(&report.fills[0], "100.05", "1", "0.10005");
    let VenueStatus::Expired(why) = &report.status else { panic!("{report:?}") };
    assert!(why.contains("the rest was not available within the limit"), "{why}");

    let desk = Desk::with_volume("1000");
    assert_eq!(desk.accepted(&limit_buy("3", "100.05")).await.status, VenueStatus::Filled);
}

#[tokio::test]
async fn a_limit_beyond_the_market_or_without_volume_expires_without_a_fill_and_says_why() {
    let desk = Desk::with_volume("1000");
    let report = desk.accepted(&limit_buy("3", "100.04")).await;
    assert!(report.fills.is_empty());
    let VenueStatus::Expired(why) = &report.status else { panic!("{report:?}") };
    assert!(why.contains("100.05 is beyond the limit 100.04"), "{why}");

    let mut intent = order(8, Purpose::Exit(LONG), "3").intent;
    intent.kind = OrderKind::LimitIoc(price("99.96"));
    let sale = desk.accepted(&submitted(8, intent)).await;
    assert!(sale.fills.is_empty() && matches!(sale.status, VenueStatus::Expired(_)), "{sale:?}");

    let dry = Desk::with_volume("0");
    let report = dry.accepted(&limit_buy("3", "101")).await;
    let VenueStatus::Expired(why) = &report.status else { panic!("{report:?}") };
    assert!(report.fills.is_empty() && why.contains("nothing was available"), "{why}");
}

#[tokio::test]
async fn a_missing_or_stale_price_is_a_definite_refusal() {
    let desk = Desk::with_volume("1000");
    let now = NOON.plus_ms(120_001);
    desk.market.0.lock().expect("lock").now = now;
    let (code, message) = desk.refused(&buy("1")).await;
    assert_eq!(code, CODE_NO_PRICE);
    assert!(message.contains("120 s"), "{message}");
    assert_eq!(desk.query(&buy("1")).await, QueryOutcome::NotFound { is_final: true }, "nothing was kept");

    desk.market.0.lock().expect("lock").now = NOON.plus_ms(120_000);
    assert_eq!(desk.accepted(&buy("1")).await.status, VenueStatus::Filled, "exactly at the limit is young enough");

    let desk = Desk::with_volume("1000");
    desk.market.0.lock().expect("lock").quote = None;
    assert_eq!(desk.refused(&buy("1")).await.0, CODE_NO_PRICE);
    desk.market.0.lock().expect("lock").is_down = true;
    assert_eq!(desk.refused(&buy("1")).await.0, CODE_NO_PRICE);
}

#[tokio::test]
async fn a_price_sent_in_with_the_decision_stands_in_for_the_market_until_it_is_stale() {
    let mut desk = Desk::with_volume("1000");
    desk.given_quote = Some(Quote { price: price("200"), at: NOON.plus_ms(-120_000) });
    assert_eq!(desk.accepted(&order(1, Purpose::Entry(LONG), "1")).await.fills[0].price.to_string(), "200.1");
    desk.at(NOON.plus_ms(1), "100");
    assert_eq!(desk.accepted(&order(2, Purpose::Entry(LONG), "1")).await.fills[0].price.to_string(), "100.05");
    desk.market.0.lock().expect("lock").is_down = true;
    assert_eq!(desk.refused(&order(3, Purpose::Entry(LONG), "1")).await.0, CODE_NO_PRICE);
}

#[tokio::test]
async fn an_order_that_breaks_a_filter_is_refused_by_its_name() {
    let mut desk = Desk::with_volume("1000");
    for (amount, rule) in [("0.04", "NOTIONAL"), ("9001", "LOT_SIZE"), ("1.0005", "LOT_SIZE")] {
        let (code, message) = desk.refused(&buy(amount)).await;
        assert_eq!(code, CODE_FILTER);
        assert!(message.starts_with(rule), "{amount}: {message}");
    }
    desk.instrument.trading = false;
    assert_eq!(desk.refused(&buy("1")).await, (CODE_FILTER.to_owned(), "BTCUSDT is not trading".to_owned()));
}

#[tokio::test]
async fn a_liquidation_may_be_dust_and_fills_no_better_than_its_trigger() {
    let desk = Desk::with_volume("1000");
    let mut intent = order(9, Purpose::Exit(LONG), "0.02").intent;
    intent.cause = OrderCause::Liquidation(PositionId(1));
    intent.quote.price = price("90");
    let met_inside_a_candle = desk.accepted(&submitted(9, intent.clone())).await;
    assert_eq!(met_inside_a_candle.status, VenueStatus::Filled);
    // 90 x 0.9995 = 89.955, though the market is back at 100.
    assert_eq!(met_inside_a_candle.fills[0].price.to_string(), "89.95");
    intent.quote.price = price("110");
    let gapped_through = desk
        .accepted(&submitted(
            10,
            OrderIntent { cause: OrderCause::Protective(PositionId(1)), quantity: quantity("1"), ..intent },
        ))
        .await;
    assert_eq!(gapped_through.fills[0].price.to_string(), "99.95");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the market does: never more than ordered, never better than the price of the moment, never too small a
    /// fee, each trade id once, and the same market gives the same fills.
    #[test]
    fn fills_are_bounded_adverse_and_repeatable(
        cents in 500u32..10_000_000,
        thousandths in 1_000u32..5_000_000,
        candles in proptest::collection::vec((500u32..10_000_000, 0u32..20_000_000), 0..40),
        is_buy in any::<bool>(),
        slippage in 0u32..=500,
        fee in 0u32..=500,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let decimal = |units: u32, scale| Decimal::new(i64::from(units), scale).to_string();
        let run = || runtime.block_on(async {
            let mut desk = Desk::with_volume("1");
            desk.settings.set("slippage_pct", &decimal(slippage, 2)).expect("in range");
            desk.settings.set("taker_fee_pct", &decimal(fee, 2)).expect("in range");
            desk.settings.set("maker_fee_pct", &decimal(fee, 2)).expect("in range");
            desk.at(NOON, &decimal(cents, 2));
            let side = if is_buy { LONG } else { SHORT };
            let order = order(7, Purpose::Entry(side), &decimal(thousandths, 3));
            let mut fills = desk.accepted(&order).await.fills;
            let mut prices = BTreeMap::from([(NOON, cents)]);
            let row = booked(order, &[]);
            for (step, (close, volume)) in (1i64..).zip(&candles) {
                let at = NOON.floor_to(FIVE).plus_ms(step * FIVE);
                prices.insert(at, *close);
                desk.trade(at, &decimal(*close, 2), &Decimal::new(i64::from(*volume), 3).to_string());
                desk.at(at, &decimal(*close, 2));
                if step % 3 == 0 {
                    fills = desk.found(&row).await.fills;
                }
            }
            (fills, desk.settings.taker_fee_pct, row.intent.quantity, row.intent.purpose.side(), prices)
        });
        let (fills, fee_pct, ordered, side, prices) = run();
        prop_assert!(fills.iter().map(|fill| fill.quantity).sum::<Quantity>() <= ordered);
        for (index, fill) in fills.iter().enumerate() {
            let moment = Price::new(Decimal::new(i64::from(prices[&fill.at]), 2)).expect("price");
            prop_assert_eq!(worse(fill.price, moment, side), fill.price);
            prop_assert!((fill.price.decimal() % Decimal::new(1, 2)).is_zero());
            prop_assert!(fill.fee >= (fill.price * fill.quantity).percent(fee_pct));
            prop_assert!(fill.fee - (fill.price * fill.quantity).percent(fee_pct) < Money::new(Decimal::new(1, 8)));
            prop_assert!(fills[..index].iter().all(|earlier| earlier.trade_id < fill.trade_id));
        }
        prop_assert_eq!(run().0, fills);
    }
}
