//! Briefs that templates are tried with: one that holds something of everything, and one that holds nothing.

use crate::domain::decision::DecisionStatus;
use crate::domain::instrument::{FinerRules, Instrument, QUOTE_ASSET};
use crate::domain::market::{Candle, CandleInterval, Coin, Quote, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::OrderStatus;
use crate::domain::signal::{PositionSide, Side, Signal};
use crate::domain::time::{HOUR_MS, SECOND_MS, Timestamp};
use crate::domain::trader_settings::TraderSettings;
use crate::ports::advisor::{
    BRIEF_CANDLES, BRIEF_RECENT_CANDLES, Brief, BriefInput, ClosedTrade, CoinBrief, MissingInput, OrderBrief,
    PastDecision, PositionBrief, WaitingBrief,
};
use crate::ports::language_model::PROMPT_TOKENS_MAX;
use rust_decimal::Decimal;
use std::sync::Arc;

/// Stands for the schema of an answer.
pub(super) const SCHEMA: &str = r#"{"type":"object","title":"sample"}"#;
/// The first moment of 2026, UTC.
const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// Two coins, one of them held, with orders, decisions, history and a gap.
pub(super) fn furnished() -> Brief {
    let mut settings = TraderSettings { max_leverage: 3, ..TraderSettings::default() };
    // Room for everything: what is left out for want of it is a matter of the limit, not of the template.
    settings.ai_prompt_tokens = PROMPT_TOKENS_MAX;
    settings.ai_strategy = "Follow the trend of the hour.\nLeave DOGE alone.".to_owned();
    let quote = Quote { price: price(4_325_007), at: NOW.plus_ms(-7 * SECOND_MS) };
    let mut held = coin_brief("BTC", 4_325_007);
    held.position = Some(PositionBrief {
        side: PositionSide::Long,
        quantity: quantity(15),
        average_price: price(4_280_000),
        unrealized: Money::new(Decimal::new(675, 2)),
        leverage: 2,
        stop_loss: Some(price(4_200_000)),
        profit_target: None,
        opened_at: NOW.plus_ms(-5 * HOUR_MS),
    });
    let mut busy = coin_brief("ETH", 230_155);
    busy.waiting = true;
    let past = |status, reason: &str| PastDecision {
        coin: coin("ETH"),
        signal: Some(Signal::BuyToEnter),
        quantity: Some(quantity(400)),
        quote: Some(quote),
        status,
        reason: reason.to_owned(),
    };
    Brief {
        settings,
        margin: true,
        entries_today: 3,
        coins: vec![held, busy],
        open_orders: vec![OrderBrief {
            coin: coin("ETH"),
            side: Side::Buy,
            position_side: PositionSide::Long,
            is_entry: true,
            quantity: quantity(400),
            filled: quantity(100),
            status: OrderStatus::PartiallyFilled,
        }],
        waiting: vec![WaitingBrief {
            coin: coin("SOL"),
            signal: Some(Signal::SellToEnter),
            quantity: Some(quantity(2_000)),
            price: Some(price(9_812)),
            status: DecisionStatus::Pending,
        }],
        closed_trades: vec![ClosedTrade {
            coin: coin("BTC"),
            side: PositionSide::Short,
            quantity: quantity(15),
            result: Money::new(Decimal::new(-1_234, 2)),
            opened_at: NOW.plus_ms(-30 * HOUR_MS),
            closed_at: NOW.plus_ms(-20 * HOUR_MS),
        }],
        past_decisions: vec![
            past(DecisionStatus::Denied, "POSITION_SIZE: 12.3 % of equity, at most 10 %"),
            past(DecisionStatus::Rejected, "too close to the weekend"),
            PastDecision { signal: None, quantity: None, quote: None, ..past(DecisionStatus::ModelError, "") },
        ],
        missing: vec![MissingInput {
            coin: coin("SOL"),
            input: BriefInput::Price,
            why: "it is 311 s old, at most 120 s are trusted".to_owned(),
        }],
        ..empty()
    }
}

/// An account that has just begun, and a market that says nothing.
pub(super) fn empty() -> Brief {
    let money = Money::new(Decimal::from(10_000));
    Brief {
        at: NOW,
        trader_name: "Sample".to_owned(),
        equity: money,
        cash: money,
        settings: TraderSettings { ai_prompt_tokens: PROMPT_TOKENS_MAX, ..TraderSettings::default() },
        margin: false,
        day_start_equity: money,
        high_water_mark: money,
        entries_today: 0,
        seed: 0,
        coins: Vec::new(),
        open_orders: Vec::new(),
        waiting: Vec::new(),
        closed_trades: Vec::new(),
        past_decisions: Vec::new(),
        missing: Vec::new(),
    }
}

/// A coin with all its candles, whose price ends at so many cents.
pub(super) fn coin_brief(name: &str, cents: i64) -> CoinBrief {
    CoinBrief {
        coin: coin(name),
        instrument: Instrument {
            symbol: Symbol(format!("{name}{QUOTE_ASSET}")),
            base: coin(name),
            quote: coin(QUOTE_ASSET),
            tick_size: Decimal::new(1, 2),
            step_size: Decimal::new(1, 5),
            min_quantity: Decimal::new(1, 5),
            max_quantity: Decimal::ZERO,
            min_notional: Decimal::from(5),
            trading: true,
            finer: FinerRules::default(),
        },
        quote: Quote { price: price(cents), at: NOW.plus_ms(-7 * SECOND_MS) },
        candles: candles(cents, CandleInterval::OneHour, BRIEF_CANDLES),
        recent_candles: candles(cents, CandleInterval::FiveMinutes, BRIEF_RECENT_CANDLES),
        position: None,
        waiting: false,
    }
}

/// Candles that swing by a percent around a price and end at it; the newest has just closed.
fn candles(cents: i64, interval: CandleInterval, count: usize) -> Arc<[Candle]> {
    let swing = (cents / 100).max(1);
    let close = |age: i64| price((cents + swing * ((age * 7) % 20 - 10) / 10 * i64::from(age > 0)).max(1));
    let candle = |age: i64| {
        let (open, close) = (close(age + 1), close(age));
        Candle {
            open_time: NOW.plus_ms(-(age + 1) * interval.ms()),
            open,
            high: open.max(close),
            low: open.min(close),
            close,
            volume: quantity(100_000 + (age * 37) % 53 * 1_000),
        }
    };
    (0..i64::try_from(count).unwrap_or_default()).rev().map(candle).collect()
}

fn coin(name: &str) -> Coin {
    Coin::parse(name).expect("sample coins have ordinary names")
}

fn price(cents: i64) -> Price {
    Price::new(Decimal::new(cents, 2)).expect("sample prices are above zero")
}

/// So many thousandths.
fn quantity(thousandths: i64) -> Quantity {
    Quantity::new(Decimal::new(thousandths, 3)).expect("sample quantities are not negative")
}
