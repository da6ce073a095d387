//! Months of hours through the real services: whatever the market did, the books add up after every step, protection
//! acts, and the same past gives the same result to the last digit.
//!
//! The same stories are played on real candles where `COUNTERSIGN_MARKETDATA` names a directory with the folders `spot_1h`
//! and `perp_5m` (one file per coin), and on generated candles everywhere.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, in helpers too")]

mod books;
mod candles;
mod past;

use countersign::domain::cycle::CycleTrigger;
use countersign::domain::fill::Fill;
use countersign::domain::ledger::LedgerAccount;
use countersign::domain::market::Coin;
use countersign::domain::money::{Money, Price, Quantity};
use countersign::domain::order::{Order, OrderCause, OrderStatus, Purpose};
use countersign::domain::position::Position;
use countersign::domain::protection::liquidation_price;
use countersign::domain::signal::{PositionSide, Signal};
use countersign::domain::time::{HOUR_MS, Timestamp};
use countersign::ports::advisor::Proposal;
use countersign::services::run_cycle::{CycleRequest, run};
use past::Past;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// Six months.
const DAYS: i64 = 183;
/// Days that are played twice.
const DAYS_TWICE: i64 = 10;
/// The first hour played: two weeks after the first candle of `spot_1h`, 2024-05-15 00:00 UTC.
const SPOT_START: i64 = 1_715_731_200_000;
/// The first hour played of `perp_5m`: 2025-07-20 00:00 UTC.
const PERP_START: i64 = 1_752_969_600_000;
/// Seed of the generated candles.
const SEED: u64 = 7;

#[tokio::test]
async fn six_months_of_real_hours_keep_every_book_in_balance() {
    let Some(dir) = candles::real("spot_1h") else { return };
    six_months(&dir).await;
}

#[tokio::test]
async fn six_months_of_generated_hours_keep_every_book_in_balance() {
    six_months(candles::generated(SEED, SPOT_START, DAYS).await.path()).await;
}

/// Three models trade for six months.
async fn six_months(dir: &Path) {
    let mut past = Past::at(dir, SPOT_START).await;
    past.three_models().await;
    past.play(SPOT_START, DAYS * 24).await;

    let history = past.history().await;
    for trader in &past.traders {
        let filled = history
            .iter()
            .filter(|(order, _)| order.intent.trader_id == trader.id && order.status() == OrderStatus::Filled);
        let count = filled.count();
        println!("{}: {count} orders filled, equity {}", trader.name, past.equity(trader.id).await);
        assert!(count >= 5, "{} traded {count} times", trader.name);
    }
    let executed = |wanted: &dyn Fn(&Order) -> bool| {
        history.iter().filter(|(order, fills)| wanted(order) && !fills.is_empty()).count()
    };
    assert!(
        executed(&|order| order.intent.purpose == Purpose::Entry(PositionSide::Short)) > 0,
        "nothing was sold short"
    );
    assert!(executed(&|order| matches!(order.intent.cause, OrderCause::Protective(_))) > 0, "no stop was executed");
    let lost =
        history.iter().filter(|(order, _)| matches!(order.status(), OrderStatus::Unknown | OrderStatus::Rejected));
    assert_eq!(lost.count(), 0, "orders were lost or refused by the fill model");
}

