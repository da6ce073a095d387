//! Puts a paper exchange together: which market, which memory, which accounts.

use crate::adapters::clock::SystemClock;
use crate::adapters::market::replay::{ReplayConfig, ReplayError, ReplayMarket};
use crate::adapters::market::synthetic::{SyntheticConfig, SyntheticError, SyntheticMarket};
use crate::adapters::paper_exchange::{
    AccountSpec, AccountSpecError, FaultScript, KEY_LETTERS, OpenedLog, PaperConfig, PaperError, ScriptError,
    StateLogError,
};
use crate::domain::time::Timestamp;
use crate::ports::clock::Clock;
use crate::ports::market_data::MarketData;
use rand::RngExt;
use rand::distr::Alphanumeric;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

pub use crate::adapters::paper_exchange::{LimitsMode, PaperExchange};

/// The longest fault script, in bytes.
const SCRIPT_MAX: u64 = 256 * 1_024;

/// What is traded on a paper exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaperMarket {
    /// Seeded random walk.
    Synthetic,
    /// Candles from files.
    Replay(PathBuf),
}

/// What a paper exchange is started with.
#[derive(Clone, Debug)]
pub struct PaperSettings {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What is traded.
    pub market: PaperMarket,
    /// How many times faster than the wall clock the market runs.
    pub speed: u32,
    /// Determines the prices of a synthetic market, unless the state file remembers another seed.
    pub seed: u64,
    /// `KEY:SECRET:USDT=100000,BTC=1`, each.
    pub accounts: Vec<SecretString>,
    /// Commission in basis points.
    pub fee_bps: Decimal,
    /// Whether limits hold.
    pub limits: LimitsMode,
    /// Where its memory is; without one it forgets everything at its end.
    pub state: Option<PathBuf>,
    /// A script of faults.
    pub fault_script: Option<PathBuf>,
}

/// Why a paper exchange does not start.
#[derive(Debug, thiserror::Error)]
pub enum PaperStartError {
    /// An account is refused.
    #[error("--account: {0}")]
    Account(#[from] AccountSpecError),
    /// A key that is printed once cannot be used again after a restart.
    #[error(
        "--state needs --account KEY:SECRET: a key that is made anew at each start would find none of what the file \
         remembers"
    )]
    StateWithoutAccount,
    /// The fault script cannot be read.
    #[error("the fault script {path} cannot be read: {source}")]
    ScriptFile {
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The fault script breaks a rule.
    #[error("the fault script {path} is refused: {source}")]
    Script {
        /// The file.
        path: String,
        /// Line and rule.
        source: ScriptError,
    },
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateLogError),
    /// The synthetic market cannot start.
    #[error(transparent)]
    Synthetic(#[from] SyntheticError),
    /// The files cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A thread broke down while it read files.
    #[error("reading files was cut short")]
    Cut(#[from] tokio::task::JoinError),
    /// The exchange cannot start.
    #[error(transparent)]
    Exchange(#[from] PaperError),
}

impl PaperStartError {
    /// Whether it is about what was typed, and not about what happened then.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Account(_) | Self::StateWithoutAccount | Self::Script { .. } | Self::ScriptFile { .. })
    }
}

/// A key pair of a paper exchange.
pub struct FreshKey {
    /// The API key.
    pub key: String,
    /// Its secret, to be shown once.
    pub secret: SecretString,
}

impl FreshKey {
    fn made() -> Self {
        Self { key: letters(), secret: SecretString::from(letters()) }
    }

    /// The key pair in a file that only this account of the machine may read; made at first use.
    ///
    /// # Errors
    /// When the file cannot be made, read or understood.
    pub fn kept_in(path: &Path) -> std::io::Result<Self> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let made = Self::made();
                let text = Zeroizing::new(format!("{}:{}", made.key, made.secret.expose_secret()));
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                Ok(made)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let text = Zeroizing::new(std::fs::read_to_string(path)?);
                let (key, secret) = text.split_once(':').ok_or(std::io::ErrorKind::InvalidData)?;
                Ok(Self { key: key.to_owned(), secret: secret.to_owned().into() })
            }
            Err(error) => Err(error),
        }
    }

    /// The account of this key as the exchange takes it, with balances such as `USDT=100000`.
    pub fn account(&self, balances: &str) -> SecretString {
        format!("{}:{}:{balances}", self.key, self.secret.expose_secret()).into()
    }
}

/// Starts a paper exchange. Without accounts one is made, and its key pair answered.
///
/// # Errors
/// What cannot be read or used.
pub async fn start_paper_exchange(
    settings: PaperSettings,
) -> Result<(PaperExchange, Option<FreshKey>), PaperStartError> {
    let specs = settings.accounts.iter().map(|text| AccountSpec::parse(text.expose_secret()));
    let mut accounts = specs.collect::<Result<Vec<_>, _>>()?;
    let mut fresh = None;
    if accounts.is_empty() {
        if settings.state.is_some() {
            return Err(PaperStartError::StateWithoutAccount);
        }
        let made = FreshKey::made();
        accounts.push(AccountSpec::new(&made.key, made.secret.clone())?);
        fresh = Some(made);
    }
    let faults = match &settings.fault_script {
        Some(path) => read_script(path)?,
        None => FaultScript::default(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (now, seed) = (clock.now(), settings.seed);
    let state = match settings.state.clone() {
        Some(path) => Some(tokio::task::spawn_blocking(move || OpenedLog::open(&path, seed, now)).await??),
        None => None,
    };
    let market = market(&settings, state.as_ref(), now, Arc::clone(&clock)).await?;
    let config = PaperConfig {
        listen: settings.listen,
        market,
        clock,
        accounts,
        fee_bps: settings.fee_bps,
        limits: settings.limits,
        state,
        state_lines_max: None,
        faults,
    };
    Ok((PaperExchange::start(config).await?, fresh))
}

/// The market goes on where the state file left it.
async fn market(
    settings: &PaperSettings,
    state: Option<&OpenedLog>,
    now: Timestamp,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn MarketData>, PaperStartError> {
    let speed = settings.speed;
    Ok(match &settings.market {
        PaperMarket::Synthetic => {
            let (seed, origin) = state.map_or((settings.seed, now), |log| (log.seed, log.origin));
            let start_at = state.map_or(origin, |log| log.market_at).max(origin);
            let config = SyntheticConfig { seed, origin, start_at, speed };
            Arc::new(tokio::task::spawn_blocking(move || SyntheticMarket::new(config, clock)).await??)
        }
        PaperMarket::Replay(dir) => {
            // A new file remembers the wall clock's time, which says nothing about the files' candles.
            let start_at = state.filter(|log| log.has_begun()).map(|log| log.market_at);
            let config = ReplayConfig { dir: dir.clone(), start_at, speed };
            Arc::new(tokio::task::spawn_blocking(move || ReplayMarket::load(&config, clock)).await??)
        }
    })
}

fn read_script(path: &std::path::Path) -> Result<FaultScript, PaperStartError> {
    use std::io::Read;
    let shown = path.display().to_string();
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(SCRIPT_MAX).read_to_string(&mut text))
        .map_err(|source| PaperStartError::ScriptFile { path: shown.clone(), source })?;
    FaultScript::parse(&text).map_err(|source| PaperStartError::Script { path: shown, source })
}

fn letters() -> String {
    rand::rng().sample_iter(Alphanumeric).take(KEY_LETTERS).map(char::from).collect()
}
