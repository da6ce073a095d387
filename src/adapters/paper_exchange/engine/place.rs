//! Taking orders: what the engine looks at after an order was found valid, and how it meets the book.

use super::Engine;
use super::amount::{LARGEST, affordable};
use super::book::Trigger;
use super::event::Event;
use super::names::{AccountId, ListId, OrderId, generated};
use super::plan::{Ending, Plan, Size, Taker, plan, would_take};
use super::record::Order;
use super::refusal::{LOT_SIZE, MAX_NUM_ALGO_ORDERS, MAX_NUM_ORDERS, MAX_POSITION, Refusal};
use super::reply::{Done, PlacedOrder};
use super::request::{NewOrder, OrderKind};
use super::rules::SymbolRules;
use super::validate;
use super::words::{OrderStatus, OrderType, SelfTradePrevention, Side, TimeInForce};
use rust_decimal::Decimal;

/// What decides about trades with oneself when nobody says.
const DEFAULT_SELF_TRADE_PREVENTION: SelfTradePrevention = SelfTradePrevention::ExpireMaker;

impl Engine {
    /// Judges an order by its content alone: what `order/test` does.
    ///
    /// # Errors
    /// -1121, -1111 or -1013, always of [`Phase::Validation`](super::Phase::Validation).
    pub fn check(&self, order: &NewOrder) -> Result<(), Refusal> {
        validate::order(self.market(order.symbol.as_str())?, order)
    }

    /// Places an order. It trades with what it meets; the rest rests or ends as its type says.
    ///
    /// # Errors
    /// What [`check`](Self::check) says, or -2010 for what account and book do not allow.
    pub fn place(&mut self, order: NewOrder, now_ms: i64) -> Result<Done<PlacedOrder>, Refusal> {
        self.check(&order)?;
        let mut events = Vec::new();
        let reply = self.accept(&mut events, &order, now_ms)?;
        Ok(Done { reply, events })
    }

    /// Takes a valid order when account and book allow it.
    pub(super) fn accept(
        &mut self,
        journal: &mut Vec<Event>,
        order: &NewOrder,
        now_ms: i64,
    ) -> Result<PlacedOrder, Refusal> {
        let name = order.client_order_id.as_deref();
        self.may_open(order.account, order.symbol.as_str(), &[(order.kind.order_type(), name)])?;
        self.fits_position(order.account, order.symbol.as_str(), order.side, order.kind.quantity())?;
        self.fits_last_price(order.symbol.as_str(), order.side, &order.kind)?;
        let id = OrderId(self.memory.state.last_order + 1);
        let mut draft = self.draft(order, id, None, now_ms);
        let plan = if draft.is_working() { Some(self.size_up(&mut draft, &order.kind)?) } else { None };
        draft.locked = hold_for(&draft, plan.as_ref());
        self.can_hold(&draft, draft.locked.max(asked_for(&draft, &order.kind)))?;
        let first_trade = self.memory.state.last_trade;
        self.emit(journal, Event::Placed(Box::new(draft.clone())));
        if let Some(plan) = plan {
            self.carry_out(journal, &draft, &plan, now_ms);
        }
        self.touch(order.symbol.as_str(), now_ms);
        Ok(self.placed(id, first_trade))
    }

    /// An order as it is when it is accepted, nothing held yet.
    pub(super) fn draft(&self, order: &NewOrder, id: OrderId, list: Option<ListId>, now_ms: i64) -> Order {
        let kind = &order.kind;
        Order {
            id,
            account: order.account,
            symbol: order.symbol.clone(),
            list,
            client_order_id: order.client_order_id.clone().unwrap_or_else(|| generated('o', id.0)),
            side: order.side,
            order_type: kind.order_type(),
            time_in_force: kind.time_in_force(),
            price: kind.price().unwrap_or_default(),
            stop_price: kind.stop_price(),
            quantity: kind.quantity().unwrap_or_default(),
            quote_order_quantity: match kind {
                OrderKind::MarketByQuote { quote_quantity } => *quote_quantity,
                _ => Decimal::ZERO,
            },
            executed: Decimal::ZERO,
            executed_quote: Decimal::ZERO,
            locked: Decimal::ZERO,
            status: OrderStatus::New,
            expiry_reason: None,
            self_trade_prevention: order.self_trade_prevention.unwrap_or(DEFAULT_SELF_TRADE_PREVENTION),
            strategy_id: order.strategy_id,
            strategy_type: order.strategy_type,
            time: now_ms,
            updated_at: now_ms,
            working_since: (!kind.order_type().is_algo()).then_some(now_ms),
            priority: 0,
        }
    }

