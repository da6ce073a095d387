//! The arithmetic of the fill model: time in slots, prices against us, and how much volume one order may take.

use crate::domain::fill;
use crate::domain::instrument::Instrument;
use crate::domain::market::{Candle, CandleInterval};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::signal::Side;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::domain::trader_settings::TraderSettings;
use crate::ports::venue::OrderContext;
use rust_decimal::Decimal;
use std::sync::Arc;

/// Length of a slot: an order fills at most once in each.
const SLOT_MS: i64 = 5 * MINUTE_MS;

/// The newest closed candles of a market, oldest first.
pub(super) struct Tape {
    /// Closed candles only.
    pub(super) candles: Arc<[Candle]>,
    /// Their length.
    pub(super) interval: CandleInterval,
}

/// The number of the five-minute slot that holds a moment.
pub(super) const fn slot_of(at: Timestamp) -> i64 {
    at.0.div_euclid(SLOT_MS)
}

impl Tape {
    /// What may fill at once: the share of the last closed five minutes.
    pub(super) fn share_at_once(&self, instrument: &Instrument) -> Quantity {
        self.candles.last().map_or(Quantity::ZERO, |candle| self.share(candle, 1, instrument))
    }

    /// What the part of a candle that spans `slots` slots lets one order take, on the step.
    pub(super) fn share(&self, candle: &Candle, slots: i64, instrument: &Instrument) -> Quantity {
        let whole = (self.interval.ms() / SLOT_MS).max(1);
        let volume = candle.volume.decimal() * Decimal::from(slots.clamp(0, whole)) / Decimal::from(whole);
        Quantity::new(volume * fill::VOLUME_SHARE).map_or(Quantity::ZERO, |share| instrument.quantize_quantity(share))
    }

    /// Each candle with the moment at which it closed, oldest first.
    pub(super) fn closes(&self) -> impl Iterator<Item = (&Candle, Timestamp)> {
        self.candles.iter().map(|candle| (candle, candle.open_time.plus_ms(self.interval.ms())))
    }
}

/// The price that an order of this side meets.
pub(super) fn execution_price(base: Price, side: Side, context: OrderContext<'_>) -> Price {
    fill::execution_price(base, side, context.settings.slippage_pct, context.instrument)
}

/// The fee of an execution, rounded up: the taker's for what is had at once, the maker's for what rested first.
pub(super) fn fee(price: Price, quantity: Quantity, is_maker: bool, settings: &TraderSettings) -> Money {
    let percent = if is_maker { settings.maker_fee_pct } else { settings.taker_fee_pct };
    (price * quantity).percent(percent).round_up()
}
