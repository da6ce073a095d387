//! What is held and what may still come, counted for the worst case.

use crate::domain::book::{BookView, Marks};
use crate::domain::decision::{Decision, DecisionState};
use crate::domain::ids::{DecisionId, OrderId};
use crate::domain::market::Coin;
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::{Order, OrderIntent, OrderKind, OrderStatus, Purpose};
use crate::domain::signal::{PositionSide, Side};
use crate::domain::trader_settings::TraderSettings;
use std::collections::BTreeMap;

/// One coin's exposure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoinExposure {
    /// Side and quantity held.
    pub held: Option<(PositionSide, Quantity)>,
    /// What is held, at the mark (or at its cost when the mark is unknown).
    pub held_notional: Money,
    /// Entries that may still be filled, at their worst price.
    pub entering: Money,
    /// Side of those entries.
    pub entering_side: Option<PositionSide>,
    /// Base in exits under way: not filled for the budget, but not to be sold twice either.
    pub exiting: Quantity,
    /// What is held is too little to be sold at the venue: it takes no place among the open positions.
    pub is_dust: bool,
}

/// All coins' exposure with what entries under way will take from cash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    coins: BTreeMap<Coin, CoinExposure>,
    /// Margin and fees of entries that may still be filled.
    pub reserved_cash: Money,
    /// Entries that wait or are under way but are not counted in "entries today" yet.
    pub uncounted_entries: u32,
}

/// The price at which an entry is counted, the one that makes it largest: a purchase at its hard cap, or at the quote with
/// slippage; a short at its quote or limit, since slippage makes it smaller.
pub(super) fn worst_price(kind: OrderKind, purpose: Purpose, quote: Price, settings: &TraderSettings) -> Price {
    match (purpose.side(), kind) {
        (Side::Buy, OrderKind::LimitIoc(limit)) => limit,
        (Side::Buy, OrderKind::Market) => quote.moved_percent(settings.slippage_pct).unwrap_or(quote),
        (Side::Sell, OrderKind::LimitIoc(limit)) => quote.max(limit),
        (Side::Sell, OrderKind::Market) => quote,
    }
}

/// Margin and fee that an entry takes from cash at `price`.
pub(super) fn cash_needed(
    price: Price,
    quantity: Quantity,
    leverage: u32,
    settings: &TraderSettings,
) -> (Money, Money) {
    let notional = price * quantity;
    (notional.divide_up(leverage), notional.percent(settings.taker_fee_pct).round_up())
}

impl Exposure {
    /// Counts a book. `except` leaves out the decision or order that is being re-checked: it is not its own burden.
    pub fn of(
        view: &BookView,
        marks: &Marks,
        settings: &TraderSettings,
        except_decision: Option<DecisionId>,
        except_order: Option<OrderId>,
    ) -> Self {
        let mut exposure = Self::default();
        for position in &view.positions {
            let coin = exposure.coins.entry(position.coin.clone()).or_default();
            coin.held = Some((position.side, position.quantity));
            coin.held_notional = marks.get(&position.coin).map_or(position.cost, |mark| *mark * position.quantity);
        }
        for order in view.open_orders.iter().filter(|order| Some(order.id) != except_order) {
            exposure.add_order(order, settings);
        }
        for decision in view.waiting.iter().filter(|decision| Some(decision.id) != except_decision) {
            exposure.add_waiting(decision, settings);
        }
        exposure
    }

    /// One coin's exposure; nothing for a coin that is not there.
    pub fn coin(&self, coin: &Coin) -> CoinExposure {
        self.coins.get(coin).cloned().unwrap_or_default()
    }

    /// Marks what is held of a coin as dust.
    pub fn set_dust(&mut self, coin: &Coin) {
        if let Some(exposure) = self.coins.get_mut(coin) {
            exposure.is_dust = true;
        }
    }

    /// Coins held or being entered, other than `coin`; dust does not count.
    pub fn others(&self, coin: &Coin) -> usize {
        let counts =
            |exposure: &CoinExposure| (exposure.held.is_some() && !exposure.is_dust) || !exposure.entering.is_zero();
        self.coins.iter().filter(|(name, exposure)| *name != coin && counts(exposure)).count()
    }

    /// Counts an intent that just passed, so that the next one of the same cycle meets what is left.
    pub fn add_intent(&mut self, intent: &OrderIntent, settings: &TraderSettings) {
        self.add(intent, intent.quantity, settings);
        if intent.purpose.is_entry() {
            self.uncounted_entries += 1;
        }
    }

    /// An order's unfilled rest. Journaled entries are in "entries today" already.
    fn add_order(&mut self, order: &Order, settings: &TraderSettings) {
        self.add(&order.intent, order.remaining(), settings);
    }

    fn add(&mut self, intent: &OrderIntent, quantity: Quantity, settings: &TraderSettings) {
        let coin = self.coins.entry(intent.coin.clone()).or_default();
        match intent.purpose {
            Purpose::Entry(side) => {
                let price = worst_price(intent.kind, intent.purpose, intent.quote.price, settings);
                let (margin, fee) = cash_needed(price, quantity, intent.leverage, settings);
                coin.entering += price * quantity;
                coin.entering_side = Some(side);
                self.reserved_cash += margin + fee;
            }
            Purpose::Exit(_) => coin.exiting = coin.exiting + quantity,
        }
    }

    /// A decision that waits for approval. Displayed ones ask for nothing yet.
    fn add_waiting(&mut self, decision: &Decision, settings: &TraderSettings) {
        let side = decision.signal.and_then(|signal| signal.entry_side());
        let (DecisionState::PendingApproval { .. }, Some(side)) = (&decision.state, side) else { return };
        let (Some(quantity), Some(quote)) = (decision.quantity, decision.quote) else { return };
        let kind = decision.worst_price.map_or(OrderKind::Market, OrderKind::LimitIoc);
        let price = worst_price(kind, Purpose::Entry(side), quote.price, settings);
        let (margin, fee) = cash_needed(price, quantity, decision.leverage, settings);
        let coin = self.coins.entry(decision.coin.clone()).or_default();
        coin.entering += price * quantity;
        coin.entering_side = Some(side);
        self.reserved_cash += margin + fee;
        self.uncounted_entries += 1;
    }
}

/// An order whose outcome nobody knows and which an order like this would pile upon: any entry of its market, and an
/// order on the same side.
pub fn unresolved<'a>(view: &'a BookView, intent: &OrderIntent, except: Option<OrderId>) -> Option<&'a Order> {
    view.open_orders.iter().find(|order| {
        let same_market = order.intent.symbol == intent.symbol && Some(order.id) != except;
        let piles_up = intent.purpose.is_entry() || order.intent.purpose.side() == intent.purpose.side();
        order.status() == OrderStatus::Unknown && same_market && piles_up
    })
}
