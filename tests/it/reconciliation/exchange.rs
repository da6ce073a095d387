//! An exchange in memory: it executes at a fixed price, and does what a story tells it to.

use crate::support::ManualClock;
use async_trait::async_trait;
use countersign::domain::credential::{AccountFingerprint, KeyPermissions};
use countersign::domain::market::{Coin, Symbol};
use countersign::domain::money::{Money, Price, Quantity};
use countersign::domain::order::Order;
use countersign::domain::signal::Side;
use countersign::domain::time::Timestamp;
use countersign::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use countersign::ports::clock::Clock;
use countersign::ports::exchange::{
    AssetBalance, EXCHANGE_PAGE_MAX, ExchangeAccount, ExchangeError, TradesFrom, VenueOrder, VenueTrade,
};
use countersign::ports::store::JournaledOrder;
use countersign::ports::venue::{
    CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue, VenueFill, VenueReport, VenueStatus,
};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{Notify, RwLock};

/// The price of everything.
pub const PRICE: &str = "43250";

pub fn coin(name: &str) -> Coin {
    Coin::parse(name).unwrap()
}

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn btcusdt() -> Symbol {
    Symbol("BTCUSDT".to_owned())
}

/// What becomes of the next order that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is executed and answered.
    Filled,
    /// It rests and is answered.
    Rests,
    /// It is executed, the answer is lost, and it cannot be seen for so many milliseconds.
    LostAfter(i64),
    /// It never arrives.
    LostBefore,
}

struct Listed {
    order: VenueOrder,
    visible_from: Timestamp,
}

#[derive(Default)]
struct State {
    balances: BTreeMap<Coin, Decimal>,
    orders: Vec<Listed>,
    trades: Vec<VenueTrade>,
    calls: BTreeMap<&'static str, usize>,
    is_down: bool,
    is_cut_off: bool,
    fee_asset: Option<Coin>,
    next_id: i64,
}

pub struct FakeExchange {
    fingerprint: AccountFingerprint,
    clock: ManualClock,
    state: Mutex<State>,
    first_id: i64,
    /// Held for writing, balances are not answered.
    pub gate: RwLock<()>,
    /// Rings when balances are asked for.
    pub asked: Notify,
}

/// The accounts of one exchange never share the number of an order or trade.
fn first_id(key: &str) -> i64 {
    i64::try_from(key.len()).unwrap() * 10_000
}

