//! What an account may ask for. Each order type carries exactly what it needs: a limit order without a price, or a
//! market order with one, cannot be said.

use super::names::{AccountId, Asset, ListId, OrderId, Symbol};
use super::words::{CancelReplaceMode, CancelRestriction, OrderType, SelfTradePrevention, Side, TimeInForce};
use rust_decimal::Decimal;

/// An account to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// Under which name it is found again after a restart; never a secret.
    pub name: String,
    /// Share of what is received that is charged when its order rested: `0.001` is a tenth of a per cent.
    pub maker_rate: Decimal,
    /// Share of what is received that is charged when its order took.
    pub taker_rate: Decimal,
    /// Whether commission is paid in BNB, at a discount, when there is enough.
    pub bnb_burn: bool,
    /// What it starts with.
    pub deposits: Vec<(Asset, Decimal)>,
}

/// An order to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Whose it is.
    pub account: AccountId,
    /// On which market.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Its type, size and prices.
    pub kind: OrderKind,
    /// The owner's name for it, already checked for its characters; generated when absent.
    pub client_order_id: Option<String>,
    /// What happens on a trade with oneself; the default is [`SelfTradePrevention::ExpireMaker`].
    pub self_trade_prevention: Option<SelfTradePrevention>,
    /// The owner's number of a strategy, kept and told.
    pub strategy_id: Option<i64>,
    /// The owner's kind of a strategy, kept and told.
    pub strategy_type: Option<i64>,
}

/// The type of an order with what that type needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// At once, at the book's prices, for an amount of base.
    Market {
        /// How much base.
        quantity: Decimal,
    },
    /// At once, at the book's prices, for an amount of quote to spend or to receive.
    MarketByQuote {
        /// How much quote.
        quote_quantity: Decimal,
    },
    /// At its price or better.
    Limit {
        /// How much base.
        quantity: Decimal,
        /// Worst price.
        price: Decimal,
        /// How long.
        time_in_force: TimeInForce,
    },
    /// At its price, only resting.
    LimitMaker {
        /// How much base.
        quantity: Decimal,
        /// The price.
        price: Decimal,
    },
    /// A market order behind a trigger against the holder.
    StopLoss {
        /// How much base.
        quantity: Decimal,
        /// The trigger.
        stop_price: Decimal,
    },
    /// A limit order behind a trigger against the holder.
    StopLossLimit {
        /// How much base.
        quantity: Decimal,
        /// Worst price once triggered.
        price: Decimal,
        /// The trigger.
        stop_price: Decimal,
        /// How long once triggered.
        time_in_force: TimeInForce,
    },
    /// A market order behind a trigger in the holder's favour.
    TakeProfit {
        /// How much base.
        quantity: Decimal,
        /// The trigger.
        stop_price: Decimal,
    },
    /// A limit order behind a trigger in the holder's favour.
    TakeProfitLimit {
        /// How much base.
        quantity: Decimal,
        /// Worst price once triggered.
        price: Decimal,
        /// The trigger.
        stop_price: Decimal,
        /// How long once triggered.
        time_in_force: TimeInForce,
    },
}

impl OrderKind {
    /// The word for it.
    pub const fn order_type(&self) -> OrderType {
        match self {
            Self::Market { .. } | Self::MarketByQuote { .. } => OrderType::Market,
            Self::Limit { .. } => OrderType::Limit,
            Self::LimitMaker { .. } => OrderType::LimitMaker,
            Self::StopLoss { .. } => OrderType::StopLoss,
            Self::StopLossLimit { .. } => OrderType::StopLossLimit,
            Self::TakeProfit { .. } => OrderType::TakeProfit,
            Self::TakeProfitLimit { .. } => OrderType::TakeProfitLimit,
        }
    }

    /// How much base; `None` for an order by quote.
    pub const fn quantity(&self) -> Option<Decimal> {
        match self {
            Self::MarketByQuote { .. } => None,
            Self::Market { quantity }
            | Self::Limit { quantity, .. }
            | Self::LimitMaker { quantity, .. }
            | Self::StopLoss { quantity, .. }
            | Self::StopLossLimit { quantity, .. }
            | Self::TakeProfit { quantity, .. }
            | Self::TakeProfitLimit { quantity, .. } => Some(*quantity),
        }
    }

    /// The limit.
    pub const fn price(&self) -> Option<Decimal> {
        match self {
            Self::Limit { price, .. }
            | Self::LimitMaker { price, .. }
            | Self::StopLossLimit { price, .. }
            | Self::TakeProfitLimit { price, .. } => Some(*price),
            Self::Market { .. } | Self::MarketByQuote { .. } | Self::StopLoss { .. } | Self::TakeProfit { .. } => None,
        }
    }

    /// The trigger.
    pub const fn stop_price(&self) -> Option<Decimal> {
        match self {
            Self::StopLoss { stop_price, .. }
            | Self::StopLossLimit { stop_price, .. }
            | Self::TakeProfit { stop_price, .. }
            | Self::TakeProfitLimit { stop_price, .. } => Some(*stop_price),
            Self::Market { .. } | Self::MarketByQuote { .. } | Self::Limit { .. } | Self::LimitMaker { .. } => None,
        }
    }

