//! The desk: how are we doing, and what needs me?

pub mod curves;

use super::decisions::{row, title};
use super::html;
use super::inbox::order_of;
use super::lens::{Lens, amount};
use super::models::rows::model_rows;
use super::shell::{env_of, shell};
use crate::domain::decision::Decision;
use crate::domain::incident::{Incident, IncidentStatus, Severity};
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::domain::trader::TradingState;
use crate::domain::trader_settings::TraderSettings;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{DecisionFilter, DecisionTab, IncidentFilter, Page};
use crate::services::desk::Desk;
use crate::services::read::{Standing, standings};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::show;
use crate::web::view::{BookToday, Chart, DecisionRow, DeskPage, Empty, HealthItem, Nav, NeedRow, Tone, Topbar};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use curves::Scale;
use rust_decimal::Decimal;

/// Waiting decisions that are listed; the rest is one line.
const NEEDS_MAX: u32 = 6;
/// Open incidents that are listed; the rest is one line.
const INCIDENTS_MAX: u32 = 4;
/// Paused models that are listed.
const PAUSED_MAX: usize = 4;
/// Latest decisions.
const LATEST: u32 = 8;
/// Lines of the chart: beyond, nobody can tell them apart.
const LINES_MAX: usize = 12;

/// `GET /`
///
/// # Errors
/// When the database fails.
pub async fn show(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    let standings = standings(&desk).await?;
    let tab = |tab, limit| (DecisionFilter { tab: Some(tab), ..DecisionFilter::default() }, Page::first(limit));
    let (filter, page) = tab(DecisionTab::Pending, NEEDS_MAX);
    let waiting = desk.store.decisions(filter, page).await?;
    let (filter, page) = tab(DecisionTab::All, LATEST);
    let latest = desk.store.decisions(filter, page).await?;
    let wanted = waiting.iter().chain(&latest).map(|decision| (decision.venue, decision.coin.clone()));
    let lens = Lens::read(&desk, wanted).await?;
    let shell = shell(&desk, &ctx, Nav::Desk, "Desk").await?;
    let equity = equity(&desk, &standings).await?;
    let page = DeskPage {
        subtitle: subtitle(&standings),
        health: health(&ctx, &shell.topbar, shell.stop.is_some()),
        books: books(&standings),
        equity_empty: equity_empty(&standings),
        equity,
        needs: needs(&desk, &standings, waiting, &lens).await?,
        needs_empty: needs_empty(&desk, &standings),
        models: model_rows(&desk, &standings).await?,
        models_empty: no_models(),
        latest: latest_rows(&desk, &latest, &lens).await?,
        shell,
    };
    html(StatusCode::OK, &page)
}

/// What stands there before the first model.
pub fn no_models() -> Empty {
    Empty::new("No model yet.", "A model proposes trades on its own rhythm; you decide what it may do with them.")
        .with_action("Create a model", "/models/new")
}

fn subtitle(standings: &[Standing]) -> String {
    match standings.len() {
        0 => "no model yet".to_owned(),
        count => show::plural(u64::try_from(count).unwrap_or(u64::MAX), "model", "models"),
    }
}

async fn latest_rows(desk: &Desk, latest: &[Decision], lens: &Lens<'_>) -> Result<Vec<DecisionRow>, AppError> {
    let mut rows = Vec::with_capacity(latest.len());
    for decision in latest {
        rows.push(row(decision, order_of(desk, decision).await?.as_ref(), lens));
    }
    Ok(rows)
}

fn health(ctx: &Ctx, bar: &Topbar, is_stopped: bool) -> Vec<HealthItem> {
    let item = |label: &str, text: String, ok| HealthItem { label: label.to_owned(), text, ok };
    let age = bar.market.trim_start_matches("market ");
    let is_age = age.starts_with(|first: char| first.is_ascii_digit()) && !age.ends_with("old");
    let age = if is_age { format!("{age} old") } else { age.to_owned() };
    let simulated = if bar.market_simulated { ", not a real market" } else { "" };
    let workers = ctx.around.state().map(|state| state.health.workers()).unwrap_or_default();
    let alive = workers.values().filter(|alive| **alive).count();
    let running = match workers.len() {
        0 => "run in another process".to_owned(),
        all if alive == all => format!("{alive} of {all} run"),
        _ => bar.workers.clone(),
    };
    let exchange =
        if bar.exchange.is_empty() { "not in use, simulation only".to_owned() } else { bar.exchange.clone() };
    let trading = if is_stopped { "stopped for everybody" } else { "no stop in force" };
    vec![
        item("Market", format!("{age}{simulated}"), bar.market_ok),
        item("Workers", running, bar.workers_ok),
        item("Exchange", exchange, bar.exchange_ok),
        item("Database", "answers".to_owned(), true),
        item("Emergency stop", trading.to_owned(), !is_stopped),
    ]
}

