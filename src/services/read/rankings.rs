//! All models side by side, and the market's prices. Venues are told apart and never summed.

use super::portfolio::{Portfolio, portfolio};
use crate::domain::market::{CandleInterval, Coin, Quote};
use crate::domain::money::Money;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// A model's current book with its figures.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The model.
    pub trader: Trader,
    /// Where its current book trades.
    pub venue: VenueKind,
    /// Its book; `None` before it was opened.
    pub portfolio: Option<Portfolio>,
}

impl Standing {
    /// Equity now, if known.
    pub fn equity(&self) -> Option<Money> {
        self.portfolio.as_ref()?.valuation.map(|valuation| valuation.equity)
    }

    /// Return since the book was opened, in per cent.
    pub fn return_pct(&self) -> Option<Decimal> {
        let start = self.portfolio.as_ref()?.view.book.initial_capital;
        (self.equity()? - start).percent_of(start)
    }

    /// Result since 00:00 UTC, unrealised included.
    pub fn today(&self) -> Option<Money> {
        let portfolio = self.portfolio.as_ref()?;
        let equity = self.equity()?;
        let mut book = portfolio.view.book.clone();
        book.observe(equity, portfolio.at);
        Some(equity - book.day_start_equity)
    }
}

/// Every living model with its current book, in order of creation.
///
/// # Errors
/// When the store fails.
pub async fn standings(desk: &Desk) -> Result<Vec<Standing>, StoreError> {
    let mut standings = Vec::new();
    for trader in desk.store.traders(false).await? {
        let venue = trader.axes.venue_kind();
        let portfolio = portfolio(desk, &trader, venue).await?;
        standings.push(Standing { trader, venue, portfolio });
    }
    Ok(standings)
}

/// A coin's price with its move over 24 hours.
#[derive(Clone, Debug)]
pub struct MarketPrice {
    /// The coin.
    pub coin: Coin,
    /// Last price.
    pub quote: Quote,
    /// Change over the last 24 closed hours, in per cent; `None` without that much history.
    pub change_24h_pct: Option<Decimal>,
}

/// Prices of every coin that any living model follows, from the simulation's market.
///
/// # Errors
/// When the store fails. A market that does not answer yields nothing.
pub async fn market_prices(desk: &Desk) -> Result<Vec<MarketPrice>, StoreError> {
    let traders = desk.store.traders(false).await?;
    let mut coins: BTreeSet<Coin> =
        traders.iter().flat_map(|trader| trader.settings.supported_assets.iter().cloned()).collect();
    coins.extend(crate::domain::trader_settings::TraderSettings::default().supported_assets);
    let market = &desk.markets.simulation;
    let Ok(instruments) = market.instruments().await else { return Ok(Vec::new()) };
    let symbols: Vec<_> = coins.iter().filter_map(|coin| instruments.of_coin(coin)).map(|i| i.symbol.clone()).collect();
    let Ok(quotes) = market.quotes(&symbols).await else { return Ok(Vec::new()) };
    let mut prices = Vec::new();
    for coin in coins {
        let Some(instrument) = instruments.of_coin(&coin) else { continue };
        let Some(quote) = quotes.get(&instrument.symbol).copied() else { continue };
        let candles =
            market.candles(&instrument.symbol, CandleInterval::OneHour, HOURS).await.unwrap_or_else(|_| [].into());
        let day_ago = candles.first().filter(|_| candles.len() == HOURS).map(|candle| candle.open.decimal());
        let change_24h_pct =
            day_ago.map(|before| ((quote.price.decimal() - before) / before * Decimal::ONE_HUNDRED).round_dp(2));
        prices.push(MarketPrice { coin, quote, change_24h_pct });
    }
    Ok(prices)
}

/// Hourly candles behind a 24 h change.
const HOURS: usize = 24;
