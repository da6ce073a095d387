//! OCO: two orders of one side of which one cancels the other.
//!
//! Both legs give the same thing, so only the larger of their two needs is held: the leg below holds its own, the leg
//! above what it needs beyond that. When one leg ends because the other trades or is triggered, the survivor inherits.

use super::Engine;
use super::event::Event;
use super::names::{ListId, OrderId, generated};
use super::refusal::{MAX_NUM_ORDER_LISTS, Refusal};
use super::reply::{Done, ListReport};
use super::request::{LegKind, NewOco, NewOrder, OcoLeg, OrderKind};
use super::validate;
use rust_decimal::Decimal;

impl Engine {
    /// Places an OCO.
    ///
    /// # Errors
    /// As for [`place`](Self::place), for either leg; -1165 to -1168 and -1196 to -1199 for legs in the wrong place, and
    /// -2010 when the last price is not between the legs.
    pub fn place_oco(&mut self, oco: NewOco, now_ms: i64) -> Result<Done<ListReport>, Refusal> {
        validate::oco(self.market(oco.symbol.as_str())?, &oco)?;
        self.may_list(&oco)?;
        self.fits_position(oco.account, oco.symbol.as_str(), oco.side, Some(oco.quantity))?;
        self.is_between(&oco)?;
        let list = ListId(self.memory.state.last_list + 1);
        let first = OrderId(self.memory.state.last_order + 1);
        let second = OrderId(first.0 + 1);
        let mut below = self.draft(&order_of(&oco, &oco.below), first, Some(list), now_ms);
        let mut above = self.draft(&order_of(&oco, &oco.above), second, Some(list), now_ms);
        below.locked = below.need().unwrap_or_default();
        above.locked = (above.need().unwrap_or_default() - below.locked).max(Decimal::ZERO);
        self.can_hold(&below, below.locked + above.locked)?;
        let mut events = Vec::new();
        self.emit(&mut events, Event::Placed(Box::new(below)));
        self.emit(&mut events, Event::Placed(Box::new(above)));
        let listed = Event::Listed {
            list,
            account: oco.account,
            symbol: oco.symbol.clone(),
            client_order_id: oco.list_client_order_id.unwrap_or_else(|| generated('l', list.0)),
            orders: [first, second],
            at: now_ms,
        };
        self.emit(&mut events, listed);
        self.touch(oco.symbol.as_str(), now_ms);
        Ok(Done { reply: self.report(list), events })
    }

    /// A list with its legs as they are now.
    pub(super) fn report(&self, list: ListId) -> ListReport {
        let list = self.memory.state.lists[&list].clone();
        let orders = list.orders.iter().filter_map(|id| self.memory.state.orders.get(id)).cloned().collect();
        ListReport { list, orders }
    }

    /// Names and counts of both legs and of the list itself.
    fn may_list(&self, oco: &NewOco) -> Result<(), Refusal> {
        let symbol = oco.symbol.as_str();
        let legs = [&oco.above, &oco.below].map(|leg| {
            let kind: OrderKind = leg.kind.of_quantity(oco.quantity);
            (kind.order_type(), leg.client_order_id.as_deref())
        });
        self.may_open(oco.account, symbol, &legs)?;
        let is_twin = oco.above.client_order_id.is_some() && oco.above.client_order_id == oco.below.client_order_id;
        let shelf = self.memory.shelf(oco.account, symbol);
        let namesake = oco.list_client_order_id.as_deref().and_then(|name| shelf?.list_named(name));
        let is_live = namesake.is_some_and(|id| self.memory.state.lists[&id].is_open());
        if is_twin || is_live {
            return Err(Refusal::rejected("Duplicate order sent."));
        }
        let most = self.market(symbol)?.rules.max_order_lists;
        if most != 0 && shelf.is_some_and(|shelf| shelf.open_lists >= most) {
            return Err(Refusal::account_filter(MAX_NUM_ORDER_LISTS));
        }
        Ok(())
    }

    /// The last price lies between the legs, and a maker among them does not take.
    fn is_between(&self, oco: &NewOco) -> Result<(), Refusal> {
        let symbol = oco.symbol.as_str();
        let last = self.market(symbol)?.last_price().unwrap_or_default();
        if !(decisive(oco.below.kind) < last && last < decisive(oco.above.kind)) {
            return Err(Refusal::rejected("The relationship of the prices for the orders is not correct."));
        }
        for leg in [&oco.above, &oco.below] {
            self.fits_last_price(symbol, oco.side, &leg.kind.of_quantity(oco.quantity))?;
        }
        Ok(())
    }
}

/// The price at which a leg comes to life.
const fn decisive(leg: LegKind) -> Decimal {
    match leg {
        LegKind::LimitMaker { price } => price,
        LegKind::StopLoss { stop_price }
        | LegKind::StopLossLimit { stop_price, .. }
        | LegKind::TakeProfit { stop_price }
        | LegKind::TakeProfitLimit { stop_price, .. } => stop_price,
    }
}

fn order_of(oco: &NewOco, leg: &OcoLeg) -> NewOrder {
    NewOrder {
        account: oco.account,
        symbol: oco.symbol.clone(),
        side: oco.side,
        kind: leg.kind.of_quantity(oco.quantity),
        client_order_id: leg.client_order_id.clone(),
        self_trade_prevention: oco.self_trade_prevention,
        strategy_id: leg.strategy_id,
        strategy_type: leg.strategy_type,
    }
}
