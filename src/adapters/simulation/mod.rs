//! The built-in fill model: a venue inside this process, behind the same port as an exchange.
//!
//! ```text
//! submit: filters -> fresh quote -> price with slippage, on the tick against us
//!         -> one share of the last five minutes' volume fills at once
//! market: the rest stays open; each candle that closes later fills one more share at its closing price
//! limit, immediate or cancel: the rest expires
//! ```
//! It is deliberately hard on the trader: every price is moved and rounded against the order, every fee rounded up, a
//! stop or liquidation met inside a candle fills at the worse of its trigger and the price now, and a price that is
//! missing or stale is a refusal, never a fill.
//!
//! The model lives and dies with its process; the order rows are what survives. An open order that this process does
//! not know goes on from its row, while one that was never acknowledged is proven absent.

mod book;
mod execution;
#[cfg(test)]
mod tests;

use crate::adapters::simulation::book::{Entry, OrderBook};
use crate::adapters::simulation::execution::{Tape, execution_price, slot_of};
use crate::domain::fill::worse;
use crate::domain::instrument::{FilterViolation, Instrument, Pricing};
use crate::domain::market::{CandleInterval, Quote, Symbol};
use crate::domain::money::{Price, Quantity};
use crate::domain::order::{Order, OrderCause, OrderKind, OrderStatus};
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::market_data::MarketData;
use crate::ports::store::JournaledOrder;
use crate::ports::venue::{CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue, VenueStatus};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most closed candles that one query catches up on: a day of five-minute candles. Older ones are forgotten, so a
/// market that was away for longer fills less, never more.
const CATCH_UP_MAX: i64 = 288;

/// The code of a refusal because no current price is known.
pub const CODE_NO_PRICE: &str = "NO_PRICE";
/// The code of a refusal because an order breaks a filter of its market.
pub const CODE_FILTER: &str = "FILTER";

/// Fills orders from market data, in this process.
pub struct SimulationVenue {
    market: Arc<dyn MarketData>,
    book: Mutex<OrderBook>,
}

impl SimulationVenue {
    /// A venue that takes its prices and volumes from `market`.
    pub fn new(market: Arc<dyn MarketData>) -> Self {
        Self { market, book: Mutex::new(OrderBook::default()) }
    }

    fn book(&self) -> MutexGuard<'_, OrderBook> {
        // Each change to the book is one assignment or push, so a panic elsewhere leaves it whole.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Executes what can be had at once of an order. An order whose name is known is never executed again.
    async fn accept(&self, order: &Order, context: OrderContext<'_>) -> SubmitOutcome {
        if let Some(entry) = self.book().get(&order.client_order_id) {
            return SubmitOutcome::Accepted(entry.report());
        }
        let (quote, now) = match self.fresh_quote(&order.intent.symbol, context).await {
            Ok(found) => found,
            Err(message) => {
                return SubmitOutcome::Rejected { code: CODE_NO_PRICE.to_owned(), message, raw: String::new() };
            }
        };
        if let Err(violation) = filters(order, quote.price, context.instrument) {
            let (code, message) = (CODE_FILTER.to_owned(), violation.to_string());
            return SubmitOutcome::Rejected { code, message, raw: String::new() };
        }
        let available = self.tape(&order.intent.symbol, 1).await.share_at_once(context.instrument);
        let entry = execute(order, quote.price, available, now, context);
        let mut book = self.book();
        // Asked twice at the same moment, whoever came first with this name holds.
        if let Some(known) = book.get(&order.client_order_id) {
            return SubmitOutcome::Accepted(known.report());
        }
        let report = entry.report();
        book.insert(entry);
        SubmitOutcome::Accepted(report)
    }

    /// The price sent in with the decision, or else the market's, if it is young enough to trade on.
    async fn fresh_quote(&self, symbol: &Symbol, context: OrderContext<'_>) -> Result<(Quote, Timestamp), String> {
        let (now, limit) = (self.market.now(), context.settings.max_price_age_seconds);
        if let Some(given) = context.given_quote.filter(|quote| quote.is_fresh(now, limit)) {
            return Ok((given, now));
        }
        let answer = self.market.quotes(std::slice::from_ref(symbol)).await;
        let quotes = answer.map_err(|error| format!("no price of {symbol} is known: {error}"))?;
        let quote = quotes.get(symbol).copied().ok_or_else(|| format!("no price of {symbol} is known"))?;
        let now = self.market.now();
        if quote.is_fresh(now, limit) {
            Ok((quote, now))
        } else {
            Err(format!("the last price of {symbol} is not within {limit} s of market time"))
        }
    }

    /// The newest closed candles: five-minute ones, or hourly ones where the market has no others. An empty tape means
    /// that no volume is known, so nothing fills from it.
    async fn tape(&self, symbol: &Symbol, limit: i64) -> Tape {
        let limit = usize::try_from(limit.clamp(1, CATCH_UP_MAX)).unwrap_or(1);
        for interval in [CandleInterval::FiveMinutes, CandleInterval::OneHour] {
            match self.market.candles(symbol, interval, limit).await {
                Ok(candles) if !candles.is_empty() => return Tape { candles, interval },
                Ok(_) | Err(_) => {}
            }
        }
        Tape { candles: Arc::from([]), interval: CandleInterval::FiveMinutes }
    }

