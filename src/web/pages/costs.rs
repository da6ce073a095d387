//! What a model's language model cost: sums, budgets, and the result before and after.

use super::html;
use super::models::rows;
use super::shell::shell;
use crate::domain::ai_cost::{AiDay, Budget, BudgetSpan};
use crate::domain::ids::{BUILT_IN_PROVIDER, TraderId};
use crate::domain::trader::Trader;
use crate::services::desk::Desk;
use crate::services::read::{AiCosts, ai_costs};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::show;
use crate::web::view::{CostRow, CostsPage, Figure, Nav, RuleRow, Verdict};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Decimals of a cost: a call is often less than a cent.
const COST_PLACES: u32 = 4;
/// Stands in the place of a cost without a price: nothing would be another thing to say.
pub(super) const UNKNOWN: &str = "no price known";

/// `GET /models/{id}/costs`
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = desk.store.trader(TraderId(*path)).await?.ok_or_else(|| AppError::not_found("model"))?;
    let costs = ai_costs(&desk, &trader).await?;
    let page = CostsPage {
        shell: shell(&desk, &ctx, Nav::Models, format!("AI costs of {}", trader.name)).await?,
        id: trader.id.0,
        name: trader.name.clone(),
        state: rows::state(&trader),
        advisor: rows::advisor(&desk, &trader),
        note: note(&trader, &costs),
        figures: figures(&costs),
        budgets: costs.budgets.iter().map(budget_row).collect(),
        days: costs.days.iter().map(|day| cost_row(day, show::day(day.day.0))).collect(),
        months: costs.months.iter().map(|month| cost_row(month, month_words(month))).collect(),
    };
    html(StatusCode::OK, &page)
}

/// The figure on the model's own page; rules cost nothing.
pub(super) async fn figure(desk: &Desk, trader: &Trader) -> Result<Option<Figure>, AppError> {
    if trader.provider_id == BUILT_IN_PROVIDER {
        return Ok(None);
    }
    let costs = ai_costs(desk, trader).await?;
    let note = match costs.result_after() {
        Some(after) => format!("result after it {}", show::signed(after.decimal(), 2).text),
        None => "this month".to_owned(),
    };
    Ok(Some(Figure::new("AI cost this month", cost_of(&costs.month), note)))
}

/// What the calls of a day or longer cost: nobody knows, when none of them had a price.
fn cost_of(day: &AiDay) -> String {
    if day.calls > 0 && day.unpriced_calls == day.calls {
        return UNKNOWN.to_owned();
    }
    dollars(day.cost)
}

/// A cost as it is shown everywhere.
pub(super) fn dollars(cost: Decimal) -> String {
    show::money(cost, COST_PLACES, "USD")
}

fn note(trader: &Trader, costs: &AiCosts) -> String {
    if trader.provider_id == BUILT_IN_PROVIDER && costs.ever.calls == 0 {
        return "This model follows built-in rules: asking it costs nothing.".to_owned();
    }
    let mut notes = Vec::new();
    if costs.ever.unpriced_calls > 0 {
        let calls = show::plural(costs.ever.unpriced_calls, "call has", "calls have");
        notes.push(format!("{calls} no price: the provider's prices were not known then, and they are missing here."));
    }
    if costs.ever.estimated_calls > 0 {
        let calls = show::plural(costs.ever.estimated_calls, "call", "calls");
        notes.push(format!("Tokens of {calls} are estimated, because the provider did not count them."));
    }
    if costs.ever.trial_calls > 0 {
        let calls = show::plural(costs.ever.trial_calls, "call", "calls");
        let cost = dollars(costs.ever.trial_cost);
        notes.push(format!(
            "{calls} ({cost}) were re-asks and shadows: budgets count them, a decision's cost and the result do not."
        ));
    }
    notes.join(" ")
}

fn figures(costs: &AiCosts) -> Vec<Figure> {
    let calls = |day: &AiDay| show::plural(day.calls, "call", "calls");
    let per_decision = costs.per_decision().filter(|_| costs.month.unpriced_calls < costs.month.calls);
    let per_decision = per_decision.map_or_else(|| show::DASH.to_owned(), dollars);
    let result = |result: Option<crate::domain::money::Money>| {
        result.map_or_else(|| show::DASH.to_owned(), |result| show::signed(result.decimal(), 2).text)
    };
    vec![
        Figure::new("Today", cost_of(&costs.today), calls(&costs.today)),
        Figure::new("This month", cost_of(&costs.month), calls(&costs.month)),
        Figure::new("Since it was made", cost_of(&costs.ever), calls(&costs.ever)),
        Figure::new("A decision", per_decision, "this month"),
        Figure::new("Result before AI cost", result(costs.result), "current book, unrealised included"),
        Figure::new("Result after AI cost", result(costs.result_after()), "1 USD as 1 USDT"),
    ]
}

fn budget_row(budget: &Budget) -> RuleRow {
    let text = match (budget.is_spent(), budget.is_low()) {
        (true, _) => "It is spent: the model is not asked before the next one begins.",
        (false, true) => "Most of it is spent.",
        (false, false) => "Enough is left.",
    };
    RuleRow {
        verdict: if budget.is_spent() { Verdict::Denied } else { Verdict::Ok },
        name: match budget.span {
            BudgetSpan::Day => "This UTC day".to_owned(),
            BudgetSpan::Month => "This UTC month".to_owned(),
        },
        reading: format!("{} / {}", dollars(budget.spent), dollars(budget.limit)),
        used: budget.used_pct().min(Decimal::ONE_HUNDRED).to_u8(),
        text: text.to_owned(),
    }
}

fn month_words(month: &AiDay) -> String {
    show::day(month.day.0).chars().take("2026-01".len()).collect()
}

fn cost_row(day: &AiDay, label: String) -> CostRow {
    let tokens = |count: u64| show::number(Decimal::from(count), 0);
    CostRow {
        label,
        calls: day.calls.to_string(),
        input: tokens(day.usage.input),
        output: tokens(day.usage.output),
        decisions: day.decisions.to_string(),
        cost: cost_of(day),
    }
}
