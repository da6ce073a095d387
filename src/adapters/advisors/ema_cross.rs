//! Follows the trend: long while the fast average is above the slow one.

use super::rule::{Entry, Facts, Rule, close, enter, hold, level};
use super::sizing::{ATR_PERIOD, Budget};
use crate::adapters::indicators::{atr, closes, ema};
use crate::domain::signal::{PositionSide, Signal};
use crate::ports::advisor::{AdvisorInfo, Brief, CoinBrief, Proposal};
use rust_decimal::Decimal;

/// Period of the fast average, in hours.
const FAST: u16 = 9;
/// Period of the slow average, in hours.
const SLOW: u16 = 21;
/// Candles before the averages say anything: the slow one has forgotten its start by then.
const CANDLES_MIN: usize = 2 * SLOW as usize;

pub(super) struct EmaCross;

impl Rule for EmaCross {
    fn info(&self) -> AdvisorInfo {
        AdvisorInfo {
            model_name: "ema_cross",
            label: "EMA cross",
            description: "Long while the 9-hour average is above the 21-hour average; closes when it turns.",
            is_rules: true,
        }
    }

    fn decide(&self, _brief: &Brief, coin: &CoinBrief, budget: &mut Budget) -> Proposal {
        let count = coin.candles.len();
        let closes = closes(&coin.candles);
        let averages = ema(&closes, FAST).zip(ema(&closes, SLOW)).filter(|_| count >= CANDLES_MIN);
        let Some((fast, slow)) = averages else {
            return hold(format!("The averages need {CANDLES_MIN} hourly candles; there are {count}."), Facts::new());
        };
        let gap_pct = (fast - slow) / slow * 100.0;
        let facts = Facts::from([
            (format!("EMA {FAST}"), level(fast, coin)),
            (format!("EMA {SLOW}"), level(slow, coin)),
            ("Gap".to_owned(), format!("{gap_pct:+.2} %")),
        ]);
        // A gap of one average true range is a trend beyond doubt.
        let strength = atr(&coin.candles, ATR_PERIOD).map_or(0.0, |range| ((fast - slow) / range).abs());
        let confidence = 0.55 + 0.35 * strength.min(1.0);
        let rising = fast > slow;
        let words = if rising { "above" } else { "below" };
        let state = format!("The {FAST}-hour average is {:.2} % {words} the {SLOW}-hour average.", gap_pct.abs());
        match (coin.position.map(|position| position.side), rising) {
            (None, true) => {
                let why = format!("{state} The trend is up, and there is no position yet.");
                let (signal, share) = (Signal::BuyToEnter, Decimal::ONE);
                enter(&Entry { signal, share, with_exits: true, confidence, why: &why }, coin, budget, facts)
            }
            (None, false) => hold(format!("{state} The trend is down, and this rule only buys rising coins."), facts),
            (Some(PositionSide::Long), true) => hold(format!("{state} The trend holds, so the position stays."), facts),
            (Some(PositionSide::Short), false) => hold(format!("{state} The short is on the trend's side."), facts),
            (Some(side), _) => {
                close(format!("{state} The trend has turned against the {side} position."), confidence, facts)
            }
        }
    }
}
