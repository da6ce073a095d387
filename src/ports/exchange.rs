//! Accounts at a live exchange: what reconciliation and verification ask beyond sending orders.

use crate::domain::credential::{AccountFingerprint, CheckCode, Credential, KeyPermissions};
use crate::domain::ids::TraderId;
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Money, Quantity};
use crate::domain::signal::Side;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::market_data::MarketData;
use crate::ports::venue::{Venue, VenueFill, VenueStatus};
use async_trait::async_trait;
use rust_decimal::Decimal;
use std::sync::Arc;

/// The most rows of one list that are asked for at once.
pub const EXCHANGE_PAGE_MAX: usize = 1_000;

/// Why an exchange gave no usable answer. Texts are fit for a person and hold no secret, URL or signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The key or its secret is not right, or lacks a permission.
    #[error("the exchange refused the key: {0}")]
    BadKey(String),
    /// The key belongs to the other environment, as far as can be told.
    #[error("the exchange does not know this key here; it may belong to its other environment: {0}")]
    WrongEnvironment(String),
    /// The clocks differ too much.
    #[error("our clock and the exchange's differ too much: {0}")]
    ClockSkew(String),
    /// No connection, a time-out, or an answer of the exchange's own trouble.
    #[error("the exchange did not answer: {0}")]
    Unreachable(String),
    /// We must wait.
    #[error("the exchange asks us to wait {retry_after_ms} ms: {why}")]
    RateLimited {
        /// In words.
        why: String,
        /// Milliseconds from now.
        retry_after_ms: i64,
    },
    /// An answer that is not what the exchange documents.
    #[error("the exchange's answer could not be read: {0}")]
    Unreadable(String),
    /// A definite refusal with the exchange's code.
    #[error("the exchange refused: {code} {message}")]
    Refused {
        /// The exchange's code.
        code: String,
        /// Its words.
        message: String,
    },
    /// The vault cannot open the credential.
    #[error("the vault is locked: {0}")]
    VaultLocked(String),
}

impl ExchangeError {
    /// The stable word of the check that failed like this.
    pub const fn check_code(&self) -> CheckCode {
        match self {
            Self::BadKey(_) | Self::Refused { .. } => CheckCode::BadKey,
            Self::WrongEnvironment(_) => CheckCode::WrongEnvironment,
            Self::ClockSkew(_) => CheckCode::ClockSkew,
            Self::Unreachable(_) => CheckCode::Unreachable,
            Self::RateLimited { .. } => CheckCode::RateLimited,
            Self::Unreadable(_) => CheckCode::UnreadableAnswer,
            Self::VaultLocked(_) => CheckCode::VaultLocked,
        }
    }
}

/// What the account holds of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetBalance {
    /// The asset.
    pub asset: Coin,
    /// May be used now.
    pub free: Decimal,
    /// Tied up in open orders.
    pub locked: Decimal,
}

/// An order as the exchange lists it, ours or anybody's on this account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueOrder {
    /// The exchange's id.
    pub venue_order_id: i64,
    /// The name it was sent under.
    pub client_order_id: String,
    /// Its market.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// Where it stands.
    pub status: VenueStatus,
    /// Base ordered.
    pub quantity: Quantity,
    /// Base executed.
    pub filled: Quantity,
    /// Quote value of what was executed.
    pub filled_value: Money,
    /// When the exchange took it.
    pub created_at: Timestamp,
}

/// A trade of the account as the exchange lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueTrade {
    /// Its market.
    pub symbol: Symbol,
    /// The order that was executed.
    pub venue_order_id: i64,
    /// Side of that order.
    pub side: Side,
    /// The execution with its fee.
    pub fill: VenueFill,
}

/// Where a list of trades begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradesFrom {
    /// Trades with an id above this one.
    After(i64),
    /// Trades at or after this moment of the exchange's time; the exchange gives at most a day at once.
    Since(Timestamp),
    /// The newest ones.
    Newest,
}

/// One account at a live exchange, reached through one key. Reads may be repeated by the adapter; sends never are.
#[async_trait]
pub trait ExchangeAccount: Venue {
    /// Names the account.
    fn fingerprint(&self) -> &AccountFingerprint;

    /// The exchange's time, as well as it is known; asks when it is not.
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn time(&self) -> Result<Timestamp, ExchangeError>;

    /// Asks, signed, what the key may do. On mainnet unreadable permissions are an error, never a pass.
    ///
    /// # Errors
    /// [`ExchangeError`]; [`ExchangeError::check_code`] tells what to say.
    async fn permissions(&self) -> Result<KeyPermissions, ExchangeError>;

    /// What the account holds; assets with nothing are left out.
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn balances(&self) -> Result<Vec<AssetBalance>, ExchangeError>;

    /// Open orders of one market, or of all.
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn open_orders(&self, symbol: Option<&Symbol>) -> Result<Vec<VenueOrder>, ExchangeError>;

    /// Orders of a market whatever became of them, taken by the exchange between `since` and a day later, oldest first,
    /// at most [`EXCHANGE_PAGE_MAX`].
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn orders_since(&self, symbol: &Symbol, since: Timestamp) -> Result<Vec<VenueOrder>, ExchangeError>;

    /// Trades of a market, oldest first, at most [`EXCHANGE_PAGE_MAX`].
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn trades(&self, symbol: &Symbol, from: TradesFrom) -> Result<Vec<VenueTrade>, ExchangeError>;
}

/// A model's keys for one venue, and the account that they open.
#[derive(Clone)]
pub struct Connection {
    /// Whose keys.
    pub trader_id: TraderId,
    /// For which venue.
    pub venue: VenueKind,
    /// Names the account; several models may have keys of the same one.
    pub fingerprint: AccountFingerprint,
    /// Wall-clock time at which the keys were saved: what the model ordered before went elsewhere.
    pub since: Timestamp,
    /// The account, or why it cannot be opened.
    pub account: Result<Arc<dyn ExchangeAccount>, ExchangeError>,
}

/// Opens accounts, and knows the exchange's markets.
#[async_trait]
pub trait Exchanges: Send + Sync {
    /// The account behind a credential. The adapter opens the seal in its client's constructor and nowhere else, and
    /// keeps one client per account and version of the credential.
    ///
    /// # Errors
    /// [`ExchangeError::VaultLocked`] when the seal cannot be opened.
    async fn open(&self, credential: &Credential) -> Result<Arc<dyn ExchangeAccount>, ExchangeError>;

    /// Until when a live venue wants no call at all.
    fn banned_until(&self, venue: VenueKind) -> Option<Timestamp>;

    /// Takes over such a moment from an earlier process.
    fn restore_ban(&self, venue: VenueKind, until: Timestamp);

    /// The prices of a live venue's own host; `None` for simulation.
    fn market(&self, venue: VenueKind) -> Option<Arc<dyn MarketData>>;
}
