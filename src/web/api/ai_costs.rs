//! What a model's language model cost, as JSON.

use super::wire::{any_model, number, time};
use crate::domain::ai_cost::{AiDay, Budget};
use crate::services::desk::Desk;
use crate::services::read::ai_costs;
use crate::web::error::AppError;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

/// The calls of one span, added up.
#[derive(Serialize, ToSchema)]
pub struct SpendRow {
    /// When the span begins, 00:00 UTC.
    pub since: String,
    /// Calls, failed ones included.
    pub calls: u64,
    /// Those whose tokens are an estimate, because the provider did not count them.
    pub estimated_calls: u64,
    /// Those that are missing in the cost, because nobody said what tokens cost.
    pub unpriced_calls: u64,
    /// Decisions that came of them.
    pub decisions: u64,
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
    /// In US dollars.
    pub cost: String,
    /// Calls of re-asks and shadows, by which nothing is decided.
    pub trial_calls: u64,
    /// Their part of the cost.
    pub trial_cost: String,
}

/// A budget and what is left of it.
#[derive(Serialize, ToSchema)]
pub struct BudgetRow {
    /// `day` or `month`.
    pub span: &'static str,
    /// In US dollars.
    pub limit: String,
    /// In US dollars.
    pub spent: String,
    /// In percent.
    #[schema(value_type = f64)]
    pub used_pct: Number,
}

/// What asking a model cost.
#[derive(Serialize, ToSchema)]
pub struct AiCostsRow {
    /// This UTC day.
    pub today: SpendRow,
    /// This UTC month.
    pub month: SpendRow,
    /// Since the model was made.
    pub total: SpendRow,
    /// The days that had calls, the newest first.
    pub days: Vec<SpendRow>,
    /// The months that had calls, the newest first.
    pub months: Vec<SpendRow>,
    /// The budgets that are set.
    pub budgets: Vec<BudgetRow>,
    /// What a decision of this month cost, in US dollars, re-asks and shadows left out.
    pub cost_per_decision: Option<String>,
    /// Result of the current book, unrealised included.
    pub pnl: Option<String>,
    /// The same less what the cycles' questions cost since the model was made.
    pub pnl_after_ai_cost: Option<String>,
}

impl From<&AiDay> for SpendRow {
    fn from(day: &AiDay) -> Self {
        Self {
            since: time(day.day),
            calls: day.calls,
            estimated_calls: day.estimated_calls,
            unpriced_calls: day.unpriced_calls,
            decisions: day.decisions,
            input_tokens: day.usage.input,
            output_tokens: day.usage.output,
            cost: day.cost.normalize().to_string(),
            trial_calls: day.trial_calls,
            trial_cost: day.trial_cost.normalize().to_string(),
        }
    }
}

impl From<&Budget> for BudgetRow {
    fn from(budget: &Budget) -> Self {
        Self {
            span: budget.span.as_str(),
            limit: budget.limit.normalize().to_string(),
            spent: budget.spent.normalize().to_string(),
            used_pct: number(budget.used_pct()),
        }
    }
}

/// `GET /api/models/{id}/ai-costs`
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = any_model(&desk, *id).await?;
    let costs = ai_costs(&desk, &trader).await?;
    Ok(HttpResponse::Ok().json(AiCostsRow {
        today: (&costs.today).into(),
        month: (&costs.month).into(),
        total: (&costs.ever).into(),
        days: costs.days.iter().map(Into::into).collect(),
        months: costs.months.iter().map(Into::into).collect(),
        budgets: costs.budgets.iter().map(Into::into).collect(),
        cost_per_decision: costs.per_decision().map(|cost| cost.round_dp(6).normalize().to_string()),
        pnl: costs.result.map(|result| result.to_string()),
        pnl_after_ai_cost: costs.result_after().map(|result| result.to_string()),
    }))
}