    /// Lets candles that closed since the last fill fill what is still open.
    async fn catch_up(&self, order: &Order, context: OrderContext<'_>) {
        let now = self.market.now();
        let behind = {
            let book = self.book();
            book.get(&order.client_order_id).filter(|entry| entry.is_open()).map(|entry| entry.slots_behind(now))
        };
        if let Some(slots) = behind.filter(|slots| *slots > 0) {
            let tape = self.tape(&order.intent.symbol, slots).await;
            if let Some(entry) = self.book().get_mut(&order.client_order_id) {
                entry.fill_from(&tape, now, context);
            }
        }
    }

    /// Makes sure that the book agrees with the row about an order, rebuilding it from the row where it must.
    /// False when the order is not one that the venue can know.
    fn recall(&self, order: &Order, context: OrderContext<'_>) -> bool {
        let mut book = self.book();
        let known = book.get(&order.client_order_id);
        if known.is_some_and(|entry| entry.agrees_with(order)) {
            return true;
        }
        let is_known = known.is_some();
        let status = match order.status() {
            OrderStatus::Accepted | OrderStatus::PartiallyFilled => VenueStatus::Open,
            // The request to cancel died with the process that had it; it is honoured now.
            OrderStatus::PendingCancel => VenueStatus::Canceled("cancelled as requested before a restart".to_owned()),
            OrderStatus::Filled => VenueStatus::Filled,
            OrderStatus::Canceled => VenueStatus::Canceled("cancelled before".to_owned()),
            OrderStatus::Expired => VenueStatus::Expired("expired before".to_owned()),
            OrderStatus::Initialized
            | OrderStatus::Submitted
            | OrderStatus::Unknown
            | OrderStatus::Rejected
            | OrderStatus::Denied => return is_known,
        };
        book.insert(Entry::from_row(order, status, &context.instrument.quote, self.market.now()));
        true
    }
}

#[async_trait]
impl Venue for SimulationVenue {
    fn kind(&self) -> VenueKind {
        VenueKind::Simulation
    }

    async fn submit(&self, order: &JournaledOrder, context: OrderContext<'_>) -> SubmitOutcome {
        self.accept(order.order(), context).await
    }

    async fn query(&self, order: &Order, context: OrderContext<'_>) -> QueryOutcome {
        if !self.recall(order, context) {
            return QueryOutcome::NotFound { is_final: true };
        }
        self.catch_up(order, context).await;
        match self.book().get(&order.client_order_id) {
            Some(entry) => QueryOutcome::Found(entry.report()),
            None => QueryOutcome::Unavailable { why: "the order left the book meanwhile; ask again".to_owned() },
        }
    }

    async fn cancel(&self, order: &Order, context: OrderContext<'_>) -> CancelOutcome {
        if !self.recall(order, context) {
            return CancelOutcome::Refused { why: "the simulation does not know this order".to_owned() };
        }
        match self.book().get_mut(&order.client_order_id) {
            Some(entry) => entry.cancel(),
            None => CancelOutcome::Unavailable { why: "the order left the book meanwhile; ask again".to_owned() },
        }
    }
}

/// Holds an order against its market's filters. A liquidation is the venue's own doing and may be dust.
fn filters(order: &Order, price: Price, instrument: &Instrument) -> Result<(), FilterViolation> {
    let is_liquidation = matches!(order.intent.cause, OrderCause::Liquidation(_));
    let pricing = match order.intent.kind {
        OrderKind::LimitIoc(limit) => Pricing::Limit(limit),
        OrderKind::Market => Pricing::Market,
    };
    match instrument.check_order(order.intent.purpose.side(), pricing, order.intent.quantity, price) {
        Err(violation) if is_liquidation && violation.is_too_little() => Ok(()),
        checked => checked,
    }
}

/// The first execution: what is available at once, at the price that the order meets now.
fn execute(order: &Order, quote: Price, available: Quantity, now: Timestamp, context: OrderContext<'_>) -> Entry {
    let intent = &order.intent;
    let side = intent.purpose.side();
    let base = match intent.cause {
        OrderCause::Liquidation(_) | OrderCause::Protective(_) => worse(quote, intent.quote.price, side),
        OrderCause::Decision(_) | OrderCause::OperatorClose(_) | OrderCause::Flatten(_) => quote,
    };
    let price = execution_price(base, side, context);
    let mut entry = Entry::new(order, &context.instrument.quote, now);
    let beyond = match intent.kind {
        OrderKind::LimitIoc(limit) if worse(price, limit, side) != limit => Some(limit),
        OrderKind::LimitIoc(_) | OrderKind::Market => None,
    };
    if beyond.is_none() {
        entry.fill(slot_of(now), price, available, now, false, context);
    }
    if let (OrderKind::LimitIoc(_), true) = (intent.kind, entry.is_open()) {
        entry.expire(match beyond {
            Some(limit) => format!("immediate or cancel: the price {price} is beyond the limit {limit}"),
            None if entry.filled().is_zero() => "immediate or cancel: nothing was available".to_owned(),
            None => "immediate or cancel: the rest was not available within the limit".to_owned(),
        });
    }
    entry
}
