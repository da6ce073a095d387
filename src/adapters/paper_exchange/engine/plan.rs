//! What an order would do to the book, worked out before anything is changed.
//!
//! Best price first; at one price the orders of accounts come in the order of their arrival, and the synthetic depth
//! after them.

use super::amount::{affordable, down, nearest};
use super::book::Book;
use super::market::Market;
use super::names::{AccountId, OrderId};
use super::state::State;
use super::words::{SelfTradePrevention, Side};
use rust_decimal::Decimal;

/// Who takes, and how much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taker {
    pub(super) account: AccountId,
    pub(super) side: Side,
    /// Its worst price; `None` takes any.
    pub(super) limit: Option<Decimal>,
    pub(super) size: Size,
    pub(super) self_trade_prevention: SelfTradePrevention,
}

/// How much is to be taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Size {
    /// Base.
    Base(Decimal),
    /// What costs or brings this much quote, in whole steps of base and not above `most` of it. A buy never costs more; a
    /// sell brings what is nearest.
    Quote { amount: Decimal, most: Decimal },
}

/// One thing to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A trade with a resting order, or with the synthetic depth.
    Trade { maker: Option<OrderId>, price: Decimal, quantity: Decimal },
    /// A resting order of the same account ends.
    EndMaker(OrderId),
}

/// Why the plan goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All of it was had.
    Complete,
    /// Nothing more is offered at a price that it takes.
    Exhausted,
    /// It would trade with its own account.
    SelfTrade,
}

/// Everything that an order would do at once.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) base: Decimal,
    pub(super) quote: Decimal,
    /// The worst price that was looked at.
    pub(super) worst: Option<Decimal>,
    pub(super) ending: Ending,
}

impl Plan {
    /// What the taker gives in all of it.
    pub(super) const fn gives(&self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.quote,
            Side::Sell => self.base,
        }
    }
}

/// Works out what an order would do.
pub(super) fn plan(market: &Market, book: &Book, state: &State, taker: Taker) -> Plan {
    let mut walk = Walk {
        taker,
        step: market.rules.step_size(),
        plan: Plan {
            steps: Vec::new(),
            base: Decimal::ZERO,
            quote: Decimal::ZERO,
            worst: None,
            ending: Ending::Exhausted,
        },
    };
    let mut makers = book.facing(taker.side).peekable();
    let mut levels = market.synthetic.facing(taker.side).iter().peekable();
    loop {
        let maker = makers.peek().copied();
        let level = levels.peek().copied();
        let maker_is_better = match (maker, level) {
            (Some((price, _)), Some(level)) => !is_better(taker.side, level.price, price),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return walk.plan,
        };
        let goes_on = if maker_is_better {
            let (price, id) = makers.next().expect("it was looked at above");
            walk.meet_order(state, price, id)
        } else {
            let level = levels.next().expect("it was looked at above");
            walk.meet(None, level.price, level.quantity)
        };
        if !goes_on {
            return walk.plan;
        }
    }
}

/// Whether an order of this side that is limited so would meet something.
pub(super) fn would_take(market: &Market, book: &Book, side: Side, limit: Decimal) -> bool {
    let resting = book.facing(side).next().map(|(price, _)| price);
    let synthetic = market.synthetic.facing(side).front().map(|level| level.price);
    resting.into_iter().chain(synthetic).any(|price| !is_better(side, limit, price))
}

/// Whether one price is better than another for an order of this side.
fn is_better(side: Side, one: Decimal, other: Decimal) -> bool {
    match side {
        Side::Buy => one < other,
        Side::Sell => one > other,
    }
}

struct Walk {
    taker: Taker,
    step: Decimal,
    plan: Plan,
}

impl Walk {
    /// Meets a resting order; false when the plan ends here.
    fn meet_order(&mut self, state: &State, price: Decimal, id: OrderId) -> bool {
        let maker = &state.orders[&id];
        if maker.account != self.taker.account || self.is_beyond(price) {
            return self.meet(Some(id), price, maker.remaining());
        }
        let mode = self.taker.self_trade_prevention;
        if mode == SelfTradePrevention::None {
            return self.meet(Some(id), price, maker.remaining());
        }
        self.plan.worst = Some(price);
        if matches!(mode, SelfTradePrevention::ExpireMaker | SelfTradePrevention::ExpireBoth) {
            self.plan.steps.push(Step::EndMaker(id));
        }
        if mode == SelfTradePrevention::ExpireMaker {
            return true;
        }
        self.plan.ending = Ending::SelfTrade;
        false
    }

    /// Meets an offer; false when the plan ends here.
    fn meet(&mut self, maker: Option<OrderId>, price: Decimal, offered: Decimal) -> bool {
        if self.is_beyond(price) {
            return false;
        }
        self.plan.worst = Some(price);
        let wanted = self.wanted(price);
        let quantity = wanted.min(offered);
        if quantity > Decimal::ZERO {
            self.plan.steps.push(Step::Trade { maker, price, quantity });
            self.plan.base += quantity;
            self.plan.quote += down(price * quantity);
        }
        if wanted <= offered {
            self.plan.ending = Ending::Complete;
        }
        wanted > offered
    }

    fn is_beyond(&self, price: Decimal) -> bool {
        self.taker.limit.is_some_and(|limit| is_better(self.taker.side, limit, price))
    }

    /// How much base is still wanted at this price.
    fn wanted(&self, price: Decimal) -> Decimal {
        match self.taker.size {
            Size::Base(quantity) => quantity - self.plan.base,
            Size::Quote { amount, most } => {
                let left = (amount - self.plan.quote).max(Decimal::ZERO);
                let steps = match self.taker.side {
                    Side::Buy => affordable(left, price, self.step),
                    Side::Sell => nearest(left, price, self.step),
                };
                steps.min(most - self.plan.base)
            }
        }
    }
}
