//! What every use case works with: the ports, and the little state that lives in memory only.

use crate::domain::arming::ARM_HOURS_DEFAULT;
use crate::domain::ids::{InstallationTag, TraderId};
use crate::domain::market::{Coin, Quote};
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::advisor::AdvisorDirectory;
use crate::ports::bundle::BundleCodec;
use crate::ports::clock::Clock;
use crate::ports::exchange::Exchanges;
use crate::ports::language_model::PromptWriter;
use crate::ports::market_data::MarketData;
use crate::ports::stop_switch::{StopOrder, StopSwitch, StopSwitchError};
use crate::ports::store::{CommitError, IdKind, SharedStore, StoreError};
use crate::ports::vault::Vault;
use crate::ports::venue::VenueDirectory;
use crate::services::ai::Ai;
use crate::services::background::Background;
use crate::services::live::Postponed;
use crate::services::live_feed::LiveFeed;
use crate::services::prune_bundles::RecordLimits;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How often a commit is tried again after somebody else changed what it was based on. Contention on one book is a
/// handful of operators and one cycle; beyond this something is wrong.
pub const COMMIT_ATTEMPTS: u32 = 8;

/// How long an approval waits for its order: as long as an exchange may take to answer.
const ORDER_WAIT: Duration = Duration::from_secs(15);
/// How long a cycle's answer waits for its decisions and orders: language models take their time.
const CYCLE_WAIT: Duration = Duration::from_secs(30);

/// How long answers of language models are waited for once the process is ending: less than its workers may take to end.
const LAST_ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Prices sent in with decisions that are remembered at most; the oldest goes first.
const GIVEN_QUOTES_MAX: usize = 1_000;

/// The markets that prices come from.
#[derive(Clone)]
pub struct Markets {
    /// Quotes for simulation.
    pub simulation: Arc<dyn MarketData>,
    /// Quotes of the exchange's own hosts; missing ones are not configured.
    pub live: HashMap<VenueKind, Arc<dyn MarketData>>,
}

impl Markets {
    /// The market that a venue's decisions are quoted from; `None` when it is not configured. Live never quotes from
    /// the simulation's market: testnet prices have nothing to do with anybody else's.
    pub fn of(&self, venue: VenueKind) -> Option<&Arc<dyn MarketData>> {
        match venue {
            VenueKind::Simulation => Some(&self.simulation),
            VenueKind::Testnet | VenueKind::Mainnet => self.live.get(&venue),
        }
    }
}

/// The emergency stop as senders see it: a flag in memory and a durable one.
pub struct StopGate {
    raised: AtomicBool,
    switch: Arc<dyn StopSwitch>,
}

impl StopGate {
    /// Starts lowered in memory; the durable switch decides.
    pub fn new(switch: Arc<dyn StopSwitch>) -> Self {
        Self { raised: AtomicBool::new(false), switch }
    }

    /// The stop in force. An unreadable switch counts as a stop: better not to trade than not to know.
    pub async fn in_force(&self) -> Option<StopOrder> {
        let unknown = |reason: String| Some(StopOrder { by: "countersign".to_owned(), at: Timestamp(0), reason });
        match self.switch.in_force().await {
            Ok(Some(order)) => Some(order),
            Ok(None) if self.raised.load(Ordering::SeqCst) => unknown("a stop is being recorded".to_owned()),
            Ok(None) => None,
            Err(error) => unknown(error.to_string()),
        }
    }

    /// Raises both flags: memory first, so that this process stops even when the disk does not answer. Once the durable
    /// one is up it alone decides: whichever process records the stop lowers it, and nobody may stay stopped after that.
    ///
    /// # Errors
    /// When it could not be made durable; the flag in memory holds all the same.
    pub async fn raise(&self, order: &StopOrder) -> Result<(), StopSwitchError> {
        self.raised.store(true, Ordering::SeqCst);
        self.switch.raise(order).await?;
        self.raised.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Lowers both flags, after the stop is recorded in the database.
    ///
    /// # Errors
    /// When the durable one cannot be lowered; both stay up then.
    pub async fn lower(&self) -> Result<(), StopSwitchError> {
        self.switch.lower().await?;
        self.raised.store(false, Ordering::SeqCst);
        Ok(())
    }
}

/// Prices that came with decisions (simulation only): they stand in for the market's until they are stale.
#[derive(Default)]
pub struct GivenQuotes(Mutex<HashMap<(TraderId, Coin), Quote>>);

impl GivenQuotes {
    /// Remembers a price for one trader's coin.
    pub fn put(&self, trader: TraderId, coin: Coin, quote: Quote) {
        let mut quotes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if quotes.len() >= GIVEN_QUOTES_MAX
            && let Some(oldest) = quotes.iter().min_by_key(|(_, quote)| quote.at).map(|(key, _)| key.clone())
        {
            quotes.remove(&oldest);
        }
        quotes.insert((trader, coin), quote);
    }

