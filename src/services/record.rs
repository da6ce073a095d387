//! From what a cycle saw to its record and back.

use crate::domain::account::AccountName;
use crate::domain::book::BookView;
use crate::domain::ids::DecisionId;
use crate::domain::instrument::InstrumentList;
use crate::domain::market::Coin;
use crate::ports::bundle::{RulingRecord, RulingWord, SceneRecord};
use crate::services::cycle_parts::MarketView;
use crate::services::judge::{Judged, Ruling};
use crate::services::live::AccountView;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Writes down what answers for some coins are judged by. Markets of other coins are left out: nothing asks for them.
pub fn scene<'a>(
    market: &'a MarketView,
    account: &AccountView,
    view: &'a BookView,
    coins: impl IntoIterator<Item = &'a Coin>,
) -> SceneRecord {
    let held = view.positions.iter().map(|position| &position.coin);
    let coins: BTreeSet<&Coin> = coins.into_iter().chain(market.quotes.keys()).chain(held).collect();
    SceneRecord {
        market_at: market.now,
        instruments: coins.into_iter().filter_map(|coin| market.instruments.of_coin(coin)).cloned().collect(),
        quotes: market.quotes.clone(),
        view: view.clone(),
        account: account.name.as_str().to_owned(),
        free: account.free.clone(),
        entries_halted: account.entries_halted.clone(),
    }
}

/// The market and the account of a record.
pub fn seen(scene: &SceneRecord) -> (MarketView, AccountView) {
    let market = MarketView {
        now: scene.market_at,
        instruments: Arc::new(InstrumentList::new(scene.instruments.iter().cloned())),
        quotes: scene.quotes.clone(),
    };
    let account = AccountView {
        name: AccountName::from_stored(scene.account.clone()),
        free: scene.free.clone(),
        entries_halted: scene.entries_halted.clone(),
    };
    (market, account)
}

/// Writes down what the code made of one coin's answer.
pub fn ruling(coin: &Coin, decision_id: DecisionId, judged: &Judged) -> RulingRecord {
    let (word, why, report) = match &judged.ruling {
        Ruling::Unusable { why } => (RulingWord::Unusable, why.clone(), Default::default()),
        Ruling::Hold => (RulingWord::Hold, String::new(), Default::default()),
        Ruling::Denied(report) => (RulingWord::Denied, String::new(), report.clone()),
        Ruling::Passed(checked) => (RulingWord::Passed, String::new(), checked.report().clone()),
    };
    RulingRecord {
        coin: coin.clone(),
        decision_id,
        word,
        why,
        intent: judged.intent.clone(),
        digest: judged.intent.as_ref().map(|intent| intent.terms().digest()),
        impact: judged.impact.clone(),
        report,
    }
}
