//! What a venue allows to be traded, and how a wish is cut to its grid. Quantities are only ever rounded down.

mod rules;

pub use rules::{FilterName, FilterViolation, FinerRules, LotRule, PriceBand};

use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{MAX_MAGNITUDE, Price, Quantity, floor_multiple};
use crate::domain::signal::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One market of a venue with its filters. A step or limit of zero means that the venue has no such rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// The venue's name: `BTCUSDT`.
    pub symbol: Symbol,
    /// Base asset: `BTC`.
    pub base: Coin,
    /// Quote asset: `USDT`.
    pub quote: Coin,
    /// Prices are multiples of this.
    pub tick_size: Decimal,
    /// Quantities are multiples of this.
    pub step_size: Decimal,
    /// Smallest quantity of an order.
    pub min_quantity: Decimal,
    /// Largest quantity of an order; zero for no limit.
    pub max_quantity: Decimal,
    /// Smallest price x quantity of an order, in quote.
    pub min_notional: Decimal,
    /// Whether the venue takes orders now.
    pub trading: bool,
    /// What the venue demands beyond that.
    #[serde(default)]
    pub finer: FinerRules,
}

/// How an order names its price, as far as filters look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pricing {
    /// At whatever the market pays.
    Market,
    /// At this price or better.
    Limit(Price),
}

impl Instrument {
    /// The step on which a quantity passes as a limit and at the market, within the asset's decimal places.
    pub fn step(&self) -> Decimal {
        let both = common_multiple(self.step_size, self.finer.market_lot.step);
        common_multiple(both, smallest_unit(self.finer.base_precision))
    }

    /// The tick, within the asset's decimal places.
    pub fn tick(&self) -> Decimal {
        common_multiple(self.tick_size, smallest_unit(self.finer.quote_precision))
    }

    /// Cuts a quantity down to the step.
    pub fn quantize_quantity(&self, quantity: Quantity) -> Quantity {
        quantity.floor_to(self.step())
    }

    /// Puts a limit price on the tick without making it worse for us than asked: down for a buy, up for a sell.
    ///
    /// # Errors
    /// [`FilterViolation::PriceBelowTick`] when nothing above zero remains.
    pub fn quantize_limit(&self, price: Price, side: Side) -> Result<Price, FilterViolation> {
        let tick = self.tick();
        let floored = floor_multiple(price.decimal(), tick);
        let value = match side {
            Side::Sell if floored < price.decimal() => floored + tick,
            Side::Buy | Side::Sell => floored,
        };
        Price::new(value).ok_or(FilterViolation::PriceBelowTick { tick })
    }

    /// Puts a simulated execution price on the tick, against us: up for a buy, down for a sell (at least one tick).
    pub fn quantize_adverse(&self, price: Price, side: Side) -> Price {
        let tick = self.tick();
        let floored = floor_multiple(price.decimal(), tick);
        let value = match side {
            Side::Buy if floored < price.decimal() => floored + tick,
            Side::Buy => floored,
            Side::Sell => floored.max(tick),
        };
        Price::new(value).unwrap_or(price)
    }

    /// Checks an order at the market, worth `price` a unit, against every filter.
    ///
    /// # Errors
    /// The first [`FilterViolation`].
    pub fn check(&self, quantity: Quantity, price: Price) -> Result<(), FilterViolation> {
        // No filter of an order at the market looks at its side.
        self.check_order(Side::Buy, Pricing::Market, quantity, price)
    }

    /// Checks an order against every filter, while the market stands at `reference`.
    ///
    /// # Errors
    /// The first [`FilterViolation`].
    pub fn check_order(
        &self,
        side: Side,
        pricing: Pricing,
        quantity: Quantity,
        reference: Price,
    ) -> Result<(), FilterViolation> {
        if !self.trading {
            return Err(FilterViolation::NotTrading(self.symbol.clone()));
        }
        let lot = LotRule { min: self.min_quantity, max: self.max_quantity, step: self.step_size };
        check_lot(FilterName::LotSize, lot, quantity)?;
        if pricing == Pricing::Market {
            check_lot(FilterName::MarketLotSize, self.finer.market_lot, quantity)?;
        }
        check_precision(quantity.decimal(), self.finer.base_precision)?;
        self.check_notional(pricing, quantity, reference)?;
        match pricing {
            Pricing::Market => Ok(()),
            Pricing::Limit(limit) => self.check_limit(limit).and_then(|()| self.check_band(side, limit, reference)),
        }
    }

    /// Checks that a limit or stop price is one that the venue takes at all: range, tick and decimal places.
    ///
    /// # Errors
    /// The first [`FilterViolation`].
    pub fn check_limit(&self, price: Price) -> Result<(), FilterViolation> {
        let (value, lowest, highest) = (price.decimal(), self.finer.min_price, self.finer.max_price);
        if value < lowest || (!highest.is_zero() && value > highest) {
            return Err(FilterViolation::PriceOutOfRange { price, lowest, highest });
        }
        if floor_multiple(value, self.tick_size) != value {
            return Err(FilterViolation::PriceOffTick { price, tick: self.tick_size.normalize() });
        }
        check_precision(value, self.finer.quote_precision)
    }

