//! What the fill model remembers: each order it has accepted, with its fills, within bounds.

use super::execution::{Tape, execution_price, fee, slot_of};
use crate::domain::ids::{ClientOrderId, OrderId};
use crate::domain::market::Coin;
use crate::domain::money::{Price, Quantity};
use crate::domain::order::Order;
use crate::domain::signal::Side;
use crate::domain::time::Timestamp;
use crate::ports::venue::{CancelOutcome, OrderContext, VenueFill, VenueReport, VenueStatus};
use serde_json::json;
use std::collections::{HashMap, VecDeque};

/// The most orders that are remembered. Beyond it the oldest finished one is forgotten, or the oldest open one, which
/// then goes on from its row.
const ORDERS_MAX: usize = 2_000;
/// Trade ids of one order, and so the most slots over which it may fill: 34 days of five-minute slots.
const TRADE_IDS_PER_ORDER: i64 = 10_000;

/// One order that the venue has accepted.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    order_id: OrderId,
    client_order_id: ClientOrderId,
    side: Side,
    quantity: Quantity,
    /// Filled before this process knew the order, as its row says.
    filled_before: Quantity,
    /// Slot of the order's market time: trade ids count from it.
    first_slot: i64,
    /// The latest slot in which the order may have been filled already.
    last_slot: i64,
    fills: Vec<VenueFill>,
    status: VenueStatus,
    fee_asset: Coin,
}

impl Entry {
    /// A new order at the venue, nothing filled.
    pub(super) fn new(order: &Order, fee_asset: &Coin, now: Timestamp) -> Self {
        Self {
            order_id: order.id,
            client_order_id: order.client_order_id.clone(),
            side: order.intent.purpose.side(),
            quantity: order.intent.quantity,
            filled_before: Quantity::ZERO,
            first_slot: slot_of(order.market_at),
            last_slot: slot_of(now),
            fills: Vec::new(),
            status: VenueStatus::Open,
            fee_asset: fee_asset.clone(),
        }
    }

    /// An order as its row tells it. It may have filled in the slot that runs now, so it fills again in the next.
    pub(super) fn from_row(order: &Order, status: VenueStatus, fee_asset: &Coin, now: Timestamp) -> Self {
        let mut entry = Self::new(order, fee_asset, now);
        entry.filled_before = order.filled;
        entry.status = status;
        if entry.is_open() && entry.remaining().is_zero() {
            entry.status = VenueStatus::Filled;
        }
        entry
    }

    /// Whether more may happen to it.
    pub(super) fn is_open(&self) -> bool {
        self.status == VenueStatus::Open
    }

    /// Base filled so far.
    pub(super) fn filled(&self) -> Quantity {
        self.filled_before + self.fills.iter().map(|fill| fill.quantity).sum()
    }

    fn remaining(&self) -> Quantity {
        self.quantity.minus(self.filled())
    }

    /// Slots since the last one in which it may have been filled.
    pub(super) fn slots_behind(&self, now: Timestamp) -> i64 {
        slot_of(now).saturating_sub(self.last_slot)
    }

    /// Whether the row holds exactly some first part of these fills. If not, another process has carried the order on,
    /// and its row is the truth.
    pub(super) fn agrees_with(&self, order: &Order) -> bool {
        let mut sum = self.filled_before;
        sum == order.filled
            || self.fills.iter().any(|fill| {
                sum = sum + fill.quantity;
                sum == order.filled
            })
    }

    /// Executes up to `available` in a slot, if the order is open and anything can be had. What had to wait for a later
    /// candle rested meanwhile, and pays the maker's fee.
    pub(super) fn fill(
        &mut self,
        slot: i64,
        price: Price,
        available: Quantity,
        at: Timestamp,
        is_maker: bool,
        context: OrderContext<'_>,
    ) {
        let quantity = available.min(self.remaining());
        self.last_slot = slot;
        if !self.is_open() || quantity.is_zero() {
            return;
        }
        let Some(trade_id) = self.trade_id(slot) else {
            return self.expire("the market had too little volume for too long".to_owned());
        };
        self.fills.push(VenueFill {
            trade_id,
            price,
            quantity,
            fee: fee(price, quantity, is_maker, context.settings),
            fee_asset: self.fee_asset.clone(),
            is_maker,
            at,
        });
        if self.remaining().is_zero() {
            self.status = VenueStatus::Filled;
        }
    }

