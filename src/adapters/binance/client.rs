//! One key at one host: signed calls, typed. The key and its secret enter through [`BinanceClient::new`] and never leave.

use super::decode;
use super::endpoint::Endpoint;
use super::host::{Call, CallError, Host, unreadable};
use super::order::{NewOrder, OcoOrder};
use super::rate_limit::{AccountKey, Urgency};
use super::request::Params;
use super::sign::{ApiKey, KeyError, Signer};
use super::wire::{
    WireAccount, WireCancelled, WireCommission, WireOrder, WireOrderList, WireRateLimit, WireRestrictions, WireTrade,
};
use crate::domain::credential::AccountFingerprint;
use crate::domain::market::Symbol;
use crate::domain::time::{DAY_MS, Timestamp};
use crate::domain::venue_kind::ExchangeEnvironment;
use crate::ports::exchange::{EXCHANGE_PAGE_MAX, TradesFrom};
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// The most bytes of an answer about one order: a market order may have thousands of executions.
const ORDER_BYTES_MAX: usize = 2 * 1_024 * 1_024;
/// The most bytes of a list: a thousand orders are about half a megabyte.
const LIST_BYTES_MAX: usize = 8 * 1_024 * 1_024;
/// The most pages of trades of one order: its executions beyond them are told by the account's trades.
const TRADE_PAGES_MAX: usize = 10;

