//! What an advisor is told: the account, what is under way, what became of it, and the market, from one moment.
//!
//! Rules read prices and hourly candles only. A language model is told everything, and what could not be had is named:
//! a gap that nobody mentions is read as "nothing happened".

use crate::domain::book::BookView;
use crate::domain::decision::{Decision, DecisionState};
use crate::domain::ids::{OrderId, TraderId};
use crate::domain::market::{Candle, CandleInterval, Coin, Symbol};
use crate::domain::money::Price;
use crate::domain::order::{Order, Purpose};
use crate::domain::position::Position;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::domain::trader::Trader;
use crate::domain::venue_kind::VenueKind;
use crate::ports::advisor::{
    BRIEF_CANDLES, BRIEF_CLOSED_TRADES, BRIEF_PAST_DECISIONS, BRIEF_RECENT_CANDLES, Brief, BriefInput, ClosedTrade,
    CoinBrief, MissingInput, OrderBrief, PastDecision, PositionBrief, WaitingBrief,
};
use crate::ports::market_data::{MarketData, MarketDataError};
use crate::ports::store::StoreError;
use crate::services::cycle_parts::{MarketView, relevant_coins};
use crate::services::desk::Desk;
use std::collections::HashMap;
use std::sync::Arc;

/// Fewer candles than this leave the slowest indicators without a value.
const CANDLES_ENOUGH: usize = 50;
/// The newest candle has closed at most so many of its lengths ago; an older one is called old.
const CANDLE_AGE_MAX: i64 = 2;

/// How much an advisor is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BriefDepth {
    /// Prices and hourly candles: all that rules look at. Without candles there is no brief.
    Rules,
    /// Everything, for rules whose records are shown to others: they look at their part of it, and without hourly
    /// candles there is no brief either.
    RulesFollowed,
    /// Everything; what cannot be had is named.
    Whole,
}

