//! Every setting of a trader in one table: key, type, default, range, unit and words. The form, the API, the checks
//! and the storage all follow from it, so a setting cannot exist in one of them only.

use crate::domain::market::Coin;
use crate::domain::money::{NumberError, parse_plain};
use crate::word_enum;
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::str::FromStr;

/// The longest strategy text, in characters.
pub const STRATEGY_MAX: usize = 4_000;
/// The most coins that one trader may follow.
pub const ASSETS_MAX: usize = 50;

word_enum! {
    /// How an approved entry is sent.
    OrderStyle {
        /// At the market price.
        Market = "market",
        /// A limit order, immediate or cancel, at the worst approved price: the approval is a hard cap.
        Protected = "protected",
    }
}

word_enum! {
    /// How much detail explanations show.
    ExplanationLevel {
        /// Plain words first; figures folded away.
        Beginner = "beginner",
        /// Words and the main figures.
        Intermediate = "intermediate",
        /// Everything at once.
        Advanced = "advanced",
    }
}

/// Where a setting stands on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingGroup {
    /// Capital, rhythm and coins.
    Trading,
    /// Limits that the risk rules enforce.
    Risk,
    /// Approval and order terms.
    Orders,
    /// Costs of the simulation.
    Simulation,
    /// When full automation stops itself.
    AutoPause,
    /// What a language model is told, and how it answers.
    Ai,
    /// What lands behind the bell.
    Notifications,
    /// How it is explained.
    Presentation,
}

/// What kind of value a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// A decimal within the bounds, written as plain numbers.
    Decimal(&'static str, &'static str),
    /// A whole number within the bounds.
    Integer(u32, u32),
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text up to so many characters.
    Text(usize),
    /// A list of coins.
    Coins,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct SettingSpec {
    /// The exact key of the API.
    pub key: &'static str,
    /// What it takes.
    pub kind: SettingKind,
    /// Unit shown beside the value; empty for none.
    pub unit: &'static str,
    /// Where it stands.
    pub group: SettingGroup,
    /// The name shown.
    pub label: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
}

impl SettingSpec {
    /// The allowed range in words, as used in error messages: `must be between 1 and 1440`.
    pub fn rule(&self) -> String {
        match self.kind {
            SettingKind::Decimal(low, high) => format!("must be a number between {low} and {high}"),
            SettingKind::Integer(low, high) => format!("must be a whole number between {low} and {high}"),
            SettingKind::Bool => "must be true or false".to_owned(),
            SettingKind::Choice(words) => format!("must be one of {}", words.join(", ")),
            SettingKind::Text(max) => format!("must be at most {max} characters, none of them control characters"),
            SettingKind::Coins => format!("must list 1 to {ASSETS_MAX} different coins such as BTC, ETH"),
        }
    }
}

/// Why a setting was refused. Names the key and the rule, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No setting has this key.
    #[error("is not a setting")]
    UnknownKey,
    /// The value breaks the setting's rule.
    #[error("{0}")]
    Rule(String),
    /// The value is not a number that we read.
    #[error("{0}")]
    Number(#[from] NumberError),
}

trait SettingValue: Sized {
    fn read(text: &str, spec: &SettingSpec) -> Result<Self, SettingError>;
    fn write(&self) -> String;
}

fn broken(spec: &SettingSpec) -> SettingError {
    SettingError::Rule(spec.rule())
}

impl SettingValue for Decimal {
    fn read(text: &str, spec: &SettingSpec) -> Result<Self, SettingError> {
        let SettingKind::Decimal(low, high) = spec.kind else { return Err(broken(spec)) };
        let value = parse_plain(text.trim()).map_err(|error| match error {
            NumberError::Missing => SettingError::Number(error),
            NumberError::NotPlain | NumberError::Negative | NumberError::Zero | NumberError::TooLarge => broken(spec),
        })?;
        let bound = |text: &str| Decimal::from_str(text).expect("bounds in the table are plain numbers");
        if value < bound(low) || value > bound(high) || value.scale() > 8 { Err(broken(spec)) } else { Ok(value) }
    }
    fn write(&self) -> String {
        self.normalize().to_string()
    }
}

