//! The seeded walk behind the synthetic market.
//!
//! Each coin goes through regimes (trend up or down, quiet, mean reversion, burst), and each five-minute candle is one
//! step of the walk. Prices are whole ticks; floats shape a step and never hold a price from one candle to the next.
//! Only additions, multiplications and divisions are used, which every machine computes to the same bit, so that a
//! seed means the same market everywhere.

/// Weights of the regimes, in draws of 100: up, down, quiet, mean reversion; the rest are bursts.
const WEIGHTS: [u64; 4] = [28, 28, 14, 22];
/// Pull back to the anchor price, in volatilities for each whole distance: keeps months of walk within sane prices.
const ANCHOR_PULL: f64 = 0.25;
/// The strongest pull to the anchor.
const ANCHOR_PULL_MAX: f64 = 0.15;
/// Pull to the centre in a mean-reverting regime, as a share of the distance for each candle.
const REVERT_PULL: f64 = 0.03;
/// Longest wick beyond the body, in volatilities.
const WICK: f64 = 0.7;
/// The widest step of one candle, as a share of the price.
const STEP_MAX: f64 = 0.04;
/// Lowest price in ticks: below it the grid would be coarser than the walk.
const FLOOR_TICKS: i64 = 200;
/// Highest price in ticks, far above any anchor.
const CEILING_TICKS: i64 = 2_000_000_000;
/// Length of one candle in seconds.
const CANDLE_SECONDS: i64 = 300;

/// How one coin moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Character {
    /// Price at the start of the history, in ticks; the walk stays around it.
    pub anchor_ticks: u32,
    /// Volatility of five minutes, as a share of the price.
    pub volatility: f64,
    /// Typical volume of five minutes, in steps.
    pub volume_steps: u32,
}

/// One candle in whole ticks and steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TickCandle {
    pub open: u32,
    pub high: u32,
    pub low: u32,
    pub close: u32,
    pub volume: u32,
}

impl TickCandle {
    /// Takes a later candle into this one.
    pub fn absorb(&mut self, later: &Self) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume = self.volume.saturating_add(later.volume);
    }
}

/// Candles (counted from the start of the history) in which a coin surely trends.
#[derive(Clone, Copy, Debug)]
pub(super) struct SureTrend {
    /// First candle.
    pub from: u64,
    /// First candle after it.
    pub until: u64,
    /// Drift for each candle, in volatilities; negative for a downtrend.
    pub drift: f64,
}

#[derive(Clone, Copy, Debug)]
struct Regime {
    left: u64,
    drift: f64,
    calm: f64,
    centre: Option<f64>,
    anchored: bool,
}

/// The walk of one coin; calling [`Walk::step`] n times gives the same n candles for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    key: u64,
    draws: SplitMix64,
    character: Character,
    sure: Option<SureTrend>,
    index: u64,
    price: u32,
    regime: Regime,
}

impl Walk {
    pub fn new(seed: u64, coin_index: u64, character: Character, sure: Option<SureTrend>) -> Self {
        let key = scramble(seed ^ scramble(coin_index.wrapping_add(0x51_7c_c1_b7)));
        let regime = Regime { left: 0, drift: 0.0, calm: 1.0, centre: None, anchored: true };
        Self { key, draws: SplitMix64(key), character, sure, index: 0, price: character.anchor_ticks, regime }
    }

    /// The next candle.
    pub fn step(&mut self) -> TickCandle {
        self.choose_regime();
        let open = f64::from(self.price);
        let volatility = self.character.volatility * self.regime.calm;
        let mut change = self.regime.drift * self.character.volatility + volatility * self.draws.bell();
        if let Some(centre) = self.regime.centre {
            change += REVERT_PULL * (centre - open) / centre;
        }
        if self.regime.anchored {
            let anchor = f64::from(self.character.anchor_ticks);
            let pull = ANCHOR_PULL * (anchor - open) / anchor;
            change += pull.clamp(-ANCHOR_PULL_MAX, ANCHOR_PULL_MAX) * self.character.volatility;
        }
        let change = change.clamp(-STEP_MAX, STEP_MAX);
        let close = on_grid(open * (1.0 + change));
        let above = on_grid_from_zero(open * volatility * WICK * self.draws.unit());
        let below = on_grid_from_zero(open * volatility * WICK * self.draws.unit());
        let high = self.price.max(close).saturating_add(above);
        let low = self.price.min(close).saturating_sub(below).max(1);
        let activity = 0.6 + 0.8 * (change / self.character.volatility).abs();
        let volume = f64::from(self.character.volume_steps) * (0.4 + 1.2 * self.draws.unit()) * activity;
        let candle = TickCandle { open: self.price, high, low, close, volume: on_grid_from_zero(volume).max(1) };
        self.price = close;
        self.index += 1;
        self.regime.left = self.regime.left.saturating_sub(1);
        candle
    }

    /// The price, in ticks, `elapsed_ms` into candle number `index`: a path from open over both extremes to close.
    pub fn price_within(&self, index: u64, candle: &TickCandle, elapsed_ms: i64) -> u32 {
        let second = (elapsed_ms / 1_000).clamp(0, CANDLE_SECONDS);
        if second == 0 {
            return candle.open;
        }
        let shape = scramble(self.key ^ scramble(index ^ 0xa5a5_5a5a));
        let (first, last) = if shape & 1 == 0 { (candle.low, candle.high) } else { (candle.high, candle.low) };
        let first_at = 30 + bounded(shape >> 8, 106);
        let last_at = 165 + bounded(shape >> 32, 106);
        let line = |from: u32, to: u32, start: i64, end: i64| {
            i64::from(from) + (i64::from(to) - i64::from(from)) * (second - start) / (end - start)
        };
        let base = if second < first_at {
            line(candle.open, first, 0, first_at)
        } else if second < last_at {
            line(first, last, first_at, last_at)
        } else {
            line(last, candle.close, last_at, CANDLE_SECONDS)
        };
        let range = i64::from(candle.high) - i64::from(candle.low);
        let noise = scramble(shape ^ second.unsigned_abs());
        let width = (range / 16).max(1);
        let wiggle = bounded(noise, 2 * width.unsigned_abs() + 1) - width;
        let price = (base + wiggle).clamp(i64::from(candle.low), i64::from(candle.high));
        u32::try_from(price).unwrap_or(candle.open)
    }

