//! The matching engine: pure, synchronous and deterministic, over decimals.
//!
//! ```text
//!   request --> validate (filters) --> weigh (account, book) --> plan --> events --> apply --> state
//!                   |                        |                              |
//!                   +------- Refusal --------+                         the state log
//! ```
//!
//! What is remembered is the fold of [`Event`]s: an engine that [applies](Engine::apply) the log of another has the same
//! accounts, orders, lists and executions. The market is not remembered: last price, average and synthetic depth come
//! with the next [tick](Engine::tick), and until then a market is closed.
//!
//! A method that changes something applies its events before it returns them. The caller writes them to the log before
//! it tells the answer; when that fails, it must end, since memory is ahead of the log.

mod amount;
mod audit;
mod book;
mod cancel;
mod depth;
mod event;
mod find;
mod lists;
mod market;
mod memory;
mod names;
mod place;
mod plan;
mod record;
mod refusal;
mod replay;
mod reply;
mod request;
mod rules;
mod shelf;
mod state;
#[cfg(test)]
mod tests;
mod tick;
mod trade;
mod validate;
mod words;
pub mod workload;

pub use event::{Batch, EVENT_VERSION, Event, TradeSide};
pub use names::{AccountId, Asset, ListId, OrderId, Symbol, TradeId};
pub use record::{Account, Balance, Execution, Order, OrderList};
pub use refusal::{Phase, Refusal};
pub use replay::ReplayError;
pub use reply::{CancelReplaced, Canceled, Depth, Done, ListReport, PlacedOrder};
pub use request::{
    CancelOrder, CancelReplace, LegKind, ListRef, NewAccount, NewOco, NewOrder, OcoLeg, OrderKind, OrderRef, Page, Tick,
};
pub use rules::{Grid, Notional, PercentPrice, RulesError, SymbolRules};
pub use state::{CLOSED_ORDERS_MAX, EXECUTIONS_MAX};
pub use words::{
    CancelReplaceMode, CancelRestriction, ExpiryReason, ListStatus, OrderStatus, OrderType, SelfTradePrevention, Side,
    SymbolStatus, TimeInForce,
};

use market::Market;
use memory::Memory;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use state::State;
use std::collections::BTreeMap;

/// The exchange's memory and its markets.
#[derive(Clone, Debug)]
pub struct Engine {
    markets: BTreeMap<Symbol, Market>,
    memory: Memory,
}

/// Everything that is remembered, for a file that replaces a long log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(rename = "v")]
    version: u32,
    state: State,
}

impl Engine {
    /// An exchange without accounts. Its markets are closed until their first tick.
    ///
    /// # Errors
    /// [`RulesError`] when the markets cannot be told apart or balances could not hold what is traded.
    pub fn new(markets: Vec<SymbolRules>) -> Result<Self, RulesError> {
        let mut served = BTreeMap::new();
        for rules in markets {
            if !rules.is_exact() {
                return Err(RulesError::TooPrecise(rules.symbol));
            }
            let symbol = rules.symbol.clone();
            if served.insert(symbol.clone(), Market::new(rules)).is_some() {
                return Err(RulesError::Twice(symbol));
            }
        }
        let memory = Memory::new(served.values().map(|market| &market.rules));
        Ok(Self { markets: served, memory })
    }

