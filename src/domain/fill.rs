//! A fill: one execution, told by the venue. Positions and cash are folded from fills, never from what was asked for.

use crate::domain::ids::{BookId, FillId, OrderId, TraderId};
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::signal::Side;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;

/// One execution. Identity at the venue is (venue, symbol, trade id): the same one twice is a no-op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Our identity.
    pub id: FillId,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// Whose.
    pub trader_id: TraderId,
    /// Which book.
    pub book_id: BookId,
    /// Where.
    pub venue: VenueKind,
    /// The coin.
    pub coin: Coin,
    /// Which market.
    pub symbol: Symbol,
    /// The venue's id of the trade.
    pub trade_id: i64,
    /// Order side.
    pub side: Side,
    /// Quote units for one base unit.
    pub price: Price,
    /// Base executed.
    pub quantity: Quantity,
    /// Fee in `fee_asset`.
    pub fee: Money,
    /// The asset in which the fee was taken; the quote asset in simulation.
    pub fee_asset: Coin,
    /// Whether it rested in the book.
    pub is_maker: bool,
    /// Market time.
    pub at: Timestamp,
}

impl Fill {
    /// Price x quantity, before fees.
    pub fn value(&self) -> Money {
        self.price * self.quantity
    }
}
