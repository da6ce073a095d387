//! The inbox page of a running server, and what asking for it costs.

use crate::client::{Client, PASSWORD};
use crate::house::database;
use crate::median;
use crate::server::{Server, page_weight};
use countersign::adapters::clock::SystemClock;
use countersign::adapters::store::{DbAccessStore, connect};
use countersign::domain::access::{Actor, Role};
use countersign::services::access::{AccessService, SessionLimits};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Requests of a round, over which a page's processor time is averaged.
const REQUESTS: u32 = 200;
/// Rounds of requests to each inbox; their median counts.
const ROUNDS: usize = 7;
/// Requests before anything is measured.
const WARM_UP: usize = 20;

/// A running server, and somebody who is logged in.
pub struct Inbox {
    pub server: Server,
    client: Client,
    times: Vec<Duration>,
    answers: Vec<Duration>,
    idle: Vec<f64>,
}

impl Inbox {
    /// Starts a server on a data directory that was filled before.
    pub async fn open(dir: &Path) -> anyhow::Result<Self> {
        let db = connect(&format!("sqlite:{}", database(dir).display())).await?;
        let access = AccessService::new(
            Arc::new(DbAccessStore::new(db.clone())),
            Arc::new(SystemClock),
            SessionLimits::default(),
        );
        access.create_user("ann", Role::Admin, PASSWORD.into(), &Actor::Cli).await?;
        db.close().await?;
        let server = Server::start(dir)?;
        let mut client = Client::new(&server.url);
        client.login("ann", PASSWORD).await;
        for _ in 0..WARM_UP {
            anyhow::ensure!(client.get("/inbox").await.status == 200, "the inbox does not answer");
        }
        Ok(Self { server, client, times: Vec::new(), answers: Vec::new(), idle: Vec::new() })
    }

    /// Processor time of one page, over a round of them.
    async fn round(&mut self) -> anyhow::Result<()> {
        let (begun, before) = (Instant::now(), self.server.processor_time()?);
        for _ in 0..REQUESTS {
            let asked = Instant::now();
            self.client.get("/inbox").await;
            self.answers.push(asked.elapsed());
        }
        let (took, used) = (begun.elapsed(), self.server.processor_time()?.saturating_sub(before));
        // The workers go on meanwhile; what they use in the same time is not the page's.
        let before = self.server.processor_time()?;
        tokio::time::sleep(took).await;
        let idle = self.server.processor_time()?.saturating_sub(before);
        self.times.push(used.saturating_sub(idle) / REQUESTS);
        self.idle.push(idle.as_secs_f64() / took.as_secs_f64());
        Ok(())
    }

    /// Processor time of one page.
    pub fn cpu(&self) -> Duration {
        median(self.times.clone())
    }

    /// From the request to the whole page, by the clock.
    pub fn latency(&self) -> Duration {
        median(self.answers.clone())
    }

    /// The share of one core that the server uses while nobody asks for a page; the mean.
    pub fn idle_share(&self) -> f64 {
        self.idle.iter().sum::<f64>() / f64::from(u32::try_from(self.idle.len()).unwrap_or(u32::MAX).max(1))
    }

    /// The page with its style and scripts in this encoding, in kB.
    pub fn weight(&self, encoding: &str) -> anyhow::Result<f64> {
        let cookies: Vec<String> = self.client.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        page_weight(&self.server.url, encoding, &cookies.join("; "))
    }
}

/// Measures two inboxes in turns: whatever else the machine does meets both.
pub async fn in_turns(both: &mut [Inbox; 2]) -> anyhow::Result<()> {
    for _ in 0..ROUNDS {
        for inbox in &mut *both {
            inbox.round().await?;
        }
    }
    Ok(())
}
