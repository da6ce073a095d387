//! Carrying a plan out: trades with their commissions, and the orders that end on the way.

use super::Engine;
use super::amount::{down, up};
use super::event::{Event, TradeSide};
use super::names::{Asset, OrderId, Symbol, TradeId};
use super::plan::{Ending, Plan, Step};
use super::record::Order;
use super::words::{ExpiryReason, OrderStatus, Side, TimeInForce};
use rust_decimal::Decimal;

/// The asset in which commission can be paid at a discount.
const BURN_ASSET: &str = "BNB";
/// What remains of a commission that is paid in it: a quarter is let off.
const BURN_FACTOR: Decimal = Decimal::from_parts(75, 0, 0, false, 2);

/// A trade before its commissions are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    /// The order that takes; `None` when the market does.
    pub(super) taker: Option<OrderId>,
    /// The order that rests; `None` when the market does.
    pub(super) maker: Option<OrderId>,
    pub(super) price: Decimal,
    pub(super) quantity: Decimal,
}

impl Engine {
    /// Takes an event in and keeps it for the log.
    pub(super) fn emit(&mut self, journal: &mut Vec<Event>, event: Event) {
        self.memory.apply(&event).expect("an event of this engine fits its own memory");
        journal.push(event);
    }

    /// Does what was planned for an accepted order, and ends it when it may not rest.
    pub(super) fn carry_out(&mut self, journal: &mut Vec<Event>, taker: &Order, plan: &Plan, now_ms: i64) {
        for step in &plan.steps {
            match *step {
                Step::Trade { maker, price, quantity } => {
                    let deal = Match { taker: Some(taker.id), maker, price, quantity };
                    self.trade(journal, &taker.symbol, deal, now_ms);
                    if maker.is_none()
                        && let Some(market) = self.markets.get_mut(&taker.symbol)
                    {
                        market.synthetic.take(taker.side, quantity);
                    }
                }
                Step::EndMaker(maker) => self.end(journal, maker, OrderStatus::ExpiredInMatch, None, now_ms),
            }
        }
        self.end_if_it_may_not_rest(journal, taker, plan.ending, now_ms);
    }

    /// Ends an open order of any kind before it is filled; the other leg of its OCO ends with it.
    pub(super) fn end(
        &mut self,
        journal: &mut Vec<Event>,
        order: OrderId,
        status: OrderStatus,
        reason: Option<ExpiryReason>,
        now_ms: i64,
    ) {
        self.end_sibling(journal, order, now_ms);
        self.emit(journal, Event::Closed { order, status, reason, at: now_ms });
    }

    /// Ends the other leg of an order's OCO, since this one trades or was triggered; what it held goes to this one.
    pub(super) fn end_sibling(&mut self, journal: &mut Vec<Event>, order: OrderId, now_ms: i64) {
        if let Some(sibling) = self.memory.state.open_sibling(&self.memory.state.orders[&order]) {
            let (status, reason) = (OrderStatus::Expired, Some(ExpiryReason::OcoTrigger));
            self.emit(journal, Event::Closed { order: sibling, status, reason, at: now_ms });
        }
    }

    /// Makes one trade.
    pub(super) fn trade(&mut self, journal: &mut Vec<Event>, symbol: &Symbol, deal: Match, now_ms: i64) {
        if let Some(maker) = deal.maker {
            self.end_sibling(journal, maker, now_ms);
        }
        let quote = down(deal.price * deal.quantity);
        let taker = deal.taker.map(|order| self.charge(order, false, deal.quantity, quote, None));
        let maker = deal.maker.map(|order| self.charge(order, true, deal.quantity, quote, taker.as_ref()));
        let trade = TradeId(self.memory.state.last_trade + 1);
        let event = Event::Traded {
            trade,
            symbol: symbol.clone(),
            taker,
            maker,
            price: deal.price,
            quantity: deal.quantity,
            quote,
            at: now_ms,
        };
        self.emit(journal, event);
    }

    fn end_if_it_may_not_rest(&mut self, journal: &mut Vec<Event>, taker: &Order, ending: Ending, now_ms: i64) {
        if !self.memory.state.orders.get(&taker.id).is_some_and(|order| order.status.is_open()) {
            return;
        }
        let expired = |reason| (OrderStatus::Expired, Some(reason));
        let (status, reason) = match (ending, taker.time_in_force) {
            (Ending::SelfTrade, _) => (OrderStatus::ExpiredInMatch, None),
            _ if !taker.order_type.is_limit() => expired(ExpiryReason::InsufficientLiquidity),
            (_, TimeInForce::Ioc) => expired(ExpiryReason::UnfilledIoc),
            (_, TimeInForce::Fok) => expired(ExpiryReason::UnfilledFok),
            (_, TimeInForce::Gtc) => return,
        };
        self.end(journal, taker.id, status, reason, now_ms);
    }

    /// What one side of a trade is charged: in BNB at a discount when its account wants that and has enough, else in what
    /// it receives. Rounded up: what is owed is never rounded in the debtor's favour.
    ///
    /// `before`: what the other side is charged first, which may be the same account.
    fn charge(
        &self,
        order: OrderId,
        is_maker: bool,
        quantity: Decimal,
        quote: Decimal,
        before: Option<&TradeSide>,
    ) -> TradeSide {
        let state = &self.memory.state;
        let side_of = &state.orders[&order];
        let account = &state.accounts[&side_of.account];
        let rules = &self.markets[&side_of.symbol].rules;
        let rate = if is_maker { account.maker_rate } else { account.taker_rate };
        let (gets, got) = match side_of.side {
            Side::Buy => (&rules.base, quantity),
            Side::Sell => (&rules.quote, quote),
        };
        let usual = TradeSide { order, commission: up(got * rate), commission_asset: gets.clone() };
        if !account.bnb_burn || rate.is_zero() {
            return usual;
        }
        let Some((asset, price)) = self.burn_price(&rules.quote) else { return usual };
        let commission = up(quote * rate * BURN_FACTOR / price);
        let owed_before = before
            .filter(|other| other.commission_asset == asset && state.orders[&other.order].account == account.id)
            .map_or(Decimal::ZERO, |other| other.commission);
        let received = if *gets == asset { got } else { Decimal::ZERO };
        if account.free(asset.as_str()) + received - owed_before < commission {
            return usual;
        }
        TradeSide { order, commission, commission_asset: asset }
    }

    /// What one BNB costs in a quote asset now.
    fn burn_price(&self, quote: &Asset) -> Option<(Asset, Decimal)> {
        if quote.as_str() == BURN_ASSET {
            return Some((quote.clone(), Decimal::ONE));
        }
        let market =
            self.markets.values().find(|it| it.rules.base.as_str() == BURN_ASSET && it.rules.quote == *quote)?;
        Some((market.rules.base.clone(), market.last_price()?))
    }
}
