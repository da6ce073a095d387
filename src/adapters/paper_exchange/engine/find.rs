//! Questions: they change nothing, and answer with what is remembered.

use super::Engine;
use super::names::{AccountId, OrderId};
use super::record::{Execution, Order, OrderList};
use super::refusal::Refusal;
use super::reply::{Depth, ListReport};
use super::request::{ListRef, OrderRef, Page};
use super::words::{ListStatus, Side};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Why an order is not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// None of that number or name.
    Unknown,
    /// One of that number, under another name.
    OtherName,
}

impl OrderList {
    /// Whether a leg is open.
    pub fn is_open(&self) -> bool {
        self.status == ListStatus::Executing
    }
}

impl Engine {
    /// One order; of several with one name, the latest.
    ///
    /// # Errors
    /// -1121; -2013 when there is none, -2039 when its name is another.
    pub fn order(&self, account: AccountId, symbol: &str, order: &OrderRef) -> Result<&Order, Refusal> {
        self.market(symbol)?;
        self.find(account, symbol, order).map_err(|missing| match missing {
            Missing::Unknown => Refusal::engine(-2013, "Order does not exist."),
            Missing::OtherName => Refusal::engine(-2039, "Client order ID is not correct for this order ID."),
        })
    }

    /// The open orders of an account, oldest first; of every market without a symbol.
    ///
    /// # Errors
    /// -1121.
    pub fn open_orders(&self, account: AccountId, symbol: Option<&str>) -> Result<Vec<&Order>, Refusal> {
        if let Some(symbol) = symbol {
            self.market(symbol)?;
            let open = self.memory.shelf(account, symbol).into_iter().flat_map(|shelf| &shelf.open);
            return Ok(open.map(|id| &self.memory.state.orders[id]).collect());
        }
        let mut ids: Vec<OrderId> = self.memory.shelves(account).flat_map(|shelf| &shelf.open).copied().collect();
        ids.sort_unstable();
        Ok(ids.iter().map(|id| &self.memory.state.orders[id]).collect())
    }

    /// The remembered orders of an account on a market, open and closed, by number.
    ///
    /// # Errors
    /// -1121.
    pub fn all_orders(&self, account: AccountId, symbol: &str, page: Page) -> Result<Vec<&Order>, Refusal> {
        self.market(symbol)?;
        let all = self.memory.shelf(account, symbol).map(|shelf| &shelf.all);
        let from = OrderId(page.from_id.unwrap_or_default());
        let ids = all.into_iter().flat_map(|all| all.range(from..));
        Ok(page.cut(ids.map(|id| &self.memory.state.orders[id]), |order| order.time))
    }

    /// The executions of an account on a market, by number; with an order, its alone.
    ///
    /// # Errors
    /// -1121.
    pub fn executions(
        &self,
        account: AccountId,
        symbol: &str,
        order: Option<OrderId>,
        page: Page,
    ) -> Result<Vec<&Execution>, Refusal> {
        self.market(symbol)?;
        let rows = self.memory.state.executions.get(&account).and_then(|all| all.get(symbol));
        let from = page.from_id.unwrap_or_default();
        let start = rows.map_or(0, |rows| rows.partition_point(|row| row.id.0 < from));
        let rows = rows.into_iter().flat_map(|rows| rows.range(start..));
        Ok(page.cut(rows.filter(|row| order.is_none_or(|id| row.order == id)), |row| row.time))
    }

    /// A list with its legs.
    ///
    /// # Errors
    /// -2013 when there is none.
    pub fn order_list(&self, account: AccountId, list: &ListRef) -> Result<ListReport, Refusal> {
        let found = self.find_list(account, list);
        found.map(|list| self.report(list.id)).ok_or(Refusal::engine(-2013, "Order list does not exist."))
    }

    /// The remembered lists of an account, by number.
    pub fn all_order_lists(&self, account: AccountId, page: Page) -> Vec<&OrderList> {
        let mut ids: Vec<_> = self.memory.shelves(account).flat_map(|shelf| &shelf.lists).copied().collect();
        ids.retain(|id| id.0 >= page.from_id.unwrap_or_default());
        ids.sort_unstable();
        page.cut(ids.iter().map(|id| &self.memory.state.lists[id]), |list| list.time)
    }

