//! A book: the account of one trader at one venue. Books are never mixed and never summed across venues.

use crate::domain::decision::Decision;
use crate::domain::ids::{BookId, TraderId};
use crate::domain::market::Coin;
use crate::domain::money::{Money, Price};
use crate::domain::order::Order;
use crate::domain::position::Position;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The account of one trader at one venue. `cash` is a projection of the ledger's cash account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Identity.
    pub id: BookId,
    /// Whose.
    pub trader_id: TraderId,
    /// Where.
    pub venue: VenueKind,
    /// What it started with, in quote.
    pub initial_capital: Money,
    /// Free quote money.
    pub cash: Money,
    /// Realised result of all round trips, before fees.
    pub realized: Money,
    /// Fees paid.
    pub fees: Money,
    /// Highest equity seen, the reference of the drawdown rule; an operator can reset it.
    pub high_water_mark: Money,
    /// 00:00 UTC, market time, of the day that `day_start_equity` belongs to.
    pub day: Timestamp,
    /// Equity at 00:00 UTC, unrealised included.
    pub day_start_equity: Money,
    /// Market time of opening.
    pub opened_at: Timestamp,
    /// Grows with each change of cash, positions, waiting decisions or open orders: compare-and-set for risk checks.
    pub version: i64,
}

impl Book {
    /// A new book that holds nothing but its capital.
    pub fn open(id: BookId, trader_id: TraderId, venue: VenueKind, capital: Money, at: Timestamp) -> Self {
        Self {
            id,
            trader_id,
            venue,
            initial_capital: capital,
            cash: capital,
            realized: Money::ZERO,
            fees: Money::ZERO,
            high_water_mark: capital,
            day: at.day_start(),
            day_start_equity: capital,
            opened_at: at,
            version: 1,
        }
    }

    /// Takes note of the equity at market time `at`: a new UTC day gets its reference, a new high its mark.
    /// Returns whether anything changed.
    pub fn observe(&mut self, equity: Money, at: Timestamp) -> bool {
        let before = (self.day, self.high_water_mark);
        if at.day_start() > self.day {
            self.day = at.day_start();
            self.day_start_equity = equity;
        }
        self.high_water_mark = self.high_water_mark.max(equity);
        before != (self.day, self.high_water_mark)
    }
}

/// Everything the risk rules need to know about a book, read at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BookView {
    /// The account.
    pub book: Book,
    /// Open positions.
    pub positions: Vec<Position>,
    /// Orders to which something can still happen.
    pub open_orders: Vec<Order>,
    /// Decisions that wait for a person (pending; displayed ones too, told apart by their state).
    pub waiting: Vec<Decision>,
    /// Entry orders of the current UTC day that were not refused.
    pub entries_today: u32,
}

/// Marks: the latest price of each coin that matters; a missing one is unknown, never zero.
pub type Marks = BTreeMap<Coin, Price>;

/// A book valued at marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Valuation {
    /// Cash, margins and unrealised results.
    pub equity: Money,
    /// Equity less cash.
    pub positions_value: Money,
    /// Unrealised profit or loss.
    pub unrealized: Money,
}

impl BookView {
    /// The open position in a coin.
    pub fn position(&self, coin: &Coin) -> Option<&Position> {
        self.positions.iter().find(|position| &position.coin == coin)
    }

    /// Values the book; `None` when the price of a held coin is unknown.
    pub fn value(&self, marks: &Marks) -> Option<Valuation> {
        let (mut positions_value, mut unrealized) = (Money::ZERO, Money::ZERO);
        for position in &self.positions {
            let price = *marks.get(&position.coin)?;
            positions_value += position.value(price);
            unrealized += position.unrealized(price);
        }
        Some(Valuation { equity: self.book.cash + positions_value, positions_value, unrealized })
    }

    /// Whether a decision waits or an order is under way for a coin.
    pub fn is_busy(&self, coin: &Coin) -> bool {
        self.open_orders.iter().any(|order| &order.intent.coin == coin)
            || self.waiting.iter().any(|decision| &decision.coin == coin)
    }
}
