//! An account's lists of one market over the time in which some orders may have landed.

use crate::domain::absence::{CANNOT_LAND_AFTER_MS, LISTS_LOOK_BACK_MS};
use crate::domain::market::Symbol;
use crate::domain::money::Quantity;
use crate::domain::order::Order;
use crate::domain::time::Timestamp;
use crate::ports::exchange::{EXCHANGE_PAGE_MAX, ExchangeAccount, ExchangeError, TradesFrom, VenueOrder, VenueTrade};
use crate::ports::venue::VenueReport;
use crate::services::desk::Desk;
use std::collections::BTreeMap;

/// Pages of one list that are read at once: five thousand orders of one market.
const PAGES_MAX: usize = 5;

/// Open orders, all orders and trades.
pub(super) struct Lists {
    /// The exchange's time before they were read.
    pub venue_at: Option<Timestamp>,
    orders: BTreeMap<String, VenueOrder>,
    trades: Vec<VenueTrade>,
    is_whole: bool,
}

/// What the lists say about one order.
pub(super) enum Listed {
    /// It is there with everything that is to be told.
    Whole(VenueReport),
    /// It is there, but trades are missing.
    Part,
    /// Something is there that may be it, or the lists could not be read to the end.
    Maybe(&'static str),
    /// It is not there.
    No,
}

impl Lists {
    /// Reads the lists for orders that were sent from `first` to `last` (wall-clock times).
    pub(super) async fn read(
        desk: &Desk,
        account: &dyn ExchangeAccount,
        symbol: &Symbol,
        first: Timestamp,
        last: Timestamp,
    ) -> Result<Self, ExchangeError> {
        let venue_now = account.time().await?;
        // Lists run on the exchange's clock, sending times on ours.
        let ahead = venue_now.since(desk.clock.now());
        let from = first.plus_ms(ahead - LISTS_LOOK_BACK_MS);
        let until = last.plus_ms(ahead + CANNOT_LAND_AFTER_MS);
        let mut orders = BTreeMap::new();
        let whole_orders = read_orders(account, symbol, from, until, &mut orders).await?;
        let mut trades = Vec::new();
        let whole_trades = read_trades(account, symbol, from, until, &mut trades).await?;
        for order in account.open_orders(Some(symbol)).await? {
            orders.entry(order.client_order_id.clone()).or_insert(order);
        }
        Ok(Self { venue_at: Some(venue_now), orders, trades, is_whole: whole_orders && whole_trades })
    }

    /// Looks for an order that was sent at `sent_at`.
    pub(super) fn find(&self, order: &Order, sent_at: Timestamp) -> Listed {
        if let Some(listed) = self.orders.get(order.client_order_id.as_str()) {
            return self.report(listed);
        }
        if !self.is_whole {
            return Listed::Maybe("they are too long to be read to the end");
        }
        let known: Vec<i64> = self.orders.values().map(|order| order.venue_order_id).collect();
        let late = sent_at.plus_ms(CANNOT_LAND_AFTER_MS + LISTS_LOOK_BACK_MS);
        let is_shadow = |trade: &VenueTrade| {
            !known.contains(&trade.venue_order_id)
                && trade.side == order.intent.purpose.side()
                && trade.fill.quantity <= order.intent.quantity
                && trade.fill.at >= sent_at.plus_ms(-LISTS_LOOK_BACK_MS)
                && trade.fill.at <= late
        };
        if self.trades.iter().any(is_shadow) {
            return Listed::Maybe("a trade is there whose order is not listed yet");
        }
        Listed::No
    }

    fn report(&self, order: &VenueOrder) -> Listed {
        let fills: Vec<_> = self
            .trades
            .iter()
            .filter(|trade| trade.venue_order_id == order.venue_order_id)
            .map(|trade| trade.fill.clone())
            .collect();
        let told: Quantity = fills.iter().map(|fill| fill.quantity).sum();
        if told != order.filled {
            return Listed::Part;
        }
        Listed::Whole(VenueReport {
            venue_order_id: order.venue_order_id,
            status: order.status.clone(),
            fills,
            raw: String::new(),
        })
    }
}

/// Reads orders page by page; false when there are more than are read.
async fn read_orders(
    account: &dyn ExchangeAccount,
    symbol: &Symbol,
    mut from: Timestamp,
    until: Timestamp,
    orders: &mut BTreeMap<String, VenueOrder>,
) -> Result<bool, ExchangeError> {
    for _ in 0..PAGES_MAX {
        let page = account.orders_since(symbol, from).await?;
        let is_last = page.len() < EXCHANGE_PAGE_MAX;
        let newest = page.last().map(|order| order.created_at);
        orders.extend(page.into_iter().map(|order| (order.client_order_id.clone(), order)));
        match newest {
            Some(newest) if !is_last && newest <= until => {
                if newest == from {
                    return Ok(false);
                }
                from = newest;
            }
            _ => return Ok(true),
        }
    }
    Ok(false)
}

/// Reads trades page by page; false when there are more than are read.
async fn read_trades(
    account: &dyn ExchangeAccount,
    symbol: &Symbol,
    from: Timestamp,
    until: Timestamp,
    trades: &mut Vec<VenueTrade>,
) -> Result<bool, ExchangeError> {
    let mut next = TradesFrom::Since(from);
    for _ in 0..PAGES_MAX {
        let page = account.trades(symbol, next).await?;
        let is_last = page.len() < EXCHANGE_PAGE_MAX;
        let newest = page.last().map(|trade| (trade.fill.trade_id, trade.fill.at));
        trades.extend(page);
        match newest {
            Some((id, at)) if !is_last && at <= until => next = TradesFrom::After(id),
            _ => return Ok(true),
        }
    }
    Ok(false)
}
