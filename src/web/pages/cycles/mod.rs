//! One cycle: what was asked, what was answered, what came of it, and its record.

mod record;
mod replay;

pub(super) use record::{bill, talk};
pub use replay::show_replay;

use super::decisions::row;
use super::html;
use super::inbox::order_of;
use super::lens::Lens;
use super::reasks;
use super::shell::{env_of, shell};
use crate::domain::ai_cost::{AiCall, AiPurpose};
use crate::domain::cycle::{Cycle, CycleOutcome, CycleTrigger};
use crate::domain::decision::{Decision, DecisionStatus};
use crate::domain::ids::{CycleId, TraderId};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::show;
use crate::web::view::{Badge, CyclePage, DecisionRow, Figure, KeyValue, Nav, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use record::Kept;

/// `GET /cycles/{id}`
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let id = CycleId(*path);
    let Some(cycle) = desk.store.cycle(id).await? else { return running(&desk, &ctx, id).await };
    let trader = owner(&desk, cycle.trader_id).await?;
    let decisions = desk.store.decisions_of_cycle(id).await?;
    let lens = Lens::for_decisions(&desk, &decisions).await?;
    let mut rows: Vec<DecisionRow> = Vec::with_capacity(decisions.len());
    for decision in &decisions {
        let order = order_of(&desk, decision).await?;
        rows.push(row(decision, order.as_ref(), &lens));
    }
    let (word, tone) = match cycle.outcome {
        CycleOutcome::Completed => ("done", Tone::Good),
        CycleOutcome::Failed => ("failed", Tone::Bad),
    };
    let mut page = frame(&desk, &ctx, id, &trader, cycle.venue, cycle.automation).await?;
    page.state = Badge { text: word.to_owned(), tone };
    page.at = lens.when(cycle.started_at);
    let kept = record::kept(&desk, &cycle).await?;
    page.record_note = record::note(&kept);
    if let Kept::Found(bundle, size) = &kept {
        page.record = record::facts(&cycle, bundle, *size);
        page.talk = bundle.conversation().map(record::talk);
        page.can_ask = bundle.brief.is_some();
    }
    page.figures = figures(&cycle, advisor(&cycle, &trader, &kept), &decisions);
    let calls = match cycle.answer {
        Some(_) => desk.store.ai_calls(id).await?,
        None => Vec::new(),
    };
    page.figures.extend(cost(&calls));
    page.others = reasks::earlier(&desk, id).await?;
    page.warnings = warnings(&cycle);
    page.prices = decisions.iter().filter_map(|decision| price(decision, cycle.market_at, &lens)).collect();
    page.decisions = rows;
    (page.asked, page.answered) = (cycle.asked, cycle.answered);
    html(StatusCode::OK, &page)
}

/// A cycle that is under way has nothing but its owner yet.
async fn running(desk: &Desk, ctx: &Ctx, id: CycleId) -> Result<HttpResponse, AppError> {
    let running = desk.store.running_cycles(desk.clock.now()).await?;
    let found = running.into_iter().find(|(_, cycle)| *cycle == id);
    let (trader, _) = found.ok_or_else(|| AppError::not_found("cycle"))?;
    let trader = owner(desk, trader).await?;
    let axes = trader.axes;
    let mut page = frame(desk, ctx, id, &trader, axes.venue_kind(), axes.automation_level).await?;
    page.warnings = vec!["This cycle is running. Load the page again in a moment to see what came of it.".to_owned()];
    html(StatusCode::OK, &page)
}

async fn owner(desk: &Desk, id: TraderId) -> Result<Trader, AppError> {
    desk.store.trader(id).await?.ok_or_else(|| AppError::not_found("model"))
}

async fn frame(
    desk: &Desk,
    ctx: &Ctx,
    id: CycleId,
    trader: &Trader,
    venue: VenueKind,
    automation: AutomationLevel,
) -> Result<CyclePage, AppError> {
    let now = desk.clock.now().0;
    Ok(CyclePage {
        shell: shell(desk, ctx, Nav::Models, format!("Cycle {id}")).await?,
        id: id.0,
        model_id: trader.id.0,
        model: trader.name.clone(),
        env: env_of(venue),
        automation: level(automation).to_owned(),
        state: Badge { text: "running".to_owned(), tone: Tone::Wait },
        at: show::when(now, now),
        figures: Vec::new(),
        warnings: Vec::new(),
        prices: Vec::new(),
        asked: String::new(),
        answered: String::new(),
        decisions: Vec::new(),
        can_ask: false,
        others: Vec::new(),
        record_note: String::new(),
        record: Vec::new(),
        talk: None,
    })
}

const fn level(level: AutomationLevel) -> &'static str {
    match level {
        AutomationLevel::Manual => "manual",
        AutomationLevel::SemiAutomated => "semi-automated",
        AutomationLevel::FullyAutomated => "fully automated",
    }
}

/// Who answered: the record knows; without one the model as it is now has to do.
fn advisor<'a>(cycle: &Cycle, trader: &'a Trader, kept: &'a Kept) -> &'a str {
    let said = match kept {
        Kept::Found(bundle, _) => bundle.conversation(),
        Kept::Never | Kept::Removed | Kept::Damaged(_) => None,
    };
    match said {
        Some(said) => &said.model_name,
        None if cycle.asked.is_empty() => "sent in",
        None => &trader.model_name,
    }
}

/// What asking cost.
fn cost(calls: &[AiCall]) -> Option<Figure> {
    let calls: Vec<&AiCall> = calls.iter().filter(|call| call.purpose == AiPurpose::Cycle).collect();
    let [tokens, cost, took] = bill(&calls)?;
    Some(Figure::new("AI cost", cost, format!("{tokens}; {took}")))
}

fn figures(cycle: &Cycle, advisor: &str, decisions: &[Decision]) -> Vec<Figure> {
    let took = cycle.finished_at.since(cycle.started_at).max(0);
    let took = if took < 1_000 { format!("{took} ms") } else { show::span(took) };
    let trigger = match cycle.trigger {
        CycleTrigger::Schedule => "its interval",
        CycleTrigger::Operator => "a person",
        CycleTrigger::Api => "the API",
    };
    let denied = decisions.iter().filter(|decision| decision.status() == DecisionStatus::Denied).count();
    let note = if denied > 0 { format!("{denied} denied") } else { String::new() };
    let market = format!("market time {}", show::minute(cycle.market_at.0));
    vec![
        Figure::new("Took", took, market),
        Figure::new("Started by", trigger, ""),
        Figure::new("Answered by", advisor, ""),
        Figure::new("Decisions", decisions.len().to_string(), note),
    ]
}

fn warnings(cycle: &Cycle) -> Vec<String> {
    let error = cycle.error.iter().map(|why| format!("The cycle failed: {why}."));
    let remarks = cycle.warnings.iter().map(|word| match word.as_str() {
        "market_data_ignored" => "The market data sent along was ignored: this model trades live.".to_owned(),
        other => other.replace('_', " "),
    });
    error.chain(remarks).collect()
}

/// The price that a coin was decided at.
fn price(decision: &Decision, market_at: Timestamp, lens: &Lens<'_>) -> Option<KeyValue> {
    let quote = decision.quote?;
    let shown = lens.price(decision.venue, &decision.coin, quote.price);
    let age = show::span(market_at.since(quote.at));
    Some(KeyValue::new(decision.coin.as_str(), format!("{shown}, {age} old")))
}
