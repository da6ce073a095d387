//! A market's rules as Binance states them -> [`Instrument`].
//!
//! A limit or step of zero, or one that is missing, means that the rule is off: MARKET_LOT_SIZE normally has a step of 0.

use super::rate_limit::Limit;
use super::wire::{SymbolWord, WireExchangeInfo, WireFilter, WireRateLimit, WireSymbol};
use crate::domain::instrument::{FilterName, FinerRules, Instrument, InstrumentList, LotRule, PriceBand, QUOTE_ASSET};
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{MAX_MAGNITUDE, NumberError, parse_plain};
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use rust_decimal::Decimal;

/// The most markets in one answer.
const SYMBOLS_MAX: usize = 50_000;

/// Markets and limits of one answer.
pub struct ExchangeInfo {
    /// Markets against [`QUOTE_ASSET`].
    pub instruments: InstrumentList,
    /// Weight per window, if stated.
    pub weight: Option<Limit>,
    /// Orders per window.
    pub orders: Vec<Limit>,
}

/// Reads `exchangeInfo`. A market that cannot be understood is left out: without its filters it cannot be traded.
///
/// # Errors
/// What is wrong with the answer, in words that follow "Binance's".
pub fn exchange_info(body: &[u8]) -> Result<ExchangeInfo, String> {
    let info: WireExchangeInfo = serde_json::from_slice(body)
        .map_err(|_| "exchange information is not JSON of the documented shape".to_owned())?;
    if info.symbols.len() > SYMBOLS_MAX {
        return Err(format!("exchange information lists more than {SYMBOLS_MAX} markets"));
    }
    let quoted = info.symbols.iter().filter(|symbol| symbol.quote_asset == QUOTE_ASSET);
    let instruments = InstrumentList::new(quoted.filter_map(instrument));
    if instruments.coins().next().is_none() {
        return Err(format!("exchange information lists no usable market against {QUOTE_ASSET}"));
    }
    let limits = |kind: &str| {
        let stated = info.rate_limits.iter().filter(|limit| limit.rate_limit_type == kind);
        stated.filter_map(limit).collect::<Vec<_>>()
    };
    Ok(ExchangeInfo { instruments, weight: limits("REQUEST_WEIGHT").first().copied(), orders: limits("ORDERS") })
}

/// A limit as a window; `None` for a kind of window that we do not know.
pub fn limit(wire: &WireRateLimit) -> Option<Limit> {
    let unit = match wire.interval.as_str() {
        "SECOND" => SECOND_MS,
        "MINUTE" => MINUTE_MS,
        "HOUR" => HOUR_MS,
        "DAY" => DAY_MS,
        _ => return None,
    };
    let window_ms = unit.checked_mul(wire.interval_num).filter(|window| *window > 0)?;
    (wire.limit > 0).then_some(Limit { window_ms, most: wire.limit })
}

fn instrument(wire: &WireSymbol) -> Option<Instrument> {
    let filter = |name: FilterName| wire.filters.iter().find(|filter| filter.filter_type == name.as_str());
    let price = filter(FilterName::PriceFilter)?;
    let lot = lot(filter(FilterName::LotSize)?)?;
    let mut finer = FinerRules {
        min_price: number(price.min_price.as_ref())?,
        max_price: number(price.max_price.as_ref())?,
        market_lot: filter(FilterName::MarketLotSize).map_or(Some(LotRule::default()), self::lot)?,
        base_precision: wire.base_asset_precision,
        quote_precision: wire.quote_asset_precision,
        ..FinerRules::default()
    };
    let mut min_notional = Decimal::ZERO;
    if let Some(rule) = filter(FilterName::Notional) {
        min_notional = number(rule.min_notional.as_ref())?;
        finer.max_notional = number(rule.max_notional.as_ref())?;
        finer.min_notional_at_market = rule.apply_min_to_market.unwrap_or(true);
        finer.max_notional_at_market = rule.apply_max_to_market.unwrap_or(true);
    } else if let Some(rule) = filter(FilterName::MinNotional) {
        min_notional = number(rule.min_notional.as_ref())?;
        finer.min_notional_at_market = rule.apply_to_market.unwrap_or(true);
        finer.notional_name = FilterName::MinNotional;
    }
    if let Some(rule) = filter(FilterName::PercentPriceBySide) {
        finer.buy_band = band(rule.bid_multiplier_down.as_ref(), rule.bid_multiplier_up.as_ref())?;
        finer.sell_band = band(rule.ask_multiplier_down.as_ref(), rule.ask_multiplier_up.as_ref())?;
    } else if let Some(rule) = filter(FilterName::PercentPrice) {
        finer.buy_band = band(rule.multiplier_down.as_ref(), rule.multiplier_up.as_ref())?;
        finer.sell_band = finer.buy_band;
        finer.band_name = FilterName::PercentPrice;
    }
    Some(Instrument {
        symbol: Symbol(wire.symbol.clone()),
        base: Coin::parse(&wire.base_asset)?,
        quote: Coin::parse(&wire.quote_asset)?,
        tick_size: number(price.tick_size.as_ref())?,
        step_size: lot.step,
        min_quantity: lot.min,
        max_quantity: lot.max,
        min_notional,
        trading: wire.status == SymbolWord::Trading && wire.is_spot_trading_allowed,
        finer,
    })
}

fn lot(rule: &WireFilter) -> Option<LotRule> {
    let (min, max) = (number(rule.min_qty.as_ref())?, number(rule.max_qty.as_ref())?);
    Some(LotRule { min, max, step: number(rule.step_size.as_ref())? })
}