    fn choose_regime(&mut self) {
        if let Some(sure) = self.sure
            && self.index == sure.from
        {
            let left = sure.until.saturating_sub(sure.from);
            self.regime = Regime { left, drift: sure.drift, calm: 0.9, centre: None, anchored: false };
        }
        if self.regime.left > 0 {
            return;
        }
        let [up, down, quiet, revert] = WEIGHTS;
        let draw = self.draws.next() % 100;
        let strength = 0.10 + 0.15 * self.draws.unit();
        let length = self.draws.next();
        let span = |low: u64, high: u64| low + length % (high - low + 1);
        let plain = Regime { left: 0, drift: 0.0, calm: 1.0, centre: None, anchored: true };
        self.regime = if draw < up {
            Regime { left: span(48, 168), drift: strength, calm: 0.9, ..plain }
        } else if draw < up + down {
            Regime { left: span(48, 168), drift: -strength, calm: 0.9, ..plain }
        } else if draw < up + down + quiet {
            Regime { left: span(36, 96), calm: 0.5, ..plain }
        } else if draw < up + down + quiet + revert {
            Regime { left: span(48, 144), centre: Some(f64::from(self.price)), ..plain }
        } else {
            let drift = if length & (1 << 40) == 0 { 0.3 } else { -0.3 };
            Regime { left: span(6, 18), drift, calm: 2.6, ..plain }
        };
    }
}

/// A whole number below `limit` from the low bits of a hash; the bias is far below one tick.
fn bounded(hash: u64, limit: u64) -> i64 {
    i64::try_from((hash & 0xffff_ffff) % limit.max(1)).unwrap_or(0)
}

#[allow(clippy::cast_possible_truncation)]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

/// A price in ticks, kept where the walk makes sense.
fn on_grid(value: f64) -> u32 {
    u32::try_from(whole(value).clamp(FLOOR_TICKS, CEILING_TICKS)).expect("the ceiling fits")
}

/// A distance or an amount in ticks or steps.
fn on_grid_from_zero(value: f64) -> u32 {
    u32::try_from(whole(value).clamp(0, CEILING_TICKS)).expect("the ceiling fits")
}

/// The SplitMix64 generator: 64 bits of state, enough for a walk and trivially the same everywhere.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// Between 0 and 1, in steps of 2^-24.
    fn unit(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 40).expect("24 bits fit");
        f64::from(bits) / 16_777_216.0
    }

    /// Close to a normal distribution of variance 1: the sum of four uniform draws, at most 3.47 from the middle.
    fn bell(&mut self) -> f64 {
        let bits = self.next();
        let sum: u32 =
            (0..4).map(|lane| u32::from(u16::try_from((bits >> (16 * lane)) & 0xffff).expect("16 bits"))).sum();
        (f64::from(sum) / 65_536.0 - 2.0) * 1.732_050_8
    }
}

fn scramble(value: u64) -> u64 {
    let mut z = value;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BTC: Character = Character { anchor_ticks: 9_500_000, volatility: 0.001, volume_steps: 12_000_000 };

    /// A change here moves every price of every running demo: its positions would wake up in another market.
    #[test]
    fn a_seed_means_the_same_market_in_every_version() {
        let mut walk = Walk::new(7, 0, BTC, None);
        let last = (0..10_000).map(|_| walk.step()).last().expect("ten thousand");
        let expected =
            TickCandle { open: 10_761_902, high: 10_784_465, low: 10_758_599, close: 10_778_580, volume: 12_404_176 };
        assert_eq!(last, expected);
    }

    #[test]
    fn a_year_of_walk_stays_within_sane_prices_and_volatility() {
        for seed in 0..20 {
            let mut walk = Walk::new(seed, 0, BTC, None);
            let (mut squares, count) = (0.0, 365 * 288);
            for _ in 0..count {
                let candle = walk.step();
                let change = f64::from(candle.close) / f64::from(candle.open) - 1.0;
                squares += change * change;
                assert!((3_000_000..30_000_000).contains(&candle.close), "seed {seed}: {}", candle.close);
            }
            let volatility = (squares / f64::from(count)).sqrt();
            assert!((0.0006..0.0025).contains(&volatility), "seed {seed}: {volatility}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_candle_and_every_price_within_it_keeps_its_range(seed: u64, coin in 0u64..6, ticks in 1_000u32..50_000_000) {
            let character = Character { anchor_ticks: ticks, ..BTC };
            let mut walk = Walk::new(seed, coin, character, None);
            let mut previous = ticks;
            for index in 0..300u64 {
                let candle = walk.step();
                prop_assert_eq!(candle.open, previous);
                prop_assert!(candle.low >= 1 && candle.low <= candle.open.min(candle.close));
                prop_assert!(candle.high >= candle.open.max(candle.close));
                prop_assert!(candle.volume > 0);
                for elapsed in [0, 1_000, 31_999, 150_000, 299_999, 300_000] {
                    let price = walk.price_within(index, &candle, elapsed);
                    prop_assert!((candle.low..=candle.high).contains(&price));
                }
                prop_assert_eq!(walk.price_within(index, &candle, 0), candle.open);
                previous = candle.close;
            }
        }
    }
}
