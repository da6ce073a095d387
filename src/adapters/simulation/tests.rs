//! The fill model against a market made by hand: every figure here was worked out on paper.

use super::{CODE_FILTER, CODE_NO_PRICE, SimulationVenue};
use crate::domain::ids::{BookId, DecisionId, InstallationTag, OrderId, PositionId, TraderId};
use crate::domain::instrument::{Instrument, InstrumentList};
use crate::domain::market::{Candle, CandleInterval, Coin, Quote, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::{Order, OrderCause, OrderEvent, OrderIntent, OrderKind, Purpose};
use crate::domain::signal::PositionSide;
use crate::domain::time::{HOUR_MS, MINUTE_MS, Timestamp};
use crate::domain::trader_settings::TraderSettings;
use crate::domain::venue_kind::VenueKind;
use crate::ports::market_data::{MarketData, MarketDataError, MarketSource};
use crate::ports::venue::{
    CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue, VenueFill, VenueReport, VenueStatus,
};
use async_trait::async_trait;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const FIVE: i64 = 5 * MINUTE_MS;
/// A moment two minutes into a slot.
const NOON: Timestamp = Timestamp(1_000 * HOUR_MS + 2 * MINUTE_MS);
const LONG: PositionSide = PositionSide::Long;
const SHORT: PositionSide = PositionSide::Short;

#[derive(Default)]
struct State {
    now: Timestamp,
    quote: Option<Quote>,
    five: Vec<Candle>,
    hourly: Vec<Candle>,
    is_down: bool,
}

/// A market whose time, price and candles are set by hand.
#[derive(Default)]
struct HandMadeMarket(Mutex<State>);

#[async_trait]
impl MarketData for HandMadeMarket {
    fn source(&self) -> MarketSource {
        MarketSource::Synthetic
    }

    fn now(&self) -> Timestamp {
        self.0.lock().expect("lock").now
    }

    async fn instruments(&self) -> Result<Arc<InstrumentList>, MarketDataError> {
        Ok(Arc::new(InstrumentList::new([instrument()])))
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, MarketDataError> {
        let state = self.0.lock().expect("lock");
        if state.is_down {
            return Err(MarketDataError::Unavailable("no answer".into()));
        }
        Ok(symbols.iter().filter_map(|symbol| Some((symbol.clone(), state.quote?))).collect())
    }

    async fn candles(
        &self,
        _: &Symbol,
        interval: CandleInterval,
        limit: usize,
    ) -> Result<Arc<[Candle]>, MarketDataError> {
        let state = self.0.lock().expect("lock");
        let all = match interval {
            CandleInterval::FiveMinutes => &state.five,
            CandleInterval::OneHour => &state.hourly,
        };
        let closed: Vec<_> = all.iter().filter(|c| c.open_time.plus_ms(interval.ms()) <= state.now).copied().collect();
        Ok(closed[closed.len().saturating_sub(limit)..].into())
    }
}

fn price(text: &str) -> Price {
    Price::parse(text).expect("price")
}

fn quantity(text: &str) -> Quantity {
    if text == "0" { Quantity::ZERO } else { Quantity::parse(text).expect("quantity") }
}

fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol("BTCUSDT".into()),
        base: Coin::parse("BTC").expect("coin"),
        quote: Coin::parse("USDT").expect("coin"),
        tick_size: Decimal::new(1, 2),
        step_size: Decimal::new(1, 3),
        min_quantity: Decimal::new(1, 3),
        max_quantity: Decimal::from(9000),
        min_notional: Decimal::from(5),
        trading: true,
    }
}

fn candle(open_time: Timestamp, close: &str, volume: &str) -> Candle {
    let close = price(close);
    Candle { open_time, open: close, high: close, low: close, close, volume: quantity(volume) }
}

struct Desk {
    market: Arc<HandMadeMarket>,
    venue: SimulationVenue,
    settings: TraderSettings,
    instrument: Instrument,
    given_quote: Option<Quote>,
}

