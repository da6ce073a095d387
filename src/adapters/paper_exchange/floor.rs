//! The trading floor: the matching engine and everything that must move with it, behind one lock.
//!
//! A command runs in the engine, its events go to the state log in the same order, and the answer waits (outside of the
//! lock) until they are on the disk. Questions wait too: what they show could otherwise be forgotten by a crash, and
//! would have been confirmed all the same.

use super::engine::{AccountId, Done, Engine, Event, Order, OrderId, OrderType, Side, Symbol, TradeId};
use super::limits::Limits;
use super::state_writer::StateWriter;
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use std::collections::{HashMap, VecDeque};

/// Executions of one market that everybody can see.
pub const PUBLIC_TRADES_MAX: usize = 1_000;
/// Orders that are hidden from questions at the same time.
const HIDDEN_MAX: usize = 1_024;

/// An execution as everybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicTrade {
    /// Its number.
    pub id: TradeId,
    /// The price.
    pub price: Decimal,
    /// How much base.
    pub quantity: Decimal,
    /// How much quote.
    pub quote: Decimal,
    /// When, in milliseconds.
    pub at: i64,
    /// Whether the order that rested bought.
    pub is_buyer_maker: bool,
}

/// What must be known of an open order when it trades later.
#[derive(Clone, Copy, Debug)]
struct Resting {
    account: AccountId,
    side: Side,
    remaining: Decimal,
    is_market: bool,
    has_traded: bool,
}

/// An accepted order that no question finds yet.
#[derive(Clone, Copy, Debug)]
struct Hidden {
    order: OrderId,
    until: Option<i64>,
    queries: Option<u32>,
}

/// Accepted orders that questions do not find yet: an exchange's reading side may lag behind its matching.
#[derive(Debug, Default)]
pub struct Hiding(Vec<Hidden>);

impl Hiding {
    /// Hides an order until a moment or for so many questions, whichever passes first.
    pub fn hide(&mut self, order: OrderId, until: Option<i64>, queries: Option<u32>) {
        if self.0.len() == HIDDEN_MAX {
            self.0.remove(0);
        }
        self.0.push(Hidden { order, until, queries });
    }

    /// Whether a question at `now_ms` must not find this order. Asking counts.
    pub fn covers(&mut self, order: OrderId, now_ms: i64) -> bool {
        if self.0.is_empty() {
            return false;
        }
        self.0.retain(|hidden| hidden.until.is_none_or(|until| now_ms < until) && hidden.queries != Some(0));
        let Some(hidden) = self.0.iter_mut().find(|hidden| hidden.order == order) else { return false };
        if let Some(queries) = &mut hidden.queries {
            *queries -= 1;
        }
        true
    }
}

/// Engine, log, and what follows from their events.
#[derive(Debug)]
pub struct Floor {
    /// The engine. What changes something goes through [`Self::commit`].
    pub engine: Engine,
    log: Option<StateWriter>,
    number: u64,
    resting: HashMap<OrderId, Resting>,
    trades: HashMap<Symbol, VecDeque<PublicTrade>>,
    /// Orders that questions do not find yet.
    pub hiding: Hiding,
    /// Orders that the command at hand placed or traded; empty between commands.
    touched: Vec<OrderId>,
}

impl Floor {
    /// A floor on an engine that stands where command `number` left it.
    pub fn new(engine: Engine, number: u64, log: Option<StateWriter>) -> Self {
        Self {
            engine,
            log,
            number,
            resting: HashMap::new(),
            trades: HashMap::new(),
            hiding: Hiding::default(),
            touched: Vec::new(),
        }
    }

    /// Remembers the open orders of an account, after a start.
    pub fn remember_open(&mut self, account: AccountId) {
        let open = self.engine.open_orders(account, None).unwrap_or_default();
        let known = open.into_iter().map(|order| (order.id, resting(order)));
        self.resting.extend(known);
    }

    /// Sends the events of a command on their way, and answers its reply.
    pub fn commit<T>(&mut self, done: Done<T>, market_at: Timestamp, limits: &Limits, now: Timestamp) -> T {
        for event in &done.events {
            self.follow(event, limits, now);
        }
        self.forget_done();
        if !done.events.is_empty()
            && let Some(log) = &self.log
        {
            self.number += 1;
            log.append(self.number, market_at, done.events);
            if log.is_long() {
                log.replace(self.number, market_at, self.engine.snapshot());
            }
        }
        done.reply
    }

    /// The number of the last command: what must be on the disk before anyone is told of it.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Ends the log; what it was given is written.
    pub fn take_log(&mut self) -> Option<StateWriter> {
        self.log.take()
    }

    /// The newest executions of a market, oldest first.
    pub fn trades(&self, symbol: &str) -> impl Iterator<Item = &PublicTrade> {
        self.trades.get(symbol).into_iter().flatten()
    }

    /// Filled orders end without an event of their own, and market orders never rest.
    fn forget_done(&mut self) {
        for order in self.touched.drain(..) {
            let is_done = |it: &Resting| it.remaining <= Decimal::ZERO || it.is_market;
            if self.resting.get(&order).is_some_and(is_done) {
                self.resting.remove(&order);
            }
        }
    }

    fn follow(&mut self, event: &Event, limits: &Limits, now: Timestamp) {
        match event {
            Event::Placed(order) => {
                self.resting.insert(order.id, resting(order));
                self.touched.push(order.id);
            }
            Event::Closed { order, .. } => {
                self.resting.remove(order);
            }
            Event::Traded { trade, symbol, taker, maker, price, quantity, quote, at } => {
                let side_of = |side: Option<OrderId>| side.and_then(|order| self.resting.get(&order)).map(|it| it.side);
                let maker_order = maker.as_ref().map(|side| side.order);
                let maker_side =
                    side_of(maker_order).or_else(|| side_of(taker.as_ref().map(|side| side.order)).map(Side::opposite));
                let public = PublicTrade {
                    id: *trade,
                    price: *price,
                    quantity: *quantity,
                    quote: *quote,
                    at: *at,
                    is_buyer_maker: maker_side == Some(Side::Buy),
                };
                let trades = self.trades.entry(symbol.clone()).or_default();
                if trades.len() == PUBLIC_TRADES_MAX {
                    trades.pop_front();
                }
                trades.push_back(public);
                for side in [taker, maker].into_iter().flatten() {
                    if let Some(resting) = self.resting.get_mut(&side.order) {
                        resting.remaining -= *quantity;
                        self.touched.push(side.order);
                    }
                }
                if let Some(resting) = maker_order.and_then(|order| self.resting.get_mut(&order))
                    && !std::mem::replace(&mut resting.has_traded, true)
                {
                    limits.maker_filled(resting.account, now);
                }
            }
            _ => {}
        }
    }
}

fn resting(order: &Order) -> Resting {
    Resting {
        account: order.account,
        side: order.side,
        remaining: order.remaining(),
        is_market: order.order_type == OrderType::Market,
        has_traded: !order.executed.is_zero(),
    }
}