/// One card a venue in use; their money is never summed.
fn books(standings: &[Standing]) -> Vec<BookToday> {
    let venues = VenueKind::ALL.iter().filter(|venue| standings.iter().any(|standing| standing.venue == **venue));
    let of = |venue: VenueKind| {
        let here: Vec<&Standing> = standings.iter().filter(|standing| standing.venue == venue).collect();
        // A book that was never opened holds nothing; one whose worth is unknown makes the sum unknown.
        let opened = || here.iter().filter(|standing| standing.portfolio.is_some());
        let equity: Option<Money> = opened().map(|standing| standing.equity()).sum();
        let today: Option<Money> = opened().map(|standing| standing.today()).sum();
        let positions: usize =
            here.iter().filter_map(|standing| standing.portfolio.as_ref()).map(|book| book.holdings.len()).sum();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        BookToday {
            env: env_of(venue),
            equity: equity.map_or_else(|| show::DASH.to_owned(), amount),
            today: today.map_or_else(show::unknown, |today| show::signed(today.decimal(), 2)),
            note: format!(
                "{}, {}",
                show::plural(count(here.len()), "model", "models"),
                show::plural(count(positions), "position", "positions")
            ),
        }
    };
    venues.map(|venue| of(*venue)).collect()
}

/// Returns of all models on their own capital, beside buying and holding. Only books that keep the same market time can
/// stand on one axis: those of the venue that most models use.
async fn equity(desk: &Desk, standings: &[Standing]) -> Result<Option<Chart>, AppError> {
    let opened = |venue: VenueKind| {
        standings.iter().filter(move |standing| standing.venue == venue && standing.portfolio.is_some())
    };
    let Some(venue) = VenueKind::ALL.iter().copied().max_by_key(|venue| opened(*venue).count()) else {
        return Ok(None);
    };
    let Some(market) = desk.markets.of(venue) else { return Ok(None) };
    let end = market.now();
    let first = opened(venue).filter_map(|standing| standing.portfolio.as_ref()).map(|p| p.view.book.opened_at).min();
    let Some(first) = first else { return Ok(None) };
    let start = curves::period_start(first, end);
    let mut lines = Vec::new();
    for standing in opened(venue).take(LINES_MAX) {
        let Some(portfolio) = &standing.portfolio else { continue };
        let now = standing.equity().map(|equity| (end, equity));
        lines.push(curves::book_line(desk, &standing.trader.name, &portfolio.view.book, start, now).await?);
    }
    let capital = lines.first().map_or(Money::new(Decimal::ONE_HUNDRED), |line| line.start);
    let fee = opened(venue)
        .next()
        .map_or_else(|| TraderSettings::default().taker_fee_pct, |standing| standing.trader.settings.taker_fee_pct);
    lines.extend(curves::hold_line(desk, venue, capital, fee, start, end).await);
    let title = format!("Return on each model's own capital, {}", env_of(venue).word().to_lowercase());
    Ok(curves::chart("equity", &title, Scale::Return, &lines, start, end))
}

fn equity_empty(standings: &[Standing]) -> Empty {
    if standings.is_empty() {
        return Empty::new("No curve yet.", "It begins with the first model.");
    }
    Empty::new("No curve yet.", "The first points come within a minute; then each model is drawn beside holding BTC.")
}

