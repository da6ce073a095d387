//! How much of each limit is used right now, without any order in sight.

use super::RuleCode;
use super::exposure::Exposure;
use super::rules::{daily_loss_pct, drawdown_pct, within};
use crate::domain::book::Book;
use crate::domain::market::Coin;
use crate::domain::money::Money;
use crate::domain::trader_settings::TraderSettings;
use crate::word_enum;
use rust_decimal::Decimal;

word_enum! {
    /// How close a limit is.
    StatusLevel {
        /// Below 80 % of the limit.
        Ok = "ok",
        /// From 80 %.
        Warning = "warning",
        /// Entries are refused, in all coins or (size, open positions) in some.
        Breached = "breached",
        /// A figure is missing; entries are refused.
        Unknown = "unknown",
    }
}

/// One limit and how much of it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleStatus {
    /// Which rule.
    pub rule: RuleCode,
    /// The figure now; `None` when unknown.
    pub current: Option<Decimal>,
    /// The limit.
    pub limit: Decimal,
    /// Unit of both.
    pub unit: &'static str,
    /// Share of the limit that is used, in per cent.
    pub used_pct: Option<Decimal>,
    /// In a word.
    pub level: StatusLevel,
}

/// The share of a limit from which a person is warned, in per cent.
const WARNING_FROM_PCT: Decimal = Decimal::from_parts(80, 0, 0, false, 0);

/// Every limit of a book with its current use. `coins` are those held or entered.
pub fn risk_status(
    settings: &TraderSettings,
    book: &Book,
    equity: Option<Money>,
    exposure: &Exposure,
    entries_today: u32,
    coins: &[Coin],
) -> Vec<RuleStatus> {
    let largest = |equity: Money| {
        coins
            .iter()
            .map(|coin| {
                let c = exposure.coin(coin);
                c.held_notional + c.entering
            })
            .max()
            .unwrap_or(Money::ZERO)
            .percent_of(equity)
    };
    let count = Decimal::from(entries_today + exposure.uncounted_entries);
    let cash = equity.and_then(|equity| (book.cash - exposure.reserved_cash).percent_of(equity));
    vec![
        upper(RuleCode::PositionSize, equity.and_then(largest), settings.max_position_size_pct, "%"),
        upper(RuleCode::DailyLoss, daily_loss_pct(book, equity), settings.max_daily_loss_pct, "%"),
        upper(RuleCode::DailyTrades, Some(count), Decimal::from(settings.max_daily_trades), ""),
        open_positions(Decimal::from(coins.len()), Decimal::from(settings.max_open_positions)),
        reserve(cash, settings.min_cash_reserve_pct),
        upper(RuleCode::Drawdown, drawdown_pct(book, equity), settings.max_drawdown_pct, "%"),
    ]
}

fn upper(rule: RuleCode, current: Option<Decimal>, limit: Decimal, unit: &'static str) -> RuleStatus {
    let used = current.map(|value| value / limit * Decimal::ONE_HUNDRED);
    let kept = current.is_some_and(|value| within(rule, value, limit));
    finish(rule, current, limit, unit, used, kept)
}

/// Full means that one more coin would be too many.
fn open_positions(held: Decimal, limit: Decimal) -> RuleStatus {
    let used = held / limit * Decimal::ONE_HUNDRED;
    let kept = within(RuleCode::OpenPositions, held + Decimal::ONE, limit);
    finish(RuleCode::OpenPositions, Some(held), limit, "", Some(used), kept)
}

/// A reserve is used up as cash falls from everything to the limit.
fn reserve(current: Option<Decimal>, limit: Decimal) -> RuleStatus {
    let room = (Decimal::ONE_HUNDRED - limit).max(Decimal::ONE);
    let used = current.map(|value| ((Decimal::ONE_HUNDRED - value) / room * Decimal::ONE_HUNDRED).max(Decimal::ZERO));
    let kept = current.is_some_and(|value| within(RuleCode::CashReserve, value, limit));
    finish(RuleCode::CashReserve, current, limit, "%", used, kept)
}

fn finish(
    rule: RuleCode,
    current: Option<Decimal>,
    limit: Decimal,
    unit: &'static str,
    used_pct: Option<Decimal>,
    kept: bool,
) -> RuleStatus {
    let level = match used_pct {
        None => StatusLevel::Unknown,
        Some(_) if !kept => StatusLevel::Breached,
        Some(used) if used >= WARNING_FROM_PCT => StatusLevel::Warning,
        Some(_) => StatusLevel::Ok,
    };
    let (current, used_pct) =
        (current.map(|value| value.round_dp(4).normalize()), used_pct.map(|used| used.round_dp(1)));
    RuleStatus { rule, current, limit, unit, used_pct, level }
}
