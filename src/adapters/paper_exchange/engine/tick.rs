//! The market moves: resting orders that it came to are filled, and stop orders whose price it reached are set off.
//!
//! In this order: the new depth trades with resting orders at *their* prices, as far as it reaches; then the triggers,
//! oldest order first, each meeting the book that the one before it left. The last price is the market's word alone:
//! trades in this engine do not move it, so one tick never sets off a chain.

use super::Engine;
use super::amount::LARGEST;
use super::depth::Synthetic;
use super::event::Event;
use super::names::{OrderId, Symbol};
use super::plan::Size;
use super::refusal::Refusal;
use super::reply::Done;
use super::request::Tick;
use super::trade::Match;
use super::words::{ExpiryReason, OrderStatus, Side, SymbolStatus};
use rust_decimal::Decimal;

impl Engine {
    /// Moves a market. While it does not trade its price moves, and nothing else happens.
    ///
    /// # Errors
    /// -1121 for a market that is not served, -1130 for a price or an average that is not above zero, a volume below it,
    /// or any of them beyond 10^12.
    pub fn tick(&mut self, symbol: &str, tick: Tick, now_ms: i64) -> Result<Done<()>, Refusal> {
        let market = self.market_mut(symbol)?;
        let is_small = tick.price <= Decimal::ZERO || tick.average <= Decimal::ZERO || tick.volume < Decimal::ZERO;
        if is_small || tick.price.max(tick.average).max(tick.volume) > LARGEST {
            return Err(Refusal::invalid(-1130, "Data sent for parameter 'price' is not valid."));
        }
        market.tick = Some(tick);
        market.synthetic = Synthetic::around(tick, &market.rules);
        market.touch(now_ms);
        let mut events = Vec::new();
        if market.status == SymbolStatus::Trading {
            let symbol = market.rules.symbol.clone();
            self.fill_resting(&mut events, &symbol, Side::Buy, now_ms);
            self.fill_resting(&mut events, &symbol, Side::Sell, now_ms);
            self.set_off(&mut events, &symbol, tick.price, now_ms);
        }
        Ok(Done { reply: (), events })
    }

    /// Lets the synthetic depth take the resting orders of one side that it now crosses.
    fn fill_resting(&mut self, journal: &mut Vec<Event>, symbol: &Symbol, resting: Side, now_ms: i64) {
        while let Some(deal) = self.next_crossed(symbol, resting) {
            self.trade(journal, symbol, deal, now_ms);
            self.markets.get_mut(symbol).expect("it ticks").synthetic.take(resting, deal.quantity);
        }
    }

    /// The best resting order of a side, when the synthetic depth crosses it.
    fn next_crossed(&self, symbol: &Symbol, resting: Side) -> Option<Match> {
        let (price, maker) = self.memory.book(symbol.as_str())?.facing(resting.opposite()).next()?;
        let level = self.markets[symbol].synthetic.facing(resting).front()?;
        let is_crossed = match resting {
            Side::Buy => level.price <= price,
            Side::Sell => level.price >= price,
        };
        let quantity = self.memory.state.orders[&maker].remaining().min(level.quantity);
        is_crossed.then_some(Match { taker: None, maker: Some(maker), price, quantity })
    }

    fn set_off(&mut self, journal: &mut Vec<Event>, symbol: &Symbol, last: Decimal, now_ms: i64) {
        let ids = self.memory.book(symbol.as_str()).map(|book| book.set_off_by(last)).unwrap_or_default();
        for id in ids {
            // One that came before it may have ended it: as its OCO's other leg.
            if self.memory.state.orders.get(&id).is_some_and(|order| order.status.is_open()) {
                self.trigger(journal, id, now_ms);
            }
        }
    }

    /// Sets one stop order off: from now on it is a market or a limit order that has just come.
    fn trigger(&mut self, journal: &mut Vec<Event>, id: OrderId, now_ms: i64) {
        self.end_sibling(journal, id, now_ms);
        let order = self.memory.state.orders[&id].clone();
        let plan = self.plan_for(&order, Size::Base(order.remaining()));
        let mut locked = order.locked;
        if !order.order_type.is_limit() {
            let rules = &self.markets[&order.symbol].rules;
            let gives = match order.side {
                Side::Buy => &rules.quote,
                Side::Sell => &rules.base,
            };
            locked = plan.gives(order.side);
            if locked > order.locked + self.memory.state.accounts[&order.account].free(gives.as_str()) {
                let (status, reason) = (OrderStatus::Expired, Some(ExpiryReason::Rejected));
                self.end(journal, id, status, reason, now_ms);
                return;
            }
        }
        self.emit(journal, Event::Triggered { order: id, locked, at: now_ms });
        let working = self.memory.state.orders[&id].clone();
        self.carry_out(journal, &working, &plan, now_ms);
    }
}
