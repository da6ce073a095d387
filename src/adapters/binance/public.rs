//! Reads that need no key, typed.

use super::decode;
use super::endpoint::Endpoint;
use super::host::{CallError, Host, unreadable};
use super::rate_limit::Urgency;
use super::request::Params;
use super::wire::{WireBookTicker, WirePrice};
use crate::domain::market::Symbol;
use serde::de::DeserializeOwned;

/// The most bytes of prices: those of every market are about 200 kB.
const PRICES_BYTES_MAX: usize = 4 * 1_024 * 1_024;

impl Host {
    /// Last prices of these markets; one unknown name spoils the whole answer.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn prices(&self, symbols: &[Symbol]) -> Result<Vec<WirePrice>, CallError> {
        self.of_symbols(Endpoint::TickerPrice(symbols.len()), symbols).await
    }

    /// Best bids and asks of these markets; one unknown name spoils the whole answer.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn book_tickers(&self, symbols: &[Symbol]) -> Result<Vec<WireBookTicker>, CallError> {
        self.of_symbols(Endpoint::BookTicker(symbols.len()), symbols).await
    }

    async fn of_symbols<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        symbols: &[Symbol],
    ) -> Result<Vec<T>, CallError> {
        if symbols.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&str> = symbols.iter().map(Symbol::as_str).collect();
        let params = Params::new().text("symbols", &serde_json::Value::from(names).to_string());
        let body = self.read_public(endpoint, params.as_str(), Urgency::Order, PRICES_BYTES_MAX).await?;
        decode::read(&body).map_err(unreadable)
    }
}
