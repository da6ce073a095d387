//! The books, added up: what must hold after every command, whatever it was.

use super::Engine;
use super::memory::Memory;
use super::names::{AccountId, Asset};
use super::state::{State, add};
use super::words::Side;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

impl Engine {
    /// Everything that does not add up, in words; empty when all is well. For tests and for a look after a restart: it
    /// walks over everything that is remembered.
    ///
    /// Of each asset, what accounts have, what was charged and what the market gained is what was paid in; no balance is
    /// below zero; what is locked is what open orders hold, and each holds what it needs; and the books are those that
    /// the orders make.
    pub fn audit(&self) -> Vec<String> {
        let state = &self.memory.state;
        let mut wrong = conservation(state);
        wrong.extend(self.locks());
        for order in state.orders.values().filter(|order| order.status.is_open()) {
            let pool = state.open_sibling(order).map_or(order.locked, |id| order.locked + state.orders[&id].locked);
            let sibling_need = state.open_sibling(order).and_then(|id| state.orders[&id].need()).unwrap_or_default();
            if order.need().is_none_or(|need| need.max(sibling_need) != pool) {
                wrong.push(format!("open order {} holds {pool} and needs {:?}", order.id, order.need()));
            }
        }
        for order in state.orders.values().filter(|order| !order.status.is_open() && !order.locked.is_zero()) {
            wrong.push(format!("closed order {} holds {}", order.id, order.locked));
        }
        match Memory::of_state(self.markets.values().map(|market| &market.rules), state.clone()) {
            Ok(again) if again == self.memory => {}
            Ok(_) => wrong.push("books and shelves are not those of the state".to_owned()),
            Err(error) => wrong.push(error.to_string()),
        }
        wrong
    }

    fn locks(&self) -> Vec<String> {
        let state = &self.memory.state;
        let mut held: BTreeMap<(AccountId, &Asset), Decimal> = BTreeMap::new();
        for order in state.orders.values() {
            let rules = &self.markets[&order.symbol].rules;
            let gives = if order.side == Side::Buy { &rules.quote } else { &rules.base };
            *held.entry((order.account, gives)).or_default() += order.locked;
        }
        let mut wrong = Vec::new();
        for account in state.accounts.values() {
            for (asset, balance) in &account.balances {
                let orders = held.get(&(account.id, asset)).copied().unwrap_or_default();
                if balance.locked != orders {
                    wrong.push(format!("{} of {asset} is locked, orders hold {orders}", balance.locked));
                }
                if balance.free < Decimal::ZERO || balance.locked < Decimal::ZERO {
                    wrong.push(format!("account {} is below zero in {asset}", account.id));
                }
                if balance.free.normalize().scale() > 8 || balance.locked.normalize().scale() > 8 {
                    wrong.push(format!("account {} has more than 8 decimals of {asset}", account.id));
                }
            }
        }
        wrong
    }
}

fn conservation(state: &State) -> Vec<String> {
    let mut sums = state.fees.clone();
    for (asset, amount) in &state.market {
        add(&mut sums, asset, *amount);
    }
    for (asset, balance) in state.accounts.values().flat_map(|account| &account.balances) {
        add(&mut sums, asset, balance.free + balance.locked);
    }
    for (asset, amount) in &state.paid_in {
        add(&mut sums, asset, -*amount);
    }
    let off = sums.into_iter().filter(|(_, sum)| !sum.is_zero());
    off.map(|(asset, sum)| format!("{sum} of {asset} came from nowhere")).collect()
}
