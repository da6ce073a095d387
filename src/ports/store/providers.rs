//! What is kept about providers of language models: themselves, which way of asking has worked, what calls cost.

use super::StoreError;
use crate::domain::ai_cost::{AiCall, AiDay};
use crate::domain::ids::{CycleId, ProviderId, TraderId};
use crate::domain::provider::{AnswerMode, Provider};
use crate::domain::time::Timestamp;
use async_trait::async_trait;

/// The answer mode that worked last with one model of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMode {
    /// Whose model.
    pub provider_id: ProviderId,
    /// The provider's name of the model.
    pub model_name: String,
    /// What worked.
    pub mode: AnswerMode,
    /// When; wall-clock time.
    pub at: Timestamp,
}

/// Reads about providers. All of them answer from committed data only.
#[async_trait]
pub trait ProviderReads: Send + Sync {
    /// A provider, deleted or not; the built-in rules have no row.
    async fn provider(&self, id: ProviderId) -> Result<Option<Provider>, StoreError>;
    /// Providers that are not deleted, oldest first.
    async fn providers(&self) -> Result<Vec<Provider>, StoreError>;
    /// The mode that worked last with a model of a provider.
    async fn answer_mode(&self, provider: ProviderId, model_name: &str) -> Result<Option<AnswerMode>, StoreError>;
    /// What is known of every model of a provider, by name.
    async fn answer_modes(&self, provider: ProviderId) -> Result<Vec<KnownMode>, StoreError>;
    /// Sums of the UTC days from `since` on, the newest first, of one trader or of all.
    async fn ai_days(&self, trader: Option<TraderId>, since: Timestamp) -> Result<Vec<AiDay>, StoreError>;
    /// The calls that a cycle made, in order.
    async fn ai_calls(&self, cycle: CycleId) -> Result<Vec<AiCall>, StoreError>;
}
