//! The rules of a market beyond its grid, and the exact rule that an order would break.

use crate::domain::market::Symbol;
use crate::domain::money::{Price, Quantity};
use crate::domain::signal::Side;
use crate::word_enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

word_enum! {
    /// A venue's name for a rule, as it appears in its own refusals.
    FilterName {
        /// Limits and step of every quantity.
        LotSize = "LOT_SIZE",
        /// Limits and step of a quantity at the market, on top of the former.
        MarketLotSize = "MARKET_LOT_SIZE",
        /// Limits and tick of every price.
        PriceFilter = "PRICE_FILTER",
        /// How far a limit may be from the market, for both sides alike.
        PercentPrice = "PERCENT_PRICE",
        /// How far a limit may be from the market, each side by itself.
        PercentPriceBySide = "PERCENT_PRICE_BY_SIDE",
        /// Smallest and largest value of an order.
        Notional = "NOTIONAL",
        /// Smallest value of an order.
        MinNotional = "MIN_NOTIONAL",
        /// Decimal places of an asset.
        Precision = "PRECISION",
    }
}

/// Limits and step of a quantity; zero switches a rule off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotRule {
    /// Smallest quantity.
    pub min: Decimal,
    /// Largest quantity.
    pub max: Decimal,
    /// Quantities are multiples of this.
    pub step: Decimal,
}

/// A limit price lies between these multiples of the market's price; zero switches one off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBand {
    /// Lowest multiple.
    pub down: Decimal,
    /// Highest multiple.
    pub up: Decimal,
}

/// What a venue demands beyond tick, step and smallest value. The default demands nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinerRules {
    /// Lowest price; zero for none.
    pub min_price: Decimal,
    /// Highest price; zero for none.
    pub max_price: Decimal,
    /// What an order at the market obeys on top.
    pub market_lot: LotRule,
    /// Largest price x quantity, in quote; zero for none.
    pub max_notional: Decimal,
    /// Whether the smallest value holds for orders at the market.
    pub min_notional_at_market: bool,
    /// Whether the largest value holds for orders at the market.
    pub max_notional_at_market: bool,
    /// The venue's name of the rule on value.
    pub notional_name: FilterName,
    /// Where the limit of a buy may be.
    pub buy_band: PriceBand,
    /// Where the limit of a sell may be.
    pub sell_band: PriceBand,
    /// The venue's name of the rule on bands.
    pub band_name: FilterName,
    /// Decimal places of quantities, when the venue says so.
    pub base_precision: Option<u32>,
    /// Decimal places of prices, when the venue says so.
    pub quote_precision: Option<u32>,
}

impl Default for FinerRules {
    fn default() -> Self {
        Self {
            min_price: Decimal::ZERO,
            max_price: Decimal::ZERO,
            market_lot: LotRule::default(),
            max_notional: Decimal::ZERO,
            min_notional_at_market: true,
            max_notional_at_market: false,
            notional_name: FilterName::Notional,
            buy_band: PriceBand::default(),
            sell_band: PriceBand::default(),
            band_name: FilterName::PercentPriceBySide,
            base_precision: None,
            quote_precision: None,
        }
    }
}

impl FinerRules {
    /// The band for orders of this side.
    pub const fn band(&self, side: Side) -> PriceBand {
        match side {
            Side::Buy => self.buy_band,
            Side::Sell => self.sell_band,
        }
    }
}

/// The exact rule of the venue that an order would break.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterViolation {
    /// The market is halted or unknown to the venue.
    #[error("{0} is not trading")]
    NotTrading(Symbol),
    /// Below the smallest quantity.
    #[error("{filter}: quantity {quantity} is below the minimum {minimum}")]
    QuantityTooSmall {
        /// The venue's name of the rule.
        filter: FilterName,
        /// Quantity after rounding down to the step.
        quantity: Quantity,
        /// The venue's minimum.
        minimum: Decimal,
    },
    /// Above the largest quantity.
    #[error("{filter}: quantity {quantity} is above the maximum {maximum}")]
    QuantityTooLarge {
        /// The venue's name of the rule.
        filter: FilterName,
        /// Quantity after rounding down to the step.
        quantity: Quantity,
        /// The venue's maximum.
        maximum: Decimal,
    },
    /// Not a multiple of the step.
    #[error("{filter}: quantity {quantity} is not a multiple of {step}")]
    QuantityOffStep {
        /// The venue's name of the rule.
        filter: FilterName,
        /// The quantity.
        quantity: Quantity,
        /// The venue's step.
        step: Decimal,
    },
    /// Worth less than the smallest notional.
    #[error("{filter}: {notional} is below the minimum {minimum}")]
    NotionalTooSmall {
        /// The venue's name of the rule.
        filter: FilterName,
        /// Price x quantity.
        notional: Decimal,
        /// The venue's minimum.
        minimum: Decimal,
    },
    /// Worth more than the largest notional.
    #[error("{filter}: {notional} is above the maximum {maximum}")]
    NotionalTooLarge {
        /// The venue's name of the rule.
        filter: FilterName,
        /// Price x quantity.
        notional: Decimal,
        /// The venue's maximum.
        maximum: Decimal,
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
    /// Outside the prices that the venue takes at all.
    #[error("PRICE_FILTER: price {price} is not within {lowest} and {highest}")]
    PriceOutOfRange {
        /// The limit.
        price: Price,
        /// The venue's minimum; zero for none.
        lowest: Decimal,
        /// The venue's maximum; zero for none.
        highest: Decimal,
    },
    /// Too far from the market's price.
    #[error("{filter}: price {price} is not within {lowest} and {highest}, which follow the market")]
    PriceOutOfBand {
        /// The venue's name of the rule.
        filter: FilterName,
        /// The limit.
        price: Price,
        /// Lowest price now; zero for none.
        lowest: Decimal,
        /// Highest price now; zero for none.
        highest: Decimal,
    },
    /// More decimal places than the asset has.
    #[error("{value} has more than {places} decimal places")]
    TooPrecise {
        /// The quantity or price.
        value: Decimal,
        /// The asset's decimal places.
        places: u32,
    },
}

impl FilterViolation {
    /// Whether the order is too small for the venue at any time: what remains of a holding then is dust.
    pub const fn is_too_little(&self) -> bool {
        matches!(self, Self::QuantityTooSmall { .. } | Self::NotionalTooSmall { .. })
    }

    /// The venue's name of the rule; `None` when the market takes no orders at all.
    pub const fn filter(&self) -> Option<FilterName> {
        Some(match self {
            Self::NotTrading(_) => return None,
            Self::QuantityTooSmall { filter, .. }
            | Self::QuantityTooLarge { filter, .. }
            | Self::QuantityOffStep { filter, .. }
            | Self::NotionalTooSmall { filter, .. }
            | Self::NotionalTooLarge { filter, .. }
            | Self::PriceOutOfBand { filter, .. } => *filter,
            Self::PriceOffTick { .. } | Self::PriceBelowTick { .. } | Self::PriceOutOfRange { .. } => {
                FilterName::PriceFilter
            }
            Self::TooPrecise { .. } => FilterName::Precision,
        })
    }
}