    /// Whether the account may have these orders besides those it has: names and counts.
    pub(super) fn may_open(
        &self,
        account: AccountId,
        symbol: &str,
        orders: &[(OrderType, Option<&str>)],
    ) -> Result<(), Refusal> {
        let rules = &self.market(symbol)?.rules;
        if !self.memory.state.accounts.contains_key(&account) {
            return Err(Refusal::unknown_account());
        }
        let algo = orders.iter().filter(|(order_type, _)| order_type.is_algo()).count();
        let Some(shelf) = self.memory.shelf(account, symbol) else { return counts(rules, orders.len(), algo) };
        for name in orders.iter().filter_map(|(_, name)| *name) {
            if shelf.named(name).is_some_and(|id| shelf.open.contains(&id)) {
                return Err(Refusal::rejected("Duplicate order sent."));
            }
        }
        counts(rules, shelf.open.len() + orders.len(), shelf.open_algo + algo)
    }

    /// Whether what the account has and is buying stays below the market's largest position.
    pub(super) fn fits_position(
        &self,
        account: AccountId,
        symbol: &str,
        side: Side,
        quantity: Option<Decimal>,
    ) -> Result<(), Refusal> {
        let rules = &self.market(symbol)?.rules;
        if rules.max_position.is_zero() || side == Side::Sell {
            return Ok(());
        }
        let state = &self.memory.state;
        let open = self.memory.shelf(account, symbol).into_iter().flat_map(|shelf| &shelf.open);
        let buys = open.map(|id| &state.orders[id]).filter(|order| order.side == Side::Buy);
        let buying: Decimal = buys.map(Order::remaining).sum();
        let has = state.accounts[&account].balances.get(&rules.base).copied().unwrap_or_default();
        if has.free + has.locked + buying + quantity.unwrap_or_default() > rules.max_position {
            return Err(Refusal::account_filter(MAX_POSITION));
        }
        Ok(())
    }

    /// A trigger must not have come already, and a maker must not take.
    pub(super) fn fits_last_price(&self, symbol: &str, side: Side, kind: &OrderKind) -> Result<(), Refusal> {
        let market = self.market(symbol)?;
        if let (Some(trigger), Some(stop), Some(last)) =
            (Trigger::of(kind.order_type(), side), kind.stop_price(), market.last_price())
            && trigger.fires(stop, last)
        {
            return Err(Refusal::rejected("Order would trigger immediately."));
        }
        if let (OrderKind::LimitMaker { price, .. }, Some(book)) = (kind, self.memory.book(symbol))
            && would_take(market, book, side, *price)
        {
            return Err(Refusal::rejected("Order would immediately match and take."));
        }
        Ok(())
    }

    /// Whether so much of what an order gives is free.
    pub(super) fn can_hold(&self, draft: &Order, needed: Decimal) -> Result<(), Refusal> {
        let rules = &self.market(draft.symbol.as_str())?.rules;
        let gives = match draft.side {
            Side::Buy => &rules.quote,
            Side::Sell => &rules.base,
        };
        let free = self.memory.state.accounts[&draft.account].free(gives.as_str());
        if free < needed { Err(Refusal::insufficient_balance()) } else { Ok(()) }
    }

