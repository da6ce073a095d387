//! What language models cost: each call, sums by UTC day, and the budgets that stop asking.

use crate::domain::ids::{CycleId, ProviderId, TraderId};
use crate::domain::provider::{TokenPrice, TokenUsage};
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::TraderSettings;
use crate::word_enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Share of a budget, in percent, from which a person is warned.
pub const BUDGET_WARNING_PCT: u32 = 80;

word_enum! {
    /// What a call was made for.
    AiPurpose {
        /// The answer of a cycle.
        Cycle = "cycle",
        /// The same question once more, to another model or in other words.
        Reask = "reask",
        /// A candidate that never trades.
        Shadow = "shadow",
    }
}

/// One call of a language model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiCall {
    /// For whom.
    pub trader_id: TraderId,
    /// Who was asked.
    pub provider_id: ProviderId,
    /// Which of its models.
    pub model_name: String,
    /// The cycle it belongs to.
    pub cycle_id: CycleId,
    /// What for.
    pub purpose: AiPurpose,
    /// When it was asked; wall-clock time, as bills are.
    pub at: Timestamp,
    /// Tokens.
    pub usage: TokenUsage,
    /// The provider did not count them: they are our estimate.
    pub is_estimated: bool,
    /// In US dollars; `None` when nobody said what tokens cost.
    pub cost: Option<Decimal>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// Whether there was an answer.
    pub is_answered: bool,
}

impl AiCall {
    /// Prices the tokens. Those that the provider counted are preferred by whoever makes the call.
    pub fn priced(mut self, price: Option<TokenPrice>) -> Self {
        self.cost = price.and_then(|price| price.cost(self.usage));
        self
    }
}

/// The calls of one model on one UTC day, added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AiDay {
    /// Whose.
    pub trader_id: TraderId,
    /// 00:00 UTC.
    pub day: Timestamp,
    /// Calls, failed ones included.
    pub calls: u64,
    /// Those whose tokens are our estimate.
    pub estimated_calls: u64,
    /// Those that nobody priced; they are missing in `cost`.
    pub unpriced_calls: u64,
    /// Decisions that came of them, unusable ones included.
    pub decisions: u64,
    /// Tokens.
    pub usage: TokenUsage,
    /// In US dollars.
    pub cost: Decimal,
    /// Calls that nothing was decided by: re-asks and shadows.
    pub trial_calls: u64,
    /// Their part of `cost`.
    pub trial_cost: Decimal,
}

impl AiDay {
    /// A day without a call.
    pub const fn empty(trader_id: TraderId, day: Timestamp) -> Self {
        let usage = TokenUsage { input: 0, output: 0 };
        Self {
            trader_id,
            day,
            calls: 0,
            estimated_calls: 0,
            unpriced_calls: 0,
            decisions: 0,
            usage,
            cost: Decimal::ZERO,
            trial_calls: 0,
            trial_cost: Decimal::ZERO,
        }
    }

    /// What the cycles cost, without the trials beside them.
    pub fn cycle_cost(&self) -> Decimal {
        self.cost - self.trial_cost
    }

    /// Adds one call.
    pub fn add(&mut self, call: &AiCall) {
        self.calls += 1;
        self.estimated_calls += u64::from(call.is_estimated);
        self.unpriced_calls += u64::from(call.cost.is_none());
        self.usage = self.usage.plus(call.usage);
        let cost = call.cost.unwrap_or_default();
        self.cost = self.cost.saturating_add(cost);
        if call.purpose != AiPurpose::Cycle {
            self.trial_calls += 1;
            self.trial_cost = self.trial_cost.saturating_add(cost);
        }
    }

    /// Adds another day's sums, for a longer span.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.estimated_calls += other.estimated_calls;
        self.unpriced_calls += other.unpriced_calls;
        self.decisions += other.decisions;
        self.usage = self.usage.plus(other.usage);
        self.cost = self.cost.saturating_add(other.cost);
        self.trial_calls += other.trial_calls;
        self.trial_cost = self.trial_cost.saturating_add(other.trial_cost);
    }
}

word_enum! {
    /// What a budget is for.
    BudgetSpan {
        /// A UTC day.
        Day = "day",
        /// A UTC month.
        Month = "month",
    }
}

/// One budget and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// For which span.
    pub span: BudgetSpan,
    /// In US dollars.
    pub limit: Decimal,
    /// In US dollars.
    pub spent: Decimal,
}

impl Budget {
    /// The budgets that somebody set, with what was spent; none is set at zero.
    pub fn of(settings: &TraderSettings, today: Decimal, this_month: Decimal) -> Vec<Self> {
        let day = Self { span: BudgetSpan::Day, limit: settings.ai_budget_day, spent: today };
        let month = Self { span: BudgetSpan::Month, limit: settings.ai_budget_month, spent: this_month };
        [day, month].into_iter().filter(|budget| !budget.limit.is_zero()).collect()
    }

    /// Whether nothing is left: no call is made any more.
    pub fn is_spent(&self) -> bool {
        self.spent >= self.limit
    }

    /// Whether a person should know: [`BUDGET_WARNING_PCT`] percent are spent.
    pub fn is_low(&self) -> bool {
        self.used_pct() >= Decimal::from(BUDGET_WARNING_PCT)
    }

    /// The share that is spent, in percent.
    pub fn used_pct(&self) -> Decimal {
        let share = self.spent.checked_mul(Decimal::ONE_HUNDRED).and_then(|spent| spent.checked_div(self.limit));
        share.unwrap_or(Decimal::ONE_HUNDRED).round_dp(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(day: &str, month: &str) -> TraderSettings {
        let mut settings = TraderSettings::default();
        settings.set("ai_budget_day", day).unwrap();
        settings.set("ai_budget_month", month).unwrap();
        settings
    }

    #[test]
    fn a_budget_warns_at_eighty_percent_and_stops_when_it_is_spent() {
        let dollars = |cents: i64| Decimal::new(cents, 2);
        let day = |cents| Budget::of(&settings("1", "0"), dollars(cents), dollars(9_999))[0];
        let seen = |cents| (day(cents).is_low(), day(cents).is_spent());
        assert_eq!(
            [seen(79), seen(80), seen(99), seen(100), seen(101)].map(|(low, spent)| (low, spent)),
            [(false, false), (true, false), (true, false), (true, true), (true, true)]
        );
        assert_eq!(Budget::of(&settings("0", "0"), dollars(1), dollars(1)), []);
        let month = Budget::of(&settings("0", "20"), dollars(9_999), dollars(500))[0];
        assert_eq!((month.span, month.used_pct()), (BudgetSpan::Month, Decimal::from(25)));
    }

    #[test]
    fn a_day_adds_up_and_says_what_it_does_not_know() {
        let price = TokenPrice { input: Decimal::ONE, output: Decimal::TWO };
        let call = AiCall {
            trader_id: TraderId(1),
            provider_id: ProviderId(2),
            model_name: "small-1".to_owned(),
            cycle_id: CycleId(3),
            purpose: AiPurpose::Cycle,
            at: Timestamp(5),
            usage: TokenUsage { input: 1_000, output: 500 },
            is_estimated: false,
            cost: None,
            latency_ms: 10,
            is_answered: true,
        };
        let mut day = AiDay::empty(TraderId(1), Timestamp(0));
        day.add(&call.clone().priced(Some(price)));
        day.add(&AiCall { is_estimated: true, ..call });
        assert_eq!((day.calls, day.estimated_calls, day.unpriced_calls), (2, 1, 1));
        assert_eq!((day.usage.input, day.cost), (2_000, Decimal::new(2, 3)));
    }
}
