//! A market whose prices a story sets: they stand still until it moves them. Time is the wall clock's.

use async_trait::async_trait;
use countersign::adapters::clock::SystemClock;
use countersign::domain::instrument::{FinerRules, Instrument, InstrumentList};
use countersign::domain::market::{Candle, CandleInterval, Coin, Quote, Symbol};
use countersign::domain::money::{Price, Quantity};
use countersign::domain::time::Timestamp;
use countersign::ports::clock::Clock;
use countersign::ports::market_data::{MarketData, MarketDataError, MarketSource};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// BTC and BNB, in USDT.
pub struct HandMarket {
    /// What its candles of the past stand at; a story moves the price only.
    past: BTreeMap<Symbol, Price>,
    prices: Mutex<BTreeMap<Symbol, Price>>,
    /// Base that every closed candle traded.
    volume: Mutex<Quantity>,
}

impl HandMarket {
    /// BTC at 50,000 and BNB at 500, in five minutes of which 10,500 are traded: the best level of a paper exchange's book
    /// is 5 deep then.
    pub fn new() -> Arc<Self> {
        let past = [("BTCUSDT", "50000"), ("BNBUSDT", "500")];
        let past: BTreeMap<_, _> =
            past.map(|(symbol, price)| (Symbol(symbol.into()), Price::parse(price).unwrap())).into();
        let volume = Mutex::new(Quantity::parse("10500").unwrap());
        Arc::new(Self { prices: Mutex::new(past.clone()), past, volume })
    }

    /// The price of BTC from now on.
    pub fn btc_at(&self, price: &str) {
        self.prices.lock().unwrap().insert(Symbol("BTCUSDT".into()), Price::parse(price).unwrap());
    }

    /// What every closed candle traded, from now on.
    pub fn trades(&self, volume: &str) {
        *self.volume.lock().unwrap() = Quantity::parse(volume).unwrap();
    }
}

/// A market with the grid that Binance has for BTC.
pub fn instrument(coin: &str) -> Instrument {
    Instrument {
        symbol: Symbol(format!("{coin}USDT")),
        base: Coin::parse(coin).unwrap(),
        quote: Coin::parse("USDT").unwrap(),
        tick_size: Decimal::new(1, 2),
        step_size: Decimal::new(1, 5),
        min_quantity: Decimal::new(1, 5),
        max_quantity: Decimal::from(9_000),
        min_notional: Decimal::from(5),
        trading: true,
        finer: FinerRules::default(),
    }
}

#[async_trait]
impl MarketData for HandMarket {
    fn source(&self) -> MarketSource {
        MarketSource::Synthetic
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    async fn instruments(&self) -> Result<Arc<InstrumentList>, MarketDataError> {
        Ok(Arc::new(InstrumentList::new(["BTC", "BNB"].map(instrument))))
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, MarketDataError> {
        let (prices, at) = (self.prices.lock().unwrap(), self.now());
        let quote = |symbol: &Symbol| Some((symbol.clone(), Quote { price: *prices.get(symbol)?, at }));
        Ok(symbols.iter().filter_map(quote).collect())
    }

    async fn candles(
        &self,
        symbol: &Symbol,
        interval: CandleInterval,
        limit: usize,
    ) -> Result<Arc<[Candle]>, MarketDataError> {
        let price = *self.past.get(symbol).ok_or_else(|| MarketDataError::UnknownSymbol(symbol.clone()))?;
        let (volume, end) = (*self.volume.lock().unwrap(), self.now().floor_to(interval.ms()));
        let candle = |back: i64| {
            let open_time = end.plus_ms(-back * interval.ms());
            Candle { open_time, open: price, high: price, low: price, close: price, volume }
        };
        Ok((1..=i64::try_from(limit).unwrap()).rev().map(candle).collect())
    }
}
