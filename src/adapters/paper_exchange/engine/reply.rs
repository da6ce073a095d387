//! What the engine answers.

use super::event::Event;
use super::record::{Execution, Order, OrderList};
use super::refusal::Refusal;
use rust_decimal::Decimal;

/// Something that was done: the answer, and the events that say what changed. The events are already applied; they must
/// be on the disk before the answer is told to anyone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the events belong in the state log"]
pub struct Done<T> {
    /// The answer.
    pub reply: T,
    /// What changed, in order.
    pub events: Vec<Event>,
}

/// An order that was accepted, as it is after it met the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// The order.
    pub order: Order,
    /// What it executed at once.
    pub fills: Vec<Execution>,
}

/// A list with its legs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListReport {
    /// The list.
    pub list: OrderList,
    /// Its legs, in the list's order.
    pub orders: Vec<Order>,
}

/// Something that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canceled {
    /// One order.
    Order {
        /// The order as it is now.
        order: Box<Order>,
        /// The name of the cancel.
        cancel_client_order_id: String,
    },
    /// A whole list, since one of its legs was meant.
    List {
        /// The list as it is now.
        report: Box<ListReport>,
        /// The name of the cancel.
        cancel_client_order_id: String,
    },
}

/// What became of a cancel with replacement. Neither part done is no refusal: the answer tells both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelReplaced {
    /// The cancel.
    pub cancel: Result<Canceled, Refusal>,
    /// The new order; `None` when it was not attempted.
    pub place: Option<Result<PlacedOrder, Refusal>>,
}

/// The order book of a market: account orders and synthetic depth together, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Grows with every change of the book.
    pub last_update_id: u64,
    /// Price and quantity, highest price first.
    pub bids: Vec<(Decimal, Decimal)>,
    /// Price and quantity, lowest price first.
    pub asks: Vec<(Decimal, Decimal)>,
}
