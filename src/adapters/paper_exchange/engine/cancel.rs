//! Taking orders back. It is possible in every status of a market: what was asked for can always be called off.

use super::Engine;
use super::event::Event;
use super::find::Missing;
use super::names::{AccountId, ListId, OrderId, generated};
use super::record::Order;
use super::refusal::Refusal;
use super::reply::{CancelReplaced, Canceled, Done, ListReport};
use super::request::{CancelOrder, CancelReplace, ListRef};
use super::words::{CancelReplaceMode, CancelRestriction, OrderStatus};

impl Engine {
    /// Takes an order back; with one leg of an OCO, the whole list.
    ///
    /// # Errors
    /// -1121, or -2011 when there is no such open order or the restriction is not met.
    pub fn cancel(&mut self, cancel: CancelOrder, now_ms: i64) -> Result<Done<Canceled>, Refusal> {
        let mut events = Vec::new();
        let reply = self.take_back(&mut events, &cancel, now_ms)?;
        Ok(Done { reply, events })
    }

    /// Takes every open order of an account on a market back, oldest first; each list once.
    ///
    /// # Errors
    /// -1121, or -2011 when there is none.
    pub fn cancel_all(
        &mut self,
        account: AccountId,
        symbol: &str,
        now_ms: i64,
    ) -> Result<Done<Vec<Canceled>>, Refusal> {
        self.market(symbol)?;
        let open: Vec<OrderId> =
            self.memory.shelf(account, symbol).into_iter().flat_map(|shelf| &shelf.open).copied().collect();
        if open.is_empty() {
            return Err(Refusal::cancel_rejected("Unknown order sent."));
        }
        let (mut events, mut reply) = (Vec::new(), Vec::new());
        for id in open {
            // The other leg of a list has gone with the first.
            if self.memory.state.orders[&id].status.is_open() {
                reply.push(self.close_one(&mut events, id, generated('c', id.0), now_ms));
            }
        }
        Ok(Done { reply, events })
    }

    /// Takes a list back.
    ///
    /// # Errors
    /// -1121, or -2011 when there is no such list with an open leg.
    pub fn cancel_list(
        &mut self,
        account: AccountId,
        symbol: &str,
        list: &ListRef,
        now_ms: i64,
    ) -> Result<Done<ListReport>, Refusal> {
        self.market(symbol)?;
        let found = self.find_list(account, list).filter(|list| list.symbol.as_str() == symbol && list.is_open());
        let Some(found) = found else { return Err(Refusal::cancel_rejected("Unknown order sent.")) };
        let (id, mut events) = (found.id, Vec::new());
        self.close_list(&mut events, id, now_ms);
        Ok(Done { reply: self.report(id), events })
    }

    /// Takes an order back and places another. The new one is judged by its content before the first is touched.
    ///
    /// # Errors
    /// What [`check`](Self::check) says of the new order. Whatever the engine refuses is told in the reply.
    pub fn cancel_replace(&mut self, request: CancelReplace, now_ms: i64) -> Result<Done<CancelReplaced>, Refusal> {
        self.check(&request.place)?;
        let mut events = Vec::new();
        let cancel = self.take_back(&mut events, &request.cancel, now_ms);
        let is_attempted = cancel.is_ok() || request.mode == CancelReplaceMode::AllowFailure;
        let place = is_attempted.then(|| self.accept(&mut events, &request.place, now_ms));
        Ok(Done { reply: CancelReplaced { cancel, place }, events })
    }

    fn take_back(&mut self, journal: &mut Vec<Event>, cancel: &CancelOrder, now_ms: i64) -> Result<Canceled, Refusal> {
        let symbol = cancel.symbol.as_str();
        self.market(symbol)?;
        let order = self.find(cancel.account, symbol, &cancel.order).map_err(|missing| match missing {
            Missing::Unknown => Refusal::cancel_rejected("Unknown order sent."),
            Missing::OtherName => Refusal::cancel_rejected("Cancel order is invalid. Check origClOrdId and orderId."),
        })?;
        if !order.status.is_open() {
            return Err(Refusal::cancel_rejected("Unknown order sent."));
        }
        if !is_met(cancel.restriction, order) {
            return Err(Refusal::cancel_rejected("Order was not canceled due to cancel restrictions."));
        }
        let id = order.id;
        let name = cancel.cancel_client_order_id.clone().unwrap_or_else(|| generated('c', id.0));
        Ok(self.close_one(journal, id, name, now_ms))
    }

    /// Closes an open order, and the list that it still shares with another.
    fn close_one(&mut self, journal: &mut Vec<Event>, id: OrderId, name: String, now_ms: i64) -> Canceled {
        let order = &self.memory.state.orders[&id];
        let list = order.list.filter(|_| self.memory.state.open_sibling(order).is_some());
        if let Some(list) = list {
            self.close_list(journal, list, now_ms);
            return Canceled::List { report: Box::new(self.report(list)), cancel_client_order_id: name };
        }
        let symbol = order.symbol.clone();
        self.emit(journal, Event::Closed { order: id, status: OrderStatus::Canceled, reason: None, at: now_ms });
        self.touch(symbol.as_str(), now_ms);
        let order = Box::new(self.memory.state.orders[&id].clone());
        Canceled::Order { order, cancel_client_order_id: name }
    }

    fn close_list(&mut self, journal: &mut Vec<Event>, list: ListId, now_ms: i64) {
        let list = self.memory.state.lists[&list].clone();
        for order in list.orders {
            if self.memory.state.orders.get(&order).is_some_and(|leg| leg.status.is_open()) {
                let status = OrderStatus::Canceled;
                self.emit(journal, Event::Closed { order, status, reason: None, at: now_ms });
            }
        }
        self.touch(list.symbol.as_str(), now_ms);
    }
}

fn is_met(restriction: Option<CancelRestriction>, order: &Order) -> bool {
    match restriction {
        None => true,
        Some(CancelRestriction::OnlyNew) => order.status == OrderStatus::New,
        Some(CancelRestriction::OnlyPartiallyFilled) => order.status == OrderStatus::PartiallyFilled,
    }
}
