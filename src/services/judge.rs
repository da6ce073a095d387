//! What the code makes of an advisor's answers: each coin's wish is cut to the venue's grid and held against the risk
//! rules, one after the other, because each that passes takes room from the next.
//!
//! Nothing here reads a clock, a market or the store: the same scene and the same answers give the same rulings, in a
//! cycle and in the replay of its record.

use crate::domain::book::BookView;
use crate::domain::decision::{Decision, Impact};
use crate::domain::market::Coin;
use crate::domain::money::Quantity;
use crate::domain::order::{OrderCause, OrderIntent};
use crate::domain::risk::{RiskChecked, RiskReport, RuleCode, RuleResult, Verdict};
use crate::domain::signal::Signal;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::AutomationLevel;
use crate::ports::advisor::{Proposal, UnusableAnswer};
use crate::services::cycle_parts::{IntentError, Scene, Wish};

/// What an advisor answered for one coin: a proposal, or why there is none.
pub type Answer = Result<Proposal, UnusableAnswer>;

/// One coin, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The order it asks for, on the venue's grid, passed or not; none for holding and for what cannot be written down.
    pub intent: Option<OrderIntent>,
    /// What that order would change.
    pub impact: Impact,
    /// What becomes of it.
    pub ruling: Ruling,
}

/// What the code makes of one coin's answer.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are a few in a cycle, and most of them pass")]
pub enum Ruling {
    /// It cannot be used.
    Unusable {
        /// In words.
        why: String,
    },
    /// Nothing is to be done.
    Hold,
    /// The rules refuse it.
    Denied(RiskReport),
    /// The rules let it pass.
    Passed(RiskChecked<OrderIntent>),
}

/// The automation level at which answers are handled. Those of a token that may only propose ask, unless the trader lets
/// outsiders act.
pub const fn effective_level(trader: &Trader, propose_only: bool) -> AutomationLevel {
    match trader.axes.automation_level {
        AutomationLevel::FullyAutomated if propose_only && !trader.settings.external_autonomy => {
            AutomationLevel::SemiAutomated
        }
        level => level,
    }
}

/// Takes out what waits for coins about which the advisor has a newer wish, and returns it in the order of the answers.
/// Holding takes nothing out: what was asked still stands.
pub fn set_aside<'a>(view: &mut BookView, answers: impl IntoIterator<Item = (&'a Coin, &'a Answer)>) -> Vec<Decision> {
    let mut aside = Vec::new();
    for (coin, answer) in answers {
        if answer.as_ref().is_ok_and(|proposal| proposal.signal.is_actionable()) {
            aside.extend(view.waiting.extract_if(.., |decision| &decision.coin == coin));
        }
    }
    aside
}

/// Judges one coin. What passes takes its room in the scene, unless it is only shown.
pub fn judge(scene: &mut Scene<'_>, level: AutomationLevel, coin: &Coin, answer: &Answer, cause: OrderCause) -> Judged {
    let proposal = match answer {
        Ok(proposal) => proposal,
        Err(unusable) => return without_order(Ruling::Unusable { why: unusable.message.clone() }),
    };
    if proposal.signal == Signal::Hold {
        return without_order(Ruling::Hold);
    }
    // The decision's first stored version is 1: its terms carry it.
    let intent = match wish(coin, proposal, scene).and_then(|wish| scene.intent(&wish, cause, 1)) {
        Ok(intent) => intent,
        Err(IntentError::QuantityMissing) => {
            return without_order(Ruling::Unusable { why: IntentError::QuantityMissing.to_string() });
        }
        Err(error) => return without_order(Ruling::Denied(refusal(&error))),
    };
    let impact = scene.impact(&intent);
    let ruling = match scene.check(intent.clone(), scene.view.entries_today) {
        Err(report) => Ruling::Denied(report),
        Ok(checked) => {
            if level != AutomationLevel::Manual {
                scene.exposure.add_intent(checked.get(), &scene.trader.settings);
            }
            Ruling::Passed(checked)
        }
    };
    Judged { intent: Some(intent), impact, ruling }
}

/// A wish that could not even be written down, as the rule it breaks.
pub fn refusal(error: &IntentError) -> RiskReport {
    let rule = match error {
        IntentError::NotTraded(_) | IntentError::Filter(_) => RuleCode::Instrument,
        IntentError::NoPrice(_) => RuleCode::PriceAge,
        IntentError::QuantityMissing | IntentError::NoEquity => RuleCode::Sanity,
    };
    RiskReport {
        rules: vec![RuleResult {
            rule,
            verdict: Verdict::Deny,
            value: None,
            limit: None,
            unit: String::new(),
            message: error.to_string(),
        }],
    }
}

fn without_order(ruling: Ruling) -> Judged {
    Judged { intent: None, impact: Impact::default(), ruling }
}

fn wish(coin: &Coin, proposal: &Proposal, scene: &Scene<'_>) -> Result<Wish, IntentError> {
    Ok(Wish {
        coin: coin.clone(),
        signal: proposal.signal,
        // A close takes what is held: what the model believes to hold is no input.
        quantity: if proposal.signal.is_entry() { size(coin, proposal, scene)? } else { None },
        leverage: proposal.leverage,
        stop_loss: proposal.stop_loss,
        profit_target: proposal.profit_target,
    })
}

/// The base quantity of an entry: as said, or what a share of equity buys at the price of the brief.
fn size(coin: &Coin, proposal: &Proposal, scene: &Scene<'_>) -> Result<Option<Quantity>, IntentError> {
    let (None, Some(share)) = (proposal.quantity, proposal.equity_pct) else { return Ok(proposal.quantity) };
    let quote = scene.market.quotes.get(coin).ok_or_else(|| IntentError::NoPrice(coin.clone()))?;
    let equity = scene.equity.filter(|equity| !equity.is_negative()).ok_or(IntentError::NoEquity)?;
    Ok(Some(equity.percent(share).buys_at(quote.price)))
}