impl Desk {
    /// A market at 100.00 whose last five minutes traded `volume`.
    fn with_volume(volume: &str) -> Self {
        let market = Arc::new(HandMadeMarket::default());
        let venue = SimulationVenue::new(Arc::clone(&market) as Arc<dyn MarketData>);
        let desk =
            Self { market, venue, settings: TraderSettings::default(), instrument: instrument(), given_quote: None };
        desk.at(NOON, "100");
        desk.trade(NOON.floor_to(FIVE), "100", volume);
        desk
    }

    /// The same market and settings after a restart: the venue remembers nothing.
    fn restart(&mut self) {
        self.venue = SimulationVenue::new(Arc::clone(&self.market) as Arc<dyn MarketData>);
    }

    fn at(&self, now: Timestamp, quote: &str) {
        let mut state = self.market.0.lock().expect("lock");
        state.now = now;
        state.quote = Some(Quote { price: price(quote), at: now });
    }

    /// Adds the candle that closes at `close_time`.
    fn trade(&self, close_time: Timestamp, close: &str, volume: &str) {
        self.market.0.lock().expect("lock").five.push(candle(close_time.plus_ms(-FIVE), close, volume));
    }

    fn context(&self) -> OrderContext<'_> {
        OrderContext { settings: &self.settings, instrument: &self.instrument, given_quote: self.given_quote }
    }

    async fn submit(&self, order: &Order) -> SubmitOutcome {
        self.venue.accept(order, self.context()).await
    }

    async fn accepted(&self, order: &Order) -> VenueReport {
        match self.submit(order).await {
            SubmitOutcome::Accepted(report) => report,
            other => panic!("not accepted: {other:?}"),
        }
    }

    async fn refused(&self, order: &Order) -> (String, String) {
        match self.submit(order).await {
            SubmitOutcome::Rejected { code, message } => (code, message),
            other => panic!("not refused: {other:?}"),
        }
    }

    async fn query(&self, order: &Order) -> QueryOutcome {
        self.venue.query(order, self.context()).await
    }

    async fn found(&self, order: &Order) -> VenueReport {
        match self.query(order).await {
            QueryOutcome::Found(report) => report,
            other => panic!("not found: {other:?}"),
        }
    }

    async fn cancel(&self, order: &Order) -> CancelOutcome {
        self.venue.cancel(order, self.context()).await
    }
}

fn order(id: i64, purpose: Purpose, amount: &str) -> Order {
    let intent = OrderIntent {
        trader_id: TraderId(1),
        book_id: BookId(1),
        venue: VenueKind::Simulation,
        cause: OrderCause::Decision(DecisionId(id)),
        coin: Coin::parse("BTC").expect("coin"),
        symbol: Symbol("BTCUSDT".into()),
        purpose,
        kind: OrderKind::Market,
        quantity: quantity(amount),
        leverage: 1,
        stop_loss: None,
        profit_target: None,
        quote: Quote { price: price("100"), at: NOON },
        policy_version: 1,
        terms_version: 1,
    };
    submitted(id, intent)
}

fn submitted(id: i64, intent: OrderIntent) -> Order {
    let tag = InstallationTag::parse("a1b2c3").expect("tag");
    let mut order = Order::journal(OrderId(id), intent, 1, &tag, Timestamp(5), NOON, None);
    order.apply(OrderEvent::Submit { sent_at: Timestamp(6), epoch: 1, attempt: 1 }, Timestamp(6)).expect("legal");
    order
}

fn buy(amount: &str) -> Order {
    order(7, Purpose::Entry(LONG), amount)
}

fn limit_buy(amount: &str, worst: &str) -> Order {
    let mut intent = buy(amount).intent;
    intent.kind = OrderKind::LimitIoc(price(worst));
    submitted(7, intent)
}

/// The row as the store would have it after these fills.
fn booked(mut order: Order, fills: &[VenueFill]) -> Order {
    order.apply(OrderEvent::Accept, Timestamp(7)).expect("legal");
    for fill in fills {
        order.filled = order.filled + fill.quantity;
        let complete = order.remaining().is_zero();
        order.apply(OrderEvent::Fill { complete }, Timestamp(8)).expect("legal");
    }
    order
}

