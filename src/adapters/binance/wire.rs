//! Binance's answers as they come. Fields and words that we do not know are passed over, never refused; money is read
//! from text as a decimal, so no float is ever involved.

use rust_decimal::Decimal;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

/// The most digits on each side of the point.
const DIGITS_MAX: usize = 20;

/// A decimal written as text in plain notation. Negative ones occur: an unknown total is written as -1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WireDecimal(pub Decimal);

impl<'de> Deserialize<'de> for WireDecimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = WireDecimal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal as text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<WireDecimal, E> {
                decimal(text).map(WireDecimal).ok_or_else(|| E::custom("not a decimal in plain notation"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Reads plain notation: no exponent, no plus, at most [`DIGITS_MAX`] digits on each side.
fn decimal(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_plain = |part: &str| (1..=DIGITS_MAX).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !is_plain(whole) || !is_plain(fraction) {
        return None;
    }
    // Zeros at the end say nothing, and without them every balance fits a decimal.
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    Decimal::from_str_exact(text).ok()
}

/// Declares an enum of the venue's words that takes words not yet known.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A word that came after us.
            Other(String),
        }

        impl $name {
            /// The venue's word.
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $word,)+ Self::Other(word) => word }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                if word.len() > 64 {
                    return Err(D::Error::custom("a word that is too long"));
                }
                Ok(match word.as_str() { $($word => Self::$variant,)+ _ => Self::Other(word) })
            }
        }
    };
}

open_enum! {
    /// Where an order stands.
    OrderWord {
        /// In the book.
        New = "NEW",
        /// A part executed.
        PartiallyFilled = "PARTIALLY_FILLED",
        /// All executed.
        Filled = "FILLED",
        /// Cancelled by somebody.
        Canceled = "CANCELED",
        /// Not used by the venue so far.
        PendingCancel = "PENDING_CANCEL",
        /// Waits in a list for another order.
        PendingNew = "PENDING_NEW",
        /// Not accepted by the engine.
        Rejected = "REJECTED",
        /// Ended by the engine.
        Expired = "EXPIRED",
        /// Ended because it would have traded with its own account.
        ExpiredInMatch = "EXPIRED_IN_MATCH",
    }
}

open_enum! {
    /// Whether a market can be traded.
    SymbolWord {
        /// Open.
        Trading = "TRADING",
        /// Stopped.
        Halt = "HALT",
        /// Paused.
        Break = "BREAK",
        /// The day is over.
        EndOfDay = "END_OF_DAY",
        /// Only cancels.
        CancelOnly = "CANCEL_ONLY",
    }
}

open_enum! {
    /// The side of an order.
    SideWord {
        /// Takes base.
        Buy = "BUY",
        /// Gives base.
        Sell = "SELL",
    }
}

/// `time`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireTime {
    /// Milliseconds.
    pub server_time: i64,
}

/// `exchangeInfo`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireExchangeInfo {
    /// Limits of requests and orders.
    #[serde(default)]
    pub rate_limits: Vec<WireRateLimit>,
    /// Every market.
    pub symbols: Vec<WireSymbol>,
}

/// One limit; a field that is missing makes it unusable, not the whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireRateLimit {
    /// `REQUEST_WEIGHT`, `ORDERS`, ...
    pub rate_limit_type: String,
    /// `SECOND`, `MINUTE`, `DAY`.
    pub interval: String,
    /// How many of them.
    pub interval_num: i64,
    /// The most within them.
    pub limit: u64,
    /// Used so far, where asked for.
    pub count: Option<u64>,
}

/// One market.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireSymbol {
    /// Its name.
    pub symbol: String,
    /// Whether it trades.
    pub status: SymbolWord,
    /// Base asset.
    pub base_asset: String,
    /// Quote asset.
    pub quote_asset: String,
    /// Decimal places of quantities.
    pub base_asset_precision: Option<u32>,
    /// Decimal places of prices.
    pub quote_asset_precision: Option<u32>,
    /// Whether spot trading is allowed at all.
    #[serde(default = "yes")]
    pub is_spot_trading_allowed: bool,
    /// Its rules.
    pub filters: Vec<WireFilter>,
}

const fn yes() -> bool {
    true
}

