//! The open orders of one market: those that rest by price and arrival, and those that wait for a trigger.

use super::names::{Asset, OrderId};
use super::record::Order;
use super::words::{OrderType, Side, TimeInForce};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, VecDeque};

/// Orders by price; those of one price in the order in which they came.
type Ladder = BTreeMap<Decimal, VecDeque<OrderId>>;

/// One market's open orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Book {
    pub(super) base: Asset,
    pub(super) quote: Asset,
    bids: Ladder,
    asks: Ladder,
    /// Triggered when the last price is at or above.
    rising: Ladder,
    /// Triggered when the last price is at or below.
    falling: Ladder,
}

/// Which way the last price must come to a stop order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// At or above its stop price.
    Rising,
    /// At or below its stop price.
    Falling,
}

impl Trigger {
    /// How an order of this type and side is triggered; `None` for types without a trigger.
    pub(super) const fn of(order_type: OrderType, side: Side) -> Option<Self> {
        match (order_type, side) {
            (OrderType::StopLoss | OrderType::StopLossLimit, Side::Buy)
            | (OrderType::TakeProfit | OrderType::TakeProfitLimit, Side::Sell) => Some(Self::Rising),
            (OrderType::StopLoss | OrderType::StopLossLimit, Side::Sell)
            | (OrderType::TakeProfit | OrderType::TakeProfitLimit, Side::Buy) => Some(Self::Falling),
            (OrderType::Market | OrderType::Limit | OrderType::LimitMaker, _) => None,
        }
    }

    /// Whether the last price sets the order off.
    pub(super) fn fires(self, stop_price: Decimal, last: Decimal) -> bool {
        match self {
            Self::Rising => last >= stop_price,
            Self::Falling => last <= stop_price,
        }
    }
}

impl Book {
    /// An empty book.
    pub(super) const fn new(base: Asset, quote: Asset) -> Self {
        Self { base, quote, bids: Ladder::new(), asks: Ladder::new(), rising: Ladder::new(), falling: Ladder::new() }
    }

    /// Takes an open order in, last of its price. One that neither rests nor waits has no place.
    pub(super) fn insert(&mut self, order: &Order) {
        if let Some((ladder, price)) = self.place_of(order) {
            ladder.entry(price).or_default().push_back(order.id);
        }
    }

    /// Takes an order out of the place that it has at this moment.
    pub(super) fn remove(&mut self, order: &Order) {
        let Some((ladder, price)) = self.place_of(order) else { return };
        let Some(queue) = ladder.get_mut(&price) else { return };
        if let Some(at) = queue.iter().position(|id| *id == order.id) {
            queue.remove(at);
        }
        if queue.is_empty() {
            ladder.remove(&price);
        }
    }

    /// The resting orders that an order of this side would meet, best price first, first come first.
    pub(super) fn facing(&self, side: Side) -> Box<dyn Iterator<Item = (Decimal, OrderId)> + '_> {
        fn each((price, queue): (&Decimal, &VecDeque<OrderId>)) -> impl Iterator<Item = (Decimal, OrderId)> {
            let price = *price;
            queue.iter().map(move |id| (price, *id))
        }
        match side {
            Side::Buy => Box::new(self.asks.iter().flat_map(each)),
            Side::Sell => Box::new(self.bids.iter().rev().flat_map(each)),
        }
    }

    /// The orders that a last price sets off, in the order in which they were placed.
    pub(super) fn set_off_by(&self, last: Decimal) -> Vec<OrderId> {
        let rising = self.rising.range(..=last).flat_map(|(_, queue)| queue);
        let falling = self.falling.range(last..).flat_map(|(_, queue)| queue);
        let mut ids: Vec<OrderId> = rising.chain(falling).copied().collect();
        ids.sort_unstable();
        ids
    }

    fn place_of(&mut self, order: &Order) -> Option<(&mut Ladder, Decimal)> {
        if order.is_working() {
            let rests = order.order_type.is_limit() && order.time_in_force == TimeInForce::Gtc;
            let ladder = match order.side {
                Side::Buy => &mut self.bids,
                Side::Sell => &mut self.asks,
            };
            return rests.then_some((ladder, order.price));
        }
        let ladder = match Trigger::of(order.order_type, order.side)? {
            Trigger::Rising => &mut self.rising,
            Trigger::Falling => &mut self.falling,
        };
        Some((ladder, order.stop_price?))
    }
}