    /// How long: what was said, or GTC.
    pub const fn time_in_force(&self) -> TimeInForce {
        match self {
            Self::Limit { time_in_force, .. }
            | Self::StopLossLimit { time_in_force, .. }
            | Self::TakeProfitLimit { time_in_force, .. } => *time_in_force,
            _ => TimeInForce::Gtc,
        }
    }
}

/// Two orders of which one cancels the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOco {
    /// Whose it is.
    pub account: AccountId,
    /// On which market.
    pub symbol: Symbol,
    /// Which way both legs trade.
    pub side: Side,
    /// How much base each leg trades.
    pub quantity: Decimal,
    /// The leg with the higher price.
    pub above: OcoLeg,
    /// The leg with the lower price.
    pub below: OcoLeg,
    /// The owner's name for the list; generated when absent.
    pub list_client_order_id: Option<String>,
    /// What happens on a trade with oneself.
    pub self_trade_prevention: Option<SelfTradePrevention>,
}

/// One leg of an OCO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcoLeg {
    /// Its type and prices.
    pub kind: LegKind,
    /// The owner's name for the leg; generated when absent.
    pub client_order_id: Option<String>,
    /// The owner's number of a strategy, kept and told.
    pub strategy_id: Option<i64>,
    /// The owner's kind of a strategy, kept and told.
    pub strategy_type: Option<i64>,
}

/// The type of a leg with the prices of that type; the quantity is the list's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegKind {
    /// At its price, only resting.
    LimitMaker {
        /// The price.
        price: Decimal,
    },
    /// A market order behind a trigger against the holder.
    StopLoss {
        /// The trigger.
        stop_price: Decimal,
    },
    /// A limit order behind a trigger against the holder.
    StopLossLimit {
        /// Worst price once triggered.
        price: Decimal,
        /// The trigger.
        stop_price: Decimal,
        /// How long once triggered.
        time_in_force: TimeInForce,
    },
    /// A market order behind a trigger in the holder's favour.
    TakeProfit {
        /// The trigger.
        stop_price: Decimal,
    },
    /// A limit order behind a trigger in the holder's favour.
    TakeProfitLimit {
        /// Worst price once triggered.
        price: Decimal,
        /// The trigger.
        stop_price: Decimal,
        /// How long once triggered.
        time_in_force: TimeInForce,
    },
}

impl LegKind {
    /// The order that this leg is.
    pub const fn of_quantity(self, quantity: Decimal) -> OrderKind {
        match self {
            Self::LimitMaker { price } => OrderKind::LimitMaker { quantity, price },
            Self::StopLoss { stop_price } => OrderKind::StopLoss { quantity, stop_price },
            Self::StopLossLimit { price, stop_price, time_in_force } => {
                OrderKind::StopLossLimit { quantity, price, stop_price, time_in_force }
            }
            Self::TakeProfit { stop_price } => OrderKind::TakeProfit { quantity, stop_price },
            Self::TakeProfitLimit { price, stop_price, time_in_force } => {
                OrderKind::TakeProfitLimit { quantity, price, stop_price, time_in_force }
            }
        }
    }
}

/// Which order is meant. With both, the id finds it and the name must be its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderRef {
    /// By the exchange's number.
    Id(OrderId),
    /// By its owner's name: the latest order of that name.
    ClientId(String),
    /// By the number, and only under that name.
    Both(OrderId, String),
}

/// Which list is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListRef {
    /// By the exchange's number.
    Id(ListId),
    /// By its owner's name: the latest list of that name.
    ClientId(String),
}

/// An order to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelOrder {
    /// Whose it is.
    pub account: AccountId,
    /// On which market.
    pub symbol: Symbol,
    /// Which.
    pub order: OrderRef,
    /// The owner's name for this cancel; generated when absent.
    pub cancel_client_order_id: Option<String>,
    /// In which state alone.
    pub restriction: Option<CancelRestriction>,
}

/// An order to be taken back and another to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelReplace {
    /// What is taken back; account and symbol are those of the new order.
    pub cancel: CancelOrder,
    /// What is placed.
    pub place: NewOrder,
    /// What a failed cancel means.
    pub mode: CancelReplaceMode,
}

/// What the market did: moves the last price and renews the synthetic depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The last traded price; must be greater than zero.
    pub price: Decimal,
    /// The volume-weighted average over the filter's minutes; must be greater than zero.
    pub average: Decimal,
    /// Base traded in a recent minute: the depth on each side is a share of it. Zero makes an empty book.
    pub volume: Decimal,
}

/// Which rows of a history are wanted, oldest first in the answer.
///
/// With `from_id` or `start`: the oldest from there on. Otherwise the newest, up to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only rows with this number or a higher one.
    pub from_id: Option<u64>,
    /// Only rows of this moment or later, in milliseconds.
    pub start: Option<i64>,
    /// Only rows of this moment or earlier, in milliseconds.
    pub end: Option<i64>,
    /// At most so many.
    pub limit: usize,
}
