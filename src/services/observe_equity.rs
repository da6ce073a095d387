//! Looks at every book now and then: a point of its curve, the UTC day's reference equity, the high-water mark, and
//! the daily summary once a day has ended.

use crate::domain::book::BookView;
use crate::domain::cycle::EquitySnapshot;
use crate::domain::ids::BookId;
use crate::domain::incident::Severity;
use crate::domain::money::Money;
use crate::domain::notification::{NewNotification, NotificationKind};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::domain::trader::Trader;
use crate::ports::market_data::MarketData;
use crate::ports::store::{Changes, Guard, StoreError};
use crate::services::cycle_parts::{MarketView, relevant_coins};
use crate::services::desk::{Desk, is_conflict};
use crate::services::live_feed::Topic;

/// Takes one point of every living model's current book. Returns how many were taken.
///
/// # Errors
/// When the models cannot be read. A book that cannot be valued is left out: no price, no point.
pub async fn observe_all(desk: &Desk) -> Result<usize, StoreError> {
    let mut count = 0;
    for trader in desk.store.traders(false).await? {
        let Some(book) = desk.store.book(trader.id, trader.axes.venue_kind()).await? else { continue };
        let Some(market) = desk.markets.of(book.venue) else { continue };
        count += usize::from(observe(desk, &trader, book.id, market.as_ref()).await?);
    }
    if count > 0 {
        desk.live.publish(Topic::Equity, None, None);
    }
    Ok(count)
}

async fn observe(desk: &Desk, trader: &Trader, id: BookId, market: &dyn MarketData) -> Result<bool, StoreError> {
    let now = market.now();
    let Some(view) = desk.store.book_view(id, now.day_start()).await? else { return Ok(false) };
    let Ok(prices) = MarketView::read(desk, market, trader, relevant_coins(trader, &view)).await else {
        return Ok(false);
    };
    let Some(valuation) = view.value(&prices.fresh_marks(&trader.settings)) else { return Ok(false) };
    let mut book = view.book.clone();
    let day_before = book.day;
    let summary = (now.day_start() > day_before).then_some((day_before, book.day_start_equity));
    let changed = book.observe(valuation.equity, now);
    let mut changes = Changes {
        snapshots: vec![EquitySnapshot { book_id: id, at: now, equity: valuation.equity, cash: book.cash }],
        ..Changes::default()
    };
    if changed {
        changes.guards.push(Guard::Book { id, version: view.book.version });
        changes.updated_books.push(book);
    }
    if let Some((day, start)) = summary.filter(|_| trader.settings.notify_daily_summary) {
        changes.notifications.push(daily_summary(desk, trader, &view, day, start, valuation.equity).await?);
    }
    match desk.store.commit(changes).await {
        Ok(()) => Ok(true),
        // The next look comes soon.
        Err(error) if is_conflict(&error) => Ok(false),
        Err(crate::ports::store::CommitError::Store(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// The day's result, trades and what is held, in two sentences.
async fn daily_summary(
    desk: &Desk,
    trader: &Trader,
    view: &BookView,
    day: Timestamp,
    start: Money,
    equity: Money,
) -> Result<NewNotification, StoreError> {
    let end = day.plus_ms(DAY_MS);
    let closed = desk.store.closed_positions(view.book.id, CLOSED_READ).await?;
    let today: Vec<Money> = closed
        .iter()
        .filter(|position| position.closed_at.is_some_and(|at| at >= day && at < end))
        .map(crate::domain::position::Position::net_result)
        .collect();
    let won = today.iter().filter(|result| **result > Money::ZERO).count();
    let result = equity - start;
    let sign = if result.is_negative() { "" } else { "+" };
    let share = result.percent_of(start).unwrap_or_default().round_dp(2);
    Ok(NewNotification {
        kind: NotificationKind::DailySummary,
        severity: Severity::Low,
        title: format!("{}: {sign}{} USDT today", trader.name, result.decimal().round_dp(2)),
        body: format!(
            "Equity {} ({sign}{share} %). {} trades closed, {won} won; {} positions open.",
            equity.decimal().round_dp(2),
            today.len(),
            view.positions.len()
        ),
        trader_id: Some(trader.id),
        decision_id: None,
        at: desk.clock.now(),
    })
}

/// Closed round trips read for a day's summary.
const CLOSED_READ: u32 = 200;