impl FakeExchange {
    /// An account with balances; commissions are a thousandth of what is received, or of its worth in `fee_asset`.
    pub fn new(key: &str, clock: &ManualClock, balances: &[(&str, &str)]) -> Arc<Self> {
        let balances = balances.iter().map(|(asset, amount)| (coin(asset), dec(amount))).collect();
        Arc::new(Self {
            fingerprint: AccountFingerprint::of_key(ExchangeEnvironment::Testnet, key),
            clock: clock.clone(),
            state: Mutex::new(State { balances, next_id: first_id(key), ..State::default() }),
            first_id: first_id(key),
            gate: RwLock::default(),
            asked: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Orders do not leave; questions are answered.
    pub fn cut_off(&self, is_cut_off: bool) {
        self.state().is_cut_off = is_cut_off;
    }

    /// The last trade is told as if it had been executed twice.
    pub fn double_fill(&self) {
        let mut state = self.state();
        let mut again = state.trades.last().unwrap().clone();
        again.fill.trade_id = state.id();
        state.trades.push(again);
    }

    /// Commissions in another asset than the received one.
    pub fn fees_in(&self, asset: &str) {
        self.state().fee_asset = Some(coin(asset));
    }

    /// Moves money in or out, as its owner would.
    pub fn deposit(&self, asset: &str, amount: &str) {
        *self.state().balances.entry(coin(asset)).or_default() += dec(amount);
    }

    /// How often each question was asked since the last time.
    pub fn take_calls(&self) -> BTreeMap<&'static str, usize> {
        std::mem::take(&mut self.state().calls)
    }

    /// Forgets everything, as a test network does each month.
    pub fn wipe(&self, balances: &[(&str, &str)]) {
        let mut state = self.state();
        state.orders.clear();
        state.trades.clear();
        state.next_id = self.first_id;
        state.balances = balances.iter().map(|(asset, amount)| (coin(asset), dec(amount))).collect();
    }

    /// Somebody trades by hand.
    pub fn manual_trade(&self, side: Side, quantity: &str) {
        let mut state = self.state();
        let name = format!("web_{}", state.next_id);
        let id = state.take(&name, side, dec(quantity), self.clock.now(), 0);
        state.execute(id, self.clock.now());
    }

    /// Somebody's order, or one under a name of choice, rests.
    pub fn rest(&self, name: &str, quantity: &str) {
        let now = self.clock.now();
        self.state().take(name, Side::Buy, dec(quantity), now, 0);
    }

    /// A resting order is executed without our hearing of it.
    pub fn execute_resting(&self, name: &str) {
        let now = self.clock.now();
        let mut state = self.state();
        let id = state.orders.iter().find(|listed| listed.order.client_order_id == name).unwrap().order.venue_order_id;
        state.execute(id, now);
    }

    /// An order vanishes.
    pub fn lose_order(&self, name: &str) {
        self.state().orders.retain(|listed| listed.order.client_order_id != name);
    }

    /// What a sender's request does.
    pub fn receive(&self, order: &Order, reply: Reply) -> SubmitOutcome {
        let now = self.clock.now();
        let mut state = self.state();
        let lost = || SubmitOutcome::Ambiguous { why: "no answer within 15 s".to_owned() };
        let hidden_ms = match reply {
            Reply::LostBefore => return lost(),
            Reply::LostAfter(ms) => ms,
            Reply::Filled | Reply::Rests => 0,
        };
        let intent = &order.intent;
        let name = order.client_order_id.as_str();
        let id = state.take(name, intent.purpose.side(), intent.quantity.decimal(), now, hidden_ms);
        if reply != Reply::Rests {
            state.execute(id, now);
        }
        if matches!(reply, Reply::LostAfter(_)) {
            return lost();
        }
        SubmitOutcome::Accepted(state.report(id))
    }

    fn read(&self, call: &'static str) -> Result<MutexGuard<'_, State>, ExchangeError> {
        let mut state = self.state();
        *state.calls.entry(call).or_default() += 1;
        if state.is_down { Err(ExchangeError::Unreachable("connection refused".to_owned())) } else { Ok(state) }
    }
}

impl State {
    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn take(&mut self, name: &str, side: Side, quantity: Decimal, now: Timestamp, hidden_ms: i64) -> i64 {
        let id = self.id();
        self.orders.push(Listed {
            order: VenueOrder {
                venue_order_id: id,
                client_order_id: name.to_owned(),
                symbol: btcusdt(),
                side,
                status: VenueStatus::Open,
                quantity: Quantity::new(quantity).unwrap(),
                filled: Quantity::ZERO,
                filled_value: Money::ZERO,
                created_at: now,
            },
            visible_from: now.plus_ms(hidden_ms),
        });
        id
    }

    fn execute(&mut self, id: i64, now: Timestamp) {
        let trade_id = self.id();
        let price = Price::parse(PRICE).unwrap();
        let listed = self.orders.iter_mut().find(|listed| listed.order.venue_order_id == id).unwrap();
        let order = &mut listed.order;
        let (quantity, value) = (order.quantity, price * order.quantity);
        (order.status, order.filled, order.filled_value) = (VenueStatus::Filled, quantity, value);
        let side = order.side;
        let (received, amount) = match side {
            Side::Buy => ("BTC", quantity.decimal()),
            Side::Sell => ("USDT", value.decimal()),
        };
        let fee_asset = self.fee_asset.clone().unwrap_or_else(|| coin(received));
        let fee = amount / Decimal::from(1_000);
        let sign = if side == Side::Buy { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
        for (asset, change) in [
            (coin("BTC"), sign * quantity.decimal()),
            (coin("USDT"), -sign * value.decimal()),
            (fee_asset.clone(), -fee),
        ] {
            *self.balances.entry(asset).or_default() += change;
        }
        self.trades.push(VenueTrade {
            symbol: btcusdt(),
            venue_order_id: id,
            side,
            fill: VenueFill { trade_id, price, quantity, fee: Money::new(fee), fee_asset, is_maker: false, at: now },
        });
    }

    fn report(&self, id: i64) -> VenueReport {
        let order = &self.orders.iter().find(|listed| listed.order.venue_order_id == id).unwrap().order;
        let fills = self.trades.iter().filter(|trade| trade.venue_order_id == id).map(|trade| trade.fill.clone());
        VenueReport { venue_order_id: id, status: order.status.clone(), fills: fills.collect(), raw: String::new() }
    }

    fn visible(&self, now: Timestamp) -> impl Iterator<Item = &VenueOrder> {
        self.orders.iter().filter(move |listed| listed.visible_from <= now).map(|listed| &listed.order)
    }

    fn visible_trades(&self, symbol: &Symbol, now: Timestamp) -> Vec<VenueTrade> {
        let shown: Vec<i64> = self.visible(now).map(|order| order.venue_order_id).collect();
        let of = |trade: &&VenueTrade| &trade.symbol == symbol && shown.contains(&trade.venue_order_id);
        self.trades.iter().filter(of).cloned().collect()
    }
}

#[async_trait]
impl Venue for FakeExchange {
    fn kind(&self) -> VenueKind {
        VenueKind::Testnet
    }

    async fn submit(&self, order: &JournaledOrder, _: OrderContext<'_>) -> SubmitOutcome {
        *self.state().calls.entry("submit").or_default() += 1;
        if self.state().is_cut_off {
            return SubmitOutcome::NotSent { why: "no connection".to_owned(), retry_after_ms: 0 };
        }
        self.receive(order.order(), Reply::Filled)
    }

    async fn query(&self, order: &Order, _: OrderContext<'_>) -> QueryOutcome {
        let now = self.clock.now();
        let state = match self.read("query") {
            Ok(state) => state,
            Err(error) => return QueryOutcome::Unavailable { why: error.to_string() },
        };
        let found = state.visible(now).find(|listed| listed.client_order_id == order.client_order_id.as_str());
        match found {
            Some(listed) => QueryOutcome::Found(state.report(listed.venue_order_id)),
            None => QueryOutcome::NotFound { is_final: false },
        }
    }

    async fn cancel(&self, _: &Order, _: OrderContext<'_>) -> CancelOutcome {
        CancelOutcome::Unavailable { why: "not in these stories".to_owned() }
    }
}

#[async_trait]
impl ExchangeAccount for FakeExchange {
    fn fingerprint(&self) -> &AccountFingerprint {
        &self.fingerprint
    }

    async fn time(&self) -> Result<Timestamp, ExchangeError> {
        self.read("time").map(|_| self.clock.now())
    }

    async fn permissions(&self) -> Result<KeyPermissions, ExchangeError> {
        Ok(KeyPermissions { can_trade: true, ..KeyPermissions::default() })
    }

    async fn balances(&self) -> Result<Vec<AssetBalance>, ExchangeError> {
        self.asked.notify_one();
        drop(self.gate.read().await);
        let state = self.read("balances")?;
        let held = state.balances.iter().filter(|(_, amount)| !amount.is_zero());
        let balance = |(asset, amount): (&Coin, &Decimal)| AssetBalance {
            asset: asset.clone(),
            free: *amount,
            locked: Decimal::ZERO,
        };
        Ok(held.map(balance).collect())
    }

    async fn open_orders(&self, symbol: Option<&Symbol>) -> Result<Vec<VenueOrder>, ExchangeError> {
        let state = self.read("open_orders")?;
        let open = state
            .visible(self.clock.now())
            .filter(|order| order.status == VenueStatus::Open && symbol.is_none_or(|symbol| symbol == &order.symbol));
        Ok(open.cloned().collect())
    }

    async fn orders_since(&self, symbol: &Symbol, since: Timestamp) -> Result<Vec<VenueOrder>, ExchangeError> {
        let state = self.read("orders_since")?;
        let orders =
            state.visible(self.clock.now()).filter(|order| &order.symbol == symbol && order.created_at >= since);
        Ok(orders.take(EXCHANGE_PAGE_MAX).cloned().collect())
    }

    async fn trades(&self, symbol: &Symbol, from: TradesFrom) -> Result<Vec<VenueTrade>, ExchangeError> {
        let state = self.read("trades")?;
        let mut trades = state.visible_trades(symbol, self.clock.now());
        match from {
            TradesFrom::After(id) => trades.retain(|trade| trade.fill.trade_id > id),
            TradesFrom::Since(at) => trades.retain(|trade| trade.fill.at >= at),
            TradesFrom::Newest => {
                let extra = trades.len().saturating_sub(EXCHANGE_PAGE_MAX);
                trades.drain(..extra);
            }
        }
        trades.truncate(EXCHANGE_PAGE_MAX);
        Ok(trades)
    }
}
