//! The running exchange: its floor, its market, its members, and the clock on the wall.

use super::accounts::{AccountSpec, AccountSpecError, KeyPermissions};
use super::auth::Verifier;
use super::engine::{AccountId, Asset, Engine, NewAccount, ReplayError, RulesError};
use super::error::ApiError;
use super::faults::Faults;
use super::floor::Floor;
use super::limits::Limits;
use super::market_feed::MarketFeed;
use super::running::PaperConfig;
use super::state_log::OpenedLog;
use super::state_writer::{Durability, LINES_MAX_BYTES, StateWriter};
use crate::domain::time::Timestamp;
use crate::observe;
use crate::ports::clock::Clock;
use crate::ports::market_data::MarketDataError;
use rust_decimal::Decimal;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Basis points in one.
const BASIS_POINTS: i64 = 10_000;

/// Why an exchange cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The market does not answer.
    #[error("the market behind the paper exchange cannot be read: {0}")]
    Market(#[from] MarketDataError),
    /// The market's rules contradict each other.
    #[error("the market's rules cannot be served: {0}")]
    Rules(#[from] RulesError),
    /// An account is refused.
    #[error(transparent)]
    Account(#[from] AccountSpecError),
    /// Two accounts with one key.
    #[error("two accounts have the same API key")]
    SameKey,
    /// The state file does not fit.
    #[error("the state file cannot be replayed: {0}. It may belong to another market")]
    Replay(#[from] ReplayError),
    /// The address is taken or not ours, or a thread cannot be started.
    #[error("the paper exchange cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// Whoever an API key belongs to.
#[derive(Debug)]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// Checks its signatures.
    pub verifier: Verifier,
    /// What the key may do.
    pub permissions: KeyPermissions,
}

/// Everything that answers share.
pub struct Exchange {
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// The market.
    pub feed: MarketFeed,
    /// Counters of weight and orders.
    pub limits: Limits,
    /// Faults on purpose.
    pub faults: Faults,
    /// Every asset that is traded here, in order.
    pub assets: BTreeSet<Asset>,
    /// When the exchange started.
    pub started_at: Timestamp,
    members: HashMap<String, Member>,
    floor: Mutex<Floor>,
    durability: Option<Durability>,
    market_is_down: AtomicBool,
}

impl Exchange {
    /// Puts an exchange together, brings its memory back, and opens the accounts that are new.
    ///
    /// # Errors
    /// When market, state file or accounts cannot be used.
    pub async fn open(config: PaperConfig) -> Result<Self, PaperError> {
        let (feed, rules) = MarketFeed::open(config.market).await?;
        let assets = rules.iter().flat_map(|rules| [rules.base.clone(), rules.quote.clone()]).collect();
        let (engine, number, writer) = match config.state {
            None => (Engine::new(rules)?, 0, None),
            Some(mut log) => {
                let engine = remember(&mut log, rules)?;
                let number = log.number;
                (engine, number, Some(StateWriter::start(log, config.state_lines_max.unwrap_or(LINES_MAX_BYTES))?))
            }
        };
        let durability = writer.as_ref().map(StateWriter::durability);
        let mut exchange = Self {
            started_at: config.clock.now(),
            clock: config.clock,
            feed,
            limits: Limits::new(config.limits),
            faults: Faults::new(config.faults),
            assets,
            members: HashMap::new(),
            floor: Mutex::new(Floor::new(engine, number, writer)),
            durability,
            market_is_down: AtomicBool::new(false),
        };
        let rate = config.fee_bps / Decimal::from(BASIS_POINTS);
        for spec in config.accounts {
            exchange.admit(spec, rate)?;
        }
        let number = exchange.floor().number();
        exchange.written(number).await.map_err(|_| std::io::Error::other("the state file cannot be written"))?;
        exchange.tick().await;
        Ok(exchange)
    }

    /// Whoever a key belongs to.
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members.get(key)
    }

    /// The floor. Never held over an await.
    pub fn floor(&self) -> MutexGuard<'_, Floor> {
        whole(&self.floor)
    }

    /// Waits until command `number` is on the disk.
    ///
    /// # Errors
    /// 503 when it never will be.
    pub async fn written(&self, number: u64) -> Result<(), ApiError> {
        match &self.durability {
            Some(durability) => durability.written(number).await.map_err(|_| ApiError::log_broken()),
            None => Ok(()),
        }
    }

    /// Moves the market: asks for prices, and lets orders fill that rest at them.
    pub async fn tick(&self) {
        let ticks = match self.feed.ticks().await {
            Ok(ticks) => ticks,
            Err(error) => {
                if !self.market_is_down.swap(true, Ordering::Relaxed) {
                    observe::paper_market_failed(&error);
                }
                return;
            }
        };
        self.market_is_down.store(false, Ordering::Relaxed);
        let (now, market_at) = (self.clock.now(), self.feed.now());
        let mut floor = self.floor();
        for (symbol, tick) in ticks {
            if let Ok(done) = floor.engine.tick(symbol.as_str(), tick, now.0) {
                floor.commit(done, market_at, &self.limits, now);
            }
        }
    }

    /// Ends the state log; what was accepted is written. Blocks meanwhile.
    pub fn close_log(&self) {
        let log = self.floor().take_log();
        if let Some(log) = log {
            log.close();
        }
    }

    /// Opens an account unless the state file knows it, and lets its key in.
    fn admit(&mut self, spec: AccountSpec, rate: Decimal) -> Result<(), PaperError> {
        let verifier = spec.verifier()?;
        let (now, market_at) = (self.clock.now(), self.feed.now());
        let mut floor = self.floor();
        let account = match floor.engine.account_named(&spec.key) {
            Some(account) => account,
            None => {
                let deposits = spec.balances.iter().map(|(asset, amount)| (Asset::new(asset), *amount));
                let new = NewAccount {
                    name: spec.key.clone(),
                    maker_rate: rate,
                    taker_rate: rate,
                    bnb_burn: spec.bnb_burn,
                    deposits: deposits.collect(),
                };
                let done = floor.engine.open_account(new, now.0);
                floor.commit(done, market_at, &self.limits, now)
            }
        };
        floor.remember_open(account);
        drop(floor);
        let member = Member { account, verifier, permissions: spec.permissions };
        match self.members.insert(spec.key, member) {
            Some(_) => Err(PaperError::SameKey),
            None => Ok(()),
        }
    }
}

/// What only commands change. One that panicked half way may have left memory ahead of the log: whatever was told from
/// then on could be forgotten, so the process ends. The state file holds all that was confirmed.
fn whole<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(|_| {
        observe::paper_floor_broken();
        std::process::abort()
    })
}

