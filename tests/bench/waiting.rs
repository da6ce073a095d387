//! A hundred language models whose providers say nothing: what they hold while they wait, and what an inbox costs
//! meanwhile. Two servers with the same models are measured in turns; on one of them, all the models wait.

use crate::fake_provider::{FakeProvider, Reply};
use crate::house::House;
use crate::inbox::{Inbox, in_turns};
use crate::ms;
use countersign::adapters::clock::SystemClock;
use countersign::domain::ids::TraderId;
use countersign::domain::venue_kind::AutomationLevel;
use countersign::ports::clock::Clock;
use countersign::ports::store::{Changes, Page, SharedStore};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Models that wait.
const MODELS: usize = 100;
/// Providers that they share; each takes more at once than it is asked by them.
const PROVIDERS: usize = 4;
/// Waiting decisions in each inbox.
const DECISIONS: usize = 100;
/// The longest wait for the desks to get somewhere.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the desks are left alone before memory is read.
const REST: Duration = Duration::from_secs(3);

/// What was measured.
pub struct WaitingFigures {
    kb_each: f64,
    cpu: [Duration; 2],
    latency: [Duration; 2],
    busy_share: f64,
}

impl WaitingFigures {
    /// Prints rows.
    pub fn rows(&self, row: impl Fn(&str, String, &str)) {
        let against = |[calm, busy]: [Duration; 2]| {
            format!("{:.2} x ({} against {})", busy.as_secs_f64() / calm.as_secs_f64().max(1e-9), ms(busy), ms(calm))
        };
        let memory = format!("Memory (RSS) of each of {MODELS} models that wait for silent providers");
        row(&memory, format!("{:.0} kB", self.kb_each), "< 100 kB");
        let latency = format!("Inbox page by the clock, with these {MODELS} against without (median)");
        row(&latency, against(self.latency), "1 x");
        row("the same in processor time", against(self.cpu), "1 x");
        row("Share of one core that all who wait take", format!("{:.1} %", self.busy_share * 100.0), "");
    }
}

/// The models of one desk, which are asked when we say so.
struct Models {
    store: SharedStore,
    /// One of each provider, asked before anything is measured.
    first: Vec<TraderId>,
    rest: Vec<TraderId>,
}

impl Models {
    /// Fills a data directory.
    async fn create(dir: &Path, providers: &[FakeProvider]) -> Self {
        let house = House::open(dir).await;
        house.fill_inbox(DECISIONS).await;
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for (number, provider) in providers.iter().enumerate() {
            let id = house.provider(&format!("provider {number}"), &provider.url()).await;
            for turn in 0..=MODELS / PROVIDERS {
                let name = format!("asker {number}-{turn}");
                let settings = [("supported_assets", "BTC,ETH"), ("trading_interval_minutes", "1440")];
                let trader = house.model_of(id, "small-1", (&name, AutomationLevel::Manual, &settings)).await;
                house.rest(&trader).await;
                if turn == 0 { first.push(trader.id) } else { rest.push(trader.id) }
            }
        }
        Self { store: house.desk.store.clone(), first, rest }
    }

    /// Makes models due: the scheduler asks them at its next look.
    async fn ask(&self, models: &[TraderId]) -> anyhow::Result<()> {
        let reschedules = models.iter().map(|id| (*id, None, 0)).collect();
        Ok(self.store.commit(Changes { reschedules, ..Changes::default() }).await?)
    }

    /// Waits until each of these models has run once.
    async fn have_run(&self, models: &[TraderId]) -> anyhow::Result<()> {
        let begun = Instant::now();
        for id in models {
            while self.store.cycles(*id, Page::first(1)).await?.is_empty() {
                anyhow::ensure!(begun.elapsed() < PATIENCE, "a cycle does not end");
                sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    async fn all_wait(&self) -> anyhow::Result<()> {
        let running = self.store.running_cycles(SystemClock.now()).await?.len();
        anyhow::ensure!(running == MODELS, "{running} of {MODELS} wait");
        Ok(())
    }
}

/// Measures both desks.
pub async fn measure(dir: &Path) -> anyhow::Result<WaitingFigures> {
    let providers = silent_providers().await;
    let dirs = ["calm", "busy"].map(|name| dir.join(name));
    let models = [Models::create(&dirs[0], &providers).await, Models::create(&dirs[1], &providers).await];
    let mut both = [Inbox::open(&dirs[0]).await?, Inbox::open(&dirs[1]).await?];
    // What a first answer leaves behind for good is not what waiting takes.
    for models in &models {
        models.ask(&models.first).await?;
        models.have_run(&models.first).await?;
    }
    sleep(REST).await;
    let [_, busy] = &models;
    let before = both[1].server.resident_mb()?;
    busy.ask(&busy.rest).await?;
    for provider in &providers {
        timeout(PATIENCE, provider.has_been_asked(models.len() + MODELS / PROVIDERS)).await?;
    }
    sleep(REST).await;
    busy.all_wait().await?;
    let grown_kb = (both[1].server.resident_mb()? - before) * 1_000.0;
    in_turns(&mut both).await?;
    busy.all_wait().await?;
    for provider in &providers {
        (0..MODELS / PROVIDERS).for_each(|_| provider.release());
    }
    busy.have_run(&busy.rest).await?;
    Ok(WaitingFigures {
        kb_each: grown_kb / f64::from(u32::try_from(MODELS)?),
        cpu: both.each_ref().map(Inbox::cpu),
        latency: both.each_ref().map(Inbox::latency),
        busy_share: (both[1].idle_share() - both[0].idle_share()).max(0.0),
    })
}

/// Providers that answer the first question of each of the two desks and leave every later one open.
async fn silent_providers() -> Vec<FakeProvider> {
    let hold = |coin| {
        json!({
            "coin": coin, "signal": "hold", "quantity": null, "equity_pct": null, "leverage": null,
            "profit_target": null, "stop_loss": null, "confidence": "0.6", "justification": "Nothing moves.",
            "invalidation": null,
        })
    };
    let answer = Reply::says(&json!({ "decisions": [hold("BTC"), hold("ETH")] }).to_string());
    let mut providers = Vec::new();
    for _ in 0..PROVIDERS {
        let provider = FakeProvider::start().await;
        for reply in [answer.clone(), answer.clone(), answer.clone().hangs()] {
            provider.answer(reply);
        }
        providers.push(provider);
    }
    providers
}