    fn check_band(&self, side: Side, price: Price, reference: Price) -> Result<(), FilterViolation> {
        let band = self.finer.band(side);
        let (lowest, highest) = (bound(reference, band.down), bound(reference, band.up));
        let value = price.decimal();
        if value < lowest || (!highest.is_zero() && value > highest) {
            return Err(FilterViolation::PriceOutOfBand { filter: self.finer.band_name, price, lowest, highest });
        }
        Ok(())
    }

    fn check_notional(&self, pricing: Pricing, quantity: Quantity, reference: Price) -> Result<(), FilterViolation> {
        let (price, min_holds, max_holds) = match pricing {
            Pricing::Market => (reference, self.finer.min_notional_at_market, self.finer.max_notional_at_market),
            Pricing::Limit(limit) => (limit, true, true),
        };
        let (filter, notional) = (self.finer.notional_name, (price * quantity).decimal());
        if min_holds && notional < self.min_notional {
            let minimum = self.min_notional;
            return Err(FilterViolation::NotionalTooSmall { filter, notional: notional.normalize(), minimum });
        }
        let maximum = self.finer.max_notional;
        if max_holds && !maximum.is_zero() && notional > maximum {
            return Err(FilterViolation::NotionalTooLarge { filter, notional: notional.normalize(), maximum });
        }
        Ok(())
    }
}

/// A venue's markets, found by coin.
#[derive(Clone, Debug, Default)]
pub struct InstrumentList {
    by_symbol: std::collections::BTreeMap<Symbol, Instrument>,
    by_coin: std::collections::BTreeMap<Coin, Symbol>,
}

/// The quote asset in which traders keep their capital.
pub const QUOTE_ASSET: &str = "USDT";

impl InstrumentList {
    /// Takes a venue's markets; only those quoted in [`QUOTE_ASSET`] are found by coin.
    pub fn new(instruments: impl IntoIterator<Item = Instrument>) -> Self {
        let mut list = Self::default();
        for instrument in instruments {
            if instrument.quote.as_str() == QUOTE_ASSET {
                list.by_coin.insert(instrument.base.clone(), instrument.symbol.clone());
            }
            list.by_symbol.insert(instrument.symbol.clone(), instrument);
        }
        list
    }

    /// The market of a coin against [`QUOTE_ASSET`].
    pub fn of_coin(&self, coin: &Coin) -> Option<&Instrument> {
        self.by_coin.get(coin).and_then(|symbol| self.by_symbol.get(symbol))
    }

    /// A market by the venue's name.
    pub fn of_symbol(&self, symbol: &Symbol) -> Option<&Instrument> {
        self.by_symbol.get(symbol)
    }

    /// Every coin that can be traded against [`QUOTE_ASSET`], in order.
    pub fn coins(&self) -> impl Iterator<Item = &Coin> {
        self.by_coin.keys()
    }
}

fn check_lot(filter: FilterName, lot: LotRule, quantity: Quantity) -> Result<(), FilterViolation> {
    let LotRule { min: minimum, max: maximum, step } = lot;
    if quantity.decimal() < minimum || quantity.is_zero() {
        return Err(FilterViolation::QuantityTooSmall { filter, quantity, minimum });
    }
    if quantity.floor_to(step) != quantity {
        return Err(FilterViolation::QuantityOffStep { filter, quantity, step: step.normalize() });
    }
    if !maximum.is_zero() && quantity.decimal() > maximum {
        return Err(FilterViolation::QuantityTooLarge { filter, quantity, maximum });
    }
    Ok(())
}

fn check_precision(value: Decimal, places: Option<u32>) -> Result<(), FilterViolation> {
    match places {
        Some(places) if value.normalize().scale() > places => Err(FilterViolation::TooPrecise { value, places }),
        _ => Ok(()),
    }
}

/// A multiple of the market's price; zero, which is no bound, when there is none or it is beyond every price.
fn bound(reference: Price, multiplier: Decimal) -> Decimal {
    let bound = reference.decimal().checked_mul(multiplier).unwrap_or_default();
    if bound > MAX_MAGNITUDE { Decimal::ZERO } else { bound.normalize() }
}

/// The smallest amount with so many decimal places; zero, which is no rule, when nothing is said.
fn smallest_unit(places: Option<u32>) -> Decimal {
    places.and_then(|places| Decimal::try_new(1, places).ok()).unwrap_or_default()
}

/// The smallest number that is a multiple of both; zero means "no rule" and leaves the other.
fn common_multiple(one: Decimal, other: Decimal) -> Decimal {
    let (larger, smaller) = (one.max(other), one.min(other));
    if smaller.is_zero() || (larger % smaller).is_zero() {
        return larger;
    }
    // Euclid: each round leaves less than half, so it ends within two hundred rounds for any decimal.
    let (mut divisor, mut rest) = (smaller, larger % smaller);
    while !rest.is_zero() {
        (divisor, rest) = (rest, divisor % rest);
    }
    // Where no common step can be held in a decimal, nothing can be on both: the larger then denies what is off.
    (larger / divisor).checked_mul(smaller).unwrap_or(larger)
}

#[cfg(test)]
mod tests;