/// One rule; which fields it has depends on its type. Numbers stay text here: some are beyond what we calculate with.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireFilter {
    /// Its name.
    pub filter_type: String,
    /// `PRICE_FILTER`
    pub min_price: Option<String>,
    /// `PRICE_FILTER`
    pub max_price: Option<String>,
    /// `PRICE_FILTER`
    pub tick_size: Option<String>,
    /// `LOT_SIZE`, `MARKET_LOT_SIZE`
    pub min_qty: Option<String>,
    /// `LOT_SIZE`, `MARKET_LOT_SIZE`
    pub max_qty: Option<String>,
    /// `LOT_SIZE`, `MARKET_LOT_SIZE`
    pub step_size: Option<String>,
    /// `NOTIONAL`, `MIN_NOTIONAL`
    pub min_notional: Option<String>,
    /// `NOTIONAL`
    pub max_notional: Option<String>,
    /// `MIN_NOTIONAL`
    pub apply_to_market: Option<bool>,
    /// `NOTIONAL`
    pub apply_min_to_market: Option<bool>,
    /// `NOTIONAL`
    pub apply_max_to_market: Option<bool>,
    /// `PERCENT_PRICE`
    pub multiplier_up: Option<String>,
    /// `PERCENT_PRICE`
    pub multiplier_down: Option<String>,
    /// `PERCENT_PRICE_BY_SIDE`
    pub bid_multiplier_up: Option<String>,
    /// `PERCENT_PRICE_BY_SIDE`
    pub bid_multiplier_down: Option<String>,
    /// `PERCENT_PRICE_BY_SIDE`
    pub ask_multiplier_up: Option<String>,
    /// `PERCENT_PRICE_BY_SIDE`
    pub ask_multiplier_down: Option<String>,
}

/// `ticker/price`
#[derive(Debug, Deserialize)]
pub struct WirePrice {
    /// The market.
    pub symbol: String,
    /// Last price.
    pub price: WireDecimal,
}

/// `ticker/bookTicker`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireBookTicker {
    /// The market.
    pub symbol: String,
    /// Best bid; zero when there is none.
    pub bid_price: WireDecimal,
    /// Best ask; zero when there is none.
    pub ask_price: WireDecimal,
}

/// An order in any answer: a placed one, a cancelled one, one of a list. `ACK` answers lack most of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireOrder {
    /// Its market.
    pub symbol: String,
    /// The venue's id.
    pub order_id: i64,
    /// The name it was sent under; in the answer to a cancel, the name of the cancel.
    pub client_order_id: String,
    /// In the answer to a cancel, the name that the order was sent under.
    pub orig_client_order_id: Option<String>,
    /// When the engine took it, where that is told under this name.
    pub transact_time: Option<i64>,
    /// When the engine took it, in lists.
    pub time: Option<i64>,
    /// Base ordered.
    pub orig_qty: Option<WireDecimal>,
    /// Base executed.
    pub executed_qty: Option<WireDecimal>,
    /// Quote value executed; negative when unknown.
    pub cummulative_quote_qty: Option<WireDecimal>,
    /// Where it stands.
    pub status: Option<OrderWord>,
    /// Buy or sell.
    pub side: Option<SideWord>,
    /// Why it expired.
    pub expiry_reason: Option<String>,
    /// Executions, where asked for.
    #[serde(default)]
    pub fills: Vec<WireFill>,
}

/// An execution in the answer to a placed order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireFill {
    /// Quote for one base.
    pub price: WireDecimal,
    /// Base.
    pub qty: WireDecimal,
    /// Fee.
    pub commission: WireDecimal,
    /// In which asset.
    pub commission_asset: String,
    /// The venue's id.
    pub trade_id: Option<i64>,
}

/// A list of orders of which one cancels the other.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireOrderList {
    /// The venue's id of the list.
    pub order_list_id: i64,
    /// The name it was sent under.
    pub list_client_order_id: String,
    /// Its orders.
    #[serde(default)]
    pub order_reports: Vec<WireOrder>,
}

/// What cancelling everything of a market cancelled.
#[derive(Debug)]
pub enum WireCancelled {
    /// A list of orders.
    List(WireOrderList),
    /// One order.
    Order(Box<WireOrder>),
}

