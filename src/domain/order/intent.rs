//! What is to be ordered and why, before it has a name and a state.

use crate::domain::account::AccountName;
use crate::domain::digest::Terms;
use crate::domain::ids::{BookId, ClientOrderId, DecisionId, InstallationTag, PositionId, TraderId};
use crate::domain::market::{Coin, Quote, Symbol};
use crate::domain::money::{Price, Quantity};
use crate::domain::signal::{PositionSide, Side, Signal};
use crate::domain::trader_settings::OrderStyle;
use crate::domain::venue_kind::VenueKind;
use serde::{Deserialize, Serialize};

/// Why an order exists. At most one *accepted* order per (cause, sequence).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderCause {
    /// A decision, by a person's approval or full automation.
    Decision(DecisionId),
    /// The stop or target of a position was met.
    Protective(PositionId),
    /// A person closed the position.
    OperatorClose(PositionId),
    /// The emergency stop or a deletion flattened the position.
    Flatten(PositionId),
    /// The margin of a position was used up.
    Liquidation(PositionId),
}

impl OrderCause {
    /// The word in storage and on the page.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::Protective(_) => "protective",
            Self::OperatorClose(_) => "operator_close",
            Self::Flatten(_) => "flatten",
            Self::Liquidation(_) => "liquidation",
        }
    }

    /// The id behind the word.
    pub const fn id(self) -> i64 {
        match self {
            Self::Decision(id) => id.0,
            Self::Protective(id) | Self::OperatorClose(id) | Self::Flatten(id) | Self::Liquidation(id) => id.0,
        }
    }

    /// Puts word and id back together; `None` for a word that is not ours.
    pub fn from_parts(kind: &str, id: i64) -> Option<Self> {
        Some(match kind {
            "decision" => Self::Decision(DecisionId(id)),
            "protective" => Self::Protective(PositionId(id)),
            "operator_close" => Self::OperatorClose(PositionId(id)),
            "flatten" => Self::Flatten(PositionId(id)),
            "liquidation" => Self::Liquidation(PositionId(id)),
            _ => return None,
        })
    }

    /// The name under which the venue will know the order of this cause and sequence.
    pub fn client_order_id(self, installation: &InstallationTag, sequence: u32) -> ClientOrderId {
        let letter = match self {
            Self::Decision(_) => 'd',
            Self::Protective(_) => 'p',
            Self::OperatorClose(_) => 'c',
            Self::Flatten(_) => 'f',
            Self::Liquidation(_) => 'l',
        };
        ClientOrderId::derive(installation, letter, self.id(), sequence)
    }
}

/// Whether an order opens or closes exposure, and on which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Opens or adds to a position.
    Entry(PositionSide),
    /// Reduces or closes a position of this side.
    Exit(PositionSide),
}

impl Purpose {
    /// Whether exposure grows.
    pub const fn is_entry(self) -> bool {
        matches!(self, Self::Entry(_))
    }

    /// The position's side.
    pub const fn position_side(self) -> PositionSide {
        match self {
            Self::Entry(side) | Self::Exit(side) => side,
        }
    }

    /// The order side that follows.
    pub const fn side(self) -> Side {
        match self {
            Self::Entry(side) => side.opened_by(),
            Self::Exit(side) => side.closed_by(),
        }
    }

    /// The signal that leads to such an order.
    pub const fn signal(self) -> Signal {
        match self {
            Self::Entry(PositionSide::Long) => Signal::BuyToEnter,
            Self::Entry(PositionSide::Short) => Signal::SellToEnter,
            Self::Exit(_) => Signal::ClosePosition,
        }
    }
}

/// How the order is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderKind {
    /// At the market.
    Market,
    /// Limit, immediate or cancel, at the worst approved price.
    LimitIoc(Price),
}

/// What is to be ordered, before it has a name and a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderIntent {
    /// Whose.
    pub trader_id: TraderId,
    /// Which account book.
    pub book_id: BookId,
    /// Which venue.
    pub venue: VenueKind,
    /// Which account there.
    pub account: AccountName,
    /// Why.
    pub cause: OrderCause,
    /// The coin.
    pub coin: Coin,
    /// Its market.
    pub symbol: Symbol,
    /// Opens or closes.
    pub purpose: Purpose,
    /// How it is sent.
    pub kind: OrderKind,
    /// Base quantity on the venue's grid.
    pub quantity: Quantity,
    /// At least 1.
    pub leverage: u32,
    /// Stop of the position it opens.
    pub stop_loss: Option<Price>,
    /// Target of the position it opens.
    pub profit_target: Option<Price>,
    /// The price it was decided on.
    pub quote: Quote,
    /// Version of the trader's settings under which the risk rules ran.
    pub policy_version: i64,
    /// Version of the decision whose terms these are; 0 without a decision.
    pub terms_version: i64,
}

impl OrderIntent {
    /// The terms of exactly this order, for its digest.
    pub fn terms(&self) -> Terms {
        let (order_style, worst_price) = match self.kind {
            OrderKind::Market => (OrderStyle::Market, None),
            OrderKind::LimitIoc(price) => (OrderStyle::Protected, Some(price)),
        };
        Terms {
            trader_id: self.trader_id,
            venue: self.venue,
            account: self.account.clone(),
            symbol: self.symbol.clone(),
            signal: self.purpose.signal(),
            quantity: self.quantity,
            leverage: self.leverage,
            stop_loss: self.stop_loss,
            profit_target: self.profit_target,
            order_style,
            worst_price,
            quote: self.quote,
            policy_version: self.policy_version,
            version: self.terms_version,
        }
    }
}