async fn needs(
    desk: &Desk,
    standings: &[Standing],
    mut waiting: Vec<Decision>,
    lens: &Lens<'_>,
) -> Result<Vec<NeedRow>, AppError> {
    waiting.sort_by_key(|decision| decision.state.expires_at());
    let mut rows: Vec<NeedRow> = waiting.iter().map(|decision| waiting_row(decision, lens)).collect();
    let more = desk.store.tab_counts(None).await?.pending - i64::try_from(waiting.len()).unwrap_or(0);
    if more > 0 {
        rows.push(more_row(more, "more decision waits", "more decisions wait", "/inbox"));
    }
    let open = IncidentFilter { trader_id: None, status: Some(IncidentStatus::Open) };
    let mut incidents = desk.store.incidents(open, Page::first(INCIDENTS_MAX)).await?;
    incidents.sort_by_key(|incident| std::cmp::Reverse(incident.severity));
    rows.extend(incidents.iter().map(|incident| incident_row(incident, lens)));
    let more = desk.store.open_incidents().await? - i64::try_from(incidents.len()).unwrap_or(0);
    if more > 0 {
        rows.push(more_row(more, "more open incident", "more open incidents", "/incidents"));
    }
    let paused = standings.iter().filter_map(|standing| match &standing.trader.state {
        TradingState::Paused { by, reason, at } => Some((&standing.trader, by, reason, *at)),
        TradingState::Active => None,
    });
    rows.extend(paused.take(PAUSED_MAX).map(|(trader, by, reason, at)| {
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        NeedRow {
            title: format!("{} is paused", trader.name),
            note: format!("by {by}{why} · {}", lens.when(at).text),
            value: "resume?".to_owned(),
            tone: Tone::Plain,
            url: format!("/models/{}", trader.id),
        }
    }));
    Ok(rows)
}

fn waiting_row(decision: &Decision, lens: &Lens<'_>) -> NeedRow {
    let left = decision.state.expires_at().map_or(0, |at| at.since(lens.now));
    let notional = decision.impact.notional;
    NeedRow {
        title: title(decision, lens),
        note: format!("{} · expires in {}", lens.name(decision.trader_id), show::span(left)),
        value: if notional.is_zero() { "answer".to_owned() } else { show::number(notional.decimal(), 2) },
        tone: if left < URGENT_BELOW_MS { Tone::Wait } else { Tone::Plain },
        url: format!("/decisions/{}", decision.id),
    }
}

/// A waiting decision with less time than this is shown as urgent, in milliseconds.
const URGENT_BELOW_MS: i64 = 5 * crate::domain::time::MINUTE_MS;

fn incident_row(incident: &Incident, lens: &Lens<'_>) -> NeedRow {
    let whose = incident.trader_id.map_or_else(|| "the whole desk".to_owned(), |id| lens.name(id));
    let tone = match incident.severity {
        Severity::Critical | Severity::High => Tone::Bad,
        Severity::Medium => Tone::Wait,
        Severity::Low => Tone::Plain,
    };
    NeedRow {
        title: incident.title.clone(),
        note: format!("{whose} · {}", lens.when(incident.last_at).text),
        value: incident.severity.as_str().to_owned(),
        tone,
        url: "/incidents".to_owned(),
    }
}

fn more_row(count: i64, one: &str, many: &str, url: &str) -> NeedRow {
    NeedRow {
        title: show::plural(u64::try_from(count).unwrap_or(0), one, many),
        note: "not shown here".to_owned(),
        value: "look".to_owned(),
        tone: Tone::Plain,
        url: url.to_owned(),
    }
}

fn needs_empty(desk: &Desk, standings: &[Standing]) -> Empty {
    let running = standings.iter().map(|standing| &standing.trader).filter(|trader| trader.is_active());
    let Some(next) = running.min_by_key(|trader| trader.next_run_at.unwrap_or(Timestamp(0))) else {
        if standings.is_empty() {
            return Empty::new("Nothing needs you.", "Create a model, and what it asks will wait here.");
        }
        return Empty::new("Nothing needs you.", "No model runs.").with_action("To the models", "/models");
    };
    let when = match super::models::rows::next_run(desk, next).0.as_str() {
        "" | "now" => "now".to_owned(),
        time => format!("in {time}"),
    };
    Empty::new("Nothing needs you.", format!("{} runs next {when}.", next.name))
}
