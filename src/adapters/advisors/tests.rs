//! Tests of the built-in advisors through their port.

use super::*;
use crate::adapters::market::known_markets::KnownMarket;
use crate::domain::market::{Candle, Quote};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::signal::{PositionSide, Signal};
use crate::domain::time::{HOUR_MS, Timestamp};
use crate::domain::trader_settings::TraderSettings;
use crate::ports::advisor::{Brief, CoinBrief, PositionBrief, Proposal};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

fn price(cents: i64) -> Price {
    Price::new(Decimal::new(cents, 2)).expect("positive")
}

/// A coin whose hourly closes (in cents) are given.
fn coin(symbol: &str, closes: &[i64], side: Option<PositionSide>) -> CoinBrief {
    let instrument = KnownMarket::find(symbol).expect("known").instrument();
    let candles: Vec<Candle> = closes
        .iter()
        .enumerate()
        .map(|(n, &close)| Candle {
            open_time: Timestamp(n as i64 * HOUR_MS),
            open: price(close),
            high: price(close + 50),
            low: price(close - 50),
            close: price(close),
            volume: Quantity::ZERO,
        })
        .collect();
    let last = price(*closes.last().expect("some"));
    let position = side.map(|side| PositionBrief {
        side,
        quantity: Quantity::parse("1").expect("plain"),
        average_price: last,
        unrealized: Money::ZERO,
        leverage: 1,
        stop_loss: None,
        profit_target: None,
        opened_at: Timestamp(0),
    });
    let quote = Quote { price: last, at: Timestamp(0) };
    CoinBrief {
        coin: instrument.base.clone(),
        instrument,
        quote,
        candles: candles.into(),
        recent_candles: [].into(),
        position,
        waiting: false,
    }
}

fn brief(coins: Vec<CoinBrief>) -> Brief {
    Brief {
        at: Timestamp(1_767_225_600_000),
        trader_name: "Sage".to_owned(),
        equity: Money::new(Decimal::from(10_000)),
        cash: Money::new(Decimal::from(10_000)),
        settings: TraderSettings::default(),
        margin: true,
        day_start_equity: Money::new(Decimal::from(10_000)),
        high_water_mark: Money::new(Decimal::from(10_000)),
        entries_today: 0,
        seed: 42,
        coins,
        open_orders: Vec::new(),
        waiting: Vec::new(),
        closed_trades: Vec::new(),
        past_decisions: Vec::new(),
        missing: Vec::new(),
    }
}

async fn ask(model: &str, brief: &Brief) -> Vec<Proposal> {
    let advisor = BuiltInAdvisors::new().find(BUILT_IN_PROVIDER, model).expect("offered");
    let advice = advisor.advise(brief).await.expect("rules always answer");
    assert!(advice.asked.contains("Sage") && advice.answered.contains("\"signal\""));
    let proposals: Vec<Proposal> = advice.coins.into_iter().map(|(_, proposal)| proposal.expect("usable")).collect();
    assert_eq!(proposals.len(), brief.coins.len());
    for proposal in &proposals {
        assert!(!proposal.justification.is_empty());
        assert_eq!(proposal.signal.is_entry(), proposal.quantity.is_some());
        assert!(proposal.confidence.is_none_or(|c| c >= Decimal::ZERO && c <= Decimal::ONE && c.scale() <= 2));
    }
    proposals
}

async fn ask_one(model: &str, coin: CoinBrief) -> Proposal {
    ask(model, &brief(vec![coin])).await.remove(0)
}

fn rising() -> Vec<i64> {
    (0..100).map(|n| 10_000 + 40 * n).collect()
}

fn falling() -> Vec<i64> {
    (0..100).map(|n| 14_000 - 40 * n).collect()
}

fn wavering() -> Vec<i64> {
    (0..100).map(|n| if n % 2 == 0 { 10_000 } else { 10_040 }).collect()
}

#[tokio::test]
async fn ema_cross_is_long_while_the_trend_is_up_and_leaves_when_it_turns() {
    let entry = ask_one("ema_cross", coin("BTCUSDT", &rising(), None)).await;
    assert_eq!(entry.signal, Signal::BuyToEnter);
    let (stop, target) = (entry.stop_loss.expect("a stop"), entry.profit_target.expect("a target"));
    assert!(stop < price(13_960) && price(13_960) < target, "{stop} {target}");
    assert!(entry.explanation.contains_key("EMA 9") && entry.explanation.contains_key("ATR 14"));
    assert!(entry.confidence.expect("some") > Decimal::new(5, 1));
    let long = Some(PositionSide::Long);
    assert_eq!(ask_one("ema_cross", coin("BTCUSDT", &rising(), long)).await.signal, Signal::Hold);
    assert_eq!(ask_one("ema_cross", coin("BTCUSDT", &falling(), long)).await.signal, Signal::ClosePosition);
    assert_eq!(ask_one("ema_cross", coin("BTCUSDT", &falling(), None)).await.signal, Signal::Hold);
    let short = Some(PositionSide::Short);
    assert_eq!(ask_one("ema_cross", coin("BTCUSDT", &rising(), short)).await.signal, Signal::ClosePosition);
}