/// Why a pair of key and secret cannot be used. The values themselves are never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// The key.
    #[error("the API key {0}")]
    Key(#[source] KeyError),
    /// The secret.
    #[error("the API secret {0}")]
    Secret(#[source] KeyError),
}

/// How an order is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRef<'a> {
    /// By the venue's id.
    Id(i64),
    /// By the name it was sent under.
    Name(&'a str),
}

/// A successful answer and its text.
#[derive(Debug)]
pub struct Answered<T> {
    /// The answer, read.
    pub value: T,
    /// As it came, shortened.
    pub raw: String,
}

/// Signs and sends for one key. Make one for each key and share it.
pub struct BinanceClient {
    host: Arc<Host>,
    key: HeaderValue,
    last4: String,
    signer: Signer,
    account: AccountKey,
    fingerprint: AccountFingerprint,
}

impl BinanceClient {
    /// Takes the pair in; nothing is called yet. An Ed25519 private key serves as the secret, too.
    ///
    /// # Errors
    /// [`PairError`] when one of them cannot be a key.
    pub fn new(
        host: Arc<Host>,
        environment: ExchangeEnvironment,
        api_key: &SecretString,
        api_secret: &SecretString,
    ) -> Result<Self, PairError> {
        let key = ApiKey::parse(api_key.expose_secret()).map_err(PairError::Key)?;
        let signer = Signer::parse(api_secret).map_err(PairError::Secret)?;
        let fingerprint = AccountFingerprint::of_key(environment, key.expose());
        let account = u64::from_str_radix(fingerprint.as_str(), 16).expect("a fingerprint is sixteen hex digits");
        let mut header = HeaderValue::from_str(key.expose()).map_err(|_| PairError::Key(KeyError::NotPlain))?;
        header.set_sensitive(true);
        Ok(Self { host, key: header, last4: key.last4().to_owned(), signer, account, fingerprint })
    }

    /// Names the account.
    pub const fn fingerprint(&self) -> &AccountFingerprint {
        &self.fingerprint
    }

    /// The address it calls.
    pub const fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Last four characters of the key.
    pub fn last4(&self) -> &str {
        &self.last4
    }

    /// What the account holds and may do.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn account(&self) -> Result<WireAccount, CallError> {
        let params = Params::new().plain("omitZeroBalances", "true");
        self.read(Endpoint::Account, params, Urgency::Order).await
    }

    /// The account's fees in one market.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn commission(&self, symbol: &Symbol) -> Result<WireCommission, CallError> {
        self.read(Endpoint::Commission, of(symbol), Urgency::Background).await
    }

    /// What the key may do; only mainnet tells.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn api_restrictions(&self) -> Result<WireRestrictions, CallError> {
        self.read(Endpoint::ApiRestrictions, Params::new(), Urgency::Order).await
    }

    /// Checks an order as far as the venue does without placing it: signature, permission, filters; not funds.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn test_order(&self, order: &NewOrder) -> Result<(), CallError> {
        let _: serde::de::IgnoredAny = self.read(Endpoint::TestOrder, order.params(), Urgency::Order).await?;
        Ok(())
    }

    /// Places an order. Sent once, whatever happens.
    ///
    /// # Errors
    /// [`CallError`]; all but `Held`, `NotSent`, `ClockOff`, `Refused`, `Duplicate` and `Limited` with a code leave it
    /// open whether the order was placed.
    pub async fn place(&self, order: &NewOrder) -> Result<Answered<WireOrder>, CallError> {
        self.signed(Endpoint::PlaceOrder, order.params(), Urgency::Order, ORDER_BYTES_MAX).await
    }

    /// Places two orders of which one cancels the other. Sent once, whatever happens.
    ///
    /// # Errors
    /// See [`Self::place`].
    pub async fn place_oco(&self, oco: &OcoOrder) -> Result<Answered<WireOrderList>, CallError> {
        self.signed(Endpoint::PlaceOco, oco.params(), Urgency::Order, ORDER_BYTES_MAX).await
    }

    /// Cancels an order.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn cancel(&self, symbol: &Symbol, order: OrderRef<'_>) -> Result<Answered<WireOrder>, CallError> {
        self.signed(Endpoint::CancelOrder, referring(of(symbol), order), Urgency::Rescue, ORDER_BYTES_MAX).await
    }

    /// Cancels every open order of a market, of whomever on this account.
    ///
    /// # Errors
    /// [`CallError`], as of every call; `Refused` with -2011 when there is none.
    pub async fn cancel_open_orders(&self, symbol: &Symbol) -> Result<Vec<WireCancelled>, CallError> {
        self.read(Endpoint::CancelOpenOrders, of(symbol), Urgency::Rescue).await
    }

    /// Cancels both orders of a list.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn cancel_list(&self, symbol: &Symbol, list_name: &str) -> Result<Answered<WireOrderList>, CallError> {
        let params = of(symbol).text("listClientOrderId", list_name);
        self.signed(Endpoint::CancelList, params, Urgency::Rescue, ORDER_BYTES_MAX).await
    }

    /// Asks about one order.
    ///
    /// # Errors
    /// [`CallError`], as of every call; `Refused` with -2013 when there is none, as far as is known at this moment.
    pub async fn order(&self, symbol: &Symbol, order: OrderRef<'_>) -> Result<Answered<WireOrder>, CallError> {
        self.signed(Endpoint::QueryOrder, referring(of(symbol), order), Urgency::Rescue, ORDER_BYTES_MAX).await
    }

    /// Open orders of one market, or of all.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn open_orders(&self, symbol: Option<&Symbol>) -> Result<Vec<WireOrder>, CallError> {
        match symbol {
            Some(symbol) => self.read(Endpoint::OpenOrders, of(symbol), Urgency::Background).await,
            None => self.read(Endpoint::AllOpenOrders, Params::new(), Urgency::Background).await,
        }
    }

    /// Orders of a market that the venue took within the day after `since`, whatever became of them, oldest first.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn all_orders(&self, symbol: &Symbol, since: Timestamp) -> Result<Vec<WireOrder>, CallError> {
        self.read(Endpoint::AllOrders, within_a_day(of(symbol), since), Urgency::Background).await
    }

    /// Trades of a market, oldest first.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn trades(&self, symbol: &Symbol, from: TradesFrom) -> Result<Vec<WireTrade>, CallError> {
        let params = match from {
            TradesFrom::After(id) => of(symbol).plain("fromId", id.saturating_add(1)).plain("limit", EXCHANGE_PAGE_MAX),
            TradesFrom::Since(since) => within_a_day(of(symbol), since),
            TradesFrom::Newest => of(symbol).plain("limit", EXCHANGE_PAGE_MAX),
        };
        self.read(Endpoint::MyTrades, params, Urgency::Background).await
    }

    /// Every trade of one order, oldest first.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn trades_of_order(&self, symbol: &Symbol, order_id: i64) -> Result<Vec<WireTrade>, CallError> {
        let mut trades: Vec<WireTrade> = Vec::new();
        for _ in 0..TRADE_PAGES_MAX {
            let from = trades.last().map(|trade| trade.id.saturating_add(1));
            let params =
                of(symbol).plain("orderId", order_id).optional("fromId", from).plain("limit", EXCHANGE_PAGE_MAX);
            let page: Vec<WireTrade> = self.read(Endpoint::TradesOfOrder, params, Urgency::Rescue).await?;
            let is_last = page.len() < EXCHANGE_PAGE_MAX;
            trades.extend(page.into_iter().filter(|trade| trade.order_id == order_id));
            if is_last {
                break;
            }
        }
        Ok(trades)
    }

    /// How many orders the account has placed lately, by window.
    ///
    /// # Errors
    /// [`CallError`], as of every call.
    pub async fn order_rate_limits(&self) -> Result<Vec<WireRateLimit>, CallError> {
        self.read(Endpoint::OrderRateLimit, Params::new(), Urgency::Background).await
    }

    async fn read<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        params: Params,
        urgency: Urgency,
    ) -> Result<T, CallError> {
        self.signed(endpoint, params, urgency, LIST_BYTES_MAX).await.map(|answered| answered.value)
    }

    /// Signs and sends. After a refusal of our timestamp the clock is set right; what is not posted is then sent once
    /// more, with a new timestamp and signature.
    async fn signed<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        params: Params,
        urgency: Urgency,
        bytes_max: usize,
    ) -> Result<Answered<T>, CallError> {
        let body = match self.send(endpoint, params.clone(), urgency, bytes_max).await {
            Err(CallError::ClockOff(refusal)) => {
                let is_synced = self.host.resync().await.is_ok();
                if endpoint.method() == Method::POST || !is_synced {
                    return Err(CallError::ClockOff(refusal));
                }
                self.send(endpoint, params, urgency, bytes_max).await?
            }
            sent => sent?,
        };
        let value = decode::read(&body).map_err(unreadable)?;
        Ok(Answered { value, raw: decode::raw(&body) })
    }

    async fn send(
        &self,
        endpoint: Endpoint,
        params: Params,
        urgency: Urgency,
        bytes_max: usize,
    ) -> Result<Vec<u8>, CallError> {
        // Whatever became of the question about the time, the call itself has not left.
        let timestamp = self.host.timestamp_ms().await.map_err(|error| match error {
            CallError::Held(_) => error,
            other => CallError::NotSent(format!("Binance's time could not be learned: {other}")),
        })?;
        let params = params.signed(&self.signer, timestamp);
        let key = Some((&self.key, self.account));
        self.host.call(Call { endpoint, params: params.as_str(), key, urgency, bytes_max }).await
    }
}

impl std::fmt::Debug for BinanceClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("BinanceClient");
        shown.field("host", &self.host).field("account", &self.fingerprint.as_str()).field("signer", &self.signer);
        shown.finish_non_exhaustive()
    }
}

fn of(symbol: &Symbol) -> Params {
    Params::new().text("symbol", symbol.as_str())
}

fn referring(params: Params, order: OrderRef<'_>) -> Params {
    match order {
        OrderRef::Id(id) => params.plain("orderId", id),
        OrderRef::Name(name) => params.text("origClientOrderId", name),
    }
}

fn within_a_day(params: Params, since: Timestamp) -> Params {
    let until = since.plus_ms(DAY_MS);
    params.plain("startTime", since.0).plain("endTime", until.0).plain("limit", EXCHANGE_PAGE_MAX)
}