/// Folds a state file into an engine.
fn remember(log: &mut OpenedLog, rules: Vec<super::engine::SymbolRules>) -> Result<Engine, PaperError> {
    let mut engine = Engine::new(rules)?;
    if let Some(snapshot) = log.snapshot.take() {
        engine.restore(snapshot)?;
    }
    for batch in std::mem::take(&mut log.batches) {
        engine.replay(&batch)?;
    }
    Ok(engine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_command_that_panicked_half_way_ends_the_process() {
        const CHILD: &str = "COUNTERSIGN_TEST_BROKEN_FLOOR";
        if std::env::var_os(CHILD).is_some() {
            let floor = Mutex::new(0);
            let command = || {
                let _held = floor.lock();
                panic!("half way");
            };
            let _ = std::thread::scope(|scope| scope.spawn(command).join());
            drop(whole(&floor));
            return;
        }
        let test = concat!(module_path!(), "::a_command_that_panicked_half_way_ends_the_process");
        let name = test.split_once("::").expect("the crate's name comes first").1;
        let mut child = Command::new(std::env::current_exe().expect("this binary"));
        child.args(["--exact", name]).env(CHILD, "1").stdout(Stdio::null()).stderr(Stdio::null());
        let status = child.status().expect("it runs");
        assert_eq!(status.code(), None, "ended by a signal, not by an answer: {status}");
    }
}
