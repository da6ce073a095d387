//! A house in which nobody waits for anything, and whose advisor thinks until it is let go: for everything slow, without
//! being slow.

use super::app::Database;
use super::{House, Stage, buy};
use async_trait::async_trait;
use countersign::adapters::advisors::BuiltInAdvisors;
use countersign::domain::ids::ProviderId;
use countersign::domain::market::Coin;
use countersign::ports::advisor::{Advice, Advisor, AdvisorDirectory, AdvisorError, Brief, Proposal, ProviderInfo};
use countersign::services::desk::Patience;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// Every model's advisor: proposes one purchase, as soon as it is let go.
pub struct Thinker {
    /// How many are thinking or have thought.
    pub asked: AtomicUsize,
    /// Rings when one begins.
    pub begins: Notify,
    /// One permit lets one of them answer.
    pub goes_on: Semaphore,
}

impl Default for Thinker {
    fn default() -> Self {
        Self { asked: AtomicUsize::new(0), begins: Notify::new(), goes_on: Semaphore::new(0) }
    }
}

#[async_trait]
impl Advisor for Thinker {
    async fn advise(&self, _: &Brief) -> Result<Advice, AdvisorError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.begins.notify_one();
        self.goes_on.acquire().await.unwrap().forget();
        let proposal = Proposal { stop_loss: None, profit_target: None, ..buy("0.001", "Rising.") };
        let coins = vec![(Coin::parse("BTC").unwrap(), Ok(proposal))];
        Ok(Advice { coins, asked: String::new(), answered: String::new() })
    }
}

/// The built-in providers, all of whose models are one [`Thinker`].
pub struct OneAdvisor(pub Arc<Thinker>);

impl AdvisorDirectory for OneAdvisor {
    fn providers(&self) -> Vec<ProviderInfo> {
        BuiltInAdvisors::new().providers()
    }

    fn find(&self, _: ProviderId, _: &str) -> Option<Arc<dyn Advisor>> {
        Some(Arc::clone(&self.0) as Arc<dyn Advisor>)
    }
}

pub struct Hurried {
    pub house: House,
    pub thinker: Arc<Thinker>,
}

impl Stage for Hurried {
    async fn on(database: Database) -> Self {
        let thinker = Arc::new(Thinker::default());
        let advisors = Arc::new(OneAdvisor(Arc::clone(&thinker)));
        let house = House::with(
            database,
            |_| {},
            |desk| {
                desk.advisors = advisors;
                desk.policy.patience = Patience { order: Duration::ZERO, cycle: Duration::ZERO, ..Patience::default() };
            },
        );
        Self { house: house.await, thinker }
    }
}
