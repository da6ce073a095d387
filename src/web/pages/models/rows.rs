//! Words and rows of models, as the desk and the list show them.

use crate::domain::decision::DecisionStatus;
use crate::domain::money::Money;
use crate::domain::position::Position;
use crate::domain::risk::RuleCode;
use crate::domain::trader::{Trader, TradingState};
use crate::domain::venue_kind::AutomationLevel;
use crate::services::desk::Desk;
use crate::services::read::{Portfolio, Standing, risk_status_of};
use crate::web::error::AppError;
use crate::web::pages::shell::env_of;
use crate::web::show;
use crate::web::view::{Badge, ModelRow, Tone};
use rust_decimal::Decimal;

/// Closed round trips that are counted as won or lost.
pub const CLOSED_READ: u32 = 200;
/// Market time that differs less from wall-clock time is the same for a countdown.
const SAME_CLOCK_MS: i64 = 5_000;

/// Closed round trips by their result after fees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Closed with a gain.
    pub won: usize,
    /// Closed with a loss, or with nothing.
    pub lost: usize,
}

impl Record {
    /// Counts round trips.
    pub fn of(closed: &[Position]) -> Self {
        let won = closed.iter().filter(|position| position.net_result() > Money::ZERO).count();
        Self { won, lost: closed.len() - won }
    }

    /// For example `31 / 22`.
    pub fn text(self) -> String {
        format!("{} / {}", self.won, self.lost)
    }
}

/// A model's advisor in words, for example `EMA cross, rules`.
pub fn advisor(desk: &Desk, trader: &Trader) -> String {
    let providers = desk.advisors.providers();
    let offered = providers.iter().filter(|provider| provider.id == trader.provider_id);
    let info = offered.flat_map(|provider| &provider.models).find(|info| info.model_name == trader.model_name);
    match info {
        Some(info) if info.is_rules => format!("{}, rules", info.label),
        Some(info) => info.label.to_owned(),
        None => trader.model_name.clone(),
    }
}

/// What a model does with its decisions, in one word.
const fn acts(level: AutomationLevel) -> &'static str {
    match level {
        AutomationLevel::Manual => "shows",
        AutomationLevel::SemiAutomated => "asks",
        AutomationLevel::FullyAutomated => "acts",
    }
}

/// Whether a model runs.
pub fn state(trader: &Trader) -> Badge {
    let (text, tone) = match &trader.state {
        _ if trader.deleted_at.is_some() => ("deleted", Tone::Plain),
        TradingState::Active => ("running", Tone::Good),
        TradingState::Paused { .. } => ("paused", Tone::Wait),
    };
    Badge { text: text.to_owned(), tone }
}

/// When a model runs next: the words, and RFC 3339 for a countdown where market time is wall-clock time.
pub fn next_run(desk: &Desk, trader: &Trader) -> (String, String) {
    if !trader.is_active() {
        return (String::new(), String::new());
    }
    let Some(market) = desk.markets.of(trader.axes.venue_kind()) else { return (String::new(), String::new()) };
    let (now, wall) = (market.now(), desk.clock.now());
    match trader.next_run_at {
        Some(at) if at > now => {
            let keeps_time = now.since(wall).abs() <= SAME_CLOCK_MS;
            let iso = if keeps_time { show::rfc3339(at.0) } else { String::new() };
            (show::clock(at.since(now)), iso)
        }
        _ => ("now".to_owned(), String::new()),
    }
}

/// How far a book is below its high-water mark, in per cent; `None` while its worth is unknown.
pub fn drawdown(trader: &Trader, portfolio: &Portfolio) -> Option<Decimal> {
    let rules = risk_status_of(trader, portfolio);
    rules.into_iter().find(|status| status.rule == RuleCode::Drawdown)?.current
}

/// Decisions of a book that wait for a person.
pub fn pending(portfolio: &Portfolio) -> u64 {
    let waiting = portfolio.view.waiting.iter().filter(|decision| decision.status() == DecisionStatus::Pending);
    u64::try_from(waiting.count()).unwrap_or(u64::MAX)
}

/// One row of the table of models.
///
/// # Errors
/// When the store fails.
pub async fn model_row(desk: &Desk, standing: &Standing) -> Result<ModelRow, AppError> {
    let trader = &standing.trader;
    let dash = || show::DASH.to_owned();
    let portfolio = standing.portfolio.as_ref();
    let record = match portfolio {
        Some(portfolio) => Record::of(&desk.store.closed_positions(portfolio.view.book.id, CLOSED_READ).await?),
        None => Record::default(),
    };
    let (next_run, next_run_iso) = next_run(desk, trader);
    let drawdown = portfolio.and_then(|portfolio| drawdown(trader, portfolio));
    Ok(ModelRow {
        id: trader.id.0,
        name: trader.name.clone(),
        advisor: advisor(desk, trader),
        env: env_of(standing.venue),
        acts: acts(trader.axes.automation_level).to_owned(),
        state: state(trader),
        equity: standing.equity().map_or_else(dash, |equity| show::number(equity.decimal(), 2)),
        today: standing.today().map_or_else(show::unknown, |today| show::signed(today.decimal(), 2)),
        total: standing.return_pct().map_or_else(show::unknown, |total| show::signed_percent(total, 2)),
        open: portfolio.map_or_else(dash, |portfolio| portfolio.holdings.len().to_string()),
        closed: record.text(),
        drawdown: drawdown.map_or_else(dash, |value| show::percent(value, 1)),
        next_run,
        next_run_iso,
        pending: portfolio.map_or(0, pending),
    })
}

/// Every row, in order of creation.
///
/// # Errors
/// When the store fails.
pub async fn model_rows(desk: &Desk, standings: &[Standing]) -> Result<Vec<ModelRow>, AppError> {
    let mut rows = Vec::with_capacity(standings.len());
    for standing in standings {
        rows.push(model_row(desk, standing).await?);
    }
    Ok(rows)
}