#[tokio::test]
async fn rsi_buys_the_fallen_shorts_the_risen_and_closes_in_the_middle() {
    let buy = ask_one("rsi_mean_reversion", coin("BTCUSDT", &falling(), None)).await;
    assert_eq!(buy.signal, Signal::BuyToEnter);
    let short = ask_one("rsi_mean_reversion", coin("BTCUSDT", &rising(), None)).await;
    assert_eq!(short.signal, Signal::SellToEnter);
    assert!(short.stop_loss.expect("a stop") > price(13_960) && short.profit_target.expect("a target") < price(13_960));
    assert_eq!(ask_one("rsi_mean_reversion", coin("BTCUSDT", &wavering(), None)).await.signal, Signal::Hold);
    let long = Some(PositionSide::Long);
    assert_eq!(ask_one("rsi_mean_reversion", coin("BTCUSDT", &rising(), long)).await.signal, Signal::ClosePosition);
    assert_eq!(ask_one("rsi_mean_reversion", coin("BTCUSDT", &falling(), long)).await.signal, Signal::Hold);
    let short = Some(PositionSide::Short);
    assert_eq!(ask_one("rsi_mean_reversion", coin("BTCUSDT", &falling(), short)).await.signal, Signal::ClosePosition);
}

#[tokio::test]
async fn buy_and_hold_buys_what_it_does_not_hold_and_never_sells() {
    let entry = ask_one("buy_and_hold", coin("ETHUSDT", &falling(), None)).await;
    assert_eq!((entry.signal, entry.stop_loss, entry.profit_target), (Signal::BuyToEnter, None, None));
    let kept = ask_one("buy_and_hold", coin("ETHUSDT", &falling(), Some(PositionSide::Long))).await;
    assert_eq!(kept.signal, Signal::Hold);
}

#[tokio::test]
async fn too_little_history_is_a_hold_that_says_so() {
    for model in ["ema_cross", "rsi_mean_reversion"] {
        let proposal = ask_one(model, coin("BTCUSDT", &rising()[..30], None)).await;
        assert_eq!(proposal.signal, Signal::Hold);
        assert!(proposal.justification.contains("need") && proposal.justification.contains("30"));
    }
}

#[tokio::test]
async fn random_draws_all_four_signals_and_repeats_itself_for_a_seed() {
    let mut seen = BTreeMap::new();
    for seed in 0..200 {
        for side in [None, Some(PositionSide::Long)] {
            let mut brief = brief(vec![coin("BTCUSDT", &wavering(), side)]);
            brief.seed = seed;
            let first = ask("random", &brief).await;
            assert_eq!(first, ask("random", &brief).await);
            *seen.entry((side.is_some(), first[0].signal)).or_insert(0) += 1;
            if side.is_some() {
                assert!(!first[0].signal.is_entry());
            } else {
                assert_ne!(first[0].signal, Signal::ClosePosition);
            }
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert!(seen.values().all(|count| *count > 10), "{seen:?}");
}

#[tokio::test]
async fn entries_stay_within_the_position_limit_the_cash_reserve_and_the_slots() {
    let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "DOGEUSDT"];
    let mut brief = brief(symbols.iter().map(|symbol| coin(symbol, &rising(), None)).collect());
    let proposals = ask("buy_and_hold", &brief).await;
    let notional = |proposal: &Proposal| proposal.quantity.map_or(Decimal::ZERO, |q| (price(13_960) * q).decimal());
    assert_eq!(proposals.iter().filter(|p| p.signal.is_entry()).count(), 5, "five slots for six coins");
    assert!(proposals[5].justification.contains("slot"));
    for proposal in &proposals[..5] {
        assert!(notional(proposal) > Decimal::from(700) && notional(proposal) <= Decimal::from(800));
    }
    brief.cash = Money::new(Decimal::from(3_000));
    let proposals = ask("buy_and_hold", &brief).await;
    let spent: Decimal = proposals.iter().map(notional).sum();
    assert!(spent > Decimal::from(900) && spent < Decimal::from(950), "the reserve of 2000 stays: {spent}");
    assert!(proposals.iter().any(|p| p.justification.contains("below the market's smallest order")
        || p.justification.contains("no cash is left")));
}

#[tokio::test]
async fn a_waiting_coin_is_held_and_counts_against_slots() {
    let mut waiting = coin("BTCUSDT", &rising(), None);
    waiting.waiting = true;
    let mut brief = brief(vec![waiting, coin("ETHUSDT", &rising(), None)]);
    brief.settings.max_open_positions = 1;
    for model in ["buy_and_hold", "ema_cross", "rsi_mean_reversion", "random"] {
        let proposals = ask(model, &brief).await;
        assert_eq!(proposals[0].signal, Signal::Hold);
        assert!(proposals[0].justification.contains("under way"));
        assert_eq!(proposals[1].signal, Signal::Hold, "{model}: the only slot is spoken for");
    }
}

#[test]
fn the_directory_lists_four_rules_and_only_under_the_built_in_provider() {
    let directory = BuiltInAdvisors::new();
    let providers = directory.providers();
    assert_eq!((providers.len(), providers[0].id, providers[0].name), (1, BUILT_IN_PROVIDER, "Built-in rules"));
    let names: Vec<_> = providers[0].models.iter().map(|model| model.model_name).collect();
    assert_eq!(names, ["buy_and_hold", "ema_cross", "rsi_mean_reversion", "random"]);
    assert!(providers[0].models.iter().all(|model| model.is_rules));
    assert!(directory.find(ProviderId(2), "random").is_none());
    assert!(directory.find(BUILT_IN_PROVIDER, "oracle").is_none());
}
