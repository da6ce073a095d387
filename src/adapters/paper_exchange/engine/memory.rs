//! The fold: how each event changes what is remembered, and the books and shelves that follow from it.
//!
//! Nothing here decides. An event that does not fit what came before is an error and leaves a memory that must not be
//! used: the log is damaged, or the code that made the event is wrong.

use super::book::Book;
use super::event::{Event, TradeSide};
use super::names::{AccountId, Asset, ListId, OrderId, Symbol, TradeId};
use super::record::{Account, Execution, Order, OrderList};
use super::replay::ReplayError;
use super::rules::SymbolRules;
use super::shelf::Shelf;
use super::state::{CLOSED_ORDERS_MAX, EXECUTIONS_MAX, State, add};
use super::words::{ExpiryReason, ListStatus, OrderStatus, Side};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};

/// The state with its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) state: State,
    books: BTreeMap<Symbol, Book>,
    shelves: HashMap<AccountId, BTreeMap<Symbol, Shelf>>,
}

/// What both sides of a trade share.
struct Deal<'a> {
    id: TradeId,
    symbol: &'a Symbol,
    base: Asset,
    quote: Asset,
    price: Decimal,
    quantity: Decimal,
    quote_quantity: Decimal,
    at: i64,
}

impl Memory {
    /// A memory of nothing.
    pub(super) fn new<'a>(markets: impl Iterator<Item = &'a SymbolRules>) -> Self {
        let book = |it: &SymbolRules| (it.symbol.clone(), Book::new(it.base.clone(), it.quote.clone()));
        Self { books: markets.map(book).collect(), ..Self::default() }
    }

    /// The memory that a state is of.
    pub(super) fn of_state<'a>(
        markets: impl Iterator<Item = &'a SymbolRules>,
        state: State,
    ) -> Result<Self, ReplayError> {
        let mut memory = Self { state, ..Self::new(markets) };
        let mut open: Vec<Order> = Vec::new();
        for order in memory.state.orders.values() {
            memory.shelves.entry(order.account).or_default().entry(order.symbol.clone()).or_default().insert(order);
            if order.status.is_open() {
                open.push(order.clone());
            }
        }
        for list in memory.state.lists.values() {
            let shelves = memory.shelves.entry(list.account).or_default();
            shelves.entry(list.symbol.clone()).or_default().insert_list(list);
        }
        open.sort_by_key(|order| order.priority);
        for order in open {
            memory.book_mut(&order.symbol)?.insert(&order);
        }
        Ok(memory)
    }

    /// The book of a market that is served.
    pub(super) fn book(&self, symbol: &str) -> Option<&Book> {
        self.books.get(symbol)
    }

    /// What an account has on a market, when it ever had anything.
    pub(super) fn shelf(&self, account: AccountId, symbol: &str) -> Option<&Shelf> {
        self.shelves.get(&account)?.get(symbol)
    }

    /// Every shelf of an account.
    pub(super) fn shelves(&self, account: AccountId) -> impl Iterator<Item = &Shelf> {
        self.shelves.get(&account).into_iter().flat_map(BTreeMap::values)
    }

    /// Takes one event in.
    ///
    /// # Errors
    /// [`ReplayError`] when it does not fit; the memory must then be thrown away.
    pub(super) fn apply(&mut self, event: &Event) -> Result<(), ReplayError> {
        match event {
            Event::Opened(account) => self.opened(account),
            Event::Deposited { account, asset, amount, at } => {
                let it = self.state.account_mut(*account)?;
                it.updated_at = *at;
                it.credit(asset, *amount)?;
                add(&mut self.state.paid_in, asset, *amount);
                Ok(())
            }
            Event::BnbBurnSet { account, on, at } => {
                let it = self.state.account_mut(*account)?;
                (it.bnb_burn, it.updated_at) = (*on, *at);
                Ok(())
            }
            Event::Placed(order) => self.placed(order),
            Event::Listed { list, account, symbol, client_order_id, orders, at } => self.listed(OrderList {
                id: *list,
                account: *account,
                symbol: symbol.clone(),
                client_order_id: client_order_id.clone(),
                orders: *orders,
                status: ListStatus::Executing,
                time: *at,
                updated_at: *at,
            }),
            Event::Triggered { order, locked, at } => self.triggered(*order, *locked, *at),
            Event::Traded { trade, symbol, taker, maker, price, quantity, quote, at } => {
                let book = self.book_mut(symbol)?;
                let (base_asset, quote_asset) = (book.base.clone(), book.quote.clone());
                let deal = Deal {
                    id: *trade,
                    symbol,
                    base: base_asset,
                    quote: quote_asset,
                    price: *price,
                    quantity: *quantity,
                    quote_quantity: *quote,
                    at: *at,
                };
                self.traded(&deal, taker.as_ref(), maker.as_ref())
            }
            Event::Closed { order, status, reason, at } => self.closed(*order, *status, *reason, *at),
        }
    }

    fn opened(&mut self, account: &Account) -> Result<(), ReplayError> {
        if self.state.accounts.insert(account.id, account.clone()).is_some() {
            return Err(ReplayError::Repeated(format!("account {}", account.id)));
        }
        Ok(())
    }

    fn placed(&mut self, order: &Order) -> Result<(), ReplayError> {
        if order.id.0 <= self.state.last_order {
            return Err(ReplayError::Repeated(format!("order {}", order.id)));
        }
        let gives = self.gives(order)?;
        let account = self.state.account_mut(order.account)?;
        account.hold(&gives, order.locked)?;
        account.updated_at = order.time;
        self.state.last_order = order.id.0;
        let mut order = order.clone();
        if order.is_working() {
            order.priority = self.next_priority();
        }
        self.book_mut(&order.symbol)?.insert(&order);
        self.shelf_mut(&order).insert(&order);
        self.state.orders.insert(order.id, order);
        Ok(())
    }

    fn listed(&mut self, list: OrderList) -> Result<(), ReplayError> {
        if list.id.0 <= self.state.last_list {
            return Err(ReplayError::Repeated(format!("list {}", list.id)));
        }
        self.state.last_list = list.id.0;
        let shelves = self.shelves.entry(list.account).or_default();
        shelves.entry(list.symbol.clone()).or_default().insert_list(&list);
        self.state.lists.insert(list.id, list);
        Ok(())
    }

    fn triggered(&mut self, id: OrderId, locked: Decimal, at: i64) -> Result<(), ReplayError> {
        let mut order = self.state.order_mut(id)?.clone();
        if !order.status.is_open() || order.is_working() {
            return Err(ReplayError::Closed(format!("order {id}")));
        }
        self.book_mut(&order.symbol)?.remove(&order);
        let gives = self.gives(&order)?;
        self.state.account_mut(order.account)?.hold(&gives, locked - order.locked)?;
        order.locked = locked;
        order.working_since = Some(at);
        order.updated_at = at;
        order.priority = self.next_priority();
        self.book_mut(&order.symbol)?.insert(&order);
        self.state.orders.insert(id, order);
        Ok(())
    }

    fn traded(
        &mut self,
        deal: &Deal<'_>,
        taker: Option<&TradeSide>,
        maker: Option<&TradeSide>,
    ) -> Result<(), ReplayError> {
        if deal.id.0 <= self.state.last_trade {
            return Err(ReplayError::Repeated(format!("trade {}", deal.id)));
        }
        self.state.last_trade = deal.id.0;
        let taken = taker.map(|part| self.settle(deal, part, false)).transpose()?;
        let made = maker.map(|part| self.settle(deal, part, true)).transpose()?;
        let market_buys = match (taken, made) {
            (Some(side), None) | (None, Some(side)) => side == Side::Sell,
            (Some(_), Some(_)) => return Ok(()),
            (None, None) => return Err(ReplayError::Unknown(format!("a side of trade {}", deal.id))),
        };
        let sign = if market_buys { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
        add(&mut self.state.market, &deal.base, sign * deal.quantity);
        add(&mut self.state.market, &deal.quote, -sign * deal.quote_quantity);
        Ok(())
    }

    /// Moves what one side gives and gets, and tells which side that was.
    fn settle(&mut self, deal: &Deal<'_>, part: &TradeSide, is_maker: bool) -> Result<Side, ReplayError> {
        let order = self.state.order_mut(part.order)?;
        if !order.status.is_open() || order.symbol != *deal.symbol {
            return Err(ReplayError::Closed(format!("order {}", order.id)));
        }
        let side = order.side;
        let (gives, given, gets, got) = match side {
            Side::Buy => (&deal.quote, deal.quote_quantity, &deal.base, deal.quantity),
            Side::Sell => (&deal.base, deal.quantity, &deal.quote, deal.quote_quantity),
        };
        order.executed += deal.quantity;
        order.executed_quote += deal.quote_quantity;
        order.updated_at = deal.at;
        let is_filled = order.executed >= order.quantity;
        let held = order.locked - given;
        order.locked = if is_filled { Decimal::ZERO } else { order.need().unwrap_or(held) };
        if held < order.locked || order.executed > order.quantity {
            return Err(ReplayError::Overdrawn(format!("order {}", order.id)));
        }
        order.status = if is_filled { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        let (account_id, list, released) = (order.account, order.list, held - order.locked);
        let account = self.state.account_mut(account_id)?;
        account.updated_at = deal.at;
        account.spend(gives, given)?;
        account.hold(gives, -released)?;
        account.credit(gets, got)?;
        account.credit(&part.commission_asset, -part.commission)?;
        add(&mut self.state.fees, &part.commission_asset, part.commission);
        self.record(account_id, deal, part, list, (side, is_maker));
        if is_filled {
            self.leave(part.order)?;
        }
        Ok(side)
    }

    fn record(
        &mut self,
        account: AccountId,
        deal: &Deal<'_>,
        part: &TradeSide,
        list: Option<ListId>,
        (side, is_maker): (Side, bool),
    ) {
        let of_account = self.state.executions.entry(account).or_default();
        if !of_account.contains_key(deal.symbol) {
            of_account.insert(deal.symbol.clone(), Default::default());
        }
        let rows = of_account.get_mut(deal.symbol).expect("it was put in above");
        rows.push_back(Execution {
            id: deal.id,
            order: part.order,
            list,
            price: deal.price,
            quantity: deal.quantity,
            quote_quantity: deal.quote_quantity,
            commission: part.commission,
            commission_asset: part.commission_asset.clone(),
            time: deal.at,
            is_buyer: side == Side::Buy,
            is_maker,
        });
        if rows.len() > EXECUTIONS_MAX {
            rows.pop_front();
        }
    }

    fn closed(
        &mut self,
        id: OrderId,
        status: OrderStatus,
        reason: Option<ExpiryReason>,
        at: i64,
    ) -> Result<(), ReplayError> {
        let order = self.state.order_mut(id)?;
        if !order.status.is_open() || status.is_open() {
            return Err(ReplayError::Closed(format!("order {id}")));
        }
        let released = std::mem::take(&mut order.locked);
        let was = order.clone();
        let gives = self.gives(&was)?;
        let mut back = released;
        if reason == Some(ExpiryReason::OcoTrigger)
            && let Some(sibling) = self.state.open_sibling(&was)
        {
            let heir = self.state.order_mut(sibling)?;
            let pool = heir.locked + released;
            heir.locked = heir.need().unwrap_or(pool);
            back = pool - heir.locked;
        }
        let account = self.state.account_mut(was.account)?;
        account.hold(&gives, -back)?;
        account.updated_at = at;
        self.leave(id)?;
        // An account may have forgotten it at once; there is nothing left to change then.
        if let Some(order) = self.state.orders.get_mut(&id) {
            (order.status, order.expiry_reason, order.updated_at) = (status, reason, at);
        }
        self.finish_list(&was, at);
        Ok(())
    }

    /// Takes an order that has closed out of its book and to the closed ones, and forgets the oldest of too many.
    fn leave(&mut self, id: OrderId) -> Result<(), ReplayError> {
        let order = self.state.order_mut(id)?.clone();
        self.book_mut(&order.symbol)?.remove(&order);
        self.shelf_mut(&order).close(&order);
        if order.status == OrderStatus::Filled {
            self.finish_list(&order, order.updated_at);
        }
        let closed = self.state.closed.entry(order.account).or_default();
        closed.push_back(id);
        let oldest = if closed.len() > CLOSED_ORDERS_MAX { closed.pop_front() } else { None };
        if let Some(forgotten) = oldest.and_then(|oldest| self.state.orders.remove(&oldest)) {
            let list = forgotten.list.and_then(|list| self.state.lists.remove(&list));
            let shelf = self.shelf_mut(&forgotten);
            shelf.forget(&forgotten);
            if let Some(list) = list {
                shelf.forget_list(&list);
            }
        }
        Ok(())
    }

    /// Ends the list of an order that has closed when its other leg has closed too.
    fn finish_list(&mut self, order: &Order, at: i64) {
        if self.state.open_sibling(order).is_some() {
            return;
        }
        let Some(list) = order.list.and_then(|list| self.state.lists.get_mut(&list)) else { return };
        if list.status == ListStatus::Executing {
            (list.status, list.updated_at) = (ListStatus::AllDone, at);
            self.shelf_mut(order).open_lists -= 1;
        }
    }

    fn next_priority(&mut self) -> u64 {
        self.state.last_priority += 1;
        self.state.last_priority
    }

    fn gives(&mut self, order: &Order) -> Result<Asset, ReplayError> {
        let book = self.book_mut(&order.symbol)?;
        Ok(match order.side {
            Side::Buy => book.quote.clone(),
            Side::Sell => book.base.clone(),
        })
    }

    fn book_mut(&mut self, symbol: &Symbol) -> Result<&mut Book, ReplayError> {
        self.books.get_mut(symbol).ok_or_else(|| ReplayError::UnknownSymbol(symbol.clone()))
    }

    fn shelf_mut(&mut self, order: &Order) -> &mut Shelf {
        self.shelves.entry(order.account).or_default().entry(order.symbol.clone()).or_default()
    }
}
