//! Watches open positions and executes what their stop, target or margin demand, paused models included: protection
//! never sleeps. Every venue's positions are watched alike, at its own prices, and closed at the market.

use crate::domain::ids::{BookId, PositionId, TraderId};
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::market::{Candle, CandleInterval, Coin};
use crate::domain::money::Price;
use crate::domain::order::{Order, OrderCause};
use crate::domain::position::Position;
use crate::domain::protection::{Trigger, triggered};
use crate::domain::risk::RiskReport;
use crate::domain::signal::Signal;
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::VenueKind;
use crate::ports::market_data::MarketData;
use crate::ports::store::{AuditEntry, Changes, CommitError, Guard, StoreError};
use crate::services::cycle_parts::{MarketView, Scene, Wish, relevant_coins};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::journal::journal;
use crate::services::judge::refusal;
use crate::services::live::{AccountView, Balances, Errand, LiveRefusal};
use crate::services::live_feed::Topic;
use crate::services::run_cycle::told;
use std::collections::HashMap;
use std::sync::Arc;

/// Five-minute candles looked back at after a pause of the process: one day. Older moves are caught by the price itself.
const LOOK_BACK_CANDLES: usize = 288;

/// How far each position's candles have been looked at, in market time. Kept in memory: after a restart the look-back
/// covers the gap.
#[derive(Debug, Default)]
pub struct Watch {
    seen: HashMap<PositionId, Seen>,
}

/// The limits of a position change with its version, and new limits must not be met by old prices.
#[derive(Clone, Copy, Debug)]
struct Seen {
    version: i64,
    until: Timestamp,
}

impl Watch {
    /// From when on candles say something new about this position.
    fn from(&self, position: &Position, now: Timestamp) -> Timestamp {
        match self.seen.get(&position.id) {
            Some(seen) if seen.version == position.version => seen.until,
            Some(_) => now,
            None => position.watched_until,
        }
    }
}

/// Why a position could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// No such model, or nothing held in this coin.
    #[error("there is no open {0} position")]
    NothingHeld(Coin),
    /// The live account may not or cannot be used.
    #[error(transparent)]
    Live(LiveRefusal),
    /// The emergency stop is in force.
    #[error("the emergency stop is in force")]
    Stopped,
    /// What is held is too little to be sold there.
    #[error("what is left of {0} is dust: too little to be sold at this venue")]
    Dust(Coin),
    /// The rules refuse it: no price, or it is being closed already.
    #[error("{}", .0.reasons())]
    Refused(RiskReport),
    /// Others kept changing the account.
    #[error("the account keeps changing; try again")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LiveRefusal> for CloseError {
    fn from(refusal: LiveRefusal) -> Self {
        match refusal {
            LiveRefusal::Store(error) => Self::Store(error),
            refusal => Self::Live(refusal),
        }
    }
}

/// Looks at every open position once. Returns the orders that were journaled.
///
/// # Errors
/// When the positions cannot be read. A failure of one position is logged and does not stop the others.
pub async fn watch(desk: &Desk, watch: &mut Watch) -> Result<usize, StoreError> {
    let mut positions = Vec::new();
    for venue in VenueKind::ALL {
        let Some(market) = desk.markets.of(*venue) else { continue };
        let open = desk.store.open_positions(*venue).await?;
        positions.extend(open.into_iter().map(|position| (Arc::clone(market), position)));
    }
    watch.seen.retain(|id, _| positions.iter().any(|(_, position)| position.id == *id));
    let mut count = 0;
    for (market, position) in positions {
        match look(desk, market.as_ref(), watch, &position).await {
            Ok(true) => count += 1,
            Ok(false) => {}
            Err(error) => crate::observe::protection_failed(&position, &error),
        }
    }
    Ok(count)
}

