//! The six markets whose filters are known without asking a venue, for markets that come from a seed or from files.

use crate::domain::instrument::{FinerRules, Instrument, QUOTE_ASSET};
use crate::domain::market::{Coin, Symbol};
use rust_decimal::Decimal;

/// Smallest order of these markets, in quote.
const MIN_NOTIONAL: i64 = 5;

/// One market and its grid. Tick and step are one unit at that many decimal places.
#[derive(Clone, Copy, Debug)]
pub struct KnownMarket {
    /// Base asset.
    pub coin: &'static str,
    /// The venue's name.
    pub symbol: &'static str,
    /// Decimal places of the tick: 2 means 0.01.
    pub tick_scale: u32,
    /// Decimal places of the quantity step.
    pub step_scale: u32,
    /// Largest quantity of an order.
    pub max_quantity: i64,
}

/// The markets in the order in which the product names them everywhere.
pub const KNOWN_MARKETS: [KnownMarket; 6] = [
    KnownMarket { coin: "BTC", symbol: "BTCUSDT", tick_scale: 2, step_scale: 5, max_quantity: 9_000 },
    KnownMarket { coin: "ETH", symbol: "ETHUSDT", tick_scale: 2, step_scale: 4, max_quantity: 9_000 },
    KnownMarket { coin: "SOL", symbol: "SOLUSDT", tick_scale: 2, step_scale: 3, max_quantity: 90_000 },
    KnownMarket { coin: "BNB", symbol: "BNBUSDT", tick_scale: 2, step_scale: 3, max_quantity: 90_000 },
    KnownMarket { coin: "XRP", symbol: "XRPUSDT", tick_scale: 4, step_scale: 1, max_quantity: 9_222_449 },
    KnownMarket { coin: "DOGE", symbol: "DOGEUSDT", tick_scale: 5, step_scale: 0, max_quantity: 9_000_000 },
];

impl KnownMarket {
    /// The known market of a venue's name.
    pub fn find(symbol: &str) -> Option<&'static Self> {
        KNOWN_MARKETS.iter().find(|market| market.symbol == symbol)
    }

    /// The market with its filters.
    pub fn instrument(&self) -> Instrument {
        let step = Decimal::new(1, self.step_scale);
        Instrument {
            symbol: Symbol(self.symbol.to_owned()),
            base: Coin::parse(self.coin).expect("the table holds valid names"),
            quote: quote_coin(),
            tick_size: Decimal::new(1, self.tick_scale),
            step_size: step,
            min_quantity: step,
            max_quantity: Decimal::from(self.max_quantity),
            min_notional: Decimal::from(MIN_NOTIONAL),
            trading: true,
            finer: FinerRules::default(),
        }
    }
}

/// The quote asset as a coin.
pub(super) fn quote_coin() -> Coin {
    Coin::parse(QUOTE_ASSET).expect("the quote asset is a valid name")
}

/// Filters for a market that is not in the table: the tick follows the decimals seen in its prices, and the step is the
/// largest power of ten worth at most a tenth of a quote unit at `price`.
pub(super) fn derived_instrument(symbol: &str, base: Coin, price: Decimal, price_scale: u32) -> Instrument {
    const STEP_SCALE_MAX: u32 = 8;
    let worth = Decimal::new(1, 1);
    let mut scale = 0;
    while scale < STEP_SCALE_MAX && Decimal::new(1, scale) * price > worth {
        scale += 1;
    }
    let step = Decimal::new(1, scale);
    Instrument {
        symbol: Symbol(symbol.to_owned()),
        base,
        quote: quote_coin(),
        tick_size: Decimal::new(1, price_scale),
        step_size: step,
        min_quantity: step,
        max_quantity: Decimal::ZERO,
        min_notional: Decimal::from(MIN_NOTIONAL),
        trading: true,
        finer: FinerRules::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_markets_have_their_grid() {
        let doge = KnownMarket::find("DOGEUSDT").expect("known").instrument();
        assert_eq!((doge.tick_size.to_string(), doge.step_size.to_string()), ("0.00001".into(), "1".into()));
        assert!(KnownMarket::find("FOOUSDT").is_none());
    }

    #[test]
    fn an_unknown_market_gets_a_step_worth_at_most_a_tenth() {
        let coin = Coin::parse("FOO").expect("coin");
        let fine = derived_instrument("FOOUSDT", coin.clone(), Decimal::from(2_500), 2);
        assert_eq!(fine.step_size, Decimal::new(1, 5));
        let coarse = derived_instrument("FOOUSDT", coin, Decimal::new(5, 2), 5);
        assert_eq!(coarse.step_size, Decimal::ONE);
        assert_eq!(coarse.tick_size, Decimal::new(1, 5));
    }
}