impl<'de> Deserialize<'de> for WireCancelled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Read as text first: exact numbers do not survive the buffer behind serde's own untagged enums.
        let text = Box::<RawValue>::deserialize(deserializer)?;
        if let Ok(list) = serde_json::from_str(text.get()) {
            return Ok(Self::List(list));
        }
        let order = serde_json::from_str(text.get()).map_err(|_| D::Error::custom("neither an order nor a list"))?;
        Ok(Self::Order(Box::new(order)))
    }
}

/// `myTrades`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireTrade {
    /// Its market.
    pub symbol: String,
    /// The venue's id.
    pub id: i64,
    /// The order that was executed.
    pub order_id: i64,
    /// Quote for one base.
    pub price: WireDecimal,
    /// Base.
    pub qty: WireDecimal,
    /// Fee.
    pub commission: WireDecimal,
    /// In which asset.
    pub commission_asset: String,
    /// Milliseconds.
    pub time: i64,
    /// Whether the account bought.
    pub is_buyer: bool,
    /// Whether its order rested.
    pub is_maker: bool,
}

/// `account`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireAccount {
    /// Whether the account may trade.
    pub can_trade: bool,
    /// What it holds.
    pub balances: Vec<WireBalance>,
    /// Kinds of trading.
    #[serde(default)]
    pub permissions: Vec<String>,
}

/// What an account holds of one asset.
#[derive(Debug, Deserialize)]
pub struct WireBalance {
    /// The asset.
    pub asset: String,
    /// May be used.
    pub free: WireDecimal,
    /// Tied up.
    pub locked: WireDecimal,
}

/// `account/commission`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireCommission {
    /// The market.
    pub symbol: String,
    /// The usual rates.
    pub standard_commission: WireRates,
    /// Rates on top for some markets.
    #[serde(default)]
    pub special_commission: WireRates,
    /// Rates on top for some countries.
    #[serde(default)]
    pub tax_commission: WireRates,
}

/// Rates as fractions: 0.001 is a tenth of a per cent.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireRates {
    /// For what rested.
    pub maker: WireDecimal,
    /// For what took.
    pub taker: WireDecimal,
    /// For buyers, on top.
    pub buyer: WireDecimal,
    /// For sellers, on top.
    pub seller: WireDecimal,
}

/// `apiRestrictions`. What lets money leave is required: without it nothing is known, and that is no pass.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireRestrictions {
    /// Works from named addresses only.
    pub ip_restrict: bool,
    /// May read.
    pub enable_reading: bool,
    /// May withdraw.
    pub enable_withdrawals: bool,
    /// May send to others at the venue.
    pub enable_internal_transfer: bool,
    /// May move between accounts of any kind.
    pub permits_universal_transfer: bool,
    /// May trade on spot.
    pub enable_spot_and_margin_trading: bool,
    /// May borrow.
    #[serde(default)]
    pub enable_margin: bool,
    /// May trade futures.
    #[serde(default)]
    pub enable_futures: bool,
    /// May trade options.
    #[serde(default)]
    pub enable_vanilla_options: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_plain_texts_and_nothing_else() {
        let read = |json: &str| serde_json::from_str::<WireDecimal>(json).ok().map(|d| d.0.to_string());
        for (json, expected) in [
            (r#""0.00000100""#, "0.000001"),
            (r#""92233720368.54775807""#, "92233720368.54775807"),
            (r#""12345678901234567890.10000000""#, "12345678901234567890.1"),
            (r#""-1""#, "-1"),
            (r#""100""#, "100"),
            (r#""0.00000000""#, "0"),
        ] {
            assert_eq!(read(json).as_deref(), Some(expected), "{json}");
        }
        for bad in
            ["1", "0.1", r#""1e5""#, r#""+1""#, r#""""#, r#""1.""#, r#"".5""#, r#""NaN""#, r#""1,000""#, "null", "[]"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&format!("\"{}\"", "9".repeat(21))), None);
    }

    #[test]
    fn words_not_yet_known_are_kept() {
        let word: OrderWord = serde_json::from_str(r#""HIBERNATING""#).expect("open");
        assert_eq!((word.as_str(), word == OrderWord::Other("HIBERNATING".into())), ("HIBERNATING", true));
        assert_eq!(serde_json::from_str::<OrderWord>(r#""EXPIRED_IN_MATCH""#).ok(), Some(OrderWord::ExpiredInMatch));
    }
}
