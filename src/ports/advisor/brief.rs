//! What an advisor is told. A brief is kept with the answer to it and read back for a replay, so everything here can be
//! written and read; nothing in it needs a clock or the database to be understood.

use crate::domain::decision::DecisionStatus;
use crate::domain::instrument::Instrument;
use crate::domain::market::{Candle, CandleInterval, Coin, Quote};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::OrderStatus;
use crate::domain::signal::{PositionSide, Side, Signal};
use crate::domain::time::{DAY_MS, SECOND_MS, Timestamp};
use crate::domain::trader_settings::TraderSettings;
use crate::word_enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Hourly candles given to an advisor for each coin: two weeks.
pub const BRIEF_CANDLES: usize = 336;
/// Five-minute candles given to an advisor for each coin: eight hours.
pub const BRIEF_RECENT_CANDLES: usize = 96;
/// Closed trades told at most, newest first.
pub const BRIEF_CLOSED_TRADES: u32 = 10;
/// Earlier decisions told at most, newest first.
pub const BRIEF_PAST_DECISIONS: u32 = 20;
/// A day's change in price is measured from a candle that closed at most so long before the day began.
const CHANGE_SLACK_MS: i64 = 2 * CandleInterval::OneHour.ms();

/// What an advisor is told about one coin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoinBrief {
    /// The coin.
    pub coin: Coin,
    /// Its market.
    pub instrument: Instrument,
    /// Fresh price.
    pub quote: Quote,
    /// Closed hourly candles, oldest first, at most [`BRIEF_CANDLES`].
    #[serde(with = "shared")]
    pub candles: Arc<[Candle]>,
    /// Closed five-minute candles, oldest first, at most [`BRIEF_RECENT_CANDLES`]; none for advisors that are rules.
    #[serde(with = "shared")]
    pub recent_candles: Arc<[Candle]>,
    /// The open position, if any.
    pub position: Option<PositionBrief>,
    /// Whether a decision for this coin waits for a person, or an order is under way.
    pub waiting: bool,
}

impl CoinBrief {
    /// How old the price was at market time `at`, in whole seconds; a price from the future is no older than now.
    pub fn price_age_seconds(&self, at: Timestamp) -> i64 {
        at.since(self.quote.at).max(0) / SECOND_MS
    }

    /// How far the price has moved in the day before it was true, in percent, measured from the hourly candle that
    /// closed last before that day. `None` when no such candle is here.
    pub fn day_change_pct(&self) -> Option<Decimal> {
        let from = self.quote.at.plus_ms(-DAY_MS);
        let closed = |candle: &&Candle| candle.open_time.plus_ms(CandleInterval::OneHour.ms()) <= from;
        let before = self.candles.iter().rev().find(closed)?;
        if from.since(before.open_time) > CHANGE_SLACK_MS {
            return None;
        }
        let (then, now) = (before.close.decimal(), self.quote.price.decimal());
        (now - then).checked_mul(Decimal::ONE_HUNDRED)?.checked_div(then)
    }
}

/// An open position as an advisor sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionBrief {
    /// Long or short.
    pub side: PositionSide,
    /// Base quantity.
    pub quantity: Quantity,
    /// Average entry price.
    pub average_price: Price,
    /// Unrealised profit or loss, in quote.
    pub unrealized: Money,
    /// Leverage of the latest entry.
    pub leverage: u32,
    /// Price at which it gives up.
    pub stop_loss: Option<Price>,
    /// Price at which it takes profit.
    pub profit_target: Option<Price>,
    /// Market time of the first entry.
    pub opened_at: Timestamp,
}

/// An order to which something can still happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderBrief {
    /// The coin.
    pub coin: Coin,
    /// Buy or sell.
    pub side: Side,
    /// Side of the position that it opens or closes.
    pub position_side: PositionSide,
    /// Whether it opens or adds to a position.
    pub is_entry: bool,
    /// Base ordered.
    pub quantity: Quantity,
    /// Base filled so far.
    pub filled: Quantity,
    /// Where it stands.
    pub status: OrderStatus,
}

