//! What all rules share: the loop over the coins, the words around a decision, and the record of the conversation.

use super::sizing::{ATR_PERIOD, Budget, confidence, exits};
use crate::adapters::indicators::atr;
use crate::domain::market::Coin;
use crate::domain::money::Quantity;
use crate::domain::signal::Signal;
use crate::domain::time::Timestamp;
use crate::ports::advisor::{Advice, Advisor, AdvisorError, AdvisorInfo, Brief, CoinBrief, Proposal};
use async_trait::async_trait;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Named facts behind a decision.
pub(super) type Facts = BTreeMap<String, String>;

/// A rule decides for one coin at a time.
pub(super) trait Rule: Send + Sync {
    /// Its name and description.
    fn info(&self) -> AdvisorInfo;

    /// What to do with a coin for which nothing is under way.
    fn decide(&self, brief: &Brief, coin: &CoinBrief, budget: &mut Budget) -> Proposal;
}

/// A rule as an advisor.
pub(super) struct RuleAdvisor<R>(pub R);

#[async_trait]
impl<R: Rule> Advisor for RuleAdvisor<R> {
    async fn advise(&self, brief: &Brief) -> Result<Advice, AdvisorError> {
        let mut budget = Budget::of(brief);
        let coins: Vec<(Coin, Proposal)> = brief
            .coins
            .iter()
            .map(|coin| {
                let proposal = if coin.waiting {
                    hold("A decision or an order for this coin is still under way.", Facts::new())
                } else {
                    self.0.decide(brief, coin, &mut budget)
                };
                (coin.coin.clone(), proposal)
            })
            .collect();
        let asked = asked(&self.0.info(), brief, &coins);
        let answered = answered(&coins);
        Ok(Advice { coins: coins.into_iter().map(|(coin, proposal)| (coin, Ok(proposal))).collect(), asked, answered })
    }
}

/// Nothing to do, and why.
pub(super) fn hold(why: impl Into<String>, facts: Facts) -> Proposal {
    Proposal {
        signal: Signal::Hold,
        quantity: None,
        equity_pct: None,
        leverage: 1,
        confidence: None,
        profit_target: None,
        stop_loss: None,
        justification: why.into(),
        explanation: facts,
    }
}

/// Close the whole position, and why.
pub(super) fn close(why: impl Into<String>, sure: f64, facts: Facts) -> Proposal {
    Proposal { signal: Signal::ClosePosition, confidence: Some(confidence(sure)), ..hold(why, facts) }
}

/// An entry as a rule wishes it.
pub(super) struct Entry<'a> {
    pub signal: Signal,
    /// Share of the usual size, 0 to 1.
    pub share: Decimal,
    /// Whether it comes with a stop and a target.
    pub with_exits: bool,
    pub confidence: f64,
    pub why: &'a str,
}

/// Enters within the budget, or holds and says why there is no room.
pub(super) fn enter(entry: &Entry<'_>, coin: &CoinBrief, budget: &mut Budget, mut facts: Facts) -> Proposal {
    let quantity = match budget.entry(coin, entry.share) {
        Ok(quantity) => quantity,
        Err(no_room) => return hold(format!("{} But {no_room}.", entry.why), facts),
    };
    let exits = if entry.with_exits { exits(coin, entry.signal) } else { Default::default() };
    if exits.stop_loss.is_some()
        && let Some(range) = atr(&coin.candles, ATR_PERIOD)
    {
        facts.insert(format!("ATR {ATR_PERIOD}"), level(range, coin));
    }
    Proposal {
        quantity: Some(quantity),
        equity_pct: None,
        signal: entry.signal,
        confidence: Some(confidence(entry.confidence)),
        profit_target: exits.profit_target,
        stop_loss: exits.stop_loss,
        ..hold(entry.why, facts)
    }
}

/// A price level of an indicator, at the precision of the coin's market.
pub(super) fn level(value: f64, coin: &CoinBrief) -> String {
    let places = coin.instrument.tick_size.normalize().scale() as usize;
    grouped(&format!("{value:.places$}"))
}

/// Thousands separated by commas; the fraction stays as it is.
pub(super) fn grouped(plain: &str) -> String {
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

fn asked(info: &AdvisorInfo, brief: &Brief, coins: &[(Coin, Proposal)]) -> String {
    let (settings, figure) = (&brief.settings, |value: Decimal| grouped(&value.round_dp(2).normalize().to_string()));
    let mut text = format!(
        "{} at {}: equity {} USDT, cash {} USDT.\nLimits: {} % of equity in one coin, {} positions, {} % kept in cash.\n\
         Rule: {}\n",
        brief.trader_name,
        shown_time(brief.at),
        figure(brief.equity.decimal()),
        figure(brief.cash.decimal()),
        settings.max_position_size_pct.normalize(),
        settings.max_open_positions,
        settings.min_cash_reserve_pct.normalize(),
        info.description,
    );
    for (coin, (_, proposal)) in brief.coins.iter().zip(coins) {
        let price = grouped(&coin.quote.price.to_string());
        let _ = write!(text, "\n{}: price {price}, {} hourly candles", coin.coin, coin.candles.len());
        for (name, value) in &proposal.explanation {
            let _ = write!(text, ", {name} {value}");
        }
        let _ = match &coin.position {
            Some(position) => write!(
                text,
                "; {} {} at {}, unrealised {} USDT",
                position.side,
                position.quantity,
                grouped(&position.average_price.to_string()),
                figure(position.unrealized.decimal()),
            ),
            None => write!(text, "; no position"),
        };
        if coin.waiting {
            text.push_str("; waiting");
        }
    }
    text
}

fn answered(coins: &[(Coin, Proposal)]) -> String {
    let text = |quantity: Option<Quantity>| quantity.map(|q| q.to_string());
    let rows: Vec<serde_json::Value> = coins
        .iter()
        .map(|(coin, proposal)| {
            serde_json::json!({
                "coin": coin.as_str(),
                "signal": proposal.signal.as_str(),
                "quantity": text(proposal.quantity),
                "leverage": proposal.leverage,
                "confidence": proposal.confidence.map(|c| c.to_string()),
                "profit_target": proposal.profit_target.map(|p| p.to_string()),
                "stop_loss": proposal.stop_loss.map(|p| p.to_string()),
                "justification": proposal.justification,
            })
        })
        .collect();
    format!("{:#}", serde_json::Value::Array(rows))
}

fn shown_time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |time| time.to_string())
}
