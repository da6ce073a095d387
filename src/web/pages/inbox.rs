//! The inbox: what waits for an answer, newest first, with one decision beside the list. The list is read by keyset and
//! its counts come from counters, so ten thousand waiting decisions cost what a hundred do.

use super::decisions::{Dossier, SheetOptions, line_row, sheet};
use super::html;
use super::lens::Lens;
use super::shell::shell_with;
use crate::domain::decision::Decision;
use crate::domain::ids::{DecisionId, OrderId, TraderId};
use crate::domain::order::Order;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::AutomationLevel;
use crate::ports::store::{DecisionFilter, DecisionLine, DecisionTab, Page, TabCounts};
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, QueryInput, decode_pairs};
use crate::web::show;
use crate::web::view::{Choice, DecisionRow, Empty, InboxNews, InboxPage, InboxTabs, Nav, Notice, Tab};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Rows of one page of the list.
const ROWS: u32 = 50;
/// New rows that are counted; beyond, the strip says "and more".
const NEWS_MAX: u32 = 20;
/// The longest address of a list that is read back, in bytes.
const REFERRER_MAX: usize = 500;

/// Which list somebody looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tab.
    pub tab: DecisionTab,
    /// One model's, or everybody's.
    pub model: Option<TraderId>,
    /// Rows older than this one.
    pub before: Option<i64>,
    /// Whether the list itself is looked at, not a decision on its own address.
    pub is_list: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self { tab: DecisionTab::Pending, model: None, before: None, is_list: false }
    }
}

impl Place {
    /// From the address of the list; what is not known there is left out rather than refused.
    fn read(query: &mut Input) -> Self {
        let tab = query.text("tab", 20).and_then(|tab| DecisionTab::parse(&tab)).unwrap_or(DecisionTab::Pending);
        let model = query.integer("model", 1..=i64::MAX).map(TraderId);
        let before = query.integer("cursor", 1..=i64::MAX);
        Self { tab, model, before, is_list: true }
    }

    /// The list that the browser came from: where "back" leads, and whose counts are shown.
    pub fn of_referrer(request: &HttpRequest) -> Self {
        let Some(address) = current_address(request) else { return Self::default() };
        match address.split_once('?').unwrap_or((&address, "")) {
            ("/inbox", query) => Self::read(&mut Input::from_pairs(decode_pairs(query.as_bytes()))),
            _ => Self::default(),
        }
    }

    /// The list's address.
    pub fn url(&self) -> String {
        let cursor = self.before.map_or_else(String::new, |before| format!("&cursor={before}"));
        let url = format!("/inbox?{}{cursor}", self.query());
        if url == "/inbox?tab=pending" { "/inbox".to_owned() } else { url }
    }

    fn query(&self) -> String {
        let model = self.model.map_or_else(String::new, |model| format!("&model={model}"));
        format!("tab={}{model}", self.tab)
    }

    fn filter(&self) -> DecisionFilter {
        DecisionFilter { trader_id: self.model, tab: Some(self.tab), status: None }
    }
}

/// The path that the browser shows: htmx says so, a plain request has its referrer.
pub fn current_path(request: &HttpRequest) -> Option<String> {
    current_address(request).map(|address| address.split('?').next().unwrap_or_default().to_owned())
}

/// The path and query that the browser shows.
pub fn current_address(request: &HttpRequest) -> Option<String> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let url = text(header::HeaderName::from_static("hx-current-url")).or_else(|| text(header::REFERER))?;
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]))?;
    (path.len() <= REFERRER_MAX).then(|| path.to_owned())
}

/// `GET /inbox`
///
/// # Errors
/// When the database fails.
pub async fn list(desk: web::Data<Desk>, ctx: Ctx, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let place = Place::read(&mut query);
    page(&desk, &ctx, StatusCode::OK, place, None, None, false).await
}