    /// The price, while it is young enough at market time `now`.
    pub fn fresh(&self, trader: TraderId, coin: &Coin, now: Timestamp, max_age_seconds: u32) -> Option<Quote> {
        let mut quotes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (trader, coin.clone());
        let quote = *quotes.get(&key)?;
        if quote.is_fresh(now, max_age_seconds) {
            return Some(quote);
        }
        quotes.remove(&key);
        None
    }
}

/// What the installation allows, and how long it lets somebody wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Real money may be chosen at all (`--allow-mainnet`).
    pub allow_mainnet: bool,
    /// Hours after which an armed model must be armed again.
    pub arm_hours: u32,
    /// How long an answer waits for what it asked for.
    pub patience: Patience,
    /// How many records of cycles are kept.
    pub records: RecordLimits,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allow_mainnet: false,
            arm_hours: ARM_HOURS_DEFAULT,
            patience: Patience::default(),
            records: RecordLimits::default(),
        }
    }
}

/// How long an answer waits for what it asked for before it says that the work goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// An approval or a close, for its order.
    pub order: Duration,
    /// A cycle, for its decisions and their orders.
    pub cycle: Duration,
    /// A language model, once the process is ending.
    pub last_answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { order: ORDER_WAIT, cycle: CYCLE_WAIT, last_answer: LAST_ANSWER_WAIT }
    }
}

/// Everything a use case needs.
pub struct Desk {
    /// What survives.
    pub store: SharedStore,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Prices.
    pub markets: Markets,
    /// Who proposes.
    pub advisors: Arc<dyn AdvisorDirectory>,
    /// Language models; none where nothing reaches them.
    pub ai: Option<Ai>,
    /// What outlives the request that started it.
    pub background: Background,
    /// Writes what language models are told.
    pub prompts: Arc<dyn PromptWriter>,
    /// Turns the records of cycles into bytes and back.
    pub bundles: Arc<dyn BundleCodec>,
    /// Where orders go.
    pub venues: Arc<dyn VenueDirectory>,
    /// Seals exchange keys and keys of providers.
    pub vault: Arc<dyn Vault>,
    /// Accounts at live exchanges; none on a desk that only simulates.
    pub exchanges: Option<Arc<dyn Exchanges>>,
    /// The red button.
    pub stop: StopGate,
    /// Held while a stop is being recorded, so that it is recorded once.
    pub stop_recording: tokio::sync::Mutex<()>,
    /// Tells open pages.
    pub live: LiveFeed,
    /// Part of every client order id.
    pub installation: InstallationTag,
    /// Prices that came with decisions.
    pub given_quotes: GivenQuotes,
    /// What the installation allows, and its patience.
    pub policy: Policy,
    /// Names this process in leases.
    pub process: String,
    /// Wakes the submitter when an order was journaled.
    pub submit_wake: Notify,
    /// Orders that are not sent before a moment.
    pub postponed: Postponed,
}

impl Desk {
    /// One new id.
    ///
    /// # Errors
    /// When the store cannot hand one out.
    pub async fn next_id(&self, kind: IdKind) -> Result<i64, StoreError> {
        let ids = self.store.reserve_ids(kind, 1).await?;
        ids.first()
            .copied()
            .ok_or(StoreError::Corrupt { what: "id counter", detail: format!("no {} id", kind.as_str()) })
    }
}

/// Whether a commit is worth another try with fresh reads.
pub(crate) const fn is_conflict(error: &CommitError) -> bool {
    matches!(error, CommitError::Conflict(_))
}
