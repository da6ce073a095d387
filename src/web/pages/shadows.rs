//! Candidates that follow a model on paper: compared, started, ended.

use super::costs::{UNKNOWN, dollars};
use super::desk::curves::{Line, Scale, chart};
use super::html;
use super::language_model_fields::{NamedModel, fields};
use super::models::rows;
use super::shell::shell;
use crate::domain::access::Permission;
use crate::domain::ids::ProviderId;
use crate::domain::money::Money;
use crate::domain::paper_account::PaperFill;
use crate::domain::shadow::{Progress, SHADOWS_LISTED_MAX, Shadow, ShadowStep};
use crate::domain::signal::Side;
use crate::domain::time::Timestamp;
use crate::domain::trader::{NAME_MAX, SAFE_MODE_AFTER, Trader};
use crate::ports::store::Page;
use crate::services::desk::Desk;
use crate::services::shadows as service;
use crate::web::api::shadows::{known, read_given, shadow_error};
use crate::web::api::wire::{any_model, model};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{FormInput, QueryInput};
use crate::web::offered::OfferedNames;
use crate::web::view::{
    Badge, Chart, Empty, Field, FieldKind, Figure, KeyValue, Nav, ShadowLine, ShadowPage, ShadowsPage, StepLine, Tone,
};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Records that are listed on one page, and drawn.
const STEPS: u32 = 50;
/// Records that a curve is drawn from.
const POINTS: u32 = 400;
/// Shadows whose curves are drawn in one chart: as many as there are hues beside the model's.
const CURVES: usize = 5;
const NOT_YOURS: &str = "Asking costs money: an operator may start a shadow.";
const NO_PROVIDER: &str =
    "There is no provider of language models that a shadow could ask. Add one first, under Providers.";
const GONE: &str = "This model was deleted; its shadows are shown no new records.";

/// `GET /models/{id}/shadows`
///
/// # Errors
/// 404, or when the database fails.
pub async fn list(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let trader = any_model(&desk, *path).await?;
    page(&desk, &ctx, &offered, &trader, (StatusCode::OK, &BTreeMap::new(), ""), &Typed::default()).await
}

/// `POST /models/{id}/shadows`: what was typed stays in a form that is refused.
///
/// # Errors
/// 404, or when the database fails.
pub async fn start(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
    mut input: FormInput,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let typed = Typed {
        name: input.typed("name"),
        model: NamedModel { provider_id: input.typed("provider_id"), model_name: input.typed("model_name") },
        template: input.typed("template"),
    };
    let given = read_given(&mut input, trader.id, &ctx);
    input.refuse_unknown();
    let refused = match input.0.done(given) {
        Ok(new) => match service::start(&desk, new).await {
            Ok(shadow) => {
                let text = format!("{} follows {} from its next cycle on.", shadow.name, trader.name);
                return Ok(flash::redirect(&ctx, &format!("/models/{}/shadows", trader.id), Tone::Good, &text));
            }
            Err(error) => shadow_error(error),
        },
        Err(error) => error,
    };
    if refused.status().is_server_error() || refused.status() == StatusCode::NOT_FOUND {
        return Err(refused);
    }
    let error = if refused.fields().is_empty() { refused.message() } else { "Some fields need another look." };
    page(&desk, &ctx, &offered, &trader, (refused.status(), refused.fields(), error), &typed).await
}

/// `POST /shadows/{id}/stop`
///
/// # Errors
/// 404, or when the database fails.
pub async fn stop(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let shadow = known(&desk, *path).await?;
    let (tone, text) = match service::stop(&desk, shadow.id, &ctx.actor.name()).await {
        Ok(shadow) => (Tone::Plain, format!("{} is ended. Its results stay.", shadow.name)),
        Err(error @ service::ShadowError::Changed) => (Tone::Bad, format!("Not ended: {error}. Try again.")),
        Err(error) => return Err(shadow_error(error)),
    };
    Ok(flash::redirect(&ctx, &format!("/shadows/{}", shadow.id), tone, &text))
}