/// `GET /fragments/inbox-news`: how much is newer than the list, with fresh counts.
///
/// # Errors
/// When the database fails.
pub async fn news_fragment(desk: web::Data<Desk>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let place = Place::read(&mut query);
    let after = query.integer("after", 0..=i64::MAX).unwrap_or(0);
    let newest = desk.store.decision_lines(place.filter(), Page::first(NEWS_MAX)).await?;
    let count = newest.iter().filter(|line| line.id.0 > after).count();
    let more = if count == NEWS_MAX as usize { "+" } else { "" };
    let mut news = news(&place, after);
    (news.new, news.label) = (u64::try_from(count).unwrap_or(u64::MAX), format!("{count}{more} new"));
    news.tabs = Some(tabs(&place, desk.store.tab_counts(place.model).await?, true));
    html(StatusCode::OK, &news)
}

/// The inbox page with a decision beside the list: the given one, or the first of the list.
///
/// # Errors
/// When the database fails.
pub async fn page(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    place: Place,
    selected: Option<Decision>,
    notice: Option<Notice>,
    explicit: bool,
) -> Result<HttpResponse, AppError> {
    // One more than is shown tells whether there is an older page.
    let asked = Page { before: place.before, limit: ROWS + 1 };
    let mut lines = desk.store.decision_lines(place.filter(), asked).await?;
    let has_older = lines.len() > ROWS as usize;
    lines.truncate(ROWS as usize);
    let selected = match (selected, lines.first()) {
        (None, Some(first)) => desk.store.decision(first.id).await?,
        (selected, _) => selected,
    };
    let wanted = lines.iter().map(|line| (line.venue, line.coin.clone()));
    let lens =
        Lens::read(desk, wanted.chain(selected.iter().map(|decision| (decision.venue, decision.coin.clone())))).await?;
    let rows = list_rows(desk, &lines, selected.as_ref().map(|decision| decision.id), &lens).await?;
    let older = Place { before: lines.last().map(|last| last.id.0), ..place };
    let newest = lines.first().filter(|_| place.before.is_none()).map_or(0, |first| first.id.0);
    let detail = match selected {
        Some(decision) => {
            let dossier = Dossier::read(desk, decision).await?;
            let options = SheetOptions { explicit, back_url: place.url(), notice };
            Some(sheet(desk, ctx, &dossier, &lens, options).await?)
        }
        None => None,
    };
    let title = match &detail {
        Some(detail) if explicit => detail.title.clone(),
        _ => "Inbox".to_owned(),
    };
    let (counts, bar) = desk.store.inbox_counts(place.model).await?;
    let page = InboxPage {
        shell: shell_with(desk, ctx, Nav::Inbox, title, bar).await?,
        tabs: tabs(&place, counts, false),
        tab: place.tab.as_str().to_owned(),
        models: model_choices(lens.traders(), place.model),
        news: news(&place, newest),
        rows,
        empty: empty(&place, lens.traders(), desk),
        older_url: has_older.then(|| older.url()),
        newest_url: place.before.map(|_| Place { before: None, ..place }.url()),
        detail,
    };
    html(status, &page)
}

/// The rows of a page, with the orders of all of them read at once.
async fn list_rows(
    desk: &Desk,
    lines: &[DecisionLine],
    selected: Option<DecisionId>,
    lens: &Lens<'_>,
) -> Result<Vec<DecisionRow>, AppError> {
    let ids: Vec<OrderId> = lines.iter().filter_map(|line| line.state.order()).collect();
    let orders = if ids.is_empty() { Vec::new() } else { desk.store.orders_by_id(&ids).await? };
    let orders: BTreeMap<OrderId, Order> = orders.into_iter().map(|order| (order.id, order)).collect();
    let row = |line: &DecisionLine| {
        let order = line.state.order().and_then(|id| orders.get(&id));
        DecisionRow { selected: selected == Some(line.id), ..line_row(line, order, lens) }
    };
    Ok(lines.iter().map(row).collect())
}

/// The order of an ordered decision, by key.
///
/// # Errors
/// When the database fails.
pub async fn order_of(desk: &Desk, decision: &Decision) -> Result<Option<Order>, AppError> {
    match decision.state.order() {
        Some(order) => Ok(desk.store.order(order).await?),
        None => Ok(None),
    }
}

