//! The trading side put together: market, advisors, fill model, stop switch and store behind one [`Desk`].

use crate::adapters::advisors::BuiltInAdvisors;
use crate::adapters::binance::exchanges::BinanceExchanges;
use crate::adapters::bundle_codec::JsonBundles;
use crate::adapters::llm::answer::StrictReader;
use crate::adapters::llm::client::ChatClient;
use crate::adapters::llm::keys::VaultKeys;
use crate::adapters::llm::prompt::Templates;
use crate::adapters::market::binance::{BinanceConfig, BinanceMarket};
use crate::adapters::market::replay::{ReplayConfig, ReplayMarket};
use crate::adapters::market::synthetic::{SyntheticConfig, SyntheticMarket};
use crate::adapters::simulation::SimulationVenue;
use crate::adapters::stop_switch::{FileStopSwitch, SqlStopSwitch};
use crate::adapters::store::{Db, SqlStore};
use crate::domain::ids::InstallationTag;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::domain::venue_kind::VenueKind;
use crate::ports::clock::Clock;
use crate::ports::exchange::Exchanges;
use crate::ports::market_data::MarketData;
use crate::ports::stop_switch::StopSwitch;
use crate::ports::store::{SharedStore, StoreError};
use crate::ports::vault::Vault;
use crate::ports::venue::{Venue, VenueDirectory};
use crate::services::ai::Ai;
use crate::services::background::Background;
use crate::services::desk::{Desk, GivenQuotes, Markets, Patience, Policy, StopGate};
use crate::services::exchange_bans::restore_bans;
use crate::services::live::Postponed;
use crate::services::live_feed::LiveFeed;
use crate::services::shutdown::Shutdown;
use crate::settings::{MarketChoice, Settings, StoreSettings};
use crate::workers::MARKET_CLOCK;
use std::sync::Arc;
use tokio::sync::{Mutex, Notify};

/// How far a synthetic market moves on at a restart, in wall-clock time: more than its clock is remembered late, so
/// that market time never runs backwards.
const RESTART_STEP_MS: i64 = 6 * SECOND_MS;
/// The name under which a synthetic market's first moment is remembered.
const MARKET_ORIGIN: &str = "market_origin";
/// The name under which its seed is remembered.
const MARKET_SEED: &str = "market_seed";
/// The name under which the installation's tag is remembered.
const INSTALLATION: &str = "installation";