async fn look(
    desk: &Desk,
    market: &dyn MarketData,
    watch: &mut Watch,
    position: &Position,
) -> Result<bool, CloseError> {
    let now = market.now();
    let from = watch.from(position, now);
    let Some((low, high, until)) = range(desk, market, position, from, now).await else { return Ok(false) };
    let Some(trigger) = triggered(position, low, high) else {
        watch.seen.insert(position.id, Seen { version: position.version, until });
        return Ok(false);
    };
    let cause = match trigger {
        Trigger::Liquidation(_) => OrderCause::Liquidation(position.id),
        Trigger::StopLoss(_) | Trigger::ProfitTarget(_) => OrderCause::Protective(position.id),
    };
    if desk.store.open_orders(Some(position.trader_id)).await?.iter().any(|order| is_exit_of(order, position)) {
        return Ok(false);
    }
    let result = close(
        desk,
        position.trader_id,
        position.book_id,
        &position.coin,
        cause,
        Reason { why: trigger.word(), by: crate::services::settle::SELF, met: Some(trigger.price()) },
    )
    .await;
    match result {
        Ok(_) => {
            watch.seen.insert(position.id, Seen { version: position.version, until });
            Ok(true)
        }
        // What is too little to be sold cannot be protected, and need not be.
        Err(CloseError::Dust(_)) => Ok(false),
        Err(CloseError::Refused(report)) => {
            report_unprotected(desk, position, trigger, &report.reasons()).await?;
            Ok(false)
        }
        Err(CloseError::Live(refusal)) => {
            report_unprotected(desk, position, trigger, &refusal.to_string()).await?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// The fill model takes what a used-up margin leaves, however little.
const fn is_liquidation(cause: OrderCause) -> bool {
    matches!(cause, OrderCause::Liquidation(_))
}

fn is_exit_of(order: &Order, position: &Position) -> bool {
    order.intent.book_id == position.book_id && order.intent.coin == position.coin && !order.intent.purpose.is_entry()
}

/// Lowest and highest price since `from`, and how far candles told them: the closed candles that began at `from` or
/// later, and the price now.
async fn range(
    desk: &Desk,
    market: &dyn MarketData,
    position: &Position,
    from: Timestamp,
    now: Timestamp,
) -> Option<(Price, Price, Timestamp)> {
    let trader = desk.store.trader(position.trader_id).await.ok()??;
    let quotes = market.quotes(std::slice::from_ref(&position.symbol)).await.ok()?;
    let quote =
        quotes.get(&position.symbol).filter(|quote| quote.is_fresh(now, trader.settings.max_price_age_seconds))?;
    let given = desk.given_quotes.fresh(trader.id, &position.coin, now, trader.settings.max_price_age_seconds);
    let price = given.map_or(quote.price, |given| given.price);
    let (candles, until) = candles_since(market, position, from, now).await;
    let low = candles.iter().map(|candle| candle.low).fold(price, Price::min);
    let high = candles.iter().map(|candle| candle.high).fold(price, Price::max);
    Some((low, high, until))
}

/// Closed candles that began at `from` or later, with the end of the last one: what is still running is looked at once
/// it has closed, so that no low or high falls between two looks.
async fn candles_since(
    market: &dyn MarketData,
    position: &Position,
    from: Timestamp,
    now: Timestamp,
) -> (Vec<Candle>, Timestamp) {
    for interval in [CandleInterval::FiveMinutes, CandleInterval::OneHour] {
        let step = interval.ms();
        let floor = from.floor_to(step);
        let first = if floor < from { floor.plus_ms(step) } else { floor };
        if first.plus_ms(step) > now {
            continue;
        }
        if let Ok(candles) = market.candles(&position.symbol, interval, LOOK_BACK_CANDLES).await {
            let until = candles.last().map_or(from, |last| last.open_time.plus_ms(step).max(from));
            return (candles.iter().filter(|candle| candle.open_time >= from).copied().collect(), until);
        }
    }
    (Vec::new(), from)
}

async fn report_unprotected(desk: &Desk, position: &Position, trigger: Trigger, why: &str) -> Result<(), CloseError> {
    let incident = NewIncident {
        kind: IncidentKind::PositionUnprotected,
        severity: Severity::High,
        trader_id: Some(position.trader_id),
        title: format!("{} of the {} position could not be executed", trigger.word(), position.coin),
        detail: why.to_owned(),
        fingerprint: format!("position {}", position.id),
        at: desk.clock.now(),
    };
    let changes = Changes { notifications: vec![told(&incident)], incidents: vec![incident], ..Changes::default() };
    match desk.store.commit(changes).await {
        Ok(()) => desk.live.publish(Topic::Incident, None, Some(position.trader_id)),
        Err(CommitError::Store(error)) => return Err(error.into()),
        Err(error) => crate::observe::commit_failed("reporting an unprotected position", &error),
    }
    Ok(())
}

/// Closes a position for a person: journals the order and wakes the submitter.
///
/// # Errors
/// [`CloseError`] says why there is no order.
pub async fn close_position(desk: &Desk, trader: &Trader, coin: &Coin, by: &str) -> Result<Order, CloseError> {
    if desk.stop.in_force().await.is_some() {
        return Err(CloseError::Stopped);
    }
    let nothing = || CloseError::NothingHeld(coin.clone());
    let book = desk.store.book(trader.id, trader.axes.venue_kind()).await?.ok_or_else(nothing)?;
    let view = desk.store.book_view(book.id, Timestamp::default()).await?.ok_or_else(nothing)?;
    let position = view.position(coin).ok_or_else(nothing)?.id;
    let reason = Reason { why: "closed by hand", by, met: None };
    close(desk, trader.id, book.id, coin, OrderCause::OperatorClose(position), reason).await
}

/// Why a position is closed, for the audit trail and the fill.
#[derive(Clone, Copy)]
struct Reason<'a> {
    why: &'a str,
    by: &'a str,
    /// The price whose being met closes it. The price may have come back within the candle since; the fill model takes
    /// the worse of the two.
    met: Option<Price>,
}

/// Journals an exit of everything that is held and free.
async fn close(
    desk: &Desk,
    trader: TraderId,
    book: BookId,
    coin: &Coin,
    cause: OrderCause,
    reason: Reason<'_>,
) -> Result<Order, CloseError> {
    let nothing = || CloseError::NothingHeld(coin.clone());
    for _ in 0..COMMIT_ATTEMPTS {
        let trader = desk.store.trader(trader).await?.ok_or_else(nothing)?;
        let view = desk.store.book_view(book, Timestamp::default()).await?.ok_or_else(nothing)?;
        let venue = view.book.venue;
        let market = desk.markets.of(venue).ok_or_else(|| LiveRefusal::no_market(venue))?;
        let account = AccountView::read(desk, &trader, (book, venue), Errand::Exit, Balances::Read).await?;
        let Ok(market) = MarketView::read(desk, market.as_ref(), &trader, relevant_coins(&trader, &view)).await else {
            return Err(CloseError::Refused(refusal(&crate::services::cycle_parts::IntentError::NoPrice(
                coin.clone(),
            ))));
        };
        let scene = Scene::new(&trader, &view, &market, &account, None, None);
        if view.position(coin).is_some_and(|position| market.is_dust(coin, position.quantity)) && !is_liquidation(cause)
        {
            return Err(CloseError::Dust(coin.clone()));
        }
        let wish = Wish {
            coin: coin.clone(),
            signal: Signal::ClosePosition,
            quantity: None,
            leverage: 1,
            stop_loss: None,
            profit_target: None,
        };
        let mut intent = scene.intent(&wish, cause, 0).map_err(|error| CloseError::Refused(refusal(&error)))?;
        if let Some(price) = reason.met {
            intent.quote.price = price;
        }
        let checked = scene.check(intent, view.entries_today).map_err(CloseError::Refused)?;
        let wall = desk.clock.now();
        let mut changes = Changes {
            guards: vec![Guard::Book { id: book, version: view.book.version }],
            audit: vec![AuditEntry {
                at: wall,
                actor: reason.by.to_owned(),
                action: "position.close",
                subject: format!("model {} {coin}", trader.id),
                detail: reason.why.to_owned(),
            }],
            ..Changes::default()
        };
        journal(desk, &mut changes, checked, wall, market.now).await?;
        let order = changes.new_orders.last().cloned();
        match desk.store.commit(changes).await {
            Ok(()) => {
                desk.submit_wake.notify_one();
                desk.live.publish(Topic::Order, None, Some(trader.id));
                return order.ok_or(CloseError::Contended);
            }
            Err(error) if is_conflict(&error) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(_) => return Err(CloseError::Contended),
        }
    }
    Err(CloseError::Contended)
}
