//! One model: what is it doing, and why? One of its books at a time; books are never mixed.

mod close;
mod parts;

pub use close::{close, close_form};

use super::desk::curves::{self, Scale};
use super::lens::{Lens, amount};
use super::models::rows::{self, CLOSED_READ, Record};
use super::orders::order_row;
use super::shell::{env_of, shell};
use super::{costs, html};
use crate::domain::access::Permission;
use crate::domain::decision::Decision;
use crate::domain::ids::TraderId;
use crate::domain::instrument::QUOTE_ASSET;
use crate::domain::order::Order;
use crate::domain::time::Timestamp;
use crate::domain::trader::{Trader, TradingState};
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::ports::store::{DecisionFilter, DecisionTab, OrderFilter, Page};
use crate::services::desk::Desk;
use crate::services::live;
use crate::services::read::{Portfolio, portfolio, risk_status_of};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::QueryInput;
use crate::web::show;
use crate::web::view::{Chart, Empty, Figure, ModelPage, Nav, PositionRow, Tab, Toast, Toasts};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use parts::{conversations, position_row, risk_row, told, trade_row};

/// Decisions that are shown with their reasons.
const DECISIONS: usize = 12;
/// Decisions that are read to find those of the book that is looked at.
const DECISIONS_READ: u32 = 50;
/// Orders and trades that are shown.
const ROWS: u32 = 12;

/// Everything about one model's book, read at one moment.
struct Dossier<'a> {
    trader: Trader,
    venue: VenueKind,
    portfolio: Option<Portfolio>,
    record: Record,
    decisions: Vec<Decision>,
    orders: Vec<Order>,
    lens: Lens<'a>,
}

impl<'a> Dossier<'a> {
    async fn read(desk: &'a Desk, trader: Trader, venue: VenueKind) -> Result<Self, AppError> {
        let portfolio = portfolio(desk, &trader, venue).await?;
        let record = match &portfolio {
            Some(portfolio) => Record::of(&desk.store.closed_positions(portfolio.view.book.id, CLOSED_READ).await?),
            None => Record::default(),
        };
        let filter = DecisionFilter { trader_id: Some(trader.id), tab: Some(DecisionTab::All), status: None };
        let mut decisions = desk.store.decisions(filter, Page::first(DECISIONS_READ)).await?;
        decisions.retain(|decision| decision.venue == venue);
        decisions.truncate(DECISIONS);
        let filter = OrderFilter { trader_id: Some(trader.id), venue: Some(venue), ..OrderFilter::default() };
        let orders = desk.store.orders(filter, Page::first(ROWS)).await?;
        let held = portfolio.iter().flat_map(|portfolio| &portfolio.view.positions).map(|position| &position.coin);
        let coins = decisions.iter().map(|decision| &decision.coin);
        let coins = coins.chain(orders.iter().map(|order| &order.intent.coin)).chain(held);
        let coins = coins.chain(&trader.settings.supported_assets).cloned();
        let lens = Lens::read(desk, coins.map(|coin| (venue, coin))).await?;
        Ok(Self { venue, portfolio, record, decisions, orders, lens, trader })
    }

    /// Whether this is the book that the model trades in now.
    fn is_current(&self) -> bool {
        self.trader.axes.venue_kind() == self.venue
    }
}

/// `GET /models/{id}`, with `?book=simulation|testnet|mainnet`
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut query: QueryInput,
) -> Result<HttpResponse, AppError> {
    let trader = find(&desk, path.into_inner()).await?;
    let asked = query.text("book", 20).and_then(|book| VenueKind::parse(&book));
    let venue = asked.unwrap_or_else(|| trader.axes.venue_kind());
    let dossier = Dossier::read(&desk, trader, venue).await?;
    let page = page(&desk, &ctx, &dossier).await?;
    html(StatusCode::OK, &page)
}

/// The answer to a click that changed nothing: the model's page as it stands, with the reason on it.
///
/// # Errors
/// When the database fails.
pub(super) async fn conflict(desk: &Desk, ctx: &Ctx, trader: Trader, reason: Toast) -> Result<HttpResponse, AppError> {
    if ctx.is_htmx {
        return html(StatusCode::CONFLICT, &Toasts { toasts: vec![reason] });
    }
    let venue = trader.axes.venue_kind();
    let dossier = Dossier::read(desk, trader, venue).await?;
    let mut page = page(desk, ctx, &dossier).await?;
    page.shell.toasts.push(reason);
    html(StatusCode::CONFLICT, &page)
}