fn band(down: Option<&String>, up: Option<&String>) -> Option<PriceBand> {
    Some(PriceBand { down: number(down)?, up: number(up)? })
}

/// A number of a filter; zero when it is missing, our own bound when it is beyond it, `None` when it is no number.
fn number(text: Option<&String>) -> Option<Decimal> {
    match text.map(|text| parse_plain(text)) {
        None => Some(Decimal::ZERO),
        Some(Err(NumberError::TooLarge)) => Some(MAX_MAGNITUDE),
        Some(value) => value.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn market(filters: &Value) -> Value {
        json!({"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
               "baseAssetPrecision": 8, "quoteAssetPrecision": 6, "filters": filters})
    }

    fn read(symbols: &Value, limits: &Value) -> Result<ExchangeInfo, String> {
        exchange_info(json!({"rateLimits": limits, "symbols": symbols}).to_string().as_bytes())
    }

    fn only(filters: &Value) -> Option<Instrument> {
        let info = read(&json!([market(filters)]), &json!([])).ok()?;
        info.instruments.of_symbol(&Symbol("BTCUSDT".into())).cloned()
    }

    /// The documented examples of each filter.
    fn documented() -> Value {
        json!([
            {"filterType": "PRICE_FILTER", "minPrice": "0.00000100", "maxPrice": "100000.00000000", "tickSize": "0.00000100"},
            {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "1.2", "bidMultiplierDown": "0.2",
             "askMultiplierUp": "5", "askMultiplierDown": "0.8", "avgPriceMins": 1},
            {"filterType": "LOT_SIZE", "minQty": "0.00100000", "maxQty": "100000.00000000", "stepSize": "0.00100000"},
            {"filterType": "NOTIONAL", "minNotional": "10.00000000", "applyMinToMarket": false,
             "maxNotional": "10000.00000000", "applyMaxToMarket": false, "avgPriceMins": 5},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00100000", "maxQty": "100000.00000000", "stepSize": "0.00000000"},
            {"filterType": "MAX_POSITION", "maxPosition": "10.00000000"},
            {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000},
            {"filterType": "BRAND_NEW", "limit": {"deep": [1]}}
        ])
    }

    #[test]
    fn the_documented_filters_become_rules() {
        let market = only(&documented()).expect("usable");
        let number = |text: &str| text.parse::<Decimal>().expect("number");
        assert_eq!((market.tick_size, market.step_size), (number("0.000001"), number("0.001")));
        assert_eq!((market.min_quantity, market.max_quantity), (number("0.001"), number("100000")));
        let finer = market.finer;
        assert_eq!((finer.min_price, finer.max_price), (number("0.000001"), number("100000")));
        assert_eq!(finer.market_lot, LotRule { min: number("0.001"), max: number("100000"), step: Decimal::ZERO });
        assert_eq!((market.min_notional, finer.max_notional), (number("10"), number("10000")));
        assert!(!finer.min_notional_at_market && !finer.max_notional_at_market);
        assert_eq!(finer.buy_band, PriceBand { down: number("0.2"), up: number("1.2") });
        assert_eq!(finer.sell_band, PriceBand { down: number("0.8"), up: number("5") });
        assert_eq!((finer.base_precision, finer.quote_precision), (Some(8), Some(6)));
    }

    #[test]
    fn the_older_filters_keep_their_names() {
        let market = only(&json!([
            {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "99999999999999.0", "stepSize": "1"},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.3000", "multiplierDown": "0.7000", "avgPriceMins": 5},
            {"filterType": "MIN_NOTIONAL", "minNotional": "0.00100000", "applyToMarket": true, "avgPriceMins": 5}
        ]));
        let finer = market.as_ref().expect("usable").finer;
        assert_eq!((finer.notional_name, finer.band_name), (FilterName::MinNotional, FilterName::PercentPrice));
        assert_eq!(finer.buy_band, finer.sell_band);
        assert!(finer.min_notional_at_market);
        assert_eq!(market.expect("usable").max_quantity, MAX_MAGNITUDE, "beyond our bound is our bound");
    }

    #[test]
    fn a_market_that_cannot_be_understood_is_left_out() {
        for spoilt in [
            json!([]),
            json!([{"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "1", "stepSize": "1"}]),
            json!([{"filterType": "PRICE_FILTER", "tickSize": "0.01"}]),
            json!([{"filterType": "PRICE_FILTER", "tickSize": "1e-2"}, {"filterType": "LOT_SIZE", "stepSize": "1"}]),
        ] {
            assert_eq!(only(&spoilt), None, "{spoilt}");
        }
        for status in ["HALT", "BREAK", "CANCEL_ONLY", "SOMETHING_NEW"] {
            let mut halted = market(&documented());
            halted["status"] = json!(status);
            let info = read(&json!([halted]), &json!([])).expect("readable");
            assert!(info.instruments.of_symbol(&Symbol("BTCUSDT".into())).is_some_and(|market| !market.trading));
        }
    }

    #[test]
    fn limits_are_read_and_unknown_ones_passed_over() {
        let limits = json!([
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
            {"rateLimitType": "ORDERS", "interval": "FORTNIGHT", "intervalNum": 1, "limit": 5},
            {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300000},
            {}
        ]);
        let info = read(&json!([market(&documented())]), &limits).expect("readable");
        assert_eq!(info.weight, Some(Limit { window_ms: MINUTE_MS, most: 6_000 }));
        let orders = [Limit { window_ms: 10_000, most: 100 }, Limit { window_ms: DAY_MS, most: 200_000 }];
        assert_eq!(info.orders, orders);
    }
}
