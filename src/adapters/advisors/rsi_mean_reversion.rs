//! Bets on the way back: buys what has fallen too fast, sells short what has risen too fast.

use super::rule::{Entry, Facts, Rule, close, enter, hold};
use super::sizing::Budget;
use crate::adapters::indicators::{closes, rsi};
use crate::domain::signal::{PositionSide, Signal};
use crate::ports::advisor::{AdvisorInfo, Brief, CoinBrief, Proposal};
use rust_decimal::Decimal;

/// Period of the index, in hours.
const PERIOD: u16 = 14;
/// Below this a coin is oversold.
const OVERSOLD: f64 = 30.0;
/// Above this a coin is overbought.
const OVERBOUGHT: f64 = 70.0;
/// Back here the bet is over.
const MIDDLE: f64 = 50.0;
/// Candles before the index says anything: its smoothing has forgotten its start by then.
const CANDLES_MIN: usize = 3 * PERIOD as usize;

pub(super) struct RsiMeanReversion;

impl Rule for RsiMeanReversion {
    fn info(&self) -> AdvisorInfo {
        AdvisorInfo {
            model_name: "rsi_mean_reversion",
            label: "RSI mean reversion",
            description: "Buys below RSI 30, sells short above RSI 70 (simulation only), closes back at 50.",
            is_rules: true,
        }
    }

    fn decide(&self, _brief: &Brief, coin: &CoinBrief, budget: &mut Budget) -> Proposal {
        let count = coin.candles.len();
        let Some(index) = rsi(&closes(&coin.candles), PERIOD).filter(|_| count >= CANDLES_MIN) else {
            return hold(format!("The index needs {CANDLES_MIN} hourly candles; there are {count}."), Facts::new());
        };
        let facts = Facts::from([(format!("RSI {PERIOD}"), format!("{index:.1}"))]);
        let mut entry = |signal: Signal, why: String| {
            let confidence = 0.5 + 0.4 * ((index - MIDDLE).abs() - 20.0).max(0.0) / 30.0;
            let entry = Entry { signal, share: Decimal::ONE, with_exits: true, confidence, why: &why };
            enter(&entry, coin, budget, facts.clone())
        };
        match coin.position.map(|position| position.side) {
            None if index < OVERSOLD => {
                entry(Signal::BuyToEnter, format!("RSI {index:.1} is below {OVERSOLD}: oversold, a rebound is likely."))
            }
            None if index > OVERBOUGHT => entry(
                Signal::SellToEnter,
                format!("RSI {index:.1} is above {OVERBOUGHT}: overbought, a pullback is likely."),
            ),
            None => {
                hold(format!("RSI {index:.1} is between {OVERSOLD} and {OVERBOUGHT}: nothing is stretched."), facts)
            }
            Some(PositionSide::Long) if index >= MIDDLE => {
                close(format!("RSI {index:.1} is back at {MIDDLE}: the rebound has happened."), 0.7, facts)
            }
            Some(PositionSide::Short) if index <= MIDDLE => {
                close(format!("RSI {index:.1} is back at {MIDDLE}: the pullback has happened."), 0.7, facts)
            }
            Some(side) => {
                hold(format!("RSI {index:.1} is not back at {MIDDLE} yet; the {side} position waits."), facts)
            }
        }
    }
}