fn figures(fill: &VenueFill) -> (String, String, String) {
    (fill.price.to_string(), fill.quantity.to_string(), fill.fee.to_string())
}

fn expect_figures(fill: &VenueFill, price: &str, quantity: &str, fee: &str) {
    assert_eq!(figures(fill), (price.to_owned(), quantity.to_owned(), fee.to_owned()));
}

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

#[tokio::test]
async fn sending_the_same_name_again_answers_the_same_and_executes_nothing() {
    let desk = Desk::with_volume("10");
    let order = buy("3");
    let first = desk.accepted(&order).await;
    desk.at(NOON.plus_ms(10_000), "50");
    assert_eq!(desk.accepted(&order).await, first);
    let (one, other) = tokio::join!(desk.accepted(&order), desk.accepted(&order));
    assert_eq!((&one, &other), (&first, &first));
}

#[tokio::test]
async fn after_a_restart_an_open_order_goes_on_from_its_row_and_never_reuses_a_trade_id() {
    let mut desk = Desk::with_volume("10");
    let order = buy("3");
    let row = booked(order.clone(), &desk.accepted(&order).await.fills);
    desk.restart();
    let report = desk.found(&row).await;
    assert_eq!((report.status.clone(), report.fills.len(), report.venue_order_id), (VenueStatus::Open, 0, 7));

    let slot = NOON.floor_to(FIVE);
    desk.trade(slot.plus_ms(FIVE), "100", "50");
    desk.at(slot.plus_ms(FIVE + 1), "100");
    let report = desk.found(&row).await;
    assert_eq!(report.status, VenueStatus::Filled);
    assert_eq!((report.fills[0].trade_id, figures(&report.fills[0]).1), (70_002, "2".to_owned()));
}

#[tokio::test]
async fn after_a_restart_the_slot_that_runs_is_not_filled_twice() {
    let mut desk = Desk::with_volume("10");
    let order = buy("5");
    let first = desk.accepted(&order).await.fills;
    let slot = NOON.floor_to(FIVE);
    desk.trade(slot.plus_ms(FIVE), "100", "10");
    desk.at(slot.plus_ms(FIVE + 1), "100");
    let fills = desk.found(&booked(order.clone(), &first)).await.fills;
    assert_eq!(fills.len(), 2);
    let row = booked(order, &fills);
    desk.restart();
    assert!(desk.found(&row).await.fills.is_empty());
    desk.trade(slot.plus_ms(2 * FIVE), "100", "10");
    desk.at(slot.plus_ms(2 * FIVE), "100");
    assert_eq!(desk.found(&row).await.fills.iter().map(|f| f.trade_id).collect::<Vec<_>>(), [70_003]);
}

#[tokio::test]
async fn an_order_carried_on_by_another_process_is_taken_from_its_row() {
    let desk = Desk::with_volume("10");
    let order = buy("5");
    let mut row = booked(order.clone(), &desk.accepted(&order).await.fills);
    row.filled = quantity("2.5");
    let report = desk.found(&row).await;
    assert!(report.fills.is_empty(), "what the row has is not told again: {report:?}");
    desk.trade(NOON.floor_to(FIVE).plus_ms(FIVE), "100", "100");
    desk.at(NOON.plus_ms(FIVE), "100");
    let report = desk.found(&row).await;
    assert_eq!((report.status.clone(), figures(&report.fills[0]).1), (VenueStatus::Filled, "2.5".to_owned()));
}

#[tokio::test]
async fn an_order_that_was_never_acknowledged_is_proven_absent() {
    let mut desk = Desk::with_volume("10");
    let order = buy("3");
    assert_eq!(desk.query(&order).await, QueryOutcome::NotFound { is_final: true });
    desk.accepted(&order).await;
    assert!(matches!(desk.query(&order).await, QueryOutcome::Found(_)), "this process knows");
    desk.restart();
    let mut lost = order;
    lost.apply(OrderEvent::Lose { why: "restart".into() }, Timestamp(9)).expect("legal");
    assert_eq!(desk.query(&lost).await, QueryOutcome::NotFound { is_final: true });
    assert!(matches!(desk.cancel(&lost).await, CancelOutcome::Refused { .. }));
}

