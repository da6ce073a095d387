//! What a venue reports becomes truth here: fills -> ledger -> position -> book, with the order's state, in one commit.
//!
//! A report may repeat fills that are known already, and may arrive twice at once: identity is (venue, symbol, trade
//! id), and the order's and book's versions serialise the rest.

use crate::domain::book::{Book, BookView, Marks};
use crate::domain::cycle::EquitySnapshot;
use crate::domain::fill::Fill;
use crate::domain::ids::{FillId, OrderId, PositionId};
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::market::Coin;
use crate::domain::money::{Money, Quantity};
use crate::domain::notification::{NewNotification, NotificationKind};
use crate::domain::order::{IllegalOrderEvent, Order, OrderEvent, OrderStatus, Purpose};
use crate::domain::position::{Position, PositionError, apply_fill};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::VenueKind;
use crate::ports::market_data::MarketData;
use crate::ports::store::{Changes, CommitError, Guard, IdKind, OrderEventRecord, StoreError};
use crate::ports::venue::{VenueAnswer, VenueFill, VenueReport, VenueStatus};
use crate::services::cycle_parts::{MarketView, quote_asset};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;
use crate::services::run_cycle::told;
use crate::services::settle::SELF;
use crate::services::submit_order::unknown_incident;
use std::collections::BTreeSet;