/// Why there is no brief.
#[derive(Debug, thiserror::Error)]
pub enum BriefError {
    /// The market did not answer.
    #[error(transparent)]
    Market(#[from] MarketDataError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One trader's moment: whose account and which market the brief is about.
pub struct BriefScene<'a> {
    /// Whose.
    pub trader: &'a Trader,
    /// The account.
    pub view: &'a BookView,
    /// Prices and filters.
    pub market: &'a MarketView,
    /// Where candles come from.
    pub source: &'a dyn MarketData,
}

/// Writes a brief. Beside the candles it costs three reads of the database at most, whatever the number of coins.
///
/// # Errors
/// When the store fails, or for rules when candles cannot be had.
pub async fn brief(desk: &Desk, scene: &BriefScene<'_>, depth: BriefDepth) -> Result<Brief, BriefError> {
    let BriefScene { trader, view, market, .. } = *scene;
    let mut missing = Vec::new();
    let coins = coins(scene, depth, &mut missing).await?;
    let (closed_trades, past_decisions) = match depth {
        BriefDepth::Rules => (Vec::new(), Vec::new()),
        BriefDepth::RulesFollowed | BriefDepth::Whole => history(desk, view).await?,
    };
    let equity = view.value(&market.marks()).map_or(view.book.cash, |valuation| valuation.equity);
    // A new day and a new height begin with the first look at them.
    let mut book = view.book.clone();
    book.observe(equity, market.now);
    Ok(Brief {
        at: market.now,
        trader_name: trader.name.clone(),
        equity,
        cash: view.book.cash,
        settings: trader.settings.clone(),
        margin: trader.axes.venue_kind() == VenueKind::Simulation,
        day_start_equity: book.day_start_equity,
        high_water_mark: book.high_water_mark,
        entries_today: view.entries_today,
        seed: seed(trader.id, market.now),
        coins,
        open_orders: view.open_orders.iter().map(order_brief).collect(),
        waiting: view.waiting.iter().map(waiting_brief).collect(),
        closed_trades,
        past_decisions,
        missing,
    })
}

async fn coins(
    scene: &BriefScene<'_>,
    depth: BriefDepth,
    missing: &mut Vec<MissingInput>,
) -> Result<Vec<CoinBrief>, MarketDataError> {
    let BriefScene { trader, view, market, .. } = *scene;
    let mut coins = Vec::new();
    for coin in relevant_coins(trader, view) {
        let Some(instrument) = market.instruments.of_coin(&coin) else {
            missing.push(gap(&coin, BriefInput::Market, "the venue has no such market".to_owned()));
            continue;
        };
        let Some(quote) = market.fresh_quote(&coin, &trader.settings) else {
            missing.push(gap(&coin, BriefInput::Price, stale(market, &coin, trader)));
            continue;
        };
        let market = (&coin, &instrument.symbol);
        let candles = match depth {
            BriefDepth::Rules => scene.source.candles(market.1, CandleInterval::OneHour, BRIEF_CANDLES).await?,
            BriefDepth::RulesFollowed => {
                let candles = scene.source.candles(market.1, CandleInterval::OneHour, BRIEF_CANDLES).await?;
                note_defect(scene, market.0, (CandleInterval::OneHour, &candles), missing);
                candles
            }
            BriefDepth::Whole => named_candles(scene, market, CandleInterval::OneHour, missing).await,
        };
        let recent_candles = match depth {
            BriefDepth::Rules => Arc::from([]),
            BriefDepth::RulesFollowed | BriefDepth::Whole => {
                named_candles(scene, market, CandleInterval::FiveMinutes, missing).await
            }
        };
        let position = view.position(&coin).and_then(|position| position_brief(position, quote.price));
        let waiting = view.is_busy(&coin);
        coins.push(CoinBrief {
            coin,
            instrument: instrument.clone(),
            quote,
            candles,
            recent_candles,
            position,
            waiting,
        });
    }
    Ok(coins)
}

/// Candles of an interval; what is the matter with them is noted, and they are given all the same.
async fn named_candles(
    scene: &BriefScene<'_>,
    (coin, symbol): (&Coin, &Symbol),
    interval: CandleInterval,
    missing: &mut Vec<MissingInput>,
) -> Arc<[Candle]> {
    let limit = match interval {
        CandleInterval::OneHour => BRIEF_CANDLES,
        CandleInterval::FiveMinutes => BRIEF_RECENT_CANDLES,
    };
    match scene.source.candles(symbol, interval, limit).await {
        Ok(candles) => {
            note_defect(scene, coin, (interval, &candles), missing);
            candles
        }
        Err(error) => {
            missing.push(gap(coin, input_of(interval), error.to_string()));
            Arc::from([])
        }
    }
}

fn note_defect(
    scene: &BriefScene<'_>,
    coin: &Coin,
    (interval, candles): (CandleInterval, &[Candle]),
    missing: &mut Vec<MissingInput>,
) {
    let defect = defect(candles, interval, scene.market.now);
    missing.extend(defect.map(|why| gap(coin, input_of(interval), why)));
}

const fn input_of(interval: CandleInterval) -> BriefInput {
    match interval {
        CandleInterval::OneHour => BriefInput::HourlyCandles,
        CandleInterval::FiveMinutes => BriefInput::RecentCandles,
    }
}

/// What is the matter with candles, if anything.
fn defect(candles: &[Candle], interval: CandleInterval, now: Timestamp) -> Option<String> {
    let Some(newest) = candles.last() else { return Some("there are none".to_owned()) };
    let closed_ago = now.since(newest.open_time.plus_ms(interval.ms()));
    if closed_ago > CANDLE_AGE_MAX * interval.ms() {
        return Some(format!("the newest closed {} min ago", closed_ago / (60 * SECOND_MS)));
    }
    (candles.len() < CANDLES_ENOUGH).then(|| format!("only {} of them", candles.len()))
}

fn gap(coin: &Coin, input: BriefInput, why: String) -> MissingInput {
    MissingInput { coin: coin.clone(), input, why }
}

fn stale(market: &MarketView, coin: &Coin, trader: &Trader) -> String {
    let limit = trader.settings.max_price_age_seconds;
    market.quotes.get(coin).map_or_else(
        || "there is none".to_owned(),
        |quote| format!("it is {} s old, at most {limit} s are trusted", market.now.since(quote.at) / SECOND_MS),
    )
}

/// An open position at a price, as an advisor sees it.
pub(crate) fn position_brief(position: &Position, price: Price) -> Option<PositionBrief> {
    Some(PositionBrief {
        side: position.side,
        quantity: position.quantity,
        average_price: position.average_price()?,
        unrealized: position.unrealized(price),
        leverage: position.leverage,
        stop_loss: position.stop_loss,
        profit_target: position.profit_target,
        opened_at: position.opened_at,
    })
}

fn order_brief(order: &Order) -> OrderBrief {
    let (Purpose::Entry(position_side) | Purpose::Exit(position_side)) = order.intent.purpose;
    OrderBrief {
        coin: order.intent.coin.clone(),
        side: order.intent.purpose.side(),
        position_side,
        is_entry: order.intent.purpose.is_entry(),
        quantity: order.intent.quantity,
        filled: order.filled,
        status: order.status(),
    }
}

fn waiting_brief(decision: &Decision) -> WaitingBrief {
    WaitingBrief {
        coin: decision.coin.clone(),
        signal: decision.signal,
        quantity: decision.quantity,
        price: decision.quote.map(|quote| quote.price),
        status: decision.status(),
    }
}

/// Closed trades and earlier decisions with what became of them: three reads.
async fn history(desk: &Desk, view: &BookView) -> Result<(Vec<ClosedTrade>, Vec<PastDecision>), StoreError> {
    let closed = desk.store.closed_positions(view.book.id, BRIEF_CLOSED_TRADES).await?;
    let decisions = desk.store.past_decisions(view.book.id, BRIEF_PAST_DECISIONS).await?;
    let ids: Vec<OrderId> = decisions.iter().filter_map(|decision| decision.state.order()).collect();
    let orders = if ids.is_empty() { Vec::new() } else { desk.store.orders_by_id(&ids).await? };
    let orders: HashMap<OrderId, Order> = orders.into_iter().map(|order| (order.id, order)).collect();
    let closed = closed.iter().filter_map(closed_trade).collect();
    Ok((closed, decisions.iter().map(|decision| past_decision(decision, &orders)).collect()))
}

/// A round trip that is over, as an advisor sees it.
pub(crate) fn closed_trade(position: &Position) -> Option<ClosedTrade> {
    Some(ClosedTrade {
        coin: position.coin.clone(),
        side: position.side,
        quantity: position.entered,
        result: position.net_result(),
        opened_at: position.opened_at,
        closed_at: position.closed_at?,
    })
}

fn past_decision(decision: &Decision, orders: &HashMap<OrderId, Order>) -> PastDecision {
    PastDecision {
        coin: decision.coin.clone(),
        signal: decision.signal,
        quantity: decision.quantity,
        quote: decision.quote,
        status: decision.status(),
        reason: reason(decision, orders),
    }
}

fn reason(decision: &Decision, orders: &HashMap<OrderId, Order>) -> String {
    match &decision.state {
        DecisionState::ModelError { why } => why.clone(),
        DecisionState::Denied { .. } => decision.risk.reasons(),
        DecisionState::Rejected { reason, .. } | DecisionState::Cancelled { reason, .. } => reason.clone(),
        DecisionState::Ordered { order, .. } => orders.get(order).map(order_end).unwrap_or_default(),
        DecisionState::Proposed
        | DecisionState::NoAction
        | DecisionState::Displayed { .. }
        | DecisionState::PendingApproval { .. }
        | DecisionState::Expired
        | DecisionState::Superseded { .. } => String::new(),
    }
}

/// How an order stands: `filled 0.01 at 43250.5`.
fn order_end(order: &Order) -> String {
    let status = order.status();
    match order.filled_value.per(order.filled) {
        Some(price) => format!("{status}, {} filled at {price}", order.filled),
        None => status.to_string(),
    }
}

/// A number that repeats itself for the same trader at the same market time.
fn seed(trader: TraderId, at: Timestamp) -> u64 {
    let mixed =
        (trader.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (at.0 as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 29)
}
