//! What a model's language model cost, and what is left of its budgets.

use crate::domain::ai_cost::{AiDay, Budget};
use crate::domain::money::Money;
use crate::domain::time::{DAY_MS, Timestamp};
use crate::domain::trader::Trader;
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
use crate::services::read::portfolio;
use rust_decimal::Decimal;

/// UTC days that are listed.
pub const COST_DAYS: i64 = 31;

/// What asking a model cost.
#[derive(Clone, Debug)]
pub struct AiCosts {
    /// This UTC day.
    pub today: AiDay,
    /// This UTC month.
    pub month: AiDay,
    /// Since the model was made.
    pub ever: AiDay,
    /// The last days that had calls, the newest first.
    pub days: Vec<AiDay>,
    /// The months that had calls, the newest first; `day` is the month's first.
    pub months: Vec<AiDay>,
    /// The budgets that are set.
    pub budgets: Vec<Budget>,
    /// The current book's result, unrealised included, before this cost; `None` where it cannot be told.
    pub result: Option<Money>,
}

impl AiCosts {
    /// What one decision of this month cost, in US dollars; `None` without a decision or a call. Re-asks and shadows
    /// decide nothing.
    pub fn per_decision(&self) -> Option<Decimal> {
        if self.month.calls == self.month.trial_calls {
            return None;
        }
        self.month.cycle_cost().checked_div(Decimal::from(self.month.decisions))
    }

    /// The result after what the cycles' questions cost since the model was made; one US dollar counts as one unit of
    /// quote. Re-asks and shadows are paid for by the same budgets, and are no cost of this result.
    pub fn result_after(&self) -> Option<Money> {
        self.result.map(|result| result - Money::new(self.ever.cycle_cost()))
    }
}

/// Reads what a model's calls cost.
///
/// # Errors
/// When the store fails.
pub async fn ai_costs(desk: &Desk, trader: &Trader) -> Result<AiCosts, StoreError> {
    let now = desk.clock.now();
    let all = desk.store.ai_days(Some(trader.id), Timestamp(0)).await?;
    let sum = |since: Timestamp| {
        let mut sum = AiDay::empty(trader.id, since);
        all.iter().filter(|day| day.day >= since).for_each(|day| sum.merge(day));
        sum
    };
    let mut months: Vec<AiDay> = Vec::new();
    for day in &all {
        let start = day.day.month_start();
        match months.last_mut().filter(|month| month.day == start) {
            Some(month) => month.merge(day),
            None => months.push(AiDay { day: start, ..day.clone() }),
        }
    }
    let (today, month) = (sum(now.day_start()), sum(now.month_start()));
    let budgets = Budget::of(&trader.settings, today.cost, month.cost);
    let oldest = now.day_start().plus_ms(-(COST_DAYS - 1) * DAY_MS);
    let portfolio = portfolio(desk, trader, trader.axes.venue_kind()).await?;
    let result = portfolio.and_then(|portfolio| {
        let equity = portfolio.valuation?.equity;
        Some(equity - portfolio.view.book.initial_capital)
    });
    Ok(AiCosts {
        ever: sum(Timestamp(0)),
        days: all.iter().filter(|day| day.day >= oldest).cloned().collect(),
        months,
        budgets,
        result,
        today,
        month,
    })
}