    /// What an order that works would do now, for what it has not executed.
    pub(super) fn plan_for(&self, order: &Order, size: Size) -> Plan {
        let (market, book) = (&self.markets[&order.symbol], self.memory.book(order.symbol.as_str()));
        let taker = Taker {
            account: order.account,
            side: order.side,
            limit: order.order_type.is_limit().then_some(order.price),
            size,
            self_trade_prevention: order.self_trade_prevention,
        };
        let mut it = plan(market, book.expect("each market has its book"), &self.memory.state, taker);
        if order.time_in_force == TimeInForce::Fok && it.base < order.remaining() {
            it.steps.clear();
            it.ending = Ending::Exhausted;
        }
        it
    }

    /// Plans a new order, and gives one by quote its quantity.
    fn size_up(&self, draft: &mut Order, kind: &OrderKind) -> Result<Plan, Refusal> {
        let OrderKind::MarketByQuote { quote_quantity } = *kind else {
            return Ok(self.plan_for(draft, Size::Base(draft.quantity)));
        };
        let rules = &self.market(draft.symbol.as_str())?.rules;
        let most = [rules.lot_size.max, rules.market_lot_size.max].into_iter().filter(|max| !max.is_zero());
        let most = most.fold(LARGEST, Decimal::min);
        let plan = self.plan_for(draft, Size::Quote { amount: quote_quantity, most });
        let least = rules.lot_size.min.max(rules.market_lot_size.min);
        if plan.base < least || plan.base.is_zero() {
            return Err(match plan.ending {
                Ending::Complete => Refusal::filter(LOT_SIZE),
                Ending::Exhausted | Ending::SelfTrade => {
                    Refusal::rejected("Order book liquidity is less than `LOT_SIZE` filter minimum quantity.")
                }
            });
        }
        draft.quantity = plan.base;
        if let (Ending::Exhausted | Ending::SelfTrade, Some(worst)) = (plan.ending, plan.worst) {
            let missing = (quote_quantity - plan.quote).max(Decimal::ZERO);
            draft.quantity += affordable(missing, worst, rules.step_size());
        }
        Ok(plan)
    }

    /// The order as it is now, with what it executed since a trade.
    fn placed(&self, id: OrderId, since: u64) -> PlacedOrder {
        let order = self.memory.state.orders[&id].clone();
        let rows = self.memory.state.executions.get(&order.account).and_then(|all| all.get(&order.symbol));
        let newest = rows.into_iter().flat_map(|rows| rows.iter().rev()).take_while(|row| row.id.0 > since);
        let mut fills: Vec<_> = newest.filter(|row| row.order == id).cloned().collect();
        fills.reverse();
        PlacedOrder { order, fills }
    }
}

/// MAX_NUM_ORDERS and MAX_NUM_ALGO_ORDERS for so many open orders.
fn counts(rules: &SymbolRules, open: usize, open_algo: usize) -> Result<(), Refusal> {
    if rules.max_orders != 0 && open > rules.max_orders {
        return Err(Refusal::account_filter(MAX_NUM_ORDERS));
    }
    if rules.max_algo_orders != 0 && open_algo > rules.max_algo_orders {
        return Err(Refusal::account_filter(MAX_NUM_ALGO_ORDERS));
    }
    Ok(())
}

/// What a new order holds. A market order holds exactly what its plan gives, since it never waits.
fn hold_for(draft: &Order, plan: Option<&Plan>) -> Decimal {
    draft.need().or(plan.map(|plan| plan.gives(draft.side))).unwrap_or_default()
}

/// What must be free for an order, even when the book takes less of it. A buy by quantity asks for what the book gives.
fn asked_for(draft: &Order, kind: &OrderKind) -> Decimal {
    match (kind, draft.side) {
        (OrderKind::MarketByQuote { quote_quantity }, Side::Buy) => *quote_quantity,
        (OrderKind::Market { quantity }, Side::Sell) => *quantity,
        _ => Decimal::ZERO,
    }
}
