//! How much a rule proposes: a sensible share of the model's own limits, so that risk rules rarely have to say no.

use crate::domain::market::Candle;
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::signal::Signal;
use crate::ports::advisor::{Brief, CoinBrief};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::adapters::indicators::atr;

/// Share of the largest allowed position that an entry aims at, in per cent: prices may move before it is filled.
const AIM_PCT: Decimal = Decimal::from_parts(80, 0, 0, false, 0);
/// Share of equity left above the cash reserve, in per cent, for the same reason.
const CASH_MARGIN_PCT: Decimal = Decimal::from_parts(5, 0, 0, false, 1);
/// Period of the average true range behind stops and targets, in hours.
pub(super) const ATR_PERIOD: u16 = 14;
/// Distance of the stop from the entry, in average true ranges.
const STOP_ATRS: i64 = 2;
/// Distance of the target from the entry, in average true ranges.
const TARGET_ATRS: i64 = 3;
/// Bounds of one average true range used for stops, in basis points: neither noise nor the whole price.
const ATR_BPS: std::ops::RangeInclusive<f64> = 5.0..=1_500.0;

/// What is left for entries within one cycle; each entry takes its part.
pub(super) struct Budget {
    slots: usize,
    cash: Decimal,
    aim: Decimal,
    cost: Decimal,
}

impl Budget {
    /// What the brief allows. A coin that waits counts as if its entry were filled.
    pub fn of(brief: &Brief) -> Self {
        let settings = &brief.settings;
        let hundred = Decimal::ONE_HUNDRED;
        let equity = brief.equity.decimal().max(Decimal::ZERO);
        let held = brief.coins.iter().filter(|coin| coin.position.is_some()).count();
        let waiting = brief.coins.iter().filter(|coin| coin.waiting && coin.position.is_none()).count();
        let aim = equity * settings.max_position_size_pct / hundred * AIM_PCT / hundred;
        let cost = Decimal::ONE + (settings.taker_fee_pct + settings.taker_fee_pct + settings.slippage_pct) / hundred;
        let reserve = equity * (settings.min_cash_reserve_pct + CASH_MARGIN_PCT) / hundred;
        Self {
            slots: (settings.max_open_positions as usize).saturating_sub(held + waiting),
            cash: brief.cash.decimal() - reserve - Decimal::from(waiting) * aim * cost,
            aim,
            cost,
        }
    }

    /// The quantity of an entry at `share` (0 to 1) of the aim, on the venue's grid, taken from the budget.
    ///
    /// # Errors
    /// Why there is no room for it, in words.
    pub fn entry(&mut self, coin: &CoinBrief, share: Decimal) -> Result<Quantity, &'static str> {
        if self.slots == 0 {
            return Err("every position slot is taken");
        }
        if self.cash <= Decimal::ZERO {
            return Err("no cash is left above the reserve");
        }
        let notional = Money::new((self.aim * share).min(self.cash / self.cost));
        let quantity = coin.instrument.quantize_quantity(notional.buys_at(coin.quote.price));
        if coin.instrument.check(quantity, coin.quote.price).is_err() {
            return Err("what is left to spend is below the market's smallest order, or the market is halted");
        }
        self.slots -= 1;
        self.cash -= (coin.quote.price * quantity).decimal() * self.cost;
        Ok(quantity)
    }
}

/// Where an entry gives up and where it takes profit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exits {
    pub stop_loss: Option<Price>,
    pub profit_target: Option<Price>,
}

/// Exits at a distance of a few average true ranges. The range enters as whole tenths of a basis point, so that the
/// prices themselves are decimals all the way.
pub(super) fn exits(coin: &CoinBrief, signal: Signal) -> Exits {
    let (Some(bps), Some(side)) = (atr_bps(&coin.candles), signal.entry_side()) else { return Exits::default() };
    let towards = if signal == Signal::BuyToEnter { 1 } else { -1 };
    let at = |ranges: i64| {
        let moved = coin.quote.price.moved_bps(bps * Decimal::from(ranges * towards))?;
        coin.instrument.quantize_limit(moved, side.opened_by()).ok()
    };
    Exits { stop_loss: at(-STOP_ATRS), profit_target: at(TARGET_ATRS) }
}

fn atr_bps(candles: &[Candle]) -> Option<Decimal> {
    let close = candles.last()?.close.decimal().to_f64()?;
    let bps = atr(candles, ATR_PERIOD)? / close * 10_000.0;
    let tenths = (bps.clamp(*ATR_BPS.start(), *ATR_BPS.end()) * 10.0).round();
    tenths.to_i64().map(|value| Decimal::new(value, 1))
}

/// A confidence between 0 and 1 at two places.
pub(super) fn confidence(value: f64) -> Decimal {
    Decimal::new((value.clamp(0.0, 1.0) * 100.0).round().to_i64().unwrap_or(0), 2)
}