impl SettingValue for u32 {
    fn read(text: &str, spec: &SettingSpec) -> Result<Self, SettingError> {
        let SettingKind::Integer(low, high) = spec.kind else { return Err(broken(spec)) };
        let value = parse_plain(text.trim()).map_err(|error| match error {
            NumberError::Missing => SettingError::Number(error),
            NumberError::NotPlain | NumberError::Negative | NumberError::Zero | NumberError::TooLarge => broken(spec),
        })?;
        if !value.fract().is_zero() {
            return Err(broken(spec));
        }
        let whole = u32::try_from(value).map_err(|_| broken(spec))?;
        if (low..=high).contains(&whole) { Ok(whole) } else { Err(broken(spec)) }
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for bool {
    fn read(text: &str, spec: &SettingSpec) -> Result<Self, SettingError> {
        text.trim().parse().map_err(|_| broken(spec))
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for OrderStyle {
    fn read(text: &str, spec: &SettingSpec) -> Result<Self, SettingError> {
        Self::parse(text.trim()).ok_or_else(|| broken(spec))
    }
    fn write(&self) -> String {
        self.as_str().to_owned()
    }
}

impl SettingValue for ExplanationLevel {
    fn read(text: &str, spec: &SettingSpec) -> Result<Self, SettingError> {
        Self::parse(text.trim()).ok_or_else(|| broken(spec))
    }
    fn write(&self) -> String {
        self.as_str().to_owned()
    }
}

impl SettingValue for String {
    fn read(text: &str, spec: &SettingSpec) -> Result<Self, SettingError> {
        let SettingKind::Text(max) = spec.kind else { return Err(broken(spec)) };
        // Browsers send both characters for a line's end.
        let text = text.replace("\r\n", "\n");
        let plain = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        if plain && text.chars().count() <= max { Ok(text) } else { Err(broken(spec)) }
    }
    fn write(&self) -> String {
        self.clone()
    }
}

impl SettingValue for Vec<Coin> {
    fn read(text: &str, spec: &SettingSpec) -> Result<Self, SettingError> {
        let parts = text.split([',', ' ', '\n', '\r', '\t']).filter(|part| !part.is_empty());
        let mut coins = Self::new();
        for part in parts.take(ASSETS_MAX + 1) {
            let coin = Coin::parse(part).ok_or_else(|| broken(spec))?;
            if coins.contains(&coin) {
                return Err(broken(spec));
            }
            coins.push(coin);
        }
        if (1..=ASSETS_MAX).contains(&coins.len()) { Ok(coins) } else { Err(broken(spec)) }
    }
    fn write(&self) -> String {
        self.iter().map(Coin::as_str).collect::<Vec<_>>().join(",")
    }
}

macro_rules! settings {
    ($($key:ident: $ty:ty = $default:literal, $kind:expr, $unit:literal, $group:ident, $label:literal, $help:literal;)+) => {
        /// A trader's settings, each within its range.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct TraderSettings {
            $(#[doc = $help] pub $key: $ty,)+
        }

        /// The table, in page order.
        pub const SPECS: &[SettingSpec] = &[$(SettingSpec {
            key: stringify!($key), kind: $kind, unit: $unit, group: SettingGroup::$group, label: $label, help: $help,
        }),+];

        impl Default for TraderSettings {
            fn default() -> Self {
                $(let $key = <$ty as SettingValue>::read($default, spec(stringify!($key)).expect("the key is in the table"))
                    .expect("defaults are within their range");)+
                Self { $($key),+ }
            }
        }

        impl TraderSettings {
            /// The value of a setting as text; `None` when no setting has this key.
            pub fn get(&self, key: &str) -> Option<String> {
                match key { $(stringify!($key) => Some(SettingValue::write(&self.$key)),)+ _ => None }
            }

            /// Sets one value from text.
            ///
            /// # Errors
            /// [`SettingError`] names the rule; nothing is changed then.
            pub fn set(&mut self, key: &str, text: &str) -> Result<(), SettingError> {
                let spec = spec(key).ok_or(SettingError::UnknownKey)?;
                match key {
                    $(stringify!($key) => self.$key = SettingValue::read(text, spec)?,)+
                    _ => return Err(SettingError::UnknownKey),
                }
                Ok(())
            }
        }
    };
}

/// The table's row of a key.
pub fn spec(key: &str) -> Option<&'static SettingSpec> {
    SPECS.iter().find(|spec| spec.key == key)
}

use SettingKind::{Bool, Choice, Coins, Decimal as Dec, Integer as Int, Text};

settings! {
    initial_capital: Decimal = "10000", Dec("10", "1000000000"), "USDT", Trading, "Initial capital", "What the model's account starts with; a live book's allocation.";
    trading_interval_minutes: u32 = "60", Int(1, 1440), "min", Trading, "Interval", "How often the model is asked, in market time.";
    supported_assets: Vec<Coin> = "BTC,ETH,SOL,BNB,XRP,DOGE", Coins, "", Trading, "Coins", "The coins that the model is shown and may trade.";
    max_position_size_pct: Decimal = "10", Dec("1", "100"), "%", Risk, "Position size", "Largest notional of one coin after the trade, as a share of equity.";
    max_daily_loss_pct: Decimal = "3", Dec("0.1", "50"), "%", Risk, "Daily loss", "Entries stop when equity has fallen this far since 00:00 UTC.";
    max_daily_trades: u32 = "20", Int(1, 1000), "", Risk, "Trades a day", "Most entries opened in one UTC day.";
    max_open_positions: u32 = "5", Int(1, 50), "", Risk, "Open positions", "Most coins held at once.";
    min_cash_reserve_pct: Decimal = "20", Dec("0", "95"), "%", Risk, "Cash reserve", "Cash that must remain after margin and fees, as a share of equity.";
    max_drawdown_pct: Decimal = "15", Dec("1", "90"), "%", Risk, "Drawdown", "Entries stop when equity is this far below its high-water mark.";
    max_leverage: u32 = "1", Int(1, 20), "x", Risk, "Leverage", "Highest leverage of an entry (simulation only; spot has none).";
    max_price_age_seconds: u32 = "120", Int(5, 3600), "s", Risk, "Price age", "A price older than this is not traded on.";
    max_price_drift_bps: Decimal = "50", Dec("1", "10000"), "bps", Orders, "Price drift", "An approval asks again when the price has moved further than this since it was shown.";
    decision_ttl_minutes: u32 = "60", Int(1, 1440), "min", Orders, "Time to decide", "How long a decision waits before it expires.";
    order_style: OrderStyle = "market", Choice(&["market", "protected"]), "", Orders, "Order style", "Market, or protected: a limit at the worst approved price, immediate or cancel.";
    external_autonomy: bool = "false", Bool, "", Orders, "External autonomy", "Lets decisions sent with a propose token run without asking, when the model is fully automated.";
    maker_fee_pct: Decimal = "0.1", Dec("0", "5"), "%", Simulation, "Maker fee", "Fee of a resting fill in simulation.";
    taker_fee_pct: Decimal = "0.1", Dec("0", "5"), "%", Simulation, "Taker fee", "Fee of an immediate fill in simulation, on both sides.";
    slippage_pct: Decimal = "0.05", Dec("0", "5"), "%", Simulation, "Slippage", "How much worse than the quote a simulated market order fills.";
    auto_pause_enabled: bool = "true", Bool, "", AutoPause, "Auto-pause", "Lets full automation fall back to asking when one of the limits below is met.";
    auto_pause_consecutive_losses: u32 = "5", Int(1, 100), "", AutoPause, "Losing streak", "Closed trades lost in a row.";
    auto_pause_win_rate_threshold: Decimal = "40", Dec("0", "100"), "%", AutoPause, "Win rate", "Lowest win rate of the last ten closed trades.";
    auto_pause_volatility_multiplier: Decimal = "3", Dec("1", "100"), "x", AutoPause, "Volatility", "Highest 24 h volatility against its 30-day mean.";
    auto_pause_api_errors: u32 = "3", Int(1, 100), "", AutoPause, "API errors", "Failed calls in a row.";
    ai_temperature: Decimal = "0.7", Dec("0", "2"), "", Ai, "Temperature", "How freely a language model chooses its words: 0 repeats itself, 2 wanders.";
    ai_strategy: String = "", Text(STRATEGY_MAX), "", Ai, "Strategy", "In your own words: what the model should look for, and what to leave alone. It stands in every prompt; the limits hold whatever it says.";
    ai_prompt_tokens: u32 = "8000", Int(1000, 24000), "tokens", Ai, "Prompt size", "The most tokens of a prompt, estimated. Candles are left out first, then history, and that is said in the prompt. A local model's context must hold it and the answer.";
    ai_budget_day: Decimal = "0", Dec("0", "100000"), "USD", Ai, "Budget a day", "Stops asking when the calls of this UTC day have cost so much; a warning comes at 80 %. 0 sets none.";
    ai_budget_month: Decimal = "0", Dec("0", "1000000"), "USD", Ai, "Budget a month", "The same for the UTC month.";
    notify_trades: bool = "true", Bool, "", Notifications, "Trades", "A notification for each executed or failed order.";
    notify_approvals: bool = "true", Bool, "", Notifications, "Approvals", "A notification when a decision waits for you.";
    notify_risk_triggers: bool = "true", Bool, "", Notifications, "Risk triggers", "A notification when a circuit breaker trips.";
    notify_auto_pause: bool = "true", Bool, "", Notifications, "Auto-pause", "A notification when full automation pauses itself.";
    notify_errors: bool = "true", Bool, "", Notifications, "Errors", "A notification for each incident that is an error.";
    notify_daily_summary: bool = "true", Bool, "", Notifications, "Daily summary", "A notification after each UTC day with its trades and result.";
    explanation_level: ExplanationLevel = "intermediate", Choice(&["beginner", "intermediate", "advanced"]), "", Presentation, "Explanations", "How much detail decisions show.";
}

/// Settings are written as the texts that forms and the API take, by key.
impl Serialize for TraderSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(SPECS.iter().filter_map(|spec| Some((spec.key, self.get(spec.key)?))))
    }
}

/// What is not written takes its default; an unknown key or a value out of range is refused.
impl<'de> Deserialize<'de> for TraderSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut settings = Self::default();
        for (key, text) in BTreeMap::<String, String>::deserialize(deserializer)? {
            settings.set(&key, &text).map_err(|error| D::Error::custom(format_args!("{key} {error}")))?;
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reads_back_what_it_writes() {
        let defaults = TraderSettings::default();
        let mut copy = TraderSettings::default();
        for spec in SPECS {
            let text = defaults.get(spec.key).expect("in the table");
            copy.set(spec.key, &text).expect("a default is within its range");
        }
        assert_eq!(copy, defaults);
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_the_range_and_changes_nothing() {
        let mut settings = TraderSettings::default();
        let before = settings.clone();
        for (key, bad) in [
            ("max_leverage", "21"),
            ("max_leverage", "1.5"),
            ("max_leverage", "0"),
            ("max_daily_loss_pct", "0.09"),
            ("max_daily_loss_pct", "1e1"),
            ("max_daily_loss_pct", "NaN"),
            ("initial_capital", "-5"),
            ("order_style", "yolo"),
            ("supported_assets", "BTC,BTC"),
            ("supported_assets", ""),
            ("supported_assets", "btc"),
            ("auto_pause_enabled", "yes"),
            ("ai_temperature", "2.1"),
            ("ai_strategy", "ring \u{7}"),
            ("ai_strategy", &"x".repeat(STRATEGY_MAX + 1)),
        ] {
            let error = settings.set(key, bad).expect_err(bad).to_string();
            assert!(error.starts_with("must"), "{key}={bad}: {error}");
            assert!(!error.contains("yolo"), "the value is never echoed");
        }
        assert_eq!(settings.set("nope", "1"), Err(SettingError::UnknownKey));
        assert_eq!(settings, before);
    }

    #[test]
    fn a_strategy_keeps_its_lines_whatever_the_browser_calls_their_ends() {
        let mut settings = TraderSettings::default();
        settings.set("ai_strategy", "Buy dips.\r\n\r\n\tNever DOGE.").expect("plain text");
        assert_eq!(settings.ai_strategy, "Buy dips.\n\n\tNever DOGE.");
    }

    #[test]
    fn settings_read_back_from_their_written_form_and_unknown_ones_are_refused() {
        let mut settings = TraderSettings::default();
        settings.set("max_leverage", "3").expect("in range");
        let text = serde_json::to_string(&settings).expect("texts");
        assert_eq!(serde_json::from_str::<TraderSettings>(&text).expect("our own"), settings);
        assert_eq!(serde_json::from_str::<TraderSettings>("{}").expect("all defaults"), TraderSettings::default());
        for bad in [r#"{"nope": "1"}"#, r#"{"max_leverage": "99"}"#] {
            assert!(serde_json::from_str::<TraderSettings>(bad).is_err(), "{bad}");
        }
    }
}