/// A decision that a person has not answered yet, or only looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingBrief {
    /// The coin.
    pub coin: Coin,
    /// What was proposed.
    pub signal: Option<Signal>,
    /// Base quantity.
    pub quantity: Option<Quantity>,
    /// The price it was proposed at.
    pub price: Option<Price>,
    /// Waits for approval, or is shown only.
    pub status: DecisionStatus,
}

/// A round trip that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedTrade {
    /// The coin.
    pub coin: Coin,
    /// Long or short.
    pub side: PositionSide,
    /// Base entered in total.
    pub quantity: Quantity,
    /// What it brought after fees, in quote.
    pub result: Money,
    /// Market time of the first entry.
    pub opened_at: Timestamp,
    /// Market time of the last exit.
    pub closed_at: Timestamp,
}

/// An earlier decision and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastDecision {
    /// The coin.
    pub coin: Coin,
    /// What was proposed; `None` when the answer was unusable.
    pub signal: Option<Signal>,
    /// Base quantity.
    pub quantity: Option<Quantity>,
    /// The price it was proposed at, with its market time.
    pub quote: Option<Quote>,
    /// Where it ended.
    pub status: DecisionStatus,
    /// The reason in words: the rules that denied it, what the person said, how the order ended. May be empty.
    pub reason: String,
}

word_enum! {
    /// A kind of input that a brief should hold.
    BriefInput {
        /// The coin's market at the venue.
        Market = "market",
        /// The coin's price.
        Price = "price",
        /// Its hourly candles.
        HourlyCandles = "1h candles",
        /// Its five-minute candles.
        RecentCandles = "5m candles",
    }
}

/// An input that is missing, too short or too old. It is named rather than filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingInput {
    /// Of which coin.
    pub coin: Coin,
    /// Which input.
    pub input: BriefInput,
    /// What is the matter with it, in words.
    pub why: String,
}

/// Everything an advisor may know. It holds no later price and no clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// Market time of the cycle.
    pub at: Timestamp,
    /// The trader's name.
    pub trader_name: String,
    /// Equity now, in quote.
    pub equity: Money,
    /// Cash now, in quote.
    pub cash: Money,
    /// The trader's settings: limits, leverage, strategy text.
    pub settings: TraderSettings,
    /// Whether the venue knows short positions and leverage.
    pub margin: bool,
    /// Equity at the beginning of the market's UTC day, in quote.
    pub day_start_equity: Money,
    /// The highest equity so far, in quote: drawdown is measured from it.
    pub high_water_mark: Money,
    /// Entries of this UTC day that were not refused.
    pub entries_today: u32,
    /// Seed for advisors that draw lots; derives from trader and cycle time, so that a replay repeats itself.
    pub seed: u64,
    /// One entry for each coin with a fresh price.
    pub coins: Vec<CoinBrief>,
    /// Orders under way.
    pub open_orders: Vec<OrderBrief>,
    /// Decisions that wait.
    pub waiting: Vec<WaitingBrief>,
    /// Round trips that are over, newest first, at most [`BRIEF_CLOSED_TRADES`]; none for advisors that are rules.
    pub closed_trades: Vec<ClosedTrade>,
    /// What became of earlier decisions, newest first, at most [`BRIEF_PAST_DECISIONS`]; none for advisors that are
    /// rules.
    pub past_decisions: Vec<PastDecision>,
    /// What should be here and is not.
    pub missing: Vec<MissingInput>,
}

/// A shared slice is written like a list, and read into one of its own.
mod shared {
    use super::{Arc, Candle, Deserialize};
    use serde::{Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(candles: &Arc<[Candle]>, serializer: S) -> Result<S::Ok, S::Error> {
        candles.as_ref().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[Candle]>, D::Error> {
        Vec::deserialize(deserializer).map(Arc::from)
    }
}