#[tokio::test]
async fn a_cancel_keeps_the_fills_and_ends_the_rest() {
    let desk = Desk::with_volume("10");
    let order = buy("3");
    let first = desk.accepted(&order).await;
    let row = booked(order, &first.fills);
    let CancelOutcome::Canceled(report) = desk.cancel(&row).await else { panic!("not cancelled") };
    assert_eq!(report.fills, first.fills);
    assert!(matches!(report.status, VenueStatus::Canceled(_)));
    desk.trade(NOON.floor_to(FIVE).plus_ms(FIVE), "100", "100");
    desk.at(NOON.plus_ms(FIVE), "100");
    assert_eq!(desk.found(&row).await, report, "nothing fills after a cancel");
    assert_eq!(desk.cancel(&row).await, CancelOutcome::Canceled(report), "asked twice, it answers the same");

    let done = order_filled(&desk).await;
    assert!(matches!(desk.cancel(&done).await, CancelOutcome::Refused { .. }));
}

async fn order_filled(desk: &Desk) -> Order {
    let done = order(8, Purpose::Entry(LONG), "0.5");
    let report = desk.accepted(&done).await;
    assert_eq!(report.status, VenueStatus::Filled);
    booked(done, &report.fills)
}

#[tokio::test]
async fn a_cancel_requested_before_a_restart_is_honoured_after_it() {
    let mut desk = Desk::with_volume("10");
    let order = buy("3");
    let mut row = booked(order.clone(), &desk.accepted(&order).await.fills);
    row.apply(OrderEvent::RequestCancel, Timestamp(9)).expect("legal");
    desk.restart();
    let report = desk.found(&row).await;
    assert!(matches!(report.status, VenueStatus::Canceled(_)) && report.fills.is_empty(), "{report:?}");
}

#[tokio::test]
async fn an_order_that_the_market_cannot_fill_in_a_month_expires() {
    let desk = Desk::with_volume("0");
    let order = buy("1");
    let row = booked(order.clone(), &desk.accepted(&order).await.fills);
    desk.at(NOON.plus_ms(9_997 * FIVE), "100");
    assert_eq!(desk.found(&row).await.status, VenueStatus::Open);
    desk.at(NOON.plus_ms(9_999 * FIVE), "100");
    assert!(matches!(desk.found(&row).await.status, VenueStatus::Expired(_)));
}

#[tokio::test]
async fn the_book_forgets_finished_orders_first_and_stays_bounded() {
    let desk = Desk::with_volume("10");
    let open = order(1, Purpose::Entry(LONG), "3");
    desk.accepted(&open).await;
    for id in 2..=2_100 {
        desk.accepted(&order(id, Purpose::Entry(LONG), "0.5")).await;
    }
    assert_eq!(desk.venue.book().len(), 2_000);
    assert!(matches!(desk.query(&open).await, QueryOutcome::Found(_)));
}

#[tokio::test]
async fn the_raw_answer_is_json_with_figures_as_text() {
    let desk = Desk::with_volume("10");
    let report = desk.accepted(&buy("3")).await;
    let raw: serde_json::Value = serde_json::from_str(&report.raw).expect("json");
    assert_eq!((&raw["status"], &raw["executedQty"]), (&"PARTIALLY_FILLED".into(), &"1".into()));
    assert_eq!(raw["fills"][0]["price"], "100.05");
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
            prop_assert_eq!(super::worse(fill.price, moment, side), fill.price);
            prop_assert!((fill.price.decimal() % Decimal::new(1, 2)).is_zero());
            prop_assert!(fill.fee >= (fill.price * fill.quantity).percent(fee_pct));
            prop_assert!(fill.fee - (fill.price * fill.quantity).percent(fee_pct) < Money::new(Decimal::new(1, 8)));
            prop_assert!(fills[..index].iter().all(|earlier| earlier.trade_id < fill.trade_id));
        }
        prop_assert_eq!(run().0, fills);
    }
}