/// Why a report was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The order, its trader or its book is gone.
    #[error("order {0} is gone")]
    Gone(OrderId),
    /// The report does not fit what we know: an incident was raised and the trader paused.
    #[error("the venue's report on order {order} does not fit: {why}")]
    Misfit {
        /// Which order.
        order: OrderId,
        /// In words.
        why: String,
    },
    /// Somebody kept changing the book.
    #[error("the book of order {0} kept changing")]
    Contended(OrderId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The commit did not happen.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

#[derive(Debug, thiserror::Error)]
enum Misfit {
    #[error(transparent)]
    Order(#[from] IllegalOrderEvent),
    #[error(transparent)]
    Position(#[from] PositionError),
}

/// Applies a report to an order and returns the order as it is now.
///
/// # Errors
/// [`ApplyError`]; nothing was written, except for a misfit, which is recorded as an incident.
pub async fn apply_report(desk: &Desk, order_id: OrderId, report: &VenueReport) -> Result<Order, ApplyError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let gone = || ApplyError::Gone(order_id);
        let order = desk.store.order(order_id).await?.ok_or_else(gone)?;
        let trader = desk.store.trader(order.intent.trader_id).await?.ok_or_else(gone)?;
        let market = desk.markets.of(order.intent.venue).ok_or_else(gone)?;
        let view = desk.store.book_view(order.intent.book_id, market.now().day_start()).await?.ok_or_else(gone)?;
        let mut known: BTreeSet<i64> = desk.store.fills(order_id).await?.iter().map(|fill| fill.trade_id).collect();
        // A report may tell a fill twice, too.
        let fresh: Vec<&VenueFill> = report.fills.iter().filter(|fill| known.insert(fill.trade_id)).collect();
        let ids = desk.store.reserve_ids(IdKind::Fill, u32::try_from(fresh.len()).unwrap_or(u32::MAX)).await?;
        let position_id = PositionId(desk.next_id(IdKind::Position).await?);
        let mut application = Application::new(desk, &trader, &view, order, position_id);
        let prices = fee_prices(desk, market.as_ref(), &trader, &fresh).await;
        let fills = fresh.into_iter().zip(ids).map(|(fill, id)| application.fill(fill, FillId(id), &prices));
        let fills: Vec<Fill> = fills.collect();
        if let Err(misfit) = application.run(fills, report) {
            let answer = answer_of(&application.order, report);
            return Err(record_misfit(desk, &trader, order_id, answer, &misfit.to_string()).await?);
        }
        if application.is_empty() {
            return Ok(application.order);
        }
        application.keep_answer(report);
        let marks = MarketView::read(desk, market.as_ref(), &trader, application.coins()).await.ok();
        let (changes, order) = application.finish(marks.as_ref());
        match desk.store.commit(changes).await {
            Ok(()) => {
                for topic in [Topic::Order, Topic::Fill, Topic::Equity, Topic::Notification] {
                    desk.live.publish(topic, Some(order_id.0), Some(trader.id));
                }
                if let Some(decision) = order.decision_id() {
                    desk.live.publish(Topic::Decision, Some(decision.0), Some(trader.id));
                }
                return Ok(order);
            }
            Err(error) if is_conflict(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApplyError::Contended(order_id))
}

/// Prices of third assets in which fees were taken; one that has no price now is missing.
async fn fee_prices(desk: &Desk, market: &dyn MarketData, trader: &Trader, fills: &[&VenueFill]) -> Marks {
    let quote = quote_asset();
    let assets: BTreeSet<Coin> =
        fills.iter().map(|fill| &fill.fee_asset).filter(|asset| **asset != quote).cloned().collect();
    if assets.is_empty() {
        return Marks::new();
    }
    MarketView::read(desk, market, trader, assets).await.map_or_else(|_| Marks::new(), |view| view.marks())
}

/// What a fee was worth in quote: exact for quote and bought coin, at the price of now for another asset.
fn fee_value(fill: &VenueFill, coin: &Coin, prices: &Marks) -> Money {
    let price = match &fill.fee_asset {
        asset if *asset == quote_asset() => return fill.fee,
        asset if asset == coin => Some(fill.price),
        asset => prices.get(asset).copied(),
    };
    match (price, Quantity::new(fill.fee.decimal())) {
        (Some(price), Some(fee)) => (price * fee).round(),
        _ => Money::ZERO,
    }
}

/// One report being folded into one commit.
struct Application<'a> {
    trader: &'a Trader,
    view: &'a BookView,
    order: Order,
    expected: i64,
    was_unknown: bool,
    book: Book,
    position: Option<Position>,
    position_id: PositionId,
    changes: Changes,
    realized: Money,
    wall: Timestamp,
}

impl<'a> Application<'a> {
    fn new(desk: &'a Desk, trader: &'a Trader, view: &'a BookView, order: Order, position_id: PositionId) -> Self {
        let position = view.position(&order.intent.coin).cloned();
        let (expected, wall) = (order.version, desk.clock.now());
        let was_unknown = order.status() == OrderStatus::Unknown;
        let (book, changes, realized) = (view.book.clone(), Changes::default(), Money::ZERO);
        Self { trader, view, order, expected, was_unknown, book, position, position_id, changes, realized, wall }
    }

    fn fill(&self, fill: &VenueFill, id: FillId, prices: &Marks) -> Fill {
        let intent = &self.order.intent;
        Fill {
            id,
            order_id: self.order.id,
            trader_id: intent.trader_id,
            book_id: intent.book_id,
            venue: intent.venue,
            coin: intent.coin.clone(),
            symbol: intent.symbol.clone(),
            trade_id: fill.trade_id,
            side: intent.purpose.side(),
            price: fill.price,
            quantity: fill.quantity,
            fee: fill.fee,
            fee_asset: fill.fee_asset.clone(),
            fee_value: fee_value(fill, &intent.coin, prices),
            is_maker: fill.is_maker,
            at: fill.at,
        }
    }

    fn run(&mut self, fills: Vec<Fill>, report: &VenueReport) -> Result<(), Misfit> {
        if self.order.venue_order_id.is_none() {
            self.order.venue_order_id = Some(report.venue_order_id);
        }
        for fill in fills {
            self.take(fill)?;
        }
        let open = self.order.status().is_open();
        match &report.status {
            VenueStatus::Canceled(reason) if open => {
                self.event(OrderEvent::Cancel { reason: reason.clone() }, reason.clone())?
            }
            VenueStatus::Expired(reason) if open => {
                self.event(OrderEvent::Expire { reason: reason.clone() }, reason.clone())?
            }
            VenueStatus::Open if matches!(self.order.status(), OrderStatus::Submitted | OrderStatus::Unknown) => {
                self.event(OrderEvent::Accept, format!("venue order {}", report.venue_order_id))?;
            }
            VenueStatus::Open | VenueStatus::Filled | VenueStatus::Canceled(_) | VenueStatus::Expired(_) => {}
        }
        Ok(())
    }

    fn keep_answer(&mut self, report: &VenueReport) {
        self.changes.venue_answers.extend(answer_of(&self.order, report).map(|answer| (self.order.id, answer)));
    }

    fn event(&mut self, event: OrderEvent, detail: String) -> Result<(), IllegalOrderEvent> {
        let name = event.name();
        self.order.apply(event, self.wall)?;
        self.changes.order_events.push(OrderEventRecord { order_id: self.order.id, name, detail, at: self.wall });
        Ok(())
    }

    fn take(&mut self, fill: Fill) -> Result<(), Misfit> {
        let open = self.position.as_ref().filter(|position| !position.is_closed());
        let effect = apply_fill(open, self.position_id, &self.order.intent, &fill, &quote_asset())?;
        self.book.cash += effect.transaction.cash_change();
        self.book.realized += effect.realized;
        self.book.fees += effect.fee;
        self.realized += effect.realized;
        self.order.filled = self.order.filled + fill.quantity;
        self.order.filled_value += fill.value();
        self.order.fees += fill.fee_value;
        self.position = Some(effect.position);
        self.changes.ledger.push(effect.transaction);
        let complete = self.order.remaining().is_zero();
        let detail = format!("{} {} at {}, fee {} {}", fill.quantity, fill.coin, fill.price, fill.fee, fill.fee_asset);
        self.event(OrderEvent::Fill { complete }, detail)?;
        self.changes.new_fills.push(fill);
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.order.version == self.expected
    }

    fn coins(&self) -> Vec<Coin> {
        let held = self.view.positions.iter().map(|position| position.coin.clone());
        held.chain([self.order.intent.coin.clone()]).collect()
    }

    fn finish(mut self, market: Option<&MarketView>) -> (Changes, Order) {
        let filled = !self.changes.new_fills.is_empty();
        self.changes.guards.push(Guard::Book { id: self.book.id, version: self.view.book.version });
        if let Some(mut position) = self.position.take().filter(|_| filled) {
            // Several fills of one report are one change of the stored row.
            let stored = self.view.position(&position.coin).map_or(0, |before| before.version);
            position.version = stored + 1;
            self.changes.positions.push(position.clone());
            self.position = Some(position);
        }
        if filled {
            if let Some(snapshot) = self.snapshot(market) {
                self.book.observe(snapshot.equity, snapshot.at);
                self.changes.snapshots.push(snapshot);
            }
            self.changes.updated_books.push(self.book.clone());
        }
        self.tell();
        self.recover();
        self.end_attempt();
        // One row, one step of its version, however many events led here.
        self.order.version = self.expected + 1;
        self.changes.updated_orders.push((self.order.clone(), self.expected));
        (self.changes, self.order)
    }

    fn snapshot(&self, market: Option<&MarketView>) -> Option<EquitySnapshot> {
        let market = market?;
        let mut view = self.view.clone();
        view.book = self.book.clone();
        view.positions.retain(|position| position.coin != self.order.intent.coin);
        view.positions.extend(self.position.clone().filter(|position| !position.is_closed()));
        let equity = view.value(&market.marks())?.equity;
        Some(EquitySnapshot { book_id: self.book.id, at: market.now, equity, cash: self.book.cash })
    }

    fn end_attempt(&mut self) {
        if self.order.attempts > 0 {
            let outcome =
                format!("{}, {} of {} filled", self.order.status(), self.order.filled, self.order.intent.quantity);
            self.changes.attempt_outcomes.push((self.order.id, self.order.attempts, outcome));
        }
    }

    /// Whoever brought the report, and whatever ends this process next: what is known is no incident any more.
    fn recover(&mut self) {
        if self.was_unknown && self.order.status() != OrderStatus::Unknown {
            let incident = unknown_incident(self.trader, &self.order, "", self.wall);
            let note = format!("the exchange told: {}", self.order.status().as_str().replace('_', " "));
            self.changes.recovered.push((incident, note));
        }
    }

    /// Says what a person wants to know: executed, or ended without (all of) it.
    fn tell(&mut self) {
        if !self.trader.settings.notify_trades || self.order.status().is_open() {
            return;
        }
        let (intent, order) = (&self.order.intent, &self.order);
        let verb = side_verb(intent.purpose);
        let (kind, severity, title) = if order.filled.is_zero() {
            let title = format!("Order not executed: {verb} {} {}", intent.quantity, intent.coin);
            (NotificationKind::OrderFailed, Severity::Medium, title)
        } else {
            let title = format!("Trade executed: {verb} {} {}", order.filled, intent.coin);
            (NotificationKind::TradeExecuted, Severity::Low, title)
        };
        let price = order.average_price().map(|price| format!(" at {price}")).unwrap_or_default();
        let result = match intent.purpose {
            Purpose::Exit(_) if !order.filled.is_zero() => format!(", result {} before fees", self.realized.round()),
            Purpose::Exit(_) | Purpose::Entry(_) => String::new(),
        };
        let body = format!(
            "{}: {} of {} {}{price}, fees {}{result}.",
            self.trader.name, order.filled, intent.quantity, intent.coin, order.fees
        );
        self.changes.notifications.push(NewNotification {
            kind,
            severity,
            title,
            body,
            trader_id: Some(self.trader.id),
            decision_id: order.decision_id(),
            at: self.wall,
        });
    }
}

/// What the exchange said, for the record. The fill model is no exchange: all that it says is in the fills.
fn answer_of(order: &Order, report: &VenueReport) -> Option<VenueAnswer> {
    if order.intent.venue == VenueKind::Simulation { None } else { VenueAnswer::of(&report.raw) }
}

/// The verb of an order as traders say it.
pub(crate) const fn side_verb(purpose: Purpose) -> &'static str {
    match purpose.side() {
        crate::domain::signal::Side::Buy => "BUY",
        crate::domain::signal::Side::Sell => "SELL",
    }
}

/// A report that contradicts our books: nothing is booked, the trader is paused, a person must look.
async fn record_misfit(
    desk: &Desk,
    trader: &Trader,
    order: OrderId,
    answer: Option<VenueAnswer>,
    why: &str,
) -> Result<ApplyError, StoreError> {
    let at = desk.clock.now();
    let incident = NewIncident {
        kind: IncidentKind::ReconciliationDrift,
        severity: Severity::Critical,
        trader_id: Some(trader.id),
        title: format!("{}: the venue's report on order {order} does not fit our books", trader.name),
        detail: format!("{why}. Nothing was booked and the model is paused until a person has looked."),
        fingerprint: format!("order {order}"),
        at,
    };
    let mut paused = trader.clone();
    let mut changes = Changes {
        venue_answers: answer.map(|answer| (order, answer)).into_iter().collect(),
        notifications: vec![told(&incident)],
        incidents: vec![incident],
        ..Changes::default()
    };
    if paused.is_active() {
        let reason = format!("order {order} does not fit the books");
        paused.state = crate::domain::trader::TradingState::Paused { by: SELF.to_owned(), reason, at };
        paused.version += 1;
        changes.updated_traders.push((paused, trader.version));
    }
    match desk.store.commit(changes).await {
        Ok(()) => desk.live.publish(Topic::Incident, None, Some(trader.id)),
        Err(CommitError::Store(error)) => return Err(error),
        Err(error) => crate::observe::commit_failed("recording a report that does not fit", &error),
    }
    Ok(ApplyError::Misfit { order, why: why.to_owned() })
}