/// `GET /shadows/{id}`
///
/// # Errors
/// 404, 422, or when the database fails.
pub async fn show(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut query: QueryInput,
) -> Result<HttpResponse, AppError> {
    let before = query.integer("before", 1..=i64::MAX);
    query.refuse_unknown();
    query.0.finish()?;
    let shadow = known(&desk, *path).await?;
    let trader = any_model(&desk, shadow.trader_id.0).await?;
    let steps = desk.store.shadow_steps(shadow.id, Page { before, ..Page::first(STEPS) }).await?;
    let older = steps.last().filter(|step| steps.len() == STEPS as usize && step.number > 1);
    let drawn = desk.store.shadow_steps(shadow.id, Page::first(POINTS)).await?;
    let page = ShadowPage {
        shell: shell(&desk, &ctx, Nav::Models, format!("{}, a shadow of {}", shadow.name, trader.name)).await?,
        id: shadow.id.0,
        name: shadow.name.clone(),
        model_id: trader.id.0,
        model: trader.name.clone(),
        state: state(&shadow, &trader),
        ended: ended(&shadow),
        who: who(&desk, &shadow).await?,
        since: show::when(shadow.created_at.0, desk.clock.now().0),
        figures: shadow.progress.as_ref().map_or_else(Vec::new, |progress| figures(progress, &trader)),
        chart: curves(&trader, &[(&shadow, drawn)]),
        positions: shadow.progress.as_ref().map_or_else(Vec::new, positions),
        older: older.map(|step| format!("/shadows/{}?before={}", shadow.id, step.number)).unwrap_or_default(),
        steps: steps.iter().map(|step| step_line(&shadow, step)).collect(),
        template: shadow.template.clone().unwrap_or_default(),
        may_stop: shadow.is_active() && ctx.actor.may(Permission::Operate),
    };
    html(StatusCode::OK, &page)
}

/// What was typed.
#[derive(Default)]
struct Typed {
    name: String,
    model: NamedModel,
    template: String,
}

async fn page(
    desk: &Desk,
    ctx: &Ctx,
    offered: &OfferedNames,
    trader: &Trader,
    (status, errors, error): (StatusCode, &BTreeMap<String, String>, &str),
    typed: &Typed,
) -> Result<HttpResponse, AppError> {
    let shadows = desk.store.shadows(trader.id, SHADOWS_LISTED_MAX).await?;
    let mut hosts = BTreeMap::new();
    for id in shadows.iter().map(|shadow| shadow.provider_id) {
        if let Entry::Vacant(place) = hosts.entry(id) {
            place.insert(host(desk, id).await?);
        }
    }
    let lines = shadows.iter().map(|shadow| line(shadow, trader, hosts.get(&shadow.provider_id))).collect();
    let mut drawn = Vec::new();
    for shadow in shadows.iter().filter(|shadow| shadow.progress.is_some()).take(CURVES) {
        drawn.push((shadow, desk.store.shadow_steps(shadow.id, Page::first(POINTS)).await?));
    }
    let named = fields(desk, offered, &typed.model, errors).await?;
    let locked = match (trader.deleted_at, &named, ctx.actor.may(Permission::Operate)) {
        (Some(_), _, _) => GONE,
        (None, _, false) => NOT_YOURS,
        (None, None, true) => NO_PROVIDER,
        (None, Some(_), true) => "",
    };
    let why = |key: &str, label: &str| errors.get(key).map_or_else(String::new, |why| format!("{label} {why}."));
    let name = Field::new("name", "Name", FieldKind::Text, &typed.name)
        .help("How you will recognise it.")
        .range(format!("1 to {NAME_MAX} characters"))
        .required()
        .error(why("name", "Name"));
    let template = Field::new("template", "Template", FieldKind::Area, &typed.template)
        .help("Leave it empty for the model's own.")
        .error(why("template", "Template"));
    let page = ShadowsPage {
        shell: shell(desk, ctx, Nav::Models, format!("Shadows of {}", trader.name)).await?,
        id: trader.id.0,
        name: trader.name.clone(),
        state: rows::state(trader),
        lines,
        chart: curves(trader, &drawn),
        empty: Empty::new(
            "No shadow yet.",
            "A shadow tries another language model, or other words, on what this model is told, without a trade.",
        ),
        error: error.to_owned(),
        locked: locked.to_owned(),
        fields: [name].into_iter().chain(named.into_iter().flatten()).chain([template]).collect(),
    };
    html(status, &page)
}

