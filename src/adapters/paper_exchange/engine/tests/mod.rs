//! The engine against stories whose figures were worked out on paper, and against chance.
//!
//! After every command of a story the books are added up, and at its end the log of its events is played into a second
//! engine, which must remember the same.

use super::*;

mod chance;
mod fees;
mod lists;
mod matching;
mod names;
mod orders;
mod questions;
mod refusals;
mod triggers;

/// A moment in 2026.
pub(super) const NOON: i64 = 1_800_000_000_000;

/// A decimal from its text.
pub(super) fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).expect("a number")
}

fn market(base: &str, quote: &str, tick_size: &str, step: &str) -> SymbolRules {
    SymbolRules {
        symbol: Symbol::new(&format!("{base}{quote}")),
        base: Asset::new(base),
        quote: Asset::new(quote),
        base_precision: 8,
        quote_precision: 8,
        price: Grid { min: dec(tick_size), max: dec("1000000"), step: dec(tick_size) },
        percent_price: PercentPrice {
            bid_up: dec("5"),
            bid_down: dec("0.2"),
            ask_up: dec("5"),
            ask_down: dec("0.2"),
            average_minutes: 5,
        },
        lot_size: Grid { min: dec(step), max: dec("9000"), step: dec(step) },
        market_lot_size: Grid::default(),
        notional: Notional {
            min: dec("5"),
            apply_min_to_market: true,
            max: dec("9000000"),
            apply_max_to_market: false,
        },
        max_orders: 200,
        max_algo_orders: 5,
        max_order_lists: 20,
        max_position: Decimal::ZERO,
    }
}

/// BTCUSDT with a tick of 0.01 and a step of 0.00001.
pub(super) fn btc() -> SymbolRules {
    market("BTC", "USDT", "0.01", "0.00001")
}

/// An exchange with two accounts, its market at 50,000 with an empty synthetic book.
pub(super) struct Desk {
    pub(super) engine: Engine,
    pub(super) alice: AccountId,
    pub(super) bob: AccountId,
    pub(super) now: i64,
    rules: Vec<SymbolRules>,
    log: Vec<Batch>,
}

pub(super) const BTC: &str = "BTCUSDT";

impl Desk {
    pub(super) fn new() -> Self {
        Self::with(btc())
    }

    /// With other rules for the market. Commission is a tenth of a per cent on both sides.
    pub(super) fn with(rules: SymbolRules) -> Self {
        let rules = vec![rules, market("BNB", "USDT", "0.01", "0.001")];
        let engine = Engine::new(rules.clone()).expect("rules");
        let (alice, bob) = (AccountId(1), AccountId(2));
        let mut desk = Self { engine, alice, bob, now: NOON, rules, log: Vec::new() };
        for name in ["alice", "bob"] {
            let account = NewAccount {
                name: name.to_owned(),
                maker_rate: dec("0.001"),
                taker_rate: dec("0.001"),
                bnb_burn: false,
                deposits: vec![(Asset::new("BTC"), dec("10")), (Asset::new("USDT"), dec("100000"))],
            };
            let done = desk.engine.open_account(account, desk.now);
            desk.note(done);
        }
        desk.tick("50000", "0");
        desk
    }

    /// Keeps what happened, and adds the books up.
    pub(super) fn note<T>(&mut self, done: Done<T>) -> T {
        self.log.push(Batch::new(done.events));
        assert_eq!(self.engine.audit(), Vec::<String>::new(), "after {:?}", self.log.last());
        self.now += 1;
        done.reply
    }

    pub(super) fn tick(&mut self, price: &str, volume: &str) {
        self.tick_of(BTC, price, volume);
    }

    pub(super) fn tick_of(&mut self, symbol: &str, price: &str, volume: &str) {
        let tick = Tick { price: dec(price), average: dec(price), volume: dec(volume) };
        let done = self.engine.tick(symbol, tick, self.now).expect("a tick");
        self.note(done);
    }

    pub(super) fn order(&self, account: AccountId, side: Side, kind: OrderKind) -> NewOrder {
        NewOrder {
            account,
            symbol: Symbol::new(BTC),
            side,
            kind,
            client_order_id: None,
            self_trade_prevention: None,
            strategy_id: None,
            strategy_type: None,
        }
    }

    pub(super) fn try_place(&mut self, order: NewOrder) -> Result<PlacedOrder, Refusal> {
        let before = self.engine.snapshot();
        match self.engine.place(order, self.now) {
            Ok(done) => Ok(self.note(done)),
            Err(refusal) => {
                assert!(self.engine.snapshot() == before, "a refusal changed something");
                Err(refusal)
            }
        }
    }