    /// Everything that is remembered now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { version: EVENT_VERSION, state: self.memory.state.clone() }
    }

    /// Takes a snapshot's place: all that this exchange remembers is replaced. Events that came after it follow by
    /// [`replay`](Self::replay).
    ///
    /// # Errors
    /// [`ReplayError`] when it is of another version, or speaks of markets that are not served.
    pub fn restore(&mut self, snapshot: Snapshot) -> Result<(), ReplayError> {
        if snapshot.version != EVENT_VERSION {
            return Err(ReplayError::Version(snapshot.version));
        }
        self.memory = Memory::of_state(self.markets.values().map(|market| &market.rules), snapshot.state)?;
        Ok(())
    }

    /// Takes one line of a log in.
    ///
    /// # Errors
    /// [`ReplayError`] when it does not follow what is remembered. The engine must then not be used.
    pub fn replay(&mut self, batch: &Batch) -> Result<(), ReplayError> {
        if batch.version != EVENT_VERSION {
            return Err(ReplayError::Version(batch.version));
        }
        batch.events.iter().try_for_each(|event| self.memory.apply(event))
    }

    /// Opens a market, or closes it. It is not remembered: a market that is made anew trades.
    ///
    /// # Errors
    /// -1121.
    pub fn set_status(&mut self, symbol: &str, status: SymbolStatus) -> Result<(), Refusal> {
        self.market_mut(symbol)?.status = status;
        Ok(())
    }

    /// The markets with their rules, by name.
    pub fn markets(&self) -> impl Iterator<Item = (&SymbolRules, SymbolStatus)> {
        self.markets.values().map(|market| (&market.rules, market.status))
    }

    /// Opens an account with what it starts with. A second account of one name is another account.
    ///
    /// Rates are kept between zero and one, and deposits between zero and 10^12, so that no trade can take more than it
    /// gives.
    pub fn open_account(&mut self, account: NewAccount, now_ms: i64) -> Done<AccountId> {
        let last = self.memory.state.accounts.keys().next_back().map_or(0, |id| id.0);
        let id = AccountId(last + 1);
        let opened = Account {
            id,
            name: account.name,
            maker_rate: account.maker_rate.clamp(Decimal::ZERO, Decimal::ONE),
            taker_rate: account.taker_rate.clamp(Decimal::ZERO, Decimal::ONE),
            bnb_burn: account.bnb_burn,
            updated_at: now_ms,
            balances: BTreeMap::new(),
        };
        let mut events = Vec::new();
        self.emit(&mut events, Event::Opened(Box::new(opened)));
        for (asset, amount) in account.deposits {
            let amount = amount::down(amount.clamp(Decimal::ZERO, amount::LARGEST));
            self.emit(&mut events, Event::Deposited { account: id, asset, amount, at: now_ms });
        }
        Done { reply: id, events }
    }

    /// Pays something into an account, cut to 8 decimals.
    ///
    /// # Errors
    /// -2015 for an account that does not exist, -1130 for an amount that is not above zero or beyond 10^12.
    pub fn deposit(
        &mut self,
        account: AccountId,
        asset: &str,
        amount: Decimal,
        now_ms: i64,
    ) -> Result<Done<()>, Refusal> {
        let amount = amount::down(amount);
        if self.account(account).is_none() {
            return Err(Refusal::unknown_account());
        }
        if amount <= Decimal::ZERO || amount > amount::LARGEST {
            return Err(Refusal::invalid(-1130, "Data sent for parameter 'amount' is not valid."));
        }
        let mut events = Vec::new();
        self.emit(&mut events, Event::Deposited { account, asset: Asset::new(asset), amount, at: now_ms });
        Ok(Done { reply: (), events })
    }

    /// Chooses whether an account pays commission in BNB.
    ///
    /// # Errors
    /// -2015 for an account that does not exist.
    pub fn set_bnb_burn(&mut self, account: AccountId, on: bool, now_ms: i64) -> Result<Done<()>, Refusal> {
        if self.account(account).is_none() {
            return Err(Refusal::unknown_account());
        }
        let mut events = Vec::new();
        self.emit(&mut events, Event::BnbBurnSet { account, on, at: now_ms });
        Ok(Done { reply: (), events })
    }

    /// The first account of a name.
    pub fn account_named(&self, name: &str) -> Option<AccountId> {
        self.memory.state.accounts.values().find(|account| account.name == name).map(|account| account.id)
    }

    /// One account with its balances.
    pub fn account(&self, account: AccountId) -> Option<&Account> {
        self.memory.state.accounts.get(&account)
    }

    fn market(&self, symbol: &str) -> Result<&Market, Refusal> {
        self.markets.get(symbol).ok_or(Refusal::unknown_symbol())
    }

    fn market_mut(&mut self, symbol: &str) -> Result<&mut Market, Refusal> {
        self.markets.get_mut(symbol).ok_or(Refusal::unknown_symbol())
    }

    /// Notes that a market's book has changed.
    fn touch(&mut self, symbol: &str, now_ms: i64) {
        if let Some(market) = self.markets.get_mut(symbol) {
            market.touch(now_ms);
        }
    }
}
