//! What a template may name: a brief as texts. Only what is here can be told, so this is also the list that the editor
//! of templates shows.

use super::words::{UNKNOWN, exact, exact_or_none, exact_or_unknown, hundredths, level, outside, own, push, time};
use crate::adapters::indicators::{atr, bollinger, closes, ema, macd, mean, rsi, volumes};
use crate::domain::market::{Candle, CandleInterval};
use crate::domain::money::Price;
use crate::domain::provider::AnswerMode;
use crate::domain::signal::Signal;
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::TraderSettings;
use crate::ports::advisor::{
    Brief, ClosedTrade, CoinBrief, MissingInput, OrderBrief, PastDecision, PositionBrief, WaitingBrief,
};
use serde::Serialize;

/// How much of a brief is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Hourly candles of each coin, the newest.
    pub hourly: usize,
    /// Five-minute candles of each coin, the newest.
    pub recent: usize,
    /// Closed trades, the newest.
    pub trades: usize,
    /// Earlier decisions, the newest.
    pub decisions: usize,
}

/// Everything that a template may name.
#[derive(Serialize)]
pub(super) struct Facts<'a> {
    time: String,
    name: String,
    coin_names: String,
    margin: bool,
    account: Account,
    limits: Limits,
    strategy: String,
    coins: Vec<Coin>,
    missing: Vec<Missing>,
    orders: Vec<Order>,
    waiting: Vec<Waiting>,
    closed_trades: Vec<Closed>,
    past_decisions: Vec<Past>,
    mode: &'static str,
    show_schema: bool,
    schema: &'a str,
}

#[derive(Serialize)]
struct Account {
    equity: String,
    cash: String,
    day_start_equity: String,
    day_change_pct: String,
    high_water_mark: String,
    drawdown_pct: String,
    entries_today: u32,
    open_positions: usize,
}

#[derive(Serialize)]
struct Limits {
    max_position_size_pct: String,
    max_open_positions: u32,
    min_cash_reserve_pct: String,
    max_leverage: u32,
    max_daily_trades: u32,
    max_daily_loss_pct: String,
    max_drawdown_pct: String,
    taker_fee_pct: String,
    decision_ttl_minutes: u32,
    trading_interval_minutes: u32,
}

#[derive(Serialize)]
struct Coin {
    name: String,
    symbol: String,
    price: String,
    price_age_seconds: i64,
    day_change_pct: String,
    min_notional: String,
    min_quantity: String,
    step: String,
    tick: String,
    position: Option<Position>,
    waiting: bool,
    hourly: Span,
    recent: Span,
}

#[derive(Serialize)]
struct Position {
    side: &'static str,
    quantity: String,
    average_price: String,
    unrealized: String,
    leverage: u32,
    stop_loss: String,
    profit_target: String,
    opened_at: String,
}

/// One interval of a coin: indicators over all of its candles, and the newest of them as rows.
#[derive(Serialize)]
struct Span {
    interval: &'static str,
    ema_9: String,
    ema_21: String,
    ema_50: String,
    rsi_14: String,
    macd: String,
    macd_signal: String,
    macd_histogram: String,
    atr_14: String,
    bollinger_upper: String,
    bollinger_middle: String,
    bollinger_lower: String,
    volume: String,
    volume_mean_20: String,
    from: String,
    has_gaps: bool,
    rows: String,
}

#[derive(Serialize)]
struct Missing {
    coin: String,
    input: &'static str,
    why: String,
}

#[derive(Serialize)]
struct Order {
    coin: String,
    side: &'static str,
    position_side: &'static str,
    effect: &'static str,
    quantity: String,
    filled: String,
    status: &'static str,
}

#[derive(Serialize)]
struct Waiting {
    coin: String,
    signal: &'static str,
    quantity: String,
    price: String,
    status: &'static str,
}

#[derive(Serialize)]
struct Closed {
    coin: String,
    side: &'static str,
    quantity: String,
    result: String,
    opened_at: String,
    closed_at: String,
}

#[derive(Serialize)]
struct Past {
    coin: String,
    signal: &'static str,
    quantity: String,
    price: String,
    at: String,
    outcome: &'static str,
    reason: String,
}