/// Why the trading side could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum TradingError {
    /// The market cannot be opened.
    #[error("the market cannot be opened: {0}")]
    Market(String),
    /// The exchange's client cannot be set up.
    #[error("the exchange cannot be used: {0}")]
    Exchange(String),
    /// The client of language models cannot be set up.
    #[error("language models cannot be asked: {0}")]
    LanguageModels(String),
    /// The stop switch cannot be used.
    #[error("the emergency stop cannot be used: {0}")]
    Stop(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything that orders can go to: today the built-in fill model. An exchange that is not configured is not here, and
/// nothing is simulated instead.
struct Venues(Arc<dyn Venue>);

impl VenueDirectory for Venues {
    fn find(&self, kind: VenueKind) -> Option<Arc<dyn Venue>> {
        (kind == self.0.kind()).then(|| Arc::clone(&self.0))
    }
}

/// Puts the desk together over an open, migrated database.
///
/// # Errors
/// [`TradingError`]; the text says what to do.
pub async fn assemble(
    settings: &Settings,
    db: &Db,
    clock: Arc<dyn Clock>,
    closing: Shutdown,
) -> Result<Desk, TradingError> {
    let store: SharedStore = Arc::new(SqlStore::new(db.clone()));
    let market = market(settings, &store, Arc::clone(&clock)).await?;
    let vault: Arc<dyn Vault> = Arc::new(super::vault::open(&settings.store, store.as_ref()).await?);
    let exchanges = exchanges(settings, &store, Arc::clone(&vault), &clock).await?;
    let live = [VenueKind::Testnet, VenueKind::Mainnet].into_iter();
    let live = live.filter_map(|venue| Some((venue, exchanges.market(venue)?))).collect();
    let keys = Arc::new(VaultKeys::new(Arc::clone(&vault)));
    let chat = ChatClient::new(keys).map_err(|error| TradingError::LanguageModels(error.to_string()))?;
    let ai = Ai::new(Arc::new(chat), Arc::new(StrictReader), closing);
    Ok(Desk {
        installation: installation(&store).await?,
        stop: StopGate::new(stop_switch(&settings.store).await?),
        stop_recording: Mutex::new(()),
        venues: Arc::new(Venues(Arc::new(SimulationVenue::new(Arc::clone(&market))))),
        markets: Markets { simulation: market, live },
        advisors: Arc::new(BuiltInAdvisors::new()),
        ai: Some(ai),
        background: Background::here(),
        prompts: Arc::new(Templates),
        bundles: Arc::new(JsonBundles),
        live: LiveFeed::default(),
        given_quotes: GivenQuotes::default(),
        policy: Policy {
            allow_mainnet: settings.allow_mainnet,
            arm_hours: settings.arm_hours,
            patience: Patience::default(),
            records: settings.record_limits,
        },
        vault,
        exchanges: Some(exchanges),
        process: uuid::Uuid::now_v7().to_string(),
        submit_wake: Notify::new(),
        postponed: Postponed::default(),
        store,
        clock,
    })
}

/// Both environments of the exchange. Whoever asked us to wait before a restart is obeyed after it.
async fn exchanges(
    settings: &Settings,
    store: &SharedStore,
    vault: Arc<dyn Vault>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Exchanges>, TradingError> {
    let (testnet, mainnet) = (&settings.binance_testnet_url, &settings.binance_mainnet_url);
    let exchanges = BinanceExchanges::new(testnet, mainnet, vault, clock);
    let exchanges: Arc<dyn Exchanges> = Arc::new(exchanges.map_err(|error| TradingError::Exchange(error.to_string()))?);
    restore_bans(store.as_ref(), exchanges.as_ref()).await?;
    Ok(exchanges)
}

async fn installation(store: &SharedStore) -> Result<InstallationTag, StoreError> {
    let drawn = format!("{:06x}", rand::random::<u32>() & 0x00ff_ffff);
    let held = store.init_meta(INSTALLATION, &drawn).await?;
    InstallationTag::parse(&held)
        .ok_or(StoreError::Corrupt { what: "installation tag", detail: "it must be six hex digits".to_owned() })
}

async fn stop_switch(settings: &StoreSettings) -> Result<Arc<dyn StopSwitch>, TradingError> {
    match settings.database_url.sqlite_file() {
        Some(file) => Ok(Arc::new(FileStopSwitch::beside(file))),
        None => {
            let switch = SqlStopSwitch::connect(settings.database_url.expose()).await;
            Ok(Arc::new(switch.map_err(|error| TradingError::Stop(error.to_string()))?))
        }
    }
}

async fn market(
    settings: &Settings,
    store: &SharedStore,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn MarketData>, TradingError> {
    let failed = |error: &dyn std::error::Error| TradingError::Market(error.to_string());
    match &settings.market {
        MarketChoice::Binance => {
            let config = BinanceConfig { base_url: settings.binance_data_url.clone(), ..BinanceConfig::default() };
            Ok(Arc::new(BinanceMarket::new(&config, clock).map_err(|error| failed(&error))?))
        }
        MarketChoice::Replay(dir) => {
            let start_at = remembered_clock(store, settings.speed).await?;
            let config = ReplayConfig { dir: dir.clone(), start_at, speed: settings.speed };
            let load = move || ReplayMarket::load(&config, clock);
            let market = tokio::task::spawn_blocking(load).await.map_err(|error| failed(&error))?;
            Ok(Arc::new(market.map_err(|error| failed(&error))?))
        }
        MarketChoice::Synthetic => {
            let config = synthetic(settings, store, clock.now()).await?;
            let build = move || SyntheticMarket::new(config, clock);
            let market = tokio::task::spawn_blocking(build).await.map_err(|error| failed(&error))?;
            Ok(Arc::new(market.map_err(|error| failed(&error))?))
        }
    }
}

/// The walk goes on where it stood: the first seed and origin hold for this database's life.
async fn synthetic(settings: &Settings, store: &SharedStore, now: Timestamp) -> Result<SyntheticConfig, StoreError> {
    let seed = number(MARKET_SEED, &store.init_meta(MARKET_SEED, &settings.seed.to_string()).await?)?;
    let origin = Timestamp(number(MARKET_ORIGIN, &store.init_meta(MARKET_ORIGIN, &now.0.to_string()).await?)?);
    let start_at = remembered_clock(store, settings.speed).await?.unwrap_or(origin).max(origin);
    Ok(SyntheticConfig { seed, origin, start_at, speed: settings.speed })
}

async fn remembered_clock(store: &SharedStore, speed: u32) -> Result<Option<Timestamp>, StoreError> {
    let Some(text) = store.meta(MARKET_CLOCK).await? else { return Ok(None) };
    let at = Timestamp(number(MARKET_CLOCK, &text)?);
    Ok(Some(at.plus_ms(RESTART_STEP_MS.saturating_mul(i64::from(speed)))))
}

fn number<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt { what, detail: "it must be a whole number".to_owned() })
}