    /// The lists of an account that have an open leg, by number.
    pub fn open_order_lists(&self, account: AccountId) -> Vec<&OrderList> {
        let every = Page { from_id: None, start: None, end: None, limit: usize::MAX };
        self.all_order_lists(account, every).into_iter().filter(|list| list.is_open()).collect()
    }

    /// The book of a market, at most so many levels of each side.
    ///
    /// # Errors
    /// -1121.
    pub fn depth(&self, symbol: &str, levels: usize) -> Result<Depth, Refusal> {
        let market = self.market(symbol)?;
        // The asks are what a buy would meet.
        let (asks, bids) = (self.side_of(symbol, Side::Buy), self.side_of(symbol, Side::Sell));
        Ok(Depth {
            last_update_id: market.last_update_id,
            bids: bids.into_iter().rev().take(levels).collect(),
            asks: asks.into_iter().take(levels).collect(),
        })
    }

    /// The last traded price; `None` before the first tick.
    ///
    /// # Errors
    /// -1121.
    pub fn last_price(&self, symbol: &str) -> Result<Option<Decimal>, Refusal> {
        Ok(self.market(symbol)?.last_price())
    }

    /// The average price that filters measure with; `None` before the first tick.
    ///
    /// # Errors
    /// -1121.
    pub fn average_price(&self, symbol: &str) -> Result<Option<Decimal>, Refusal> {
        Ok(self.market(symbol)?.tick.map(|tick| tick.average))
    }

    /// Finds an order of an account.
    pub(super) fn find(&self, account: AccountId, symbol: &str, order: &OrderRef) -> Result<&Order, Missing> {
        let shelf = self.memory.shelf(account, symbol).ok_or(Missing::Unknown)?;
        let id = match order {
            OrderRef::Id(id) | OrderRef::Both(id, _) => *id,
            OrderRef::ClientId(name) => shelf.named(name).ok_or(Missing::Unknown)?,
        };
        let found = self.memory.state.orders.get(&id).filter(|_| shelf.all.contains(&id)).ok_or(Missing::Unknown)?;
        match order {
            OrderRef::Both(_, name) if found.client_order_id != *name => Err(Missing::OtherName),
            _ => Ok(found),
        }
    }

    /// Finds a list of an account.
    pub(super) fn find_list(&self, account: AccountId, list: &ListRef) -> Option<&OrderList> {
        let id = match list {
            ListRef::Id(id) => *id,
            ListRef::ClientId(name) => self.memory.shelves(account).filter_map(|shelf| shelf.list_named(name)).max()?,
        };
        self.memory.state.lists.get(&id).filter(|list| list.account == account)
    }

    fn side_of(&self, symbol: &str, taker: Side) -> BTreeMap<Decimal, Decimal> {
        let mut sums = BTreeMap::new();
        let resting = self.memory.book(symbol).into_iter().flat_map(|book| book.facing(taker));
        for (price, id) in resting {
            *sums.entry(price).or_insert(Decimal::ZERO) += self.memory.state.orders[&id].remaining();
        }
        for level in self.markets.get(symbol).into_iter().flat_map(|market| market.synthetic.facing(taker)) {
            *sums.entry(level.price).or_insert(Decimal::ZERO) += level.quantity;
        }
        sums
    }
}

impl Page {
    /// The rows of this page out of rows by number.
    fn cut<'a, T>(&self, rows: impl DoubleEndedIterator<Item = &'a T>, time: impl Fn(&T) -> i64) -> Vec<&'a T> {
        let is_inside =
            |row: &&T| self.start.is_none_or(|start| time(row) >= start) && self.end.is_none_or(|end| time(row) <= end);
        let rows = rows.filter(is_inside);
        if self.from_id.is_some() || self.start.is_some() {
            return rows.take(self.limit).collect();
        }
        let mut newest: Vec<&T> = rows.rev().take(self.limit).collect();
        newest.reverse();
        newest
    }
}
