//! What the exchange keeps: accounts, orders, lists and executions.

use super::amount::up;
use super::names::{AccountId, Asset, ListId, OrderId, Symbol, TradeId};
use super::words::{ExpiryReason, ListStatus, OrderStatus, OrderType, SelfTradePrevention, Side, TimeInForce};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an account has of one asset; both parts are exact to 8 decimals and never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Can be used.
    pub free: Decimal,
    /// Is held for open orders.
    pub locked: Decimal,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// The name under which it is found again.
    pub name: String,
    /// Commission as a maker, as a share.
    pub maker_rate: Decimal,
    /// Commission as a taker, as a share.
    pub taker_rate: Decimal,
    /// Whether commission is paid in BNB when there is enough.
    pub bnb_burn: bool,
    /// When anything of it changed last, in milliseconds.
    pub updated_at: i64,
    /// What it has, by asset.
    pub balances: BTreeMap<Asset, Balance>,
}

/// One order, open or closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number.
    #[serde(rename = "i")]
    pub id: OrderId,
    /// Whose it is.
    #[serde(rename = "a")]
    pub account: AccountId,
    /// On which market.
    #[serde(rename = "s")]
    pub symbol: Symbol,
    /// The list that it is a leg of.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListId>,
    /// The owner's name for it.
    #[serde(rename = "c")]
    pub client_order_id: String,
    /// Which way.
    #[serde(rename = "d")]
    pub side: Side,
    /// Its type.
    #[serde(rename = "o")]
    pub order_type: OrderType,
    /// How long; GTC for types that have no such word.
    #[serde(rename = "f")]
    pub time_in_force: TimeInForce,
    /// Its limit; zero for market orders.
    #[serde(rename = "p", default, skip_serializing_if = "Decimal::is_zero")]
    pub price: Decimal,
    /// Its trigger.
    #[serde(rename = "sp", default, skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Decimal>,
    /// How much base; what was executed for an order by quote.
    #[serde(rename = "q")]
    pub quantity: Decimal,
    /// How much quote was asked for; zero for orders by quantity.
    #[serde(rename = "qq", default, skip_serializing_if = "Decimal::is_zero")]
    pub quote_order_quantity: Decimal,
    /// How much base was executed.
    #[serde(rename = "z", default, skip_serializing_if = "Decimal::is_zero")]
    pub executed: Decimal,
    /// How much quote was executed.
    #[serde(rename = "zq", default, skip_serializing_if = "Decimal::is_zero")]
    pub executed_quote: Decimal,
    /// What it holds of the asset that it gives.
    #[serde(rename = "h")]
    pub locked: Decimal,
    /// Where it stands.
    #[serde(rename = "x")]
    pub status: OrderStatus,
    /// Why the exchange ended it.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub expiry_reason: Option<ExpiryReason>,
    /// What happens on a trade with oneself.
    #[serde(rename = "v")]
    pub self_trade_prevention: SelfTradePrevention,
    /// The owner's number of a strategy.
    #[serde(rename = "si", default, skip_serializing_if = "Option::is_none")]
    pub strategy_id: Option<i64>,
    /// The owner's kind of a strategy.
    #[serde(rename = "st", default, skip_serializing_if = "Option::is_none")]
    pub strategy_type: Option<i64>,
    /// When it was placed, in milliseconds.
    #[serde(rename = "t")]
    pub time: i64,
    /// When it changed last, in milliseconds.
    #[serde(rename = "u")]
    pub updated_at: i64,
    /// Since when it works, in milliseconds; `None` while its trigger has not come.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub working_since: Option<i64>,
    /// Its place among those of its price: a number that grows with each order that begins to work.
    #[serde(rename = "n")]
    pub priority: u64,
}

impl Order {
    /// What is not executed.
    pub fn remaining(&self) -> Decimal {
        self.quantity - self.executed
    }

    /// What an open order must hold of the asset that it gives; `None` when that does not follow from its own prices.
    pub(super) fn need(&self) -> Option<Decimal> {
        let price = if self.order_type.is_limit() { self.price } else { self.stop_price? };
        if !self.order_type.is_limit() && self.is_working() {
            return None;
        }
        Some(match self.side {
            Side::Buy => up(price * self.remaining()),
            Side::Sell => self.remaining(),
        })
    }

    /// Whether it works: a stop order does so from its trigger on.
    pub fn is_working(&self) -> bool {
        self.working_since.is_some()
    }
}

/// One side of an execution, as its account sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// The execution's number; taker and maker see the same.
    pub id: TradeId,
    /// The account's order.
    pub order: OrderId,
    /// The list of that order.
    pub list: Option<ListId>,
    /// At which price: the maker's.
    pub price: Decimal,
    /// How much base.
    pub quantity: Decimal,
    /// How much quote.
    pub quote_quantity: Decimal,
    /// What was charged.
    pub commission: Decimal,
    /// In which asset.
    pub commission_asset: Asset,
    /// When, in milliseconds.
    pub time: i64,
    /// Whether the account bought.
    pub is_buyer: bool,
    /// Whether the account's order rested.
    pub is_maker: bool,
}

/// One OCO list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderList {
    /// Its number.
    pub id: ListId,
    /// Whose it is.
    pub account: AccountId,
    /// On which market.
    pub symbol: Symbol,
    /// The owner's name for it.
    pub client_order_id: String,
    /// The legs: the one below, then the one above.
    pub orders: [OrderId; 2],
    /// Where it stands.
    pub status: ListStatus,
    /// When it was placed, in milliseconds.
    pub time: i64,
    /// When it changed last, in milliseconds.
    pub updated_at: i64,
}
