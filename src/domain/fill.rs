//! A fill: one execution, told by the venue. Positions and cash are folded from fills, never from what was asked for.

use crate::domain::ids::{BookId, FillId, OrderId, TraderId};
use crate::domain::instrument::Instrument;
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::signal::Side;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use rust_decimal::Decimal;

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
    /// What the fee was worth in quote when it was taken; zero when no price of its asset was known.
    pub fee_value: Money,
    /// Whether it rested in the book.
    pub is_maker: bool,
    /// Market time.
    pub at: Timestamp,
}

/// Who bears a fee, by the asset in which it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeBearer {
    /// Taken from the quote money: the book's cash pays.
    Cash,
    /// Taken from the coin that was bought: less of it arrives.
    Coin,
    /// Taken from another asset of the account (a discount token): the account pays, beside the book.
    Account,
}

impl Fill {
    /// Who bears this fee. A coin's own asset taken at a sale comes from what the account holds beside what was sold.
    pub fn fee_bearer(&self, quote: &Coin) -> FeeBearer {
        if &self.fee_asset == quote {
            FeeBearer::Cash
        } else if self.fee_asset == self.coin && self.side == Side::Buy {
            FeeBearer::Coin
        } else {
            FeeBearer::Account
        }
    }

    /// Base that arrives (or leaves): what was executed less a fee taken from it.
    pub fn moved(&self, quote: &Coin) -> Quantity {
        match self.fee_bearer(quote) {
            FeeBearer::Coin => self.quantity.minus(Quantity::new(self.fee.decimal()).unwrap_or(Quantity::ZERO)),
            FeeBearer::Cash | FeeBearer::Account => self.quantity,
        }
    }

    /// Price x quantity, before fees.
    pub fn value(&self) -> Money {
        self.price * self.quantity
    }
}

/// The price that an order of this side meets in a model of the market: moved by the slippage, in percent, and put on
/// the tick, both against us.
pub fn execution_price(base: Price, side: Side, slippage_pct: Decimal, instrument: &Instrument) -> Price {
    let moved = match side {
        Side::Buy => base.moved_percent(slippage_pct),
        Side::Sell => base.moved_percent(-slippage_pct),
    };
    instrument.quantize_adverse(moved.unwrap_or(base), side)
}

/// The price of two that is worse for an order of this side.
pub fn worse(one: Price, other: Price, side: Side) -> Price {
    match side {
        Side::Buy => one.max(other),
        Side::Sell => one.min(other),
    }
}

/// The share of traded volume that one order may take at once: a tenth. More would move the market, which candles cannot
/// tell.
pub const VOLUME_SHARE: Decimal = Decimal::from_parts(1, 0, 0, false, 1);
