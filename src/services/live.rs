//! The door to a live exchange: which account a model may use, for what, and why not.
//!
//! | errand | needs a key | whose check passed | `--allow-mainnet` (mainnet) | armed (mainnet) |
//! |---|---|---|---|---|
//! | ask | yes | | | |
//! | exit | yes | | yes | |
//! | propose | yes | yes | yes | |
//! | enter | yes | yes | yes | yes |
//!
//! Exits are never held back by an expired check or arm: nobody is locked into a position. Whatever is missing is said,
//! and nothing is simulated instead.

use crate::domain::account::AccountName;
use crate::domain::arming::Unarmed;
use crate::domain::credential::{CheckCode, Credential};
use crate::domain::ids::{BookId, OrderId};
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::Quantity;
use crate::domain::order::Order;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use crate::ports::exchange::{ExchangeAccount, ExchangeError};
use crate::ports::store::StoreError;
use crate::ports::venue::Venue;
use crate::services::desk::Desk;
use crate::services::{arming, reconcile};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What an account is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Ask what became of orders, what is held; cancel.
    Ask,
    /// Reduce or close a position.
    Exit,
    /// Quote, size and propose.
    Propose,
    /// Open exposure.
    Enter,
}

/// Why an account may not be used.
#[derive(Debug, thiserror::Error)]
pub enum LiveRefusal {
    /// No exchange, no key, or none that may be used.
    #[error("the exchange is not configured for {venue}: {why}; nothing was simulated instead")]
    NotConfigured {
        /// Where.
        venue: VenueKind,
        /// What is missing, in words.
        why: String,
    },
    /// Real money is switched off for this installation.
    #[error("mainnet is switched off: start the server with --allow-mainnet")]
    MainnetDisabled,
    /// Real money needs an armed model.
    #[error("{0}")]
    NotArmed(Unarmed),
    /// The exchange gave no usable answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LiveRefusal {
    /// A live venue whose prices this installation does not reach.
    pub fn no_market(venue: VenueKind) -> Self {
        missing(venue, "this installation does not reach its prices")
    }

    /// A market that the venue no longer lists.
    pub fn delisted(venue: VenueKind, symbol: &Symbol) -> Self {
        missing(venue, &format!("{symbol} is not a market there (any more)"))
    }
}

/// Orders that are not sent before a moment: their exchange asked us to wait, or could not be asked. Kept in memory: after
/// a restart they are looked at once more, and the client knows by itself whom it must not call.
#[derive(Default)]
pub struct Postponed(Mutex<HashMap<OrderId, Pause>>);

/// The first pause of an order that could not be sent; each one in a row is twice as long,
const FIRST_PAUSE_MS: i64 = SECOND_MS;
/// and none is longer, unless the exchange asks for it: a stop must leave soon after a connection is back.
const PAUSE_MAX_MS: i64 = 15 * SECOND_MS;

#[derive(Clone, Copy)]
struct Pause {
    until: Timestamp,
    /// The last pause, without what the exchange asked for.
    ms: i64,
}

impl Postponed {
    /// Holds an order back once more, for at least so many milliseconds, but not beyond the moment at which its time is
    /// over: that is said in time.
    pub fn put(&self, order: &Order, now: Timestamp, at_least_ms: i64) {
        let mut held = self.lock();
        let ms = held.get(&order.id).map_or(FIRST_PAUSE_MS, |pause| (pause.ms * 2).min(PAUSE_MAX_MS));
        let until = now.plus_ms(ms.max(at_least_ms));
        let until = order.send_before.map_or(until, |limit| until.min(limit.max(now).plus_ms(1)));
        held.insert(order.id, Pause { until, ms });
    }

    /// Whether an order is held back now.
    pub fn holds(&self, id: OrderId, now: Timestamp) -> bool {
        self.lock().get(&id).is_some_and(|pause| now < pause.until)
    }