/// A model, deleted ones too: their history stays readable.
async fn find(desk: &Desk, id: i64) -> Result<Trader, AppError> {
    desk.store.trader(TraderId(id)).await?.ok_or_else(|| AppError::not_found("model"))
}

async fn page(desk: &Desk, ctx: &Ctx, dossier: &Dossier<'_>) -> Result<ModelPage, AppError> {
    let Dossier { trader, venue, portfolio, lens, .. } = dossier;
    let deleted = trader.deleted_at.is_some();
    let (next_run, next_run_iso) = rows::next_run(desk, trader);
    let trades = desk.store.trades(trader.id, *venue, Page::first(ROWS)).await?;
    let mut shown = Vec::with_capacity(dossier.decisions.len());
    for decision in &dossier.decisions {
        shown.push(told(desk, decision, trader, lens).await?);
    }
    let mut shell = shell(desk, ctx, Nav::Models, &trader.name).await?;
    shell.frame = if *venue == VenueKind::Mainnet { Some(env_of(*venue)) } else { shell.frame };
    let may = ctx.actor.may(Permission::Operate);
    let stop = shell.stop.is_some();
    Ok(ModelPage {
        id: trader.id.0,
        name: trader.name.clone(),
        advisor: rows::advisor(desk, trader),
        env: env_of(*venue),
        url: url(trader, *venue),
        books: books(desk, dossier).await?,
        automation: automation_word(trader.axes.automation_level).to_owned(),
        state: rows::state(trader),
        state_note: state_note(dossier),
        next_run: if next_run_iso.is_empty() && !next_run.is_empty() {
            // Market time that runs apart from the wall clock cannot be counted down on the page.
            if next_run == "now" { "runs next now".to_owned() } else { format!("next run in {next_run} market time") }
        } else {
            "next run in".to_owned()
        },
        next_run_iso,
        running: trader.is_active(),
        deleted,
        run_blocked: if deleted { String::new() } else { run_blocked(desk, trader, stop).await },
        live_note: live_note(trader),
        figures: figures(dossier).into_iter().chain(costs::figure(desk, trader).await?).collect(),
        equity: equity(desk, dossier).await?,
        equity_empty: match portfolio {
            Some(_) => Empty::new("No curve yet.", "The first points come within a minute of market time."),
            None => no_book(dossier),
        },
        positions: positions(dossier, may, stop),
        positions_empty: positions_empty(dossier),
        risk: portfolio.iter().flat_map(|portfolio| risk_status_of(trader, portfolio)).map(|s| risk_row(&s)).collect(),
        decisions: shown,
        decisions_empty: decisions_empty(desk, dossier),
        orders: dossier.orders.iter().map(|order| order_row(order, lens, may)).collect(),
        trades: trades.iter().map(|trade| trade_row(trade, lens)).collect(),
        conversations: conversations(desk, trader, *venue, lens).await?,
        shell,
    })
}

fn url(trader: &Trader, venue: VenueKind) -> String {
    let book = if trader.axes.venue_kind() == venue { String::new() } else { format!("?book={venue}") };
    format!("/models/{}{book}", trader.id)
}

/// The books that were ever opened and the one in use; nothing to choose while there is one only.
async fn books(desk: &Desk, dossier: &Dossier<'_>) -> Result<Vec<Tab>, AppError> {
    let mut tabs = Vec::new();
    for venue in VenueKind::ALL {
        let in_use = dossier.trader.axes.venue_kind() == *venue || dossier.venue == *venue;
        if in_use || desk.store.book(dossier.trader.id, *venue).await?.is_some() {
            tabs.push(Tab {
                key: venue.as_str().to_owned(),
                label: env_of(*venue).word().to_owned(),
                count: String::new(),
                url: url(&dossier.trader, *venue),
                active: *venue == dossier.venue,
            });
        }
    }
    Ok(if tabs.len() > 1 { tabs } else { Vec::new() })
}