impl<'a> Facts<'a> {
    /// A brief as texts, as far as `extent` reaches.
    pub fn of(brief: &Brief, extent: Extent, schema: &'a str, mode: AnswerMode) -> Self {
        let names: Vec<&str> = brief.coins.iter().map(|coin| coin.coin.as_str()).collect();
        Self {
            time: time(brief.at),
            name: outside(&brief.trader_name),
            coin_names: if names.is_empty() { "none".to_owned() } else { names.join(", ") },
            margin: brief.margin,
            account: account(brief),
            limits: limits(&brief.settings),
            strategy: own(&brief.settings.ai_strategy).trim().to_owned(),
            coins: brief.coins.iter().map(|coin| coin_facts(coin, brief.at, extent)).collect(),
            missing: brief.missing.iter().map(missing).collect(),
            orders: brief.open_orders.iter().map(order).collect(),
            waiting: brief.waiting.iter().map(waiting).collect(),
            closed_trades: brief.closed_trades.iter().take(extent.trades).map(closed).collect(),
            past_decisions: brief.past_decisions.iter().take(extent.decisions).map(past).collect(),
            mode: mode.as_str(),
            show_schema: mode != AnswerMode::JsonSchema,
            schema,
        }
    }
}

fn account(brief: &Brief) -> Account {
    let percent = |part: crate::domain::money::Money, whole| {
        part.percent_of(whole).map_or_else(|| UNKNOWN.to_owned(), hundredths)
    };
    Account {
        equity: hundredths(brief.equity.decimal()),
        cash: hundredths(brief.cash.decimal()),
        day_start_equity: hundredths(brief.day_start_equity.decimal()),
        day_change_pct: percent(brief.equity - brief.day_start_equity, brief.day_start_equity),
        high_water_mark: hundredths(brief.high_water_mark.decimal()),
        drawdown_pct: percent(brief.high_water_mark - brief.equity, brief.high_water_mark),
        entries_today: brief.entries_today,
        open_positions: brief.coins.iter().filter(|coin| coin.position.is_some()).count(),
    }
}

fn limits(settings: &TraderSettings) -> Limits {
    Limits {
        max_position_size_pct: exact(settings.max_position_size_pct),
        max_open_positions: settings.max_open_positions,
        min_cash_reserve_pct: exact(settings.min_cash_reserve_pct),
        max_leverage: settings.max_leverage,
        max_daily_trades: settings.max_daily_trades,
        max_daily_loss_pct: exact(settings.max_daily_loss_pct),
        max_drawdown_pct: exact(settings.max_drawdown_pct),
        taker_fee_pct: exact(settings.taker_fee_pct),
        decision_ttl_minutes: settings.decision_ttl_minutes,
        trading_interval_minutes: settings.trading_interval_minutes,
    }
}

fn coin_facts(coin: &CoinBrief, at: Timestamp, extent: Extent) -> Coin {
    Coin {
        name: outside(coin.coin.as_str()),
        symbol: outside(coin.instrument.symbol.as_str()),
        price: exact(coin.quote.price.decimal()),
        price_age_seconds: coin.price_age_seconds(at),
        day_change_pct: coin.day_change_pct().map_or_else(|| UNKNOWN.to_owned(), hundredths),
        min_notional: exact(coin.instrument.min_notional),
        min_quantity: exact(coin.instrument.min_quantity),
        step: exact(coin.instrument.step()),
        tick: exact(coin.instrument.tick()),
        position: coin.position.as_ref().map(position),
        waiting: coin.waiting,
        hourly: span(&coin.candles, CandleInterval::OneHour, extent.hourly),
        recent: span(&coin.recent_candles, CandleInterval::FiveMinutes, extent.recent),
    }
}

fn position(position: &PositionBrief) -> Position {
    Position {
        side: position.side.as_str(),
        quantity: exact(position.quantity.decimal()),
        average_price: exact(position.average_price.decimal()),
        unrealized: hundredths(position.unrealized.decimal()),
        leverage: position.leverage,
        stop_loss: exact_or_none(position.stop_loss.map(Price::decimal)),
        profit_target: exact_or_none(position.profit_target.map(Price::decimal)),
        opened_at: time(position.opened_at),
    }
}