fn line(shadow: &Shadow, trader: &Trader, host: Option<&String>) -> ShadowLine {
    let dash = || show::DASH.to_owned();
    let progress = shadow.progress.as_ref();
    let figure =
        |value: fn(&Progress) -> Decimal| progress.map_or_else(show::unknown, |p| show::signed_percent(value(p), 2));
    ShadowLine {
        url: format!("/shadows/{}", shadow.id),
        name: shadow.name.clone(),
        who: host.map_or_else(|| shadow.model_name.clone(), |host| format!("{} · {host}", shadow.model_name)),
        state: state(shadow, trader),
        result: figure(Progress::return_pct),
        model: figure(Progress::leader_return_pct),
        drawdown: progress.map_or_else(dash, |p| show::percent(p.account.drawdown_pct, 2)),
        trades: progress.map_or_else(dash, |p| format!("{}/{}", p.account.wins, p.account.trades - p.account.wins)),
        agreed: progress.map_or_else(dash, agreed),
        trouble: progress.map_or_else(dash, |p| format!("{} / {} / {}", p.denied, p.unusable, p.failed)),
        cost: progress.map_or_else(dash, |p| spent(p.cost, p.unpriced_calls)),
    }
}

/// What calls cost, as far as somebody said what tokens cost.
pub(super) fn spent(cost: Decimal, unpriced_calls: u32) -> String {
    match (unpriced_calls, cost.is_zero()) {
        (0, _) => dollars(cost),
        (_, true) => UNKNOWN.to_owned(),
        (_, false) => format!("over {}", dollars(cost)),
    }
}

/// Why it ended by itself; empty when it did not.
fn ended(shadow: &Shadow) -> String {
    let why = shadow.progress.as_ref().and_then(|progress| progress.ended.as_deref());
    why.map(|why| format!("It has ended: {why}, and nothing could be compared.")).unwrap_or_default()
}

/// Which model of whom.
pub(super) async fn who(desk: &Desk, shadow: &Shadow) -> Result<String, AppError> {
    Ok(format!("{} · {}", shadow.model_name, host(desk, shadow.provider_id).await?))
}

/// The name of a provider, deleted or not.
async fn host(desk: &Desk, id: ProviderId) -> Result<String, AppError> {
    let provider = desk.store.provider(id).await?;
    Ok(provider.map_or_else(|| format!("provider {id}"), |provider| provider.name))
}

fn state(shadow: &Shadow, trader: &Trader) -> Badge {
    let (text, tone) = match (shadow.is_active(), &shadow.progress) {
        (false, Some(Progress { ended: Some(_), .. })) => ("ended by itself", Tone::Wait),
        (false, _) => ("ended", Tone::Plain),
        (true, _) if trader.deleted_at.is_some() => ("its model is gone", Tone::Plain),
        (true, _) if !trader.is_active() => ("its model is paused", Tone::Wait),
        (true, None) => ("waits for the next cycle", Tone::Wait),
        (true, Some(progress)) if progress.failed == progress.steps => ("no answer yet", Tone::Bad),
        (true, Some(progress)) if progress.unanswered > 0 => ("no answer last time", Tone::Bad),
        (true, Some(progress)) if progress.model_errors >= SAFE_MODE_AFTER => ("safe mode", Tone::Bad),
        (true, Some(progress)) if progress.model_errors > 0 => ("last answer unusable", Tone::Bad),
        (true, Some(_)) => ("follows", Tone::Good),
    };
    Badge { text: text.to_owned(), tone }
}

/// How often both wanted the same, of the coins that both answered.
fn agreed(progress: &Progress) -> String {
    let share = Decimal::from(progress.agreed) * Decimal::ONE_HUNDRED;
    let share = share.checked_div(Decimal::from(progress.compared));
    share.map_or_else(|| show::DASH.to_owned(), |share| show::percent(share, 0))
}

