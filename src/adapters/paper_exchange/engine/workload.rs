//! A steady stream of orders that match, to measure the engine with.

use super::{
    AccountId, Asset, Engine, Grid, NewAccount, NewOrder, Notional, OrderKind, PercentPrice, Side, Symbol, SymbolRules,
    Tick, TimeInForce,
};
use rust_decimal::Decimal;

/// Accounts that take turns in selling and buying.
const ACCOUNTS: usize = 8;
/// Prices at which sells rest.
const PRICES: u64 = 16;

/// An engine with accounts that are rich enough for any number of rounds.
#[derive(Debug)]
pub struct Workload {
    engine: Engine,
    accounts: Vec<AccountId>,
    symbol: Symbol,
    rounds: u64,
}

impl Default for Workload {
    fn default() -> Self {
        Self::new()
    }
}

impl Workload {
    /// One market at 50,000 with an empty synthetic book, so that orders meet each other alone.
    pub fn new() -> Self {
        let symbol = Symbol::new("BTCUSDT");
        let (base, quote) = (Asset::new("BTC"), Asset::new("USDT"));
        let mut engine = Engine::new(vec![rules(&symbol, &base, &quote)]).expect("one market of 8 decimals");
        let wealth = vec![(base, Decimal::from(1_000_000_000)), (quote, Decimal::from(1_000_000_000_000_u64))];
        let open = |n: usize| NewAccount {
            name: format!("trader {n}"),
            maker_rate: Decimal::new(1, 3),
            taker_rate: Decimal::new(1, 3),
            bnb_burn: false,
            deposits: wealth.clone(),
        };
        let accounts = (0..ACCOUNTS).map(|n| engine.open_account(open(n), 0).reply).collect();
        let price = Decimal::from(50_000);
        let tick = Tick { price, average: price, volume: Decimal::ZERO };
        let _ = engine.tick(symbol.as_str(), tick, 0).expect("the market is served");
        Self { engine, accounts, symbol, rounds: 0 }
    }

    /// Places so many pairs of a resting sell and a buy that takes it whole; returns how many orders were matched.
    pub fn run(&mut self, pairs: u64) -> u64 {
        let mut matched = 0;
        for _ in 0..pairs {
            let round = self.rounds;
            self.rounds += 1;
            let price = Decimal::from(50_000 + round % PRICES);
            for (side, offset) in [(Side::Sell, 0), (Side::Buy, 1)] {
                let turn = (usize::try_from(round % 1_000).expect("below 1,000") + offset) % ACCOUNTS;
                let order = NewOrder {
                    account: self.accounts[turn],
                    symbol: self.symbol.clone(),
                    side,
                    kind: OrderKind::Limit { quantity: Decimal::new(1, 3), price, time_in_force: TimeInForce::Gtc },
                    client_order_id: None,
                    self_trade_prevention: None,
                    strategy_id: None,
                    strategy_type: None,
                };
                let now_ms = i64::try_from(round).expect("far below the end of time");
                let done = self.engine.place(order, now_ms).expect("a rich account places a valid order");
                matched += 2 * u64::try_from(done.reply.fills.len()).expect("a few");
            }
        }
        matched
    }

    /// The engine, to look at what became of it.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn rules(symbol: &Symbol, base: &Asset, quote: &Asset) -> SymbolRules {
    SymbolRules {
        symbol: symbol.clone(),
        base: base.clone(),
        quote: quote.clone(),
        base_precision: 8,
        quote_precision: 8,
        price: Grid { min: Decimal::new(1, 2), max: Decimal::from(1_000_000), step: Decimal::new(1, 2) },
        percent_price: PercentPrice {
            bid_up: Decimal::from(5),
            bid_down: Decimal::new(2, 1),
            ask_up: Decimal::from(5),
            ask_down: Decimal::new(2, 1),
            average_minutes: 5,
        },
        lot_size: Grid { min: Decimal::new(1, 5), max: Decimal::from(9_000), step: Decimal::new(1, 5) },
        market_lot_size: Grid::default(),
        notional: Notional {
            min: Decimal::from(5),
            apply_min_to_market: true,
            max: Decimal::from(9_000_000),
            apply_max_to_market: false,
        },
        max_orders: 200,
        max_algo_orders: 5,
        max_order_lists: 20,
        max_position: Decimal::ZERO,
    }
}
