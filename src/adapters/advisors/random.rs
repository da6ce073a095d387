//! Draws lots: what a model must beat to have shown anything at all.

use super::rule::{Entry, Facts, Rule, close, enter, hold};
use super::sizing::Budget;
use crate::domain::signal::Signal;
use crate::ports::advisor::{AdvisorInfo, Brief, CoinBrief, Proposal};
use rust_decimal::Decimal;

/// Of a hundred draws without a position, this many buy.
const BUYS: u64 = 25;
/// Of a hundred draws without a position, this many sell short.
const SHORTS: u64 = 15;
/// Of a hundred draws with a position, this many close it.
const CLOSES: u64 = 25;

pub(super) struct Random;

impl Rule for Random {
    fn info(&self) -> AdvisorInfo {
        AdvisorInfo {
            model_name: "random",
            label: "Random",
            description: "Draws lots from a seed; the same cycle always draws the same.",
            is_rules: true,
        }
    }

    fn decide(&self, brief: &Brief, coin: &CoinBrief, budget: &mut Budget) -> Proposal {
        let lot = lot(brief.seed, coin.coin.as_str());
        let draw = lot % 100;
        let facts = Facts::from([("Lot".to_owned(), draw.to_string())]);
        // 50 % to 100 % of the usual size, and 0.30 to 0.70 sure of it, from other bits of the same lot.
        let share = Decimal::new(i64::try_from(50 + (lot >> 16) % 51).unwrap_or(50), 2);
        let confidence = f64::from(u32::try_from(30 + (lot >> 32) % 41).unwrap_or(30)) / 100.0;
        if coin.position.is_some() {
            return if draw < CLOSES {
                close(format!("Lot {draw} of 100: below {CLOSES}, so the position is closed."), confidence, facts)
            } else {
                hold(format!("Lot {draw} of 100: {CLOSES} or more, so the position stays."), facts)
            };
        }
        let (signal, why) = if draw < BUYS {
            (Signal::BuyToEnter, format!("Lot {draw} of 100: below {BUYS}, so it buys."))
        } else if draw < BUYS + SHORTS {
            (Signal::SellToEnter, format!("Lot {draw} of 100: {BUYS} to {}, so it sells short.", BUYS + SHORTS - 1))
        } else {
            return hold(format!("Lot {draw} of 100: {} or more, so nothing happens.", BUYS + SHORTS), facts);
        };
        enter(&Entry { signal, share, with_exits: true, confidence, why: &why }, coin, budget, facts)
    }
}

/// One draw for one coin: the seed and the coin's name, well mixed.
fn lot(seed: u64, coin: &str) -> u64 {
    let named = coin.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (named ^ (named >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}
