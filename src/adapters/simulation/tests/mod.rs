//! The fill model against a market made by hand: every figure here was worked out on paper.

use super::SimulationVenue;
use crate::domain::account::AccountName;
use crate::domain::ids::{BookId, DecisionId, InstallationTag, OrderId, TraderId};
use crate::domain::instrument::{FinerRules, Instrument, InstrumentList};
use crate::domain::market::{Candle, CandleInterval, Coin, Quote, Symbol};
use crate::domain::money::{Price, Quantity};
use crate::domain::order::{Order, OrderCause, OrderEvent, OrderIntent, OrderKind, Purpose};
use crate::domain::risk::RiskChecked;
use crate::domain::signal::PositionSide;
use crate::domain::time::{HOUR_MS, MINUTE_MS, Timestamp};
use crate::domain::trader_settings::TraderSettings;
use crate::domain::venue_kind::VenueKind;
use crate::ports::market_data::{MarketData, MarketDataError, MarketSource};
use crate::ports::venue::{
    CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue, VenueFill, VenueReport, VenueStatus,
};
use async_trait::async_trait;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

mod fills;
mod lifecycle;

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
        finer: FinerRules::default(),
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
            SubmitOutcome::Rejected { code, message, .. } => (code, message),
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
        account: AccountName::simulation(BookId(1)),
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
    let mut order = Order::journal(OrderId(id), RiskChecked::assumed(intent), 1, &tag, Timestamp(5), NOON, None);
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
