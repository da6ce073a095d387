//! Starts and stops an exchange, for the command line, the demo and tests.

use super::accounts::AccountSpec;
use super::exchange::{Exchange, PaperError};
use super::faults::{FaultScript, Faults};
use super::limits::LimitsMode;
use super::market_feed::TICK_EVERY;
use super::server;
use super::state_log::OpenedLog;
use crate::observe;
use crate::ports::clock::Clock;
use crate::ports::market_data::MarketData;
use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use rust_decimal::Decimal;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// What an exchange is made of.
pub struct PaperConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What is traded, and at which prices.
    pub market: Arc<dyn MarketData>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// The accounts that may trade.
    pub accounts: Vec<AccountSpec>,
    /// Commission of maker and taker, in basis points.
    pub fee_bps: Decimal,
    /// Whether limits of weight and orders hold.
    pub limits: LimitsMode,
    /// Its memory; without one it forgets everything at its end.
    pub state: Option<OpenedLog>,
    /// Bytes of lines beyond which the state file is written anew; [`super::LINES_MAX_BYTES`] when `None`.
    pub state_lines_max: Option<u64>,
    /// Faults on purpose.
    pub faults: FaultScript,
}

/// A running exchange. Dropping it leaves it running until its runtime ends; [`Self::stop`] ends it in order.
pub struct PaperExchange {
    exchange: Data<Exchange>,
    address: SocketAddr,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
    ticker: JoinHandle<()>,
}

impl PaperExchange {
    /// Starts an exchange; it listens, and its market is open, when this returns.
    ///
    /// # Errors
    /// When market, state file, accounts or address cannot be used.
    pub async fn start(config: PaperConfig) -> Result<Self, PaperError> {
        let listener = TcpListener::bind(config.listen)?;
        let address = listener.local_addr()?;
        let exchange = Data::new(Exchange::open(config).await?);
        let server = server::serve(listener, exchange.clone())?;
        let handle = server.handle();
        let server = tokio::spawn(server);
        let ticker = tokio::spawn(tick(exchange.clone()));
        observe::paper_exchange_started(&address);
        Ok(Self { exchange, address, handle, server, ticker })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for clients, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its faults, which may be changed while it runs.
    pub fn faults(&self) -> &Faults {
        &self.exchange.faults
    }

    /// Moves the market at once instead of at the next turn: for tests that move its time by hand.
    pub async fn tick_now(&self) {
        self.exchange.tick().await;
    }

    /// Waits until the server ends by itself, which it only does when it breaks down.
    ///
    /// # Errors
    /// When it broke down.
    pub async fn broken_down(&mut self) -> std::io::Result<()> {
        match (&mut self.server).await {
            Ok(outcome) => outcome,
            Err(panic) => Err(std::io::Error::other(panic)),
        }
    }

    /// Answers what is in flight, writes the state log, and ends.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        self.ticker.abort();
        let _ = self.ticker.await;
        let exchange = self.exchange;
        // The thread that writes ends once it has written everything, which may take a moment.
        let closed = tokio::task::spawn_blocking(move || exchange.close_log()).await;
        if let Err(panic) = closed {
            observe::paper_state_failed(&panic);
        }
    }
}

async fn tick(exchange: Data<Exchange>) {
    let mut turns = tokio::time::interval(TICK_EVERY);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        turns.tick().await;
        exchange.tick().await;
    }
}