    /// Lets each candle that closed after the last slot fill one more share, at its closing price.
    pub(super) fn fill_from(&mut self, tape: &Tape, now: Timestamp, context: OrderContext<'_>) {
        for (candle, closed_at) in tape.closes() {
            let slot = slot_of(closed_at);
            if !self.is_open() || closed_at > now || slot <= self.last_slot {
                continue;
            }
            let share = tape.share(candle, slot - self.last_slot, context.instrument);
            self.fill(slot, execution_price(candle.close, self.side, context), share, closed_at, true, context);
        }
        if self.is_open() && self.trade_id(slot_of(now)).is_none() {
            self.expire("the market had too little volume for too long".to_owned());
        }
    }

    /// Names an execution by its order and slot, so that it has the same name whichever process finds it, and no
    /// second one can take that name. `None` when the order has outlived its names.
    fn trade_id(&self, slot: i64) -> Option<i64> {
        let number = slot.saturating_sub(self.first_slot).max(0) + 1;
        (number < TRADE_IDS_PER_ORDER).then(|| self.order_id.0.saturating_mul(TRADE_IDS_PER_ORDER) + number)
    }

    /// Ends what is left of it.
    pub(super) fn expire(&mut self, reason: String) {
        self.status = VenueStatus::Expired(reason);
    }

    /// Cancels what is left of it; asked twice, it answers the same.
    pub(super) fn cancel(&mut self) -> CancelOutcome {
        match &self.status {
            VenueStatus::Open => self.status = VenueStatus::Canceled("cancelled on request".to_owned()),
            VenueStatus::Canceled(_) => {}
            VenueStatus::Filled => return CancelOutcome::Refused { why: "it is filled already".to_owned() },
            VenueStatus::Expired(why) => return CancelOutcome::Refused { why: format!("it has ended already: {why}") },
        }
        CancelOutcome::Canceled(self.report())
    }

    /// Everything that this process knows about it.
    pub(super) fn report(&self) -> VenueReport {
        VenueReport {
            venue_order_id: self.order_id.0,
            status: self.status.clone(),
            fills: self.fills.clone(),
            raw: self.raw(),
        }
    }

    fn raw(&self) -> String {
        let (status, reason) = match &self.status {
            VenueStatus::Open if self.filled().is_zero() => ("NEW", None),
            VenueStatus::Open => ("PARTIALLY_FILLED", None),
            VenueStatus::Filled => ("FILLED", None),
            VenueStatus::Canceled(reason) => ("CANCELED", Some(reason)),
            VenueStatus::Expired(reason) => ("EXPIRED", Some(reason)),
        };
        let fills: Vec<_> = self.fills.iter().map(raw_fill).collect();
        json!({
            "venue": "simulation",
            "orderId": self.order_id.0,
            "clientOrderId": self.client_order_id.as_str(),
            "side": self.side.as_str(),
            "status": status,
            "reason": reason,
            "origQty": self.quantity.to_string(),
            "executedQty": self.filled().to_string(),
            "fills": fills,
        })
        .to_string()
    }
}

fn raw_fill(fill: &VenueFill) -> serde_json::Value {
    json!({
        "tradeId": fill.trade_id,
        "price": fill.price.to_string(),
        "qty": fill.quantity.to_string(),
        "commission": fill.fee.to_string(),
        "commissionAsset": fill.fee_asset.as_str(),
        "time": fill.at.0,
    })
}

/// The orders that are remembered, oldest first.
#[derive(Debug, Default)]
pub(super) struct OrderBook {
    entries: HashMap<ClientOrderId, Entry>,
    arrivals: VecDeque<ClientOrderId>,
}

impl OrderBook {
    /// The order of this name.
    pub(super) fn get(&self, id: &ClientOrderId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// The order of this name, to change it.
    pub(super) fn get_mut(&mut self, id: &ClientOrderId) -> Option<&mut Entry> {
        self.entries.get_mut(id)
    }

    /// Takes an order in, in place of one of the same name.
    pub(super) fn insert(&mut self, entry: Entry) {
        let id = entry.client_order_id.clone();
        if self.entries.insert(id.clone(), entry).is_none() {
            self.arrivals.push_back(id);
        }
        if self.arrivals.len() > ORDERS_MAX {
            self.forget_one();
        }
    }

    /// Forgets the oldest finished order, or the oldest of all; never the one that came last.
    fn forget_one(&mut self) {
        let older = self.arrivals.len().saturating_sub(1);
        let finished =
            self.arrivals.iter().take(older).position(|id| self.entries.get(id).is_none_or(|entry| !entry.is_open()));
        if let Some(id) = self.arrivals.remove(finished.unwrap_or(0)) {
            self.entries.remove(&id);
        }
    }

    /// How many orders are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
