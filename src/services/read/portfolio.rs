//! A book as it stands: cash, positions at current prices, and how much of each limit is used.

use crate::domain::book::{BookView, Valuation};
use crate::domain::market::{Coin, Quote};
use crate::domain::money::{Money, Price};
use crate::domain::position::Position;
use crate::domain::protection::liquidation_price;
use crate::domain::risk::{Exposure, RuleStatus, risk_status};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::StoreError;
use crate::services::cycle_parts::{MarketView, relevant_coins};
use crate::services::desk::Desk;
use std::collections::BTreeMap;

/// A position with what it is worth now.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The round trip.
    pub position: Position,
    /// Current price, if known.
    pub price: Option<Price>,
    /// Unrealised result, if the price is known.
    pub unrealized: Option<Money>,
    /// Where the margin is used up.
    pub liquidation: Option<Price>,
    /// Too little to be sold at its venue.
    pub is_dust: bool,
}

/// A book as it stands.
#[derive(Clone, Debug)]
pub struct Portfolio {
    /// Account, positions, orders, waiting decisions.
    pub view: BookView,
    /// Positions with prices.
    pub holdings: Vec<Holding>,
    /// What it is worth; `None` when the price of a held coin is unknown.
    pub valuation: Option<Valuation>,
    /// Prices of the coins that matter.
    pub quotes: BTreeMap<Coin, Quote>,
    /// Market time of the figures.
    pub at: Timestamp,
}

/// Reads a trader's book at a venue; `None` before it was opened.
///
/// # Errors
/// When the store fails. A market that does not answer only leaves prices unknown.
pub async fn portfolio(desk: &Desk, trader: &Trader, venue: VenueKind) -> Result<Option<Portfolio>, StoreError> {
    let Some(book) = desk.store.book(trader.id, venue).await? else { return Ok(None) };
    let market = desk.markets.of(venue);
    let now = market.map_or_else(|| desk.clock.now(), |market| market.now());
    let Some(view) = desk.store.book_view(book.id, now.day_start()).await? else { return Ok(None) };
    let prices = match market {
        Some(market) => MarketView::read(desk, market.as_ref(), trader, relevant_coins(trader, &view)).await.ok(),
        None => None,
    };
    let is_dust =
        |position: &Position| prices.as_ref().is_some_and(|prices| prices.is_dust(&position.coin, position.quantity));
    let dust: Vec<bool> = view.positions.iter().map(is_dust).collect();
    let quotes = prices.map(|prices| prices.quotes).unwrap_or_default();
    let marks = quotes.iter().map(|(coin, quote)| (coin.clone(), quote.price)).collect();
    let holdings = view.positions.iter().zip(dust).map(|(position, is_dust)| {
        let price = quotes.get(&position.coin).map(|quote| quote.price);
        Holding {
            price,
            unrealized: price.map(|price| position.unrealized(price)),
            liquidation: liquidation_price(position),
            is_dust,
            position: position.clone(),
        }
    });
    let (holdings, valuation) = (holdings.collect(), view.value(&marks));
    Ok(Some(Portfolio { holdings, valuation, quotes, at: now, view }))
}

/// How much of each limit a portfolio uses.
pub fn risk_status_of(trader: &Trader, portfolio: &Portfolio) -> Vec<RuleStatus> {
    let marks = portfolio.quotes.iter().map(|(coin, quote)| (coin.clone(), quote.price)).collect();
    let exposure = Exposure::of(&portfolio.view, &marks, &trader.settings, None, None);
    let mut coins: Vec<Coin> = portfolio.view.positions.iter().map(|position| position.coin.clone()).collect();
    for coin in relevant_coins(trader, &portfolio.view) {
        if !coins.contains(&coin) && !exposure.coin(&coin).entering.is_zero() {
            coins.push(coin);
        }
    }
    let equity = portfolio.valuation.map(|valuation| valuation.equity);
    let mut book = portfolio.view.book.clone();
    if let Some(equity) = equity {
        book.observe(equity, portfolio.at);
    }
    risk_status(&trader.settings, &book, equity, &exposure, portfolio.view.entries_today, &coins)
}
