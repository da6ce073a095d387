//! When full automation stops itself: the cycle ends, the level falls to semi-automated, and a person is told.

use crate::domain::money::Money;
use crate::domain::trader_settings::TraderSettings;
use rust_decimal::Decimal;

/// Closed trades over which the win rate is taken.
pub const WIN_RATE_WINDOW: usize = 10;

/// What is known about a trader's recent record.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Net results of the latest closed trades, newest first.
    pub closed: Vec<Money>,
    /// Loss since 00:00 UTC as a share of that equity, in per cent; `None` when unknown.
    pub daily_loss_pct: Option<Decimal>,
    /// 24 h volatility divided by its 30-day mean, the median over the coins held or traded; `None` when unknown.
    pub volatility_ratio: Option<Decimal>,
    /// Failed calls in a row.
    pub api_errors: u32,
}

/// Why full automation pauses, in words, with the figure and its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoPause {
    /// Stable word.
    pub code: &'static str,
    /// For a person.
    pub reason: String,
}

/// Checks the limits in the order in which they are listed on the settings page; the first that is met counts.
pub fn evaluate(settings: &TraderSettings, record: &Record) -> Option<AutoPause> {
    if !settings.auto_pause_enabled {
        return None;
    }
    let losses = record.closed.iter().take_while(|result| result.is_negative()).count();
    if losses >= settings.auto_pause_consecutive_losses as usize {
        return pause(
            "losing_streak",
            format!("{losses} closed trades in a row lost; the limit is {}", settings.auto_pause_consecutive_losses),
        );
    }
    if record.closed.len() >= WIN_RATE_WINDOW {
        let wins = record.closed.iter().take(WIN_RATE_WINDOW).filter(|result| **result > Money::ZERO).count();
        let rate = Decimal::from(wins * 100) / Decimal::from(WIN_RATE_WINDOW);
        if rate < settings.auto_pause_win_rate_threshold {
            let threshold = settings.auto_pause_win_rate_threshold;
            return pause(
                "win_rate",
                format!("the last {WIN_RATE_WINDOW} closed trades won {rate} %; the limit is {threshold} %"),
            );
        }
    }
    if let Some(loss) = record.daily_loss_pct.filter(|loss| *loss >= settings.max_daily_loss_pct) {
        return pause(
            "daily_loss",
            format!(
                "equity fell {} % since 00:00 UTC; the limit is {} %",
                loss.round_dp(2),
                settings.max_daily_loss_pct
            ),
        );
    }
    if let Some(ratio) = record.volatility_ratio.filter(|ratio| *ratio > settings.auto_pause_volatility_multiplier) {
        let limit = settings.auto_pause_volatility_multiplier;
        return pause(
            "volatility",
            format!("24 h volatility is {} x its 30-day mean; the limit is {limit} x", ratio.round_dp(2)),
        );
    }
    if record.api_errors >= settings.auto_pause_api_errors {
        return pause(
            "api_errors",
            format!("{} calls in a row failed; the limit is {}", record.api_errors, settings.auto_pause_api_errors),
        );
    }
    None
}

fn pause(code: &'static str, reason: String) -> Option<AutoPause> {
    Some(AutoPause { code, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(text: &str) -> Vec<Money> {
        text.chars()
            .map(|c| {
                Money::new(Decimal::from(match c {
                    'w' => 1,
                    'l' => -1,
                    _ => 0,
                }))
            })
            .collect()
    }

    fn code(record: &Record) -> Option<&'static str> {
        evaluate(&TraderSettings::default(), record).map(|pause| pause.code)
    }

    #[test]
    fn each_limit_pauses_exactly_when_it_is_met() {
        let calm = Record::default();
        assert_eq!(code(&calm), None);
        let closed = |text: &str| Record { closed: results(text), ..Record::default() };
        assert_eq!(code(&closed("llll")), None);
        assert_eq!(code(&closed("lllll")), Some("losing_streak"));
        assert_eq!(code(&closed("lllwwlwwll")), None, "40 % is the limit itself");
        assert_eq!(code(&closed("lllwwlwlll")), Some("win_rate"));
        assert_eq!(code(&closed("lllwwlwll")), None, "nine trades are too few to judge");
        let loss = |pct: i64| Record { daily_loss_pct: Some(Decimal::new(pct, 1)), ..Record::default() };
        assert_eq!((code(&loss(29)), code(&loss(30))), (None, Some("daily_loss")));
        let volatility = |ratio: i64| Record { volatility_ratio: Some(Decimal::new(ratio, 1)), ..Record::default() };
        assert_eq!((code(&volatility(30)), code(&volatility(31))), (None, Some("volatility")));
        let errors = |n| Record { api_errors: n, ..Record::default() };
        assert_eq!((code(&errors(2)), code(&errors(3))), (None, Some("api_errors")));
    }

    #[test]
    fn nothing_pauses_when_it_is_switched_off() {
        let settings = TraderSettings { auto_pause_enabled: false, ..TraderSettings::default() };
        assert_eq!(evaluate(&settings, &Record { api_errors: 99, ..Record::default() }), None);
    }
}
