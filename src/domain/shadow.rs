//! A shadow: a candidate that is told what a trader's language model is told, at the same moments, and acts on paper.
//! It never trades; it shows how it would have done.

use crate::domain::book::Book;
use crate::domain::digest::Digest;
use crate::domain::ids::{BookId, CycleId, ProviderId, ShadowId, TraderId};
use crate::domain::market::Coin;
use crate::domain::money::Money;
use crate::domain::paper_account::{PaperAccount, PaperFill};
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Shadows that run at the same time, of all traders together.
pub const SHADOWS_MAX: usize = 20;

/// Shadows of one trader that are listed, ended ones included; older ones are found by their id.
pub const SHADOWS_LISTED_MAX: u32 = 100;

/// A candidate and how it has done so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// Identity.
    pub id: ShadowId,
    /// The trader that it follows.
    pub trader_id: TraderId,
    /// Unique among the shadows of a trader.
    pub name: String,
    /// Who is asked.
    pub provider_id: ProviderId,
    /// Which of its models.
    pub model_name: String,
    /// The template of its prompts; none for the one that the trader uses at each cycle.
    pub template: Option<String>,
    /// Who started it.
    pub created_by: String,
    /// Wall-clock time.
    pub created_at: Timestamp,
    /// Wall-clock time at which somebody ended it; its results stay.
    pub stopped_at: Option<Timestamp>,
    /// The number of the last record that it was shown.
    pub seen: i64,
    /// Its account and its sums; none before the first record.
    pub progress: Option<Progress>,
    /// Grows with each change: compare-and-set.
    pub version: i64,
}

impl Shadow {
    /// Whether it is shown new records.
    pub const fn is_active(&self) -> bool {
        self.stopped_at.is_none()
    }

    /// The coins that it holds on paper.
    pub fn held(&self) -> impl Iterator<Item = &Coin> {
        let account = self.progress.as_ref().map(|progress| &progress.account);
        account.into_iter().flat_map(|account| &account.positions).map(|position| &position.coin)
    }
}

/// How a shadow has done, beside the trader that it follows, since its first record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The trader's book with which it is compared. With another one (another environment, another account) nothing
    /// could be compared: the shadow ends.
    #[serde(default)]
    pub book: BookId,
    /// The account on paper. It began with the trader's equity of its first record.
    pub account: PaperAccount,
    /// Answers in a row that could not be used.
    pub model_errors: u32,
    /// Records in a row to which it gave no answer, for whatever reason.
    #[serde(default)]
    pub unanswered: u32,
    /// Records that it was shown.
    pub steps: u32,
    /// Those to which it gave no answer.
    pub failed: u32,
    /// Records that it did not see, because it was too slow or they were gone or damaged.
    pub skipped: u32,
    /// Coins for which both gave a usable answer.
    pub compared: u32,
    /// Those in which both wanted the same.
    pub agreed: u32,
    /// Its answers that could not be used, by coin.
    pub unusable: u32,
    /// Its wishes that the rules refused.
    pub denied: u32,
    /// What asking it has cost, in US dollars.
    pub cost: Decimal,
    /// Its calls that nobody priced; they are missing in `cost`.
    #[serde(default)]
    pub unpriced_calls: u32,
    /// What asking the trader's own model has cost in the same cycles.
    pub leader_cost: Decimal,
    /// The trader's calls that nobody priced; they are missing in `leader_cost`.
    #[serde(default)]
    pub leader_unpriced_calls: u32,
    /// The trader's equity at the first record.
    pub leader_start: Money,
    /// The trader's equity at the last one.
    pub leader_equity: Money,
    /// The trader's highest equity among the records.
    pub leader_high: Money,
    /// The deepest fall of the trader's equity below its highest, in percent.
    pub leader_drawdown_pct: Decimal,
    /// Why it ended by itself, in words.
    #[serde(default)]
    pub ended: Option<String>,
}

impl Progress {
    /// The beginning: as much money as the trader has.
    pub fn begin(leader: &Book, equity: Money, at: Timestamp) -> Self {
        Self {
            book: leader.id,
            account: PaperAccount::open(leader.trader_id, leader.venue, equity, at),
            model_errors: 0,
            unanswered: 0,
            steps: 0,
            failed: 0,
            skipped: 0,
            compared: 0,
            agreed: 0,
            unusable: 0,
            denied: 0,
            cost: Decimal::ZERO,
            unpriced_calls: 0,
            leader_cost: Decimal::ZERO,
            leader_unpriced_calls: 0,
            leader_start: equity,
            leader_equity: equity,
            leader_high: equity,
            leader_drawdown_pct: Decimal::ZERO,
            ended: None,
        }
    }

    /// Takes note of the trader's equity.
    pub fn observe_leader(&mut self, equity: Money) {
        self.leader_equity = equity;
        self.leader_high = self.leader_high.max(equity);
        let fall = (self.leader_high - equity).percent_of(self.leader_high).unwrap_or_default();
        self.leader_drawdown_pct = self.leader_drawdown_pct.max(fall.round_dp(2));
    }

    /// What the shadow's account has gained since the beginning, in percent.
    pub fn return_pct(&self) -> Decimal {
        gain(self.account.book.initial_capital, self.account.equity())
    }

    /// What the trader's account has gained in the same time, in percent.
    pub fn leader_return_pct(&self) -> Decimal {
        gain(self.leader_start, self.leader_equity)
    }
}

fn gain(from: Money, to: Money) -> Decimal {
    (to - from).percent_of(from).unwrap_or_default().round_dp(2)
}

/// One record, as a shadow answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowStep {
    /// Whose.
    pub shadow_id: ShadowId,
    /// From 1.
    pub number: u32,
    /// The trader's cycle.
    pub cycle_id: CycleId,
    /// Market time of the record.
    pub market_at: Timestamp,
    /// Wall-clock time of the answer.
    pub at: Timestamp,
    /// The shadow's equity.
    pub equity: Money,
    /// The trader's equity at that moment.
    pub leader_equity: Money,
    /// What was bought and sold on paper.
    pub fills: Vec<PaperFill>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// The record of its own answer.
    pub bundle: Option<Digest>,
    /// What asking it cost, in US dollars; none when it was asked and nobody said what tokens cost.
    pub cost: Option<Decimal>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::venue_kind::VenueKind;

    #[test]
    fn progress_of_before_is_read() {
        let capital = Money::new(Decimal::from(100));
        let book = Book::open(BookId(7), TraderId(1), VenueKind::Simulation, capital, Timestamp(0));
        let progress = Progress::begin(&book, capital, Timestamp(0));
        let mut old = serde_json::to_value(&progress).unwrap();
        for added in ["book", "unanswered", "unpriced_calls", "leader_unpriced_calls", "ended"] {
            assert!(old.as_object_mut().unwrap().remove(added).is_some(), "{added}");
        }
        let read: Progress = serde_json::from_value(old).unwrap();
        assert_eq!(read, Progress { book: BookId(0), ..progress });
    }
}
