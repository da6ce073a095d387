//! Built-in rule-based advisors: the baselines that language models will have to beat.
//!
//! Each looks at closed hourly candles only, sizes entries within the model's own limits, and says why in words.

mod buy_and_hold;
mod ema_cross;
mod random;
mod rsi_mean_reversion;
mod rule;
mod sizing;

use crate::domain::ids::{BUILT_IN_PROVIDER, ProviderId};
use crate::ports::advisor::{Advisor, AdvisorDirectory, AdvisorInfo, ProviderInfo};
use rule::{Rule, RuleAdvisor};
use std::sync::Arc;

/// The provider of the rules in this binary.
pub struct BuiltInAdvisors {
    advisors: Vec<(AdvisorInfo, Arc<dyn Advisor>)>,
}

impl BuiltInAdvisors {
    /// Every built-in advisor.
    pub fn new() -> Self {
        let advisors = vec![
            offered(buy_and_hold::BuyAndHold),
            offered(ema_cross::EmaCross),
            offered(rsi_mean_reversion::RsiMeanReversion),
            offered(random::Random),
        ];
        Self { advisors }
    }
}

impl Default for BuiltInAdvisors {
    fn default() -> Self {
        Self::new()
    }
}

fn offered(rule: impl Rule + 'static) -> (AdvisorInfo, Arc<dyn Advisor>) {
    (rule.info(), Arc::new(RuleAdvisor(rule)))
}

impl AdvisorDirectory for BuiltInAdvisors {
    fn providers(&self) -> Vec<ProviderInfo> {
        let models = self.advisors.iter().map(|(info, _)| info.clone()).collect();
        vec![ProviderInfo { id: BUILT_IN_PROVIDER, name: "Built-in rules", models }]
    }

    fn find(&self, provider: ProviderId, model_name: &str) -> Option<Arc<dyn Advisor>> {
        let offers = self.advisors.iter().filter(|_| provider == BUILT_IN_PROVIDER);
        offers.into_iter().find(|(info, _)| info.model_name == model_name).map(|(_, advisor)| advisor.clone())
    }
}

#[cfg(test)]
mod tests;