const fn automation_word(level: AutomationLevel) -> &'static str {
    match level {
        AutomationLevel::Manual => "manual: shows and never trades",
        AutomationLevel::SemiAutomated => "semi-automated: asks before every trade",
        AutomationLevel::FullyAutomated => "fully automated: acts by itself within its limits",
    }
}

fn state_note(dossier: &Dossier<'_>) -> String {
    let trader = &dossier.trader;
    if let Some(at) = trader.deleted_at {
        let when = show::timestamp(at.0);
        return format!("This model was deleted on {when}. It trades no more; its history stays readable.");
    }
    let paused = match &trader.state {
        TradingState::Active => String::new(),
        TradingState::Paused { by, reason, at } => {
            let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            let when = dossier.lens.when(*at).text;
            format!("Paused by {by} {when}{why}. No cycle runs and no entry is sent; closing still works.")
        }
    };
    if trader.is_in_safe_mode() {
        let safe = "Safe mode: its last answers could not be used. It is asked on and may close positions; it opens \
                    nothing until an answer can be used.";
        return if paused.is_empty() { safe.to_owned() } else { format!("{paused} {safe}") };
    }
    if !paused.is_empty() || dossier.is_current() {
        return paused;
    }
    let now = env_of(trader.axes.venue_kind()).word().to_lowercase();
    format!("This is an earlier book. The model trades in {now} now.")
}

async fn run_blocked(desk: &Desk, trader: &Trader, stop: bool) -> String {
    if stop {
        return "The emergency stop is in force: nothing runs until it is lifted.".to_owned();
    }
    if !trader.is_active() {
        return "Paused models do not run. Resume it first.".to_owned();
    }
    match live::is_ready(desk, trader, trader.axes.venue_kind()).await {
        Ok(()) => String::new(),
        Err(refusal) => format!("Not now: {refusal}."),
    }
}

fn live_note(trader: &Trader) -> String {
    let leverage = trader.settings.max_leverage;
    if trader.deleted_at.is_some() || leverage == 1 {
        return String::new();
    }
    format!("Cannot go live as configured: its leverage is up to {leverage}, and spot has none.")
}

fn figures(dossier: &Dossier<'_>) -> Vec<Figure> {
    let Some(portfolio) = &dossier.portfolio else { return Vec::new() };
    let book = &portfolio.view.book;
    let money = |value: Option<rust_decimal::Decimal>| {
        value.map_or_else(show::unknown, |value| show::signed_money(value, 2, QUOTE_ASSET))
    };
    let equity = portfolio.valuation.map(|valuation| valuation.equity);
    let today = equity.map(|equity| {
        let mut book = book.clone();
        book.observe(equity, portfolio.at);
        (equity - book.day_start_equity).decimal()
    });
    let total = equity.and_then(|equity| (equity - book.initial_capital).percent_of(book.initial_capital));
    let unrealized = portfolio.valuation.map(|valuation| valuation.unrealized.decimal());
    let drawdown = rows::drawdown(&dossier.trader, portfolio);
    let limit = show::exact(dossier.trader.settings.max_drawdown_pct);
    let closed = dossier.record.won + dossier.record.lost;
    let dash = || show::DASH.to_owned();
    let started = format!("started with {}", show::number(book.initial_capital.decimal(), 2));
    vec![
        Figure::new("Equity", equity.map_or_else(dash, amount), started),
        Figure::money("Today", money(today), "since 00:00 UTC"),
        Figure::money(
            "Return",
            total.map_or_else(show::unknown, |total| show::signed_percent(total, 2)),
            "on its capital",
        ),
        Figure::money("Unrealised", money(unrealized), "what is held, at prices now"),
        Figure::money("Realised", money(Some((book.realized - book.fees).decimal())), after_fees(book.venue)),
        Figure::new("Cash", amount(book.cash), format!("fees so far {}", show::number(book.fees.decimal(), 2))),
        Figure::new(
            "Closed, won / lost",
            dossier.record.text(),
            show::plural(u64::try_from(closed).unwrap_or(u64::MAX), "closed trade", "closed trades"),
        ),
        Figure::new(
            "Drawdown",
            drawdown.map_or_else(dash, |value| show::percent(value, 1)),
            format!("limit {limit} %, high {}", show::number(book.high_water_mark.decimal(), 2)),
        ),
    ]
}

