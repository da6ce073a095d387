//! The desk at a glance, for the bar above every page: a handful of queries however many models there are.

use crate::domain::book::Book;
use crate::domain::market::{Coin, Quote};
use crate::domain::money::{Money, Price};
use crate::domain::position::Position;
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::trader_settings::TraderSettings;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
use std::collections::{BTreeMap, BTreeSet};

/// What the bar shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Venues that living models use, weakest first. Their money is never summed.
    pub venues: BTreeSet<VenueKind>,
    /// Result since 00:00 UTC over the books of the strongest venue; `None` while it is unknown or nobody trades.
    pub today: Option<Money>,
    /// Whether there is any book at the strongest venue.
    pub has_books: bool,
    /// The market of the strongest venue.
    pub market: MarketGlance,
    /// Whether the strongest venue can take orders; `None` when it is the built-in fill model.
    pub exchange_ok: Option<bool>,
    /// Whether any model may spend real money now, wherever the others trade.
    pub is_armed: bool,
}

/// How old the market's newest price is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarketGlance {
    /// Milliseconds of market time; `None` when there is no price at all.
    pub age_ms: Option<i64>,
    /// Whether a model would still decide on it.
    pub is_fresh: bool,
    /// Whether prices are synthetic or replayed.
    pub is_simulated: bool,
}

impl Glance {
    /// The venue with the most at stake among living models.
    pub fn strongest(&self) -> Option<VenueKind> {
        self.venues.last().copied()
    }

    /// What the frame around every page says: real money as long as anybody may spend it.
    pub fn frame(&self) -> Option<VenueKind> {
        if self.is_armed { Some(VenueKind::Mainnet) } else { self.strongest() }
    }
}

/// Looks at the whole desk.
///
/// # Errors
/// When the store fails. A market that does not answer only leaves figures unknown.
pub async fn glance(desk: &Desk) -> Result<Glance, StoreError> {
    let traders = desk.store.traders(false).await?;
    let venues: BTreeSet<VenueKind> = traders.iter().map(|trader| trader.axes.venue_kind()).collect();
    let venue = venues.last().copied().unwrap_or(VenueKind::Simulation);
    let exchange_ok = exchange_ok(desk, &traders, venue).await?;
    let living: BTreeMap<_, &Trader> =
        traders.iter().filter(|trader| trader.axes.venue_kind() == venue).map(|trader| (trader.id, trader)).collect();
    let mut books = desk.store.books().await?;
    books.retain(|book| book.venue == venue && living.contains_key(&book.trader_id));
    let positions = if books.is_empty() { Vec::new() } else { desk.store.open_positions(venue).await? };
    let wall = desk.clock.now();
    let is_armed = desk.policy.allow_mainnet && desk.store.arms().await?.iter().any(|arm| arm.holds(wall));
    let mut answer = Glance { venues, has_books: !books.is_empty(), exchange_ok, is_armed, ..Glance::default() };
    let Some(market) = desk.markets.of(venue) else { return Ok(answer) };
    answer.market.is_simulated = market.source().is_simulated();
    let now = market.now();
    let quotes = quotes(desk, &traders, &positions, venue).await;
    let newest = quotes.values().map(|quote| quote.at).max();
    let patience = living.values().map(|trader| trader.settings.max_price_age_seconds).max();
    let patience = patience.unwrap_or_else(|| TraderSettings::default().max_price_age_seconds);
    answer.market.age_ms = newest.map(|at| now.since(at).max(0));
    answer.market.is_fresh = quotes.values().any(|quote| quote.is_fresh(now, patience));
    let price = |position: &Position| -> Option<Price> {
        let trader = living.get(&position.trader_id)?;
        let simulated = venue == VenueKind::Simulation;
        let age = trader.settings.max_price_age_seconds;
        let given = simulated.then(|| desk.given_quotes.fresh(trader.id, &position.coin, now, age)).flatten();
        given.or_else(|| quotes.get(&position.coin).copied()).map(|quote| quote.price)
    };
    answer.today = today(&books, &positions, price, now).filter(|_| answer.has_books);
    Ok(answer)
}

/// Whether every model that trades live at this venue has a key that may be used; nothing to tell in simulation.
async fn exchange_ok(desk: &Desk, traders: &[Trader], venue: VenueKind) -> Result<Option<bool>, StoreError> {
    let Some(environment) = venue.exchange_environment() else { return Ok(None) };
    let now = desk.clock.now();
    let held = desk.store.credentials(None).await?;
    let is_usable = |trader: &Trader| {
        held.iter().any(|key| key.trader_id == trader.id && key.environment == environment && key.is_usable(now))
    };
    Ok(Some(traders.iter().filter(|trader| trader.axes.venue_kind() == venue).all(is_usable)))
}

async fn quotes(desk: &Desk, traders: &[Trader], positions: &[Position], venue: VenueKind) -> BTreeMap<Coin, Quote> {
    let Some(market) = desk.markets.of(venue) else { return BTreeMap::new() };
    let Ok(instruments) = market.instruments().await else { return BTreeMap::new() };
    let mut coins: BTreeSet<Coin> = positions.iter().map(|position| position.coin.clone()).collect();
    coins.extend(traders.iter().flat_map(|trader| trader.settings.supported_assets.iter().cloned()));
    if coins.is_empty() {
        coins.extend(TraderSettings::default().supported_assets);
    }
    let wanted: BTreeMap<_, Coin> =
        coins.into_iter().filter_map(|coin| instruments.of_coin(&coin).map(|i| (i.symbol.clone(), coin))).collect();
    let symbols: Vec<_> = wanted.keys().cloned().collect();
    let found = market.quotes(&symbols).await.unwrap_or_default();
    found.into_iter().filter_map(|(symbol, quote)| wanted.get(&symbol).map(|coin| (coin.clone(), quote))).collect()
}

/// The sum over books of one venue; `None` when the price of anything held is unknown.
fn today(
    books: &[Book],
    positions: &[Position],
    price: impl Fn(&Position) -> Option<Price>,
    now: Timestamp,
) -> Option<Money> {
    let mut equity: BTreeMap<_, Money> = books.iter().map(|book| (book.id, book.cash)).collect();
    for position in positions {
        if let Some(sum) = equity.get_mut(&position.book_id) {
            *sum += position.value(price(position)?);
        }
    }
    let mut total = Money::ZERO;
    for book in books {
        let worth = equity.get(&book.id).copied()?;
        let mut book = book.clone();
        book.observe(worth, now);
        total += worth - book.day_start_equity;
    }
    Some(total)
}