    pub(super) fn place(&mut self, account: AccountId, side: Side, kind: OrderKind) -> PlacedOrder {
        self.try_place(self.order(account, side, kind)).expect("an order that is accepted")
    }

    pub(super) fn refused(&mut self, account: AccountId, side: Side, kind: OrderKind) -> (i32, String) {
        let refusal = self.try_place(self.order(account, side, kind)).expect_err("an order that is refused");
        (refusal.code, refusal.message.into_owned())
    }

    pub(super) fn cancel(&mut self, account: AccountId, order: OrderId) -> Result<Canceled, Refusal> {
        let done = self.engine.cancel(cancel_of(account, OrderRef::Id(order)), self.now)?;
        Ok(self.note(done))
    }

    /// The order as it is now.
    pub(super) fn see(&self, order: OrderId) -> &Order {
        &self.engine.memory.state.orders[&order]
    }

    /// What an account has of an asset, as `free/locked`.
    pub(super) fn has(&self, account: AccountId, asset: &str) -> String {
        let balance = self.engine.account(account).expect("account").balances.get(asset).copied().unwrap_or_default();
        format!("{}/{}", balance.free.normalize(), balance.locked.normalize())
    }
}

impl Drop for Desk {
    /// The log, written and read again, makes the same memory; and so does a snapshot.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut again = Engine::new(self.rules.clone()).expect("rules");
        for batch in &self.log {
            let line = serde_json::to_string(batch).expect("a line");
            again.replay(&serde_json::from_str(&line).expect("a batch")).expect("a line of our own log");
        }
        assert!(again.memory == self.engine.memory, "the log makes another memory");
        let text = serde_json::to_string(&self.engine.snapshot()).expect("a snapshot");
        let mut restored = Engine::new(self.rules.clone()).expect("rules");
        restored.restore(serde_json::from_str(&text).expect("a snapshot")).expect("our own snapshot");
        assert!(restored.memory == self.engine.memory, "the snapshot makes another memory");
    }
}

pub(super) fn cancel_of(account: AccountId, order: OrderRef) -> CancelOrder {
    CancelOrder { account, symbol: Symbol::new(BTC), order, cancel_client_order_id: None, restriction: None }
}

pub(super) fn market_of(quantity: &str) -> OrderKind {
    OrderKind::Market { quantity: dec(quantity) }
}

pub(super) fn by_quote(quote: &str) -> OrderKind {
    OrderKind::MarketByQuote { quote_quantity: dec(quote) }
}

pub(super) fn limit(quantity: &str, price: &str) -> OrderKind {
    limit_for(quantity, price, TimeInForce::Gtc)
}

pub(super) fn limit_for(quantity: &str, price: &str, time_in_force: TimeInForce) -> OrderKind {
    OrderKind::Limit { quantity: dec(quantity), price: dec(price), time_in_force }
}

pub(super) fn maker(quantity: &str, price: &str) -> OrderKind {
    OrderKind::LimitMaker { quantity: dec(quantity), price: dec(price) }
}

pub(super) fn stop_loss(quantity: &str, stop: &str) -> OrderKind {
    OrderKind::StopLoss { quantity: dec(quantity), stop_price: dec(stop) }
}

pub(super) fn take_profit(quantity: &str, stop: &str) -> OrderKind {
    OrderKind::TakeProfit { quantity: dec(quantity), stop_price: dec(stop) }
}

pub(super) fn stop_limit(quantity: &str, stop: &str, price: &str) -> OrderKind {
    OrderKind::StopLossLimit {
        quantity: dec(quantity),
        price: dec(price),
        stop_price: dec(stop),
        time_in_force: TimeInForce::Gtc,
    }
}

pub(super) fn profit_limit(quantity: &str, stop: &str, price: &str) -> OrderKind {
    OrderKind::TakeProfitLimit {
        quantity: dec(quantity),
        price: dec(price),
        stop_price: dec(stop),
        time_in_force: TimeInForce::Gtc,
    }
}

/// Fills as `quantity@price`, in order.
pub(super) fn fills(placed: &PlacedOrder) -> Vec<String> {
    placed.fills.iter().map(|fill| format!("{}@{}", fill.quantity.normalize(), fill.price.normalize())).collect()
}

/// Status and executed base.
pub(super) fn outcome(order: &Order) -> (OrderStatus, String) {
    (order.status, order.executed.normalize().to_string())
}