/// Which fees a book's results are told after. One in BNB is paid by the exchange account, beside every book: it counts in
/// the result of its trade alone.
const fn after_fees(venue: VenueKind) -> &'static str {
    match venue {
        VenueKind::Simulation => "after all fees",
        VenueKind::Testnet | VenueKind::Mainnet => "after fees, without those in BNB",
    }
}

async fn equity(desk: &Desk, dossier: &Dossier<'_>) -> Result<Option<Chart>, AppError> {
    let Some(portfolio) = &dossier.portfolio else { return Ok(None) };
    let trader = &dossier.trader;
    let book = &portfolio.view.book;
    let last = desk.store.last_snapshot(book.id).await?.map_or(book.opened_at, |point| point.at);
    // A book that is not traded any more ends where it was last looked at.
    let is_live = trader.deleted_at.is_none() && dossier.is_current();
    let end = if is_live { portfolio.at } else { last };
    let now = portfolio.valuation.filter(|_| is_live).map(|valuation| (end, valuation.equity));
    let start = curves::period_start(book.opened_at, end);
    let line = curves::book_line(desk, &trader.name, book, start, now).await?;
    // From the worth at the left edge on, so that both lines begin at one point.
    let capital = line.points.first().map_or(book.initial_capital, |point| point.1);
    let mut lines = vec![line];
    let fee = trader.settings.taker_fee_pct;
    lines.extend(curves::hold_line(desk, dossier.venue, capital, fee, start, end).await);
    let title = format!("Equity of {}", trader.name);
    Ok(curves::chart("equity", &title, Scale::Money, &lines, start, end))
}

fn positions(dossier: &Dossier<'_>, may: bool, stop: bool) -> Vec<PositionRow> {
    let Some(portfolio) = &dossier.portfolio else { return Vec::new() };
    let blocked = |holding: &crate::services::read::Holding| {
        let coin = &holding.position.coin;
        let closes =
            |order: &&Order| order.intent.coin == *coin && !order.intent.purpose.is_entry() && order.status().is_open();
        if !may {
            "closing needs an operator".to_owned()
        } else if stop {
            "stopped".to_owned()
        } else if !dossier.is_current() {
            "not the book in use".to_owned()
        } else if holding.is_dust {
            "dust: too little to sell here".to_owned()
        } else if portfolio.view.open_orders.iter().any(|order| closes(&order)) {
            "closing".to_owned()
        } else {
            String::new()
        }
    };
    portfolio
        .holdings
        .iter()
        .map(|holding| position_row(holding, dossier.venue, &dossier.lens, blocked(holding)))
        .collect()
}

fn no_book(dossier: &Dossier<'_>) -> Empty {
    Empty::new(
        format!("No {} book yet.", env_of(dossier.venue).word().to_lowercase()),
        "It is opened with the model's capital at its first cycle there.",
    )
}

fn positions_empty(dossier: &Dossier<'_>) -> Empty {
    let trader = &dossier.trader;
    if trader.deleted_at.is_some() {
        return Empty::new("No position.", "The model was deleted.");
    }
    let next = match trader.axes.automation_level {
        AutomationLevel::Manual => "A manual model shows decisions only; set it to semi-automated to trade.",
        AutomationLevel::SemiAutomated => "Approve one of its decisions, and what is bought shows here.",
        AutomationLevel::FullyAutomated => "When it finds an entry within its limits, what is bought shows here.",
    };
    Empty::new("No position.", next)
}

fn decisions_empty(desk: &Desk, dossier: &Dossier<'_>) -> Empty {
    let trader = &dossier.trader;
    if !trader.is_active() {
        return Empty::new("No decision.", "The model does not run.");
    }
    let when = match (trader.next_run_at, desk.markets.of(trader.axes.venue_kind())) {
        (Some(at), Some(market)) if at > market.now() => format!("in {}", show::clock(wait(at, market.now()))),
        _ => "now".to_owned(),
    };
    Empty::new("No decision yet.", format!("{} runs next {when}.", trader.name))
}

const fn wait(at: Timestamp, now: Timestamp) -> i64 {
    at.since(now)
}
