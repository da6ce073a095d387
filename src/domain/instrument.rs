//! What a venue allows to be traded, and how a wish is cut to its grid. Quantities are only ever rounded down.

use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Price, Quantity, floor_multiple};
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
}

/// The exact rule of the venue that an order would break.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterViolation {
    /// The market is halted or unknown to the venue.
    #[error("{0} is not trading")]
    NotTrading(Symbol),
    /// Below the smallest quantity.
    #[error("LOT_SIZE: quantity {quantity} is below the minimum {minimum}")]
    QuantityTooSmall {
        /// Quantity after rounding down to the step.
        quantity: Quantity,
        /// The venue's minimum.
        minimum: Decimal,
    },
    /// Above the largest quantity.
    #[error("LOT_SIZE: quantity {quantity} is above the maximum {maximum}")]
    QuantityTooLarge {
        /// Quantity after rounding down to the step.
        quantity: Quantity,
        /// The venue's maximum.
        maximum: Decimal,
    },
    /// Not a multiple of the step.
    #[error("LOT_SIZE: quantity {quantity} is not a multiple of {step}")]
    QuantityOffStep {
        /// The quantity.
        quantity: Quantity,
        /// The venue's step.
        step: Decimal,
    },
    /// Worth less than the smallest notional.
    #[error("NOTIONAL: {notional} is below the minimum {minimum}")]
    NotionalTooSmall {
        /// Price x quantity.
        notional: Decimal,
        /// The venue's minimum.
        minimum: Decimal,
    },
    /// A limit that is not a multiple of the tick.
    #[error("PRICE_FILTER: price {price} is not a multiple of {tick}")]
    PriceOffTick {
        /// The limit.
        price: Price,
        /// The venue's tick.
        tick: Decimal,
    },
    /// The price rounds to nothing.
    #[error("PRICE_FILTER: the price is below one tick of {tick}")]
    PriceBelowTick {
        /// The venue's tick.
        tick: Decimal,
    },
}

impl Instrument {
    /// Cuts a quantity down to the step.
    pub fn quantize_quantity(&self, quantity: Quantity) -> Quantity {
        quantity.floor_to(self.step_size)
    }

    /// Puts a limit price on the tick without making it worse for us than asked: down for a buy, up for a sell.
    ///
    /// # Errors
    /// [`FilterViolation::PriceBelowTick`] when nothing above zero remains.
    pub fn quantize_limit(&self, price: Price, side: Side) -> Result<Price, FilterViolation> {
        let floored = floor_multiple(price.decimal(), self.tick_size);
        let value = match side {
            Side::Sell if floored < price.decimal() => floored + self.tick_size,
            Side::Buy | Side::Sell => floored,
        };
        Price::new(value).ok_or(FilterViolation::PriceBelowTick { tick: self.tick_size })
    }

    /// Puts a simulated execution price on the tick, against us: up for a buy, down for a sell (at least one tick).
    pub fn quantize_adverse(&self, price: Price, side: Side) -> Price {
        let floored = floor_multiple(price.decimal(), self.tick_size);
        let value = match side {
            Side::Buy if floored < price.decimal() => floored + self.tick_size,
            Side::Buy => floored,
            Side::Sell => floored.max(self.tick_size),
        };
        Price::new(value).unwrap_or(price)
    }

    /// Checks a quantity against every filter at `price`.
    ///
    /// # Errors
    /// The first [`FilterViolation`].
    pub fn check(&self, quantity: Quantity, price: Price) -> Result<(), FilterViolation> {
        if !self.trading {
            return Err(FilterViolation::NotTrading(self.symbol.clone()));
        }
        if quantity.decimal() < self.min_quantity || quantity.is_zero() {
            return Err(FilterViolation::QuantityTooSmall { quantity, minimum: self.min_quantity });
        }
        if self.quantize_quantity(quantity) != quantity {
            return Err(FilterViolation::QuantityOffStep { quantity, step: self.step_size.normalize() });
        }
        if !self.max_quantity.is_zero() && quantity.decimal() > self.max_quantity {
            return Err(FilterViolation::QuantityTooLarge { quantity, maximum: self.max_quantity });
        }
        let notional = (price * quantity).decimal();
        if notional < self.min_notional {
            return Err(FilterViolation::NotionalTooSmall {
                notional: notional.normalize(),
                minimum: self.min_notional,
            });
        }
        Ok(())
    }

    /// Checks that a limit price is on the tick.
    ///
    /// # Errors
    /// [`FilterViolation::PriceOffTick`].
    pub fn check_limit(&self, price: Price) -> Result<(), FilterViolation> {
        if floor_multiple(price.decimal(), self.tick_size) == price.decimal() {
            Ok(())
        } else {
            Err(FilterViolation::PriceOffTick { price, tick: self.tick_size.normalize() })
        }
    }
}

impl FilterViolation {
    /// Whether the order is too small for the venue at any time: what remains of a holding then is dust.
    pub const fn is_too_little(&self) -> bool {
        matches!(self, Self::QuantityTooSmall { .. } | Self::NotionalTooSmall { .. })
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn btc() -> Instrument {
        Instrument {
            symbol: Symbol("BTCUSDT".into()),
            base: Coin::parse("BTC").expect("coin"),
            quote: Coin::parse("USDT").expect("coin"),
            tick_size: Decimal::new(1, 2),
            step_size: Decimal::new(1, 5),
            min_quantity: Decimal::new(1, 5),
            max_quantity: Decimal::from(9000),
            min_notional: Decimal::from(5),
            trading: true,
        }
    }

    #[test]
    fn limits_round_towards_safety_and_executions_against_us() {
        let (btc, price) = (btc(), Price::parse("100.005").expect("price"));
        assert_eq!(btc.quantize_limit(price, Side::Buy).map(|p| p.to_string()).as_deref(), Ok("100"));
        assert_eq!(btc.quantize_limit(price, Side::Sell).map(|p| p.to_string()).as_deref(), Ok("100.01"));
        assert_eq!(btc.quantize_adverse(price, Side::Buy).to_string(), "100.01");
        assert_eq!(btc.quantize_adverse(price, Side::Sell).to_string(), "100");
    }

    #[test]
    fn each_filter_names_itself() {
        let (btc, price) = (btc(), Price::parse("100").expect("price"));
        let check = |q: &str| btc.check(Quantity::parse(q).expect("quantity"), price).map_err(|e| e.to_string());
        assert_eq!(check("0.05"), Ok(()));
        assert_eq!(check("0.04999").unwrap_err(), "NOTIONAL: 4.999 is below the minimum 5");
        assert!(check("0.000001").unwrap_err().starts_with("LOT_SIZE: quantity 0.000001 is below"));
        assert!(check("9001").unwrap_err().starts_with("LOT_SIZE: quantity 9001 is above"));
    }

    proptest! {
        #[test]
        fn a_quantized_quantity_never_exceeds_the_wish(units in 1u64..u64::MAX / 2, scale in 0u32..12) {
            let wish = Decimal::from_i128_with_scale(i128::from(units), scale);
            if let Some(wish) = Quantity::new(wish) {
                let cut = btc().quantize_quantity(wish);
                prop_assert!(cut <= wish);
                prop_assert!((cut.decimal() % Decimal::new(1, 5)).is_zero());
            }
        }
    }
}