fn figures(progress: &Progress, trader: &Trader) -> Vec<Figure> {
    let account = &progress.account;
    let money = |money: Money| show::number(money.decimal(), 2);
    let skipped = match progress.skipped {
        0 => String::new(),
        skipped => format!("{skipped} skipped: too slow, or not readable"),
    };
    vec![
        Figure::with_change("Equity on paper", money(account.equity()), show::signed_percent(progress.return_pct(), 2)),
        Figure::with_change(
            &trader.name,
            money(progress.leader_equity),
            show::signed_percent(progress.leader_return_pct(), 2),
        ),
        Figure::new(
            "Deepest fall",
            show::percent(account.drawdown_pct, 2),
            format!("{} {}", trader.name, show::percent(progress.leader_drawdown_pct, 2)),
        ),
        Figure::new(
            "Round trips",
            account.trades.to_string(),
            format!("{} won, fees {}", account.wins, money(account.book.fees)),
        ),
        Figure::new("Agreed", agreed(progress), format!("of {} answers", progress.compared)),
        Figure::new(
            "Records",
            progress.steps.to_string(),
            [format!("{} unanswered", progress.failed), skipped]
                .into_iter()
                .filter(|w| !w.is_empty())
                .collect::<Vec<_>>()
                .join(", "),
        ),
        Figure::new("Denied / unusable", format!("{} / {}", progress.denied, progress.unusable), "by coin"),
        Figure::new(
            "AI cost",
            spent(progress.cost, progress.unpriced_calls),
            format!("{} {}", trader.name, spent(progress.leader_cost, progress.leader_unpriced_calls)),
        ),
    ]
}

/// Returns of shadows, and of the model at the moments of the longest of them. Each is measured from its own beginning.
fn curves(trader: &Trader, drawn: &[(&Shadow, Vec<ShadowStep>)]) -> Option<Chart> {
    let points = |steps: &[ShadowStep], value: fn(&ShadowStep) -> Money| -> Vec<(Timestamp, Money)> {
        steps.iter().rev().map(|step| (step.market_at, value(step))).collect()
    };
    let mut lines: Vec<Line> = Vec::new();
    for (shadow, steps) in drawn {
        let start = shadow.progress.as_ref()?.account.book.initial_capital;
        let points = points(steps, |step| step.equity);
        lines.push(Line { name: shadow.name.clone(), is_benchmark: false, start, points });
    }
    let (followed, longest) = drawn.iter().max_by_key(|(_, steps)| steps.len())?;
    let start = followed.progress.as_ref()?.leader_start;
    let points = points(longest, |step| step.leader_equity);
    let (first, last) = (*points.first()?, *points.last()?);
    lines.push(Line { name: trader.name.clone(), is_benchmark: true, start, points });
    chart("shadow-curves", "Return since the first record", Scale::Return, &lines, first.0, last.0)
}

fn positions(progress: &Progress) -> Vec<KeyValue> {
    let words = |position: &crate::domain::position::Position| {
        let average = position.average_price().map(crate::domain::money::Price::decimal);
        let average =
            average.map_or_else(|| show::DASH.to_owned(), |price| show::number(price, show::price_places(price)));
        KeyValue::new(position.coin.as_str(), format!("{} {} at {average}", position.side, position.quantity))
    };
    progress.account.positions.iter().map(words).collect()
}

/// A fill on paper in a few words: `bought 0.01 BTC at 43,250.5 (stop loss)`.
pub(super) fn fill_words(fill: &PaperFill) -> String {
    let verb = match fill.purpose.side() {
        Side::Buy => "bought",
        Side::Sell => "sold",
    };
    let why = if fill.why == "decision" { String::new() } else { format!(" ({})", fill.why) };
    let price = show::number(fill.price.decimal(), show::price_places(fill.price.decimal()));
    format!("{verb} {} {} at {price}{why}", fill.quantity, fill.coin)
}

fn step_line(shadow: &Shadow, step: &ShadowStep) -> StepLine {
    let mut what: Vec<String> = step.fills.iter().map(fill_words).collect();
    what.extend(step.error.as_deref().map(|error| format!("no answer: {error}")));
    if what.is_empty() {
        what.push("no trade".to_owned());
    }
    StepLine {
        url: format!("/shadows/{}/steps/{}", shadow.id, step.number),
        cycle: step.cycle_id.0,
        market: show::minute(step.market_at.0),
        equity: show::number(step.equity.decimal(), 2),
        model_equity: show::number(step.leader_equity.decimal(), 2),
        what,
        failed: step.error.is_some(),
        cost: step.cost.map_or_else(|| UNKNOWN.to_owned(), dollars),
    }
}
