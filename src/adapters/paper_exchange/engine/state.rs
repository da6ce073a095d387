//! What is remembered, as plain data: a snapshot is this and nothing else.

use super::names::{AccountId, Asset, ListId, OrderId, Symbol};
use super::record::{Account, Execution, Order, OrderList};
use super::replay::ReplayError;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Closed orders remembered for each account. A real exchange keeps them for ever; this one must fit into memory, and
/// more than a day of a busy desk does.
pub const CLOSED_ORDERS_MAX: usize = 50_000;
/// Executions remembered for each account and market, for the same reason.
pub const EXECUTIONS_MAX: usize = 100_000;

/// Amounts by asset.
pub(super) type Amounts = BTreeMap<Asset, Decimal>;

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) orders: BTreeMap<OrderId, Order>,
    pub(super) lists: BTreeMap<ListId, OrderList>,
    /// By account and market, oldest first.
    pub(super) executions: BTreeMap<AccountId, BTreeMap<Symbol, VecDeque<Execution>>>,
    /// Closed orders by account in the order in which they closed: who is forgotten first.
    pub(super) closed: BTreeMap<AccountId, VecDeque<OrderId>>,
    /// What came in from outside.
    pub(super) paid_in: Amounts,
    /// What was charged.
    pub(super) fees: Amounts,
    /// What the market itself gained by trading with accounts; below zero where it gave.
    pub(super) market: Amounts,
    pub(super) last_order: u64,
    pub(super) last_trade: u64,
    pub(super) last_list: u64,
    pub(super) last_priority: u64,
}

impl State {
    /// An account, to change it.
    pub(super) fn account_mut(&mut self, id: AccountId) -> Result<&mut Account, ReplayError> {
        self.accounts.get_mut(&id).ok_or_else(|| ReplayError::Unknown(format!("account {id}")))
    }

    /// An order, to change it.
    pub(super) fn order_mut(&mut self, id: OrderId) -> Result<&mut Order, ReplayError> {
        self.orders.get_mut(&id).ok_or_else(|| ReplayError::Unknown(format!("order {id}")))
    }

    /// The other leg of an order's list, while it is open.
    pub(super) fn open_sibling(&self, order: &Order) -> Option<OrderId> {
        let list = self.lists.get(&order.list?)?;
        let sibling = list.orders.into_iter().find(|id| *id != order.id)?;
        self.orders.get(&sibling)?.status.is_open().then_some(sibling)
    }
}

impl Account {
    /// What can be used of an asset.
    pub fn free(&self, asset: &str) -> Decimal {
        self.balances.get(asset).map_or(Decimal::ZERO, |balance| balance.free)
    }

    /// Moves between free and locked: more than zero locks, less than zero releases.
    pub(super) fn hold(&mut self, asset: &Asset, amount: Decimal) -> Result<(), ReplayError> {
        self.shift(asset, -amount, amount)
    }

    /// Adds to what is free, or takes from it when below zero.
    pub(super) fn credit(&mut self, asset: &Asset, amount: Decimal) -> Result<(), ReplayError> {
        self.shift(asset, amount, Decimal::ZERO)
    }

    /// Takes away what was locked.
    pub(super) fn spend(&mut self, asset: &Asset, amount: Decimal) -> Result<(), ReplayError> {
        self.shift(asset, Decimal::ZERO, -amount)
    }

    fn shift(&mut self, asset: &Asset, free: Decimal, locked: Decimal) -> Result<(), ReplayError> {
        if free.is_zero() && locked.is_zero() {
            return Ok(());
        }
        if !self.balances.contains_key(asset) {
            self.balances.insert(asset.clone(), super::record::Balance::default());
        }
        let balance = self.balances.get_mut(asset).expect("it was put in above");
        balance.free += free;
        balance.locked += locked;
        if balance.free.is_sign_negative() && !balance.free.is_zero()
            || balance.locked.is_sign_negative() && !balance.locked.is_zero()
        {
            return Err(ReplayError::Overdrawn(format!("{asset} of account {}", self.id)));
        }
        Ok(())
    }
}

/// Adds to an amount by asset.
pub(super) fn add(amounts: &mut Amounts, asset: &Asset, amount: Decimal) {
    match amounts.get_mut(asset) {
        Some(sum) => *sum += amount,
        None => drop(amounts.insert(asset.clone(), amount)),
    }
}
