//! Buys each coin once and never sells: the baseline of baselines.

use super::rule::{Entry, Facts, Rule, enter, hold};
use super::sizing::Budget;
use crate::domain::signal::Signal;
use crate::ports::advisor::{AdvisorInfo, Brief, CoinBrief, Proposal};
use rust_decimal::Decimal;

pub(super) struct BuyAndHold;

impl Rule for BuyAndHold {
    fn info(&self) -> AdvisorInfo {
        AdvisorInfo {
            model_name: "buy_and_hold",
            label: "Buy and hold",
            description: "Buys each coin once, within the limits, and never sells.",
            is_rules: true,
        }
    }

    fn decide(&self, _brief: &Brief, coin: &CoinBrief, budget: &mut Budget) -> Proposal {
        if let Some(position) = &coin.position {
            let facts = Facts::from([("Average entry".to_owned(), position.average_price.to_string())]);
            return hold(format!("{} is already held, and this rule never sells.", coin.coin), facts);
        }
        let why = format!("{} is not held yet; this rule buys each coin once and keeps it.", coin.coin);
        let entry =
            Entry { signal: Signal::BuyToEnter, share: Decimal::ONE, with_exits: false, confidence: 0.5, why: &why };
        enter(&entry, coin, budget, Facts::new())
    }
}