fn span(candles: &[Candle], interval: CandleInterval, rows: usize) -> Span {
    let (closes, volumes) = (closes(candles), volumes(candles));
    let (macd, bands) = (macd(&closes, 12, 26, 9), bollinger(&closes, 20, 2.0));
    let told = &candles[candles.len().saturating_sub(rows)..];
    let is_gap = |pair: &[Candle]| pair[1].open_time.since(pair[0].open_time) != interval.ms();
    Span {
        interval: interval.as_str(),
        ema_9: level(ema(&closes, 9)),
        ema_21: level(ema(&closes, 21)),
        ema_50: level(ema(&closes, 50)),
        rsi_14: rsi(&closes, 14).map_or_else(|| UNKNOWN.to_owned(), |rsi| format!("{rsi:.1}")),
        macd: level(macd.map(|macd| macd.line)),
        macd_signal: level(macd.map(|macd| macd.signal)),
        macd_histogram: level(macd.map(|macd| macd.histogram)),
        atr_14: level(atr(candles, 14)),
        bollinger_upper: level(bands.map(|bands| bands.upper)),
        bollinger_middle: level(bands.map(|bands| bands.middle)),
        bollinger_lower: level(bands.map(|bands| bands.lower)),
        volume: level(volumes.last().copied()),
        volume_mean_20: level(mean(&volumes, 20)),
        from: told.first().map_or_else(|| UNKNOWN.to_owned(), |candle| time(candle.open_time)),
        has_gaps: told.windows(2).any(is_gap),
        rows: table(told),
    }
}

/// Candles as lines of figures, without a line's end behind the last.
fn table(candles: &[Candle]) -> String {
    const ROW_BYTES: usize = 56;
    let mut text = String::with_capacity(candles.len() * ROW_BYTES);
    for candle in candles {
        if !text.is_empty() {
            text.push('\n');
        }
        for price in [candle.open, candle.high, candle.low, candle.close] {
            push(&mut text, price.decimal());
            text.push(',');
        }
        push(&mut text, candle.volume.decimal());
    }
    text
}

fn missing(missing: &MissingInput) -> Missing {
    Missing { coin: outside(missing.coin.as_str()), input: missing.input.as_str(), why: outside(&missing.why) }
}

fn order(order: &OrderBrief) -> Order {
    Order {
        coin: outside(order.coin.as_str()),
        side: order.side.as_str(),
        position_side: order.position_side.as_str(),
        effect: if order.is_entry { "opens" } else { "closes" },
        quantity: exact(order.quantity.decimal()),
        filled: exact(order.filled.decimal()),
        status: order.status.as_str(),
    }
}

fn waiting(decision: &WaitingBrief) -> Waiting {
    Waiting {
        coin: outside(decision.coin.as_str()),
        signal: decision.signal.map_or(UNKNOWN, Signal::as_str),
        quantity: exact_or_unknown(decision.quantity.map(crate::domain::money::Quantity::decimal)),
        price: exact_or_unknown(decision.price.map(Price::decimal)),
        status: decision.status.as_str(),
    }
}

fn closed(trade: &ClosedTrade) -> Closed {
    Closed {
        coin: outside(trade.coin.as_str()),
        side: trade.side.as_str(),
        quantity: exact(trade.quantity.decimal()),
        result: hundredths(trade.result.decimal()),
        opened_at: time(trade.opened_at),
        closed_at: time(trade.closed_at),
    }
}

fn past(decision: &PastDecision) -> Past {
    Past {
        coin: outside(decision.coin.as_str()),
        signal: decision.signal.map_or(UNKNOWN, Signal::as_str),
        quantity: exact_or_unknown(decision.quantity.map(crate::domain::money::Quantity::decimal)),
        price: exact_or_unknown(decision.quote.map(|quote| quote.price.decimal())),
        at: decision.quote.map_or_else(|| UNKNOWN.to_owned(), |quote| time(quote.at)),
        outcome: decision.status.as_str(),
        reason: outside(&decision.reason),
    }
}
