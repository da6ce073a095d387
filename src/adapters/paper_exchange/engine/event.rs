//! What happened. The exchange's memory is the fold of its events: each says an effect and no reason to compute one, so
//! that a log stays true when rules and rates change.

use super::names::{AccountId, Asset, ListId, OrderId, Symbol, TradeId};
use super::record::{Account, Order};
use super::words::{ExpiryReason, OrderStatus};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The version of the events below, told in every [`Batch`].
pub const EVENT_VERSION: u32 = 1;

/// The events of one command: one line of the state log. They hold together: all or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// [`EVENT_VERSION`] at the time of writing.
    #[serde(rename = "v")]
    pub version: u32,
    /// What happened, in order.
    #[serde(rename = "e")]
    pub events: Vec<Event>,
}

impl Batch {
    /// Events of today's version.
    pub const fn new(events: Vec<Event>) -> Self {
        Self { version: EVENT_VERSION, events }
    }
}

/// One effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An account was opened, empty.
    #[serde(rename = "open")]
    Opened(Box<Account>),
    /// Something was paid in from outside.
    #[serde(rename = "pay")]
    Deposited {
        /// To whom.
        #[serde(rename = "a")]
        account: AccountId,
        /// What.
        #[serde(rename = "s")]
        asset: Asset,
        /// How much.
        #[serde(rename = "n")]
        amount: Decimal,
        /// When, in milliseconds.
        #[serde(rename = "t")]
        at: i64,
    },
    /// An account chose how to pay commission.
    #[serde(rename = "burn")]
    BnbBurnSet {
        /// Whose.
        #[serde(rename = "a")]
        account: AccountId,
        /// Whether in BNB.
        #[serde(rename = "on")]
        on: bool,
        /// When, in milliseconds.
        #[serde(rename = "t")]
        at: i64,
    },
    /// An order was accepted, and what it says under `locked` was set aside.
    #[serde(rename = "new")]
    Placed(Box<Order>),
    /// Two accepted orders were tied.
    #[serde(rename = "list")]
    Listed {
        /// The list's number.
        #[serde(rename = "i")]
        list: ListId,
        /// Whose.
        #[serde(rename = "a")]
        account: AccountId,
        /// On which market.
        #[serde(rename = "s")]
        symbol: Symbol,
        /// The owner's name for it.
        #[serde(rename = "c")]
        client_order_id: String,
        /// The legs: below, above.
        #[serde(rename = "o")]
        orders: [OrderId; 2],
        /// When, in milliseconds.
        #[serde(rename = "t")]
        at: i64,
    },
    /// A trigger came: the order works from now on and holds `locked`.
    #[serde(rename = "trig")]
    Triggered {
        /// Which.
        #[serde(rename = "i")]
        order: OrderId,
        /// What it holds from now on.
        #[serde(rename = "l")]
        locked: Decimal,
        /// When, in milliseconds.
        #[serde(rename = "t")]
        at: i64,
    },
    /// A trade at the maker's price. A missing side is the market itself.
    #[serde(rename = "fill")]
    Traded {
        /// The trade's number.
        #[serde(rename = "i")]
        trade: TradeId,
        /// On which market.
        #[serde(rename = "s")]
        symbol: Symbol,
        /// The order that took, and what it was charged.
        #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
        taker: Option<TradeSide>,
        /// The order that rested, and what it was charged.
        #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
        maker: Option<TradeSide>,
        /// The price.
        #[serde(rename = "p")]
        price: Decimal,
        /// How much base.
        #[serde(rename = "q")]
        quantity: Decimal,
        /// How much quote.
        #[serde(rename = "v")]
        quote: Decimal,
        /// When, in milliseconds.
        #[serde(rename = "t")]
        at: i64,
    },
    /// An order ended before it was filled; what it held is free again, or goes to the other leg of its OCO.
    #[serde(rename = "end")]
    Closed {
        /// Which.
        #[serde(rename = "i")]
        order: OrderId,
        /// `CANCELED`, `EXPIRED` or `EXPIRED_IN_MATCH`.
        #[serde(rename = "s")]
        status: OrderStatus,
        /// Why, when it expired.
        #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
        reason: Option<ExpiryReason>,
        /// When, in milliseconds.
        #[serde(rename = "t")]
        at: i64,
    },
}

/// An order's part in a trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeSide {
    /// The order.
    #[serde(rename = "o")]
    pub order: OrderId,
    /// What was charged.
    #[serde(rename = "c")]
    pub commission: Decimal,
    /// In which asset.
    #[serde(rename = "a")]
    pub commission_asset: Asset,
}
