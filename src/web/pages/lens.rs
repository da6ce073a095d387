//! What rows and sheets are looked at through: names of models, precision of instruments, prices of now. Read once for
//! a whole page, whatever the number of rows.

use crate::domain::decision::Decision;
use crate::domain::ids::TraderId;
use crate::domain::instrument::{Instrument, InstrumentList, QUOTE_ASSET};
use crate::domain::market::{Coin, Quote, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
use crate::web::show;
use crate::web::view::When;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Market time that differs less from wall-clock time is the same for a reader.
const SAME_CLOCK_MS: i64 = 5_000;
/// Decimals of amounts in the quote asset.
const MONEY_PLACES: u32 = 2;

struct Market {
    now: Timestamp,
    instruments: Arc<InstrumentList>,
    quotes: BTreeMap<Symbol, Quote>,
}

/// Names, precisions and prices for one page.
pub struct Lens<'a> {
    desk: &'a Desk,
    /// Wall-clock time of the page.
    pub now: Timestamp,
    traders: BTreeMap<TraderId, Trader>,
    markets: BTreeMap<VenueKind, Market>,
}

impl<'a> Lens<'a> {
    /// Reads what some decisions need.
    ///
    /// # Errors
    /// When the store fails. A market that does not answer only leaves prices unknown.
    pub async fn for_decisions(desk: &'a Desk, decisions: &[Decision]) -> Result<Self, StoreError> {
        Self::read(desk, decisions.iter().map(|decision| (decision.venue, decision.coin.clone()))).await
    }

    /// Reads models and the prices of some coins at some venues: one request a venue.
    ///
    /// # Errors
    /// When the store fails. A market that does not answer only leaves prices unknown.
    pub async fn read(desk: &'a Desk, wanted: impl IntoIterator<Item = (VenueKind, Coin)>) -> Result<Self, StoreError> {
        let traders = desk.store.traders(true).await?.into_iter().map(|trader| (trader.id, trader)).collect();
        let mut coins: BTreeMap<VenueKind, BTreeSet<Coin>> = BTreeMap::new();
        for (venue, coin) in wanted {
            coins.entry(venue).or_default().insert(coin);
        }
        let mut markets = BTreeMap::new();
        for (venue, coins) in coins {
            let Some(market) = desk.markets.of(venue) else { continue };
            let Ok(instruments) = market.instruments().await else { continue };
            let known = coins.iter().filter_map(|coin| instruments.of_coin(coin));
            let symbols: Vec<Symbol> = known.map(|instrument| instrument.symbol.clone()).collect();
            let quotes = market.quotes(&symbols).await.unwrap_or_default();
            markets.insert(venue, Market { now: market.now(), instruments, quotes });
        }
        Ok(Self { desk, now: desk.clock.now(), traders, markets })
    }

    /// A model, deleted or not.
    pub fn trader(&self, id: TraderId) -> Option<&Trader> {
        self.traders.get(&id)
    }

    /// Every model, deleted ones too, in order of creation.
    pub fn traders(&self) -> impl Iterator<Item = &Trader> {
        self.traders.values()
    }

    /// A model's name.
    pub fn name(&self, id: TraderId) -> String {
        self.trader(id).map_or_else(|| format!("model {id}"), |trader| trader.name.clone())
    }

    /// Market time of a venue; wall-clock time where it is unknown.
    pub fn market_now(&self, venue: VenueKind) -> Timestamp {
        self.markets.get(&venue).map_or(self.now, |market| market.now)
    }

    /// The price of now for one model's coin; a price that came with decisions stands in while it is fresh.
    pub fn quote(&self, venue: VenueKind, trader: TraderId, coin: &Coin) -> Option<Quote> {
        let market = self.markets.get(&venue)?;
        let age = self.trader(trader).map_or(0, |trader| trader.settings.max_price_age_seconds);
        let given = match venue {
            VenueKind::Simulation => self.desk.given_quotes.fresh(trader, coin, market.now, age),
            VenueKind::Testnet | VenueKind::Mainnet => None,
        };
        given.or_else(|| market.quotes.get(&market.instruments.of_coin(coin)?.symbol).copied())
    }

    /// Whether a price is young enough to decide on.
    pub fn is_fresh(&self, venue: VenueKind, trader: TraderId, quote: Quote) -> bool {
        let age = self.trader(trader).map_or(0, |trader| trader.settings.max_price_age_seconds);
        quote.is_fresh(self.market_now(venue), age)
    }

    /// A coin's market with its precision.
    pub fn instrument(&self, venue: VenueKind, coin: &Coin) -> Option<&Instrument> {
        self.markets.get(&venue)?.instruments.of_coin(coin)
    }

    /// A price with the precision of its market, without the currency.
    pub fn price(&self, venue: VenueKind, coin: &Coin, price: Price) -> String {
        let tick = self.instrument(venue, coin).map(|i| i.tick_size.normalize()).filter(|tick| !tick.is_zero());
        let value = price.decimal();
        // An average may be finer than the market's tick; what a person typed never is.
        show::number(value, tick.map_or_else(|| show::price_places(value), |tick| tick.scale()))
    }

    /// A quantity with the precision of its market, without the coin.
    pub fn quantity(&self, venue: VenueKind, coin: &Coin, quantity: Quantity) -> String {
        let step = self.instrument(venue, coin).map(|i| i.step_size.normalize()).filter(|step| !step.is_zero());
        let value = quantity.decimal().normalize();
        let places = step.map_or(value.scale(), |step| step.scale().max(value.scale()));
        show::number(value, places)
    }

    /// A moment in the past on the wall clock.
    pub fn when(&self, at: Timestamp) -> When {
        show::when(at.0, self.now.0)
    }

    /// A moment of a venue's market time. Where that runs apart from the wall clock, "ago" would mean nothing.
    pub fn market_when(&self, venue: VenueKind, at: Timestamp) -> When {
        market_when(at, self.market_now(venue), self.now)
    }
}

/// An amount in the quote asset with its unit.
pub fn amount(money: Money) -> String {
    show::money(money.decimal(), MONEY_PLACES, QUOTE_ASSET)
}

/// A moment of market time: relative while the market keeps the wall clock's time, absolute otherwise.
pub fn market_when(at: Timestamp, market_now: Timestamp, now: Timestamp) -> When {
    let mut when = show::when(at.0, now.0);
    if market_now.since(now).abs() > SAME_CLOCK_MS {
        when.text.clone_from(&when.abs);
    }
    when
}
