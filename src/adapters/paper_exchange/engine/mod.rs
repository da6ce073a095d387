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

mod event;
mod names;
mod record;
mod refusal;
mod reply;
mod request;
mod rules;
mod words;

pub use event::{Batch, EVENT_VERSION, Event, TradeSide};
pub use names::{AccountId, Asset, ListId, OrderId, Symbol, TradeId};
pub use record::{Account, Balance, Execution, Order, OrderList};
pub use refusal::{Phase, Refusal};
pub use reply::{CancelReplaced, Canceled, Depth, Done, ListReport, PlacedOrder};
pub use request::{
    CancelOrder, CancelReplace, LegKind, ListRef, NewAccount, NewOco, NewOrder, OcoLeg, OrderKind, OrderRef, Page, Tick,
};
pub use rules::{Grid, Notional, PercentPrice, SymbolRules};
pub use words::{
    CancelReplaceMode, CancelRestriction, ExpiryReason, ListStatus, OrderStatus, OrderType, SelfTradePrevention, Side,
    SymbolStatus, TimeInForce,
};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The exchange's memory and its market.
#[derive(Debug)]
pub struct Engine {}

/// Everything that is remembered, for a file that replaces a long log. Engines of equal snapshots answer alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {}

/// Why a set of markets cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// Two markets of one name.
    #[error("the market {0} is given twice")]
    Twice(Symbol),
    /// More decimals than balances have.
    #[error("the market {0} has more than 8 decimals in its precision, tick or step")]
    TooPrecise(Symbol),
}

/// Why an event does not fit what came before it: the log is not of this exchange, or is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Written by a later version.
    #[error("the log has version {0}, and this program reads {EVENT_VERSION}")]
    Version(u32),
    /// A market that is not served.
    #[error("the log speaks of the market {0}, which is not served")]
    UnknownSymbol(Symbol),
    /// An account, order or list that was never made.
    #[error("the log speaks of {0} before it was made")]
    Unknown(String),
    /// Something would be owed that is not there.
    #[error("the log takes more than there is: {0}")]
    Overdrawn(String),
}

#[allow(clippy::unimplemented, unused_variables, missing_docs, clippy::missing_errors_doc)]
impl Engine {
    pub fn new(markets: Vec<SymbolRules>) -> Result<Self, RulesError> {
        unimplemented!()
    }

    // ---- memory
    pub fn snapshot(&self) -> Snapshot {
        unimplemented!()
    }
    pub fn restore(markets: Vec<SymbolRules>, snapshot: Snapshot) -> Result<Self, ReplayError> {
        unimplemented!()
    }
    pub fn replay(&mut self, batch: &Batch) -> Result<(), ReplayError> {
        unimplemented!()
    }

    // ---- the market (not remembered, but what it causes is)
    /// `now_ms`: wall clock in milliseconds, as in every method below. Errors: -1121.
    pub fn tick(&mut self, symbol: &str, tick: Tick, now_ms: i64) -> Result<Done<()>, Refusal> {
        unimplemented!()
    }
    /// A market starts as TRADING. Not remembered.
    pub fn set_status(&mut self, symbol: &str, status: SymbolStatus) -> Result<(), Refusal> {
        unimplemented!()
    }

    // ---- accounts
    pub fn open_account(&mut self, account: NewAccount, now_ms: i64) -> Done<AccountId> {
        unimplemented!()
    }
    pub fn deposit(
        &mut self,
        account: AccountId,
        asset: &str,
        amount: Decimal,
        now_ms: i64,
    ) -> Result<Done<()>, Refusal> {
        unimplemented!()
    }
    pub fn set_bnb_burn(&mut self, account: AccountId, on: bool, now_ms: i64) -> Result<Done<()>, Refusal> {
        unimplemented!()
    }
    pub fn account_named(&self, name: &str) -> Option<AccountId> {
        unimplemented!()
    }
    pub fn account(&self, account: AccountId) -> Option<&Account> {
        unimplemented!()
    }

    // ---- orders
    /// Everything `place` checks before it looks at account and book: `order/test`.
    pub fn check(&self, order: &NewOrder) -> Result<(), Refusal> {
        unimplemented!()
    }
    pub fn place(&mut self, order: NewOrder, now_ms: i64) -> Result<Done<PlacedOrder>, Refusal> {
        unimplemented!()
    }
    pub fn place_oco(&mut self, oco: NewOco, now_ms: i64) -> Result<Done<ListReport>, Refusal> {
        unimplemented!()
    }
    pub fn cancel(&mut self, cancel: CancelOrder, now_ms: i64) -> Result<Done<Canceled>, Refusal> {
        unimplemented!()
    }
    pub fn cancel_all(
        &mut self,
        account: AccountId,
        symbol: &str,
        now_ms: i64,
    ) -> Result<Done<Vec<Canceled>>, Refusal> {
        unimplemented!()
    }
    pub fn cancel_list(
        &mut self,
        account: AccountId,
        symbol: &str,
        list: &ListRef,
        now_ms: i64,
    ) -> Result<Done<ListReport>, Refusal> {
        unimplemented!()
    }
    /// Refused as a whole only when the new order fails its validation; both failed is told in the reply.
    pub fn cancel_replace(&mut self, request: CancelReplace, now_ms: i64) -> Result<Done<CancelReplaced>, Refusal> {
        unimplemented!()
    }

    // ---- questions
    /// -1121, -2013, -2039.
    pub fn order(&self, account: AccountId, symbol: &str, order: &OrderRef) -> Result<&Order, Refusal> {
        unimplemented!()
    }
    /// Oldest first; of every market without a symbol.
    pub fn open_orders(&self, account: AccountId, symbol: Option<&str>) -> Result<Vec<&Order>, Refusal> {
        unimplemented!()
    }
    pub fn all_orders(&self, account: AccountId, symbol: &str, page: Page) -> Result<Vec<&Order>, Refusal> {
        unimplemented!()
    }
    /// Executions of one account, all or those of one order.
    pub fn executions(
        &self,
        account: AccountId,
        symbol: &str,
        order: Option<OrderId>,
        page: Page,
    ) -> Result<Vec<&Execution>, Refusal> {
        unimplemented!()
    }
    /// A list with its legs: -2018 when there is none.
    pub fn order_list(&self, account: AccountId, list: &ListRef) -> Result<ListReport, Refusal> {
        unimplemented!()
    }
    /// `page.from_id` is a list's number.
    pub fn all_order_lists(&self, account: AccountId, page: Page) -> Vec<&OrderList> {
        unimplemented!()
    }
    pub fn open_order_lists(&self, account: AccountId) -> Vec<&OrderList> {
        unimplemented!()
    }

    // ---- the market, as seen
    pub fn markets(&self) -> impl Iterator<Item = (&SymbolRules, SymbolStatus)> {
        std::iter::empty()
    }
    /// `levels`: at most so many on each side.
    pub fn depth(&self, symbol: &str, levels: usize) -> Result<Depth, Refusal> {
        unimplemented!()
    }
    pub fn last_price(&self, symbol: &str) -> Result<Option<Decimal>, Refusal> {
        unimplemented!()
    }
    pub fn average_price(&self, symbol: &str) -> Result<Option<Decimal>, Refusal> {
        unimplemented!()
    }
}
