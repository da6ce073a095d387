//! The frame around every signed-in page: counts, health, equity today, stop, messages. It costs a few small queries a
//! page; what needs prices is read at most once a second for all pages together.

use crate::domain::venue_kind::VenueKind;
use crate::ports::store::BarCounts;
use crate::services::desk::Desk;
use crate::services::health::Health;
use crate::services::read::{Glance, MarketGlance, glance};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::pages::html;
use crate::web::view::{Env, Nav, Shell, Signed, StopBanner, Topbar};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long the figures of the top bar are good for.
const GLANCE_FOR: Duration = Duration::from_secs(1);
/// Decimals of money in the bar.
const MONEY_PLACES: u32 = 2;

/// The figures of the top bar, shared by all pages. Whoever comes while they are being read waits for that reading.
#[derive(Default)]
pub struct GlanceCache(Mutex<Option<(Instant, Glance)>>);

impl GlanceCache {
    async fn get(&self, desk: &Desk) -> Result<Glance, AppError> {
        let mut kept = self.0.lock().await;
        if let Some((read_at, figures)) = kept.as_ref()
            && read_at.elapsed() < GLANCE_FOR
        {
            return Ok(figures.clone());
        }
        let figures = glance(desk).await?;
        *kept = Some((Instant::now(), figures.clone()));
        Ok(figures)
    }
}

/// The frame of a page, with the messages that the last request left.
///
/// # Errors
/// When the database fails.
pub async fn shell(desk: &Desk, ctx: &Ctx, active: Nav, title: impl Into<String>) -> Result<Shell, AppError> {
    shell_with(desk, ctx, active, title, desk.store.bar_counts().await?).await
}

/// The frame of a page that has read the counts already.
///
/// # Errors
/// When the database fails.
pub async fn shell_with(
    desk: &Desk,
    ctx: &Ctx,
    active: Nav,
    title: impl Into<String>,
    counts: BarCounts,
) -> Result<Shell, AppError> {
    let figures = figures(desk, ctx).await?;
    let now = desk.clock.now();
    let stop = desk.stop.in_force().await.map(|order| StopBanner {
        by: order.by,
        reason: order.reason,
        since: show::when(order.at.0, now.0),
    });
    Ok(Shell {
        title: title.into(),
        nav: active,
        operator: ctx.actor.name(),
        csrf: ctx.csrf.clone(),
        theme: ctx.theme,
        frame: figures.frame().map(env_of),
        topbar: topbar(ctx, &figures, counts, false),
        stop,
        toasts: flash::read(ctx),
    })
}

/// `GET /fragments/topbar`: the part of the bar that moves, with both counts out of band.
///
/// # Errors
/// When the database fails.
pub async fn topbar_fragment(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    let figures = figures(&desk, &ctx).await?;
    let counts = desk.store.bar_counts().await?;
    html(StatusCode::OK, &topbar(&ctx, &figures, counts, true))
}

/// How a venue is shown.
pub const fn env_of(venue: VenueKind) -> Env {
    match venue {
        VenueKind::Simulation => Env::Simulation,
        VenueKind::Testnet => Env::Testnet,
        VenueKind::Mainnet => Env::Mainnet,
    }
}

async fn figures(desk: &Desk, ctx: &Ctx) -> Result<Glance, AppError> {
    match &ctx.around.glance {
        Some(cache) => cache.get(desk).await,
        None => Ok(glance(desk).await?),
    }
}

fn topbar(ctx: &Ctx, figures: &Glance, counts: BarCounts, oob: bool) -> Topbar {
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let (workers, workers_ok) = workers(ctx.around.state().ok().map(|state| state.health.as_ref()));
    Topbar {
        verified: figures.today.is_some() || !figures.has_books,
        market: market_words(figures.market),
        market_ok: figures.market.is_fresh,
        market_simulated: figures.market.is_simulated,
        exchange: exchange_words(figures),
        exchange_ok: figures.exchange_ok.unwrap_or(true),
        workers,
        workers_ok,
        equity_today: equity_today(figures),
        pending: count(counts.pending),
        unread: count(counts.unread),
        unknown: count(counts.unknown),
        oob,
    }
}

fn market_words(market: MarketGlance) -> String {
    match market.age_ms {
        None => "no market data".to_owned(),
        Some(age) if market.is_fresh => format!("market {}", show::span(age)),
        Some(age) => format!("market {} old", show::span(age)),
    }
}

fn exchange_words(figures: &Glance) -> String {
    match (figures.exchange_ok, figures.strongest()) {
        (Some(true), Some(venue)) => format!("{venue} ok"),
        (Some(false), Some(venue)) => format!("{venue} not configured"),
        _ => String::new(),
    }
}

/// The strongest venue's result; with several venues in use it says whose, since they are never summed.
fn equity_today(figures: &Glance) -> Signed {
    let Some(today) = figures.today else { return show::unknown() };
    let mut shown = show::signed(today.decimal(), MONEY_PLACES);
    if let Some(venue) = figures.strongest().filter(|_| figures.venues.len() > 1) {
        shown.text = format!("{} {}", shown.text, env_of(venue).word().to_lowercase());
    }
    shown
}

fn workers(health: Option<&Health>) -> (String, bool) {
    let workers = health.map(Health::workers).unwrap_or_default();
    let silent: Vec<&str> = workers.iter().filter(|(_, alive)| !**alive).map(|(name, _)| name.as_str()).collect();
    if silent.is_empty() {
        (if workers.is_empty() { String::new() } else { "workers ok".to_owned() }, true)
    } else {
        (format!("{} silent", silent.join(", ")), false)
    }
}