#[tokio::test]
async fn the_same_real_past_gives_the_same_fills_and_equity_to_the_last_digit() {
    let Some(dir) = candles::real("perp_5m") else { return };
    assert!(lived(&dir, PERP_START).await == lived(&dir, PERP_START).await, "the same candles gave something else");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_candles_fills_and_equity_to_the_last_digit() {
    let first = candles::generated(SEED, SPOT_START, DAYS_TWICE).await;
    let second = candles::generated(SEED, SPOT_START, DAYS_TWICE).await;
    let once = lived(first.path(), SPOT_START).await;
    assert!(once == lived(second.path(), SPOT_START).await, "the same candles gave something else");
    let other = candles::generated(SEED + 1, SPOT_START, DAYS_TWICE).await;
    assert!(once != lived(other.path(), SPOT_START).await, "the seed tells nothing");
}

/// All orders with their fills, and each model's equity, after some days.
async fn lived(dir: &Path, start: i64) -> (Vec<(Order, Vec<Fill>)>, Vec<Money>) {
    let mut past = Past::at(dir, start).await;
    past.three_models().await;
    past.play(start, DAYS_TWICE * 24).await;
    let (history, mut equity) = (past.history().await, Vec::new());
    for trader in &past.traders {
        equity.push(past.equity(trader.id).await);
    }
    assert!(history.len() > 20, "only {} orders", history.len());
    (history, equity)
}

const QUIET_HOURS: i64 = 4;

/// A made-up BTC: quiet at 100,000, then one hour with this low and this close, then quiet at the close.
fn made_up(low: &str, close: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let row = |hour: i64, open: &str, low: &str, close: &str| {
        format!("{},{open},102000,{low},{close},1000000\n", SPOT_START + (hour - 2) * HOUR_MS)
    };
    let mut text: String = (0..2 + QUIET_HOURS).map(|hour| row(hour, "100000", "100000", "100000")).collect();
    text += &row(2 + QUIET_HOURS, "100000", low, close);
    text += &row(3 + QUIET_HOURS, close, close, close);
    std::fs::write(dir.path().join("BTCUSDT-1h.csv"), text).unwrap();
    dir
}

fn long(quantity: &str, leverage: u32, stop: Option<&str>) -> Proposal {
    Proposal {
        signal: Signal::BuyToEnter,
        quantity: Some(Quantity::parse(quantity).unwrap()),
        equity_pct: None,
        leverage,
        confidence: None,
        profit_target: None,
        stop_loss: stop.map(|stop| Price::parse(stop).unwrap()),
        justification: "It can only go up.".into(),
        explanation: BTreeMap::new(),
    }
}

/// Buys in the quiet hours, lives through the bad one, and gives back the position before and after.
async fn lives_through(candles: &TempDir, proposal: Proposal) -> (Past, Position, Position) {
    let mut past = Past::at(candles.path(), SPOT_START).await;
    let settings = [("max_leverage", "10"), ("max_position_size_pct", "100"), ("supported_assets", "BTC")];
    let trader = past.model("random", &settings).await;
    let request = CycleRequest {
        trader_id: trader,
        trigger: CycleTrigger::Api,
        decisions: Some(vec![(Coin::parse("BTC").unwrap(), Ok(proposal))]),
        prices: Vec::new(),
        propose_only: false,
        actor: "bot".into(),
    };
    run(&past.desk, request).await.unwrap();
    past.send().await;
    let before = past.view(trader).await.positions.pop().expect("the entry was filled");
    for hour in 1..=QUIET_HOURS {
        past.move_to(Timestamp(SPOT_START + hour * HOUR_MS));
        assert_eq!(past.guard().await, 0, "nothing happened yet");
    }
    past.move_to(Timestamp(SPOT_START + (QUIET_HOURS + 1) * HOUR_MS));
    assert_eq!(past.guard().await, 1, "protection never sleeps");
    assert_eq!(past.guard().await, 0, "once is enough");
    past.send().await;
    past.books_add_up().await;
    past.ledgers_say_the_same().await;
    let after = past.desk.store.position(before.id).await.unwrap().unwrap();
    (past, before, after)
}

#[tokio::test]
async fn a_leveraged_position_is_liquidated_at_its_price_and_costs_its_margin_at_most() {
    // Through the liquidation price and back within the hour, and straight through to the ground.
    for (low, close, is_gap) in [("80000", "99000", false), ("50000", "50000", true)] {
        let (past, before, after) = lives_through(&made_up(low, close), long("0.05", 5, None)).await;
        let limit = liquidation_price(&before).unwrap();
        let (order, fills) = past.history().await.pop().unwrap();
        assert_eq!(order.intent.cause, OrderCause::Liquidation(before.id));
        assert_eq!(order.status(), OrderStatus::Filled);
        assert!(fills.iter().all(|fill| fill.price <= limit), "{fills:?} is better than {limit}");
        assert!(after.is_closed());
        let lost = -after.net_result();
        assert!(lost > Money::ZERO && lost <= before.margin + after.fees, "lost {lost} of {}", before.margin);
        assert_eq!(after.realized == -before.margin, is_gap, "the margin is used up by a gap only");
        let view = past.view(before.trader_id).await;
        assert_eq!(view.book.cash, view.book.initial_capital - lost);
        let sums = past.desk.store.ledger_sums(view.book.id).await.unwrap();
        let insured = sums.iter().any(|(account, _, _, sum)| *account == LedgerAccount::Insurance && !sum.is_zero());
        assert_eq!(insured, is_gap, "the venue bears what goes beyond the margin");
    }
}

#[tokio::test]
async fn a_stop_met_inside_a_candle_never_fills_better_than_the_stop() {
    for (low, close, best) in [("94000", "101000", "95000"), ("94000", "94500", "94500")] {
        let (past, before, after) = lives_through(&made_up(low, close), long("0.05", 1, Some("95000"))).await;
        let (order, fills) = past.history().await.pop().unwrap();
        assert_eq!(order.intent.cause, OrderCause::Protective(before.id));
        assert!(after.is_closed());
        let best = Price::parse(best).unwrap();
        assert!(!fills.is_empty() && fills.iter().all(|fill| fill.price < best), "{fills:?} is better than {best}");
    }
}