    /// How many are held back.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Forgets orders that do not wait any more; one that is being sent just now may come back.
    pub fn keep(&self, now: Timestamp, waits: impl Fn(OrderId) -> bool) {
        self.lock().retain(|id, pause| waits(*id) || now.since(pause.until) < PAUSE_MAX_MS);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, Pause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an account's balances are asked for: one call more, which an approval of an entry does without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balances {
    /// Ask.
    Read,
    /// The exchange itself will refuse what cannot be paid.
    Skip,
}

/// The account that a model may use at a live venue.
///
/// # Errors
/// [`LiveRefusal`] says what is missing.
pub async fn account(
    desk: &Desk,
    trader: &Trader,
    venue: VenueKind,
    errand: Errand,
) -> Result<Arc<dyn ExchangeAccount>, LiveRefusal> {
    let credential = credential(desk, trader, venue, errand).await?;
    if errand == Errand::Enter && venue == VenueKind::Mainnet {
        not_armed(desk, trader).await?.map_or(Ok(()), |why| Err(LiveRefusal::NotArmed(why)))?;
    }
    let exchanges = desk.exchanges.as_ref().ok_or_else(|| missing(venue, "this installation reaches no exchange"))?;
    Ok(exchanges.open(&credential).await?)
}

/// Whether a model could propose at a venue now; simulation always can.
///
/// # Errors
/// [`LiveRefusal`] says what is missing.
pub async fn is_ready(desk: &Desk, trader: &Trader, venue: VenueKind) -> Result<(), LiveRefusal> {
    if venue == VenueKind::Simulation {
        return Ok(());
    }
    credential(desk, trader, venue, Errand::Propose).await.map(|_| ())
}

/// Where an order of a model goes.
///
/// # Errors
/// [`LiveRefusal`] says what is missing.
pub async fn venue(
    desk: &Desk,
    trader: &Trader,
    venue: VenueKind,
    errand: Errand,
) -> Result<Arc<dyn Venue>, LiveRefusal> {
    match desk.venues.find(venue) {
        Some(built_in) => Ok(built_in),
        None => Ok(account(desk, trader, venue, errand).await?),
    }
}

async fn credential(desk: &Desk, trader: &Trader, venue: VenueKind, errand: Errand) -> Result<Credential, LiveRefusal> {
    let environment = venue.exchange_environment().ok_or_else(|| missing(venue, "simulation has no exchange"))?;
    let held = desk.store.credential(trader.id, environment).await?;
    let held = held.ok_or_else(|| missing(venue, &format!("no {environment} key is saved")))?;
    if environment == ExchangeEnvironment::Mainnet && errand != Errand::Ask && !desk.policy.allow_mainnet {
        return Err(LiveRefusal::MainnetDisabled);
    }
    let usable = matches!(errand, Errand::Ask | Errand::Exit) || held.is_usable(desk.clock.now());
    if usable { Ok(held) } else { Err(missing(venue, &unusable(&held))) }
}

/// Why a model may not open positions with real money now.
async fn not_armed(desk: &Desk, trader: &Trader) -> Result<Option<Unarmed>, StoreError> {
    Ok(arming::gate(desk, trader, desk.clock.now()).await?.verdict().err())
}

fn unusable(credential: &Credential) -> String {
    match &credential.check {
        Some(check) if check.code != CheckCode::Ok => format!("the last check of its key failed: {}", check.message),
        _ => format!("its {} key was not verified within the last 24 hours", credential.environment),
    }
}

fn missing(venue: VenueKind, why: &str) -> LiveRefusal {
    LiveRefusal::NotConfigured { venue, why: why.to_owned() }
}

/// What the account behind a book says, read beside the book. In simulation the book is the account.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// Its name in digests.
    pub name: AccountName,
    /// What is free at the exchange, by asset; `None` where the book decides or it was not asked.
    pub free: Option<BTreeMap<Coin, Quantity>>,
    /// Why no entry may be sent now.
    pub entries_halted: Option<String>,
}

impl AccountView {
    /// The fill model's account of a book.
    pub fn simulation(book: BookId) -> Self {
        Self { name: AccountName::simulation(book), free: None, entries_halted: None }
    }

    /// Reads the account behind a book, with its balances when asked to.
    ///
    /// # Errors
    /// [`LiveRefusal`] when a live account may not or cannot be used.
    pub async fn read(
        desk: &Desk,
        trader: &Trader,
        (book, venue): (BookId, VenueKind),
        errand: Errand,
        balances: Balances,
    ) -> Result<Self, LiveRefusal> {
        if venue == VenueKind::Simulation {
            return Ok(Self::simulation(book));
        }
        let account = account(desk, trader, venue, errand).await?;
        let free = match balances {
            Balances::Read => Some(free(account.as_ref()).await?),
            Balances::Skip => None,
        };
        let unarmed = if venue == VenueKind::Mainnet { not_armed(desk, trader).await? } else { None };
        let entries_halted = match unarmed {
            None => reconcile::entries_halted(desk, account.fingerprint()).await?,
            Some(why) => Some(why.to_string()),
        };
        Ok(Self { name: AccountName::exchange(venue, account.fingerprint()), free, entries_halted })
    }

    /// What is free of an asset; `None` when it was not asked.
    pub fn free_of(&self, asset: &Coin) -> Option<Quantity> {
        self.free.as_ref().map(|free| free.get(asset).copied().unwrap_or(Quantity::ZERO))
    }
}

async fn free(account: &dyn ExchangeAccount) -> Result<BTreeMap<Coin, Quantity>, ExchangeError> {
    let balances = account.balances().await?;
    let quantity =
        |free| Quantity::new(free).ok_or_else(|| ExchangeError::Unreadable("a balance is out of range".to_owned()));
    balances.into_iter().map(|balance| Ok((balance.asset, quantity(balance.free)?))).collect()
}