/// The tabs with their counts.
pub fn tabs(place: &Place, counts: TabCounts, oob: bool) -> InboxTabs {
    let tabs = DecisionTab::ALL.iter().map(|tab| {
        let (label, count) = match tab {
            DecisionTab::Pending => ("Pending", counts.pending),
            DecisionTab::Approved => ("Approved", counts.approved),
            DecisionTab::Rejected => ("Rejected", counts.rejected),
            DecisionTab::Expired => ("Expired", counts.expired),
            DecisionTab::Denied => ("Denied", counts.denied),
            DecisionTab::Displayed => ("Shown", counts.displayed),
            DecisionTab::All => ("All", counts.all),
        };
        Tab {
            key: tab.as_str().to_owned(),
            label: label.to_owned(),
            count: show::number(Decimal::from(count), 0),
            url: Place { tab: *tab, before: None, ..*place }.url(),
            active: *tab == place.tab,
        }
    });
    InboxTabs { tabs: tabs.collect(), oob }
}

/// The model filter. Deleted models are offered while they are the one that is looked at.
pub fn model_choices<'a>(traders: impl Iterator<Item = &'a Trader>, chosen: Option<TraderId>) -> Vec<Choice> {
    let mut choices = vec![Choice::new("", "All models", chosen.is_none())];
    choices.extend(
        traders
            .filter(|trader| trader.deleted_at.is_none() || chosen == Some(trader.id))
            .map(|trader| Choice::new(trader.id.to_string(), &trader.name, chosen == Some(trader.id))),
    );
    choices
}

fn news(place: &Place, after: i64) -> InboxNews {
    // On an older page everything newer is expected, and nothing is "new".
    let after = if place.before.is_some() { i64::MAX } else { after };
    InboxNews {
        poll_url: format!("/fragments/inbox-news?{}&after={after}", place.query()),
        new: 0,
        label: String::new(),
        reload_url: Place { before: None, ..*place }.url(),
        tabs: None,
    }
}

fn empty<'a>(place: &Place, traders: impl Iterator<Item = &'a Trader>, desk: &Desk) -> Empty {
    let living: Vec<&Trader> = traders.filter(|trader| trader.deleted_at.is_none()).collect();
    if living.is_empty() {
        return Empty::new("No model yet.", "A model proposes trades, and they wait here for you.")
            .with_action("Create a model", "/models/new");
    }
    let title = match place.tab {
        DecisionTab::Pending => "No decisions wait.",
        DecisionTab::Approved => "Nothing was approved yet.",
        DecisionTab::Rejected => "Nothing was rejected yet.",
        DecisionTab::Expired => "Nothing expired yet.",
        DecisionTab::Denied => "Risk has denied nothing yet.",
        DecisionTab::Displayed => "Nothing is only shown right now.",
        DecisionTab::All => "No decision yet.",
    };
    let asks = |trader: &&&Trader| {
        let level = trader.axes.automation_level;
        let speaks = level == AutomationLevel::SemiAutomated || place.tab != DecisionTab::Pending;
        trader.is_active() && speaks && place.model.is_none_or(|model| model == trader.id)
    };
    let Some(next) = living.iter().filter(asks).min_by_key(|trader| trader.next_run_at) else {
        return Empty::new(title, "No running model asks for approval. Set one to semi-automated to be asked.")
            .with_action("To the models", "/models");
    };
    let market = desk.markets.of(next.axes.venue_kind());
    let when = match (next.next_run_at, market) {
        (Some(at), Some(market)) if at > market.now() => format!("in {}", show::clock(at.since(market.now()))),
        _ => "now".to_owned(),
    };
    let then = if place.tab == DecisionTab::Pending { " and will ask here" } else { "" };
    Empty::new(title, format!("{} runs next {when}{then}.", next.name))
        .with_action(format!("To {}", next.name), format!("/models/{}", next.id))
}
