//! One record as a shadow is shown it: its own account in place of the trader's, at the prices of that record.

use super::FollowError;
use crate::domain::ai_cost::AiPurpose;
use crate::domain::book::BookView;
use crate::domain::decision::DecisionStatus;
use crate::domain::ids::DecisionId;
use crate::domain::market::Coin;
use crate::domain::order::OrderCause;
use crate::domain::paper_account::{PaperAccount, PaperDecision, PaperFill, PaperMarket};
use crate::domain::position::PositionError;
use crate::domain::shadow::{Progress, Shadow};
use crate::domain::trader::Trader;
use crate::domain::venue_kind::AutomationLevel;
use crate::ports::advisor::{Brief, CoinBrief, PastDecision};
use crate::ports::bundle::{AnswerRecord, AnswerSource, Bundle, RulingRecord, RulingWord, SceneRecord};
use crate::ports::store::LeaderRecord;
use crate::services::consult::{ConsultError, Question, Transcript, consult};
use crate::services::cycle_parts::{MarketView, Scene};
use crate::services::desk::Desk;
use crate::services::judge::{Answer, judge};
use crate::services::live::AccountView;
use crate::services::run_cycle::{closed_trade, position_brief};
use crate::services::{record, templates};

/// A record as a shadow sees it.
pub(super) struct Show<'a> {
    pub trader: &'a Trader,
    pub brief: &'a Brief,
    pub scene: &'a SceneRecord,
    pub market: &'a MarketView,
    /// The template of the trader's own question; none where rules answered.
    pub template: Option<&'a str>,
    pub fills: Vec<PaperFill>,
}

impl Show<'_> {
    /// Prices of this record, then whatever stops and targets demand at them. What the trader has dropped is sold: its
    /// language model is not told of it any more.
    pub(super) fn protect(&mut self, account: &mut PaperAccount) {
        for (coin, quote) in &self.market.quotes {
            account.mark(coin, quote.price);
        }
        let (settings, now) = (&self.trader.settings, self.market.now);
        for coin in held(account) {
            let Some(market) = self.prices(&coin) else { continue };
            let mut done = account.protect(&coin, market, settings, now);
            if matches!(done, Ok(None)) && !settings.supported_assets.contains(&coin) && self.told_of(&coin).is_none() {
                done = account.give_up(&coin, market, settings, now);
            }
            match done {
                Ok(fill) => self.fills.extend(fill),
                Err(error) => misfit(&error),
            }
        }
        account.observe(now);
    }

    fn told_of(&self, coin: &Coin) -> Option<&CoinBrief> {
        self.brief.coins.iter().find(|brief| &brief.coin == coin)
    }

    /// Fresh prices of a coin in this record.
    fn prices(&self, coin: &Coin) -> Option<PaperMarket<'_>> {
        let instrument = self.market.instruments.of_coin(coin)?;
        let quote = self.market.fresh_quote(coin, &self.trader.settings)?;
        let told = self.told_of(coin);
        Some(PaperMarket {
            instrument,
            quote,
            candles: told.map_or(&[], |brief| &brief.recent_candles),
            hourly: told.map_or(&[], |brief| &brief.candles),
        })
    }

    pub(super) async fn ask(
        &self,
        desk: &Desk,
        shadow: &Shadow,
        progress: &Progress,
        leader: &LeaderRecord,
        transcript: &Transcript,
    ) -> Result<Result<Vec<(Coin, Answer)>, ConsultError>, FollowError> {
        let template = match (&shadow.template, self.template) {
            (Some(own), _) => own.clone(),
            (None, Some(theirs)) => theirs.to_owned(),
            (None, None) => templates::current(desk, shadow.trader_id).await?.text,
        };
        let brief = self.own_brief(&progress.account);
        let question = Question {
            trader: self.trader,
            provider_id: shadow.provider_id,
            model_name: &shadow.model_name,
            template: &template,
            cycle: leader.cycle_id,
            purpose: AiPurpose::Shadow,
        };
        match consult(desk, &question, &brief, transcript).await {
            Err(ConsultError::Store(error)) => Err(error.into()),
            Err(error) if error.is_for_later() => Err(FollowError::NotNow(error)),
            answered => Ok(answered),
        }
    }

    /// What the trader's language model was told, name and all, with the shadow's account in place of the trader's.
    fn own_brief(&self, account: &PaperAccount) -> Brief {
        let view = account.view(self.market.now);
        let coins = self.brief.coins.iter().map(|coin| CoinBrief {
            position: view.position(&coin.coin).and_then(|position| position_brief(position, coin.quote.price)),
            waiting: false,
            ..coin.clone()
        });
        Brief {
            equity: account.equity(),
            cash: account.book.cash,
            day_start_equity: account.book.day_start_equity,
            high_water_mark: account.book.high_water_mark,
            entries_today: view.entries_today,
            coins: coins.collect(),
            open_orders: Vec::new(),
            waiting: Vec::new(),
            closed_trades: account.closed.iter().rev().filter_map(closed_trade).collect(),
            past_decisions: account.recent.iter().rev().map(past_decision).collect(),
            ..self.brief.clone()
        }
    }

    /// The trader as a shadow is judged: it acts by itself, and safe mode is its own.
    pub(super) fn judged_as(&self, model_errors: u32) -> Trader {
        let mut trader = Trader { model_errors, ..self.trader.clone() };
        trader.axes.automation_level = AutomationLevel::FullyAutomated;
        trader
    }

    /// Judges the answers as those of a model that acts by itself, and fills what passes.
    pub(super) fn act(
        &mut self,
        trader: &Trader,
        progress: &mut Progress,
        answers: &[(Coin, Answer)],
    ) -> (SceneRecord, Vec<RulingRecord>) {
        let view = progress.account.view(self.market.now);
        let account = AccountView { name: PaperAccount::name(), free: None, entries_halted: None };
        let mut scene = Scene::new(trader, &view, self.market, &account, None, None);
        let mut rulings = Vec::with_capacity(answers.len());
        for (coin, answer) in answers {
            let cause = OrderCause::Decision(DecisionId::default());
            let judged = judge(&mut scene, AutomationLevel::FullyAutomated, coin, answer, cause);
            rulings.push(record::ruling(coin, DecisionId::default(), &judged));
        }
        for ((coin, answer), ruling) in answers.iter().zip(&rulings) {
            let (status, reason) = self.settle(&mut progress.account, ruling);
            progress.denied += u32::from(status == DecisionStatus::Denied);
            progress.unusable += u32::from(status == DecisionStatus::ModelError);
            if status != DecisionStatus::NoAction {
                progress.account.remember(PaperDecision {
                    coin: coin.clone(),
                    signal: answer.as_ref().ok().map(|proposal| proposal.signal),
                    quantity: ruling.intent.as_ref().map(|intent| intent.quantity),
                    quote: self.market.quotes.get(coin).copied(),
                    status,
                    reason,
                });
            }
        }
        let is_usable = answers.iter().any(|(_, answer)| answer.is_ok());
        progress.model_errors = if is_usable { 0 } else { progress.model_errors + 1 };
        let own = own_scene(self.scene, view);
        (own, rulings)
    }

    /// What becomes of one ruling on paper.
    fn settle(&mut self, account: &mut PaperAccount, ruling: &RulingRecord) -> (DecisionStatus, String) {
        let intent = match (ruling.word, &ruling.intent) {
            (RulingWord::Unusable, _) => return (DecisionStatus::ModelError, ruling.why.clone()),
            (RulingWord::Hold, _) => return (DecisionStatus::NoAction, String::new()),
            (RulingWord::Denied, _) | (RulingWord::Passed, None) => {
                return (DecisionStatus::Denied, ruling.report.reasons());
            }
            (RulingWord::Passed, Some(intent)) => intent,
        };
        let Some(market) = self.prices(&intent.coin) else {
            return (DecisionStatus::Ordered, "not filled: no fresh price".to_owned());
        };
        match account.order(intent, market, &self.trader.settings, self.market.now) {
            Ok(Some(fill)) => {
                let reason = format!("filled, {} filled at {}", fill.quantity, fill.price);
                self.fills.push(fill);
                (DecisionStatus::Ordered, reason)
            }
            Ok(None) => (DecisionStatus::Ordered, "not filled: nothing could be had at that price".to_owned()),
            Err(error) => {
                misfit(&error);
                (DecisionStatus::Ordered, format!("not filled: {error}"))
            }
        }
    }
}

/// The rules let nothing pass that does not fit the account.
fn misfit(error: &PositionError) {
    crate::observe::invariant_broken("a fill on paper fits the account that it was judged by", error);
}

fn held(account: &PaperAccount) -> Vec<Coin> {
    account.positions.iter().map(|position| position.coin.clone()).collect()
}

/// The trader's market with the shadow's account: what its answers were judged by.
fn own_scene(leader: &SceneRecord, view: BookView) -> SceneRecord {
    SceneRecord {
        view,
        account: PaperAccount::name().as_str().to_owned(),
        free: None,
        entries_halted: None,
        ..leader.clone()
    }
}

/// Counts where both gave a usable answer, and where both wanted the same.
pub(super) fn compare(progress: &mut Progress, leader: &Bundle, answers: &[(Coin, Answer)]) {
    for (coin, answer) in answers {
        let theirs =
            leader.answers.iter().find(|record| &record.coin == coin).and_then(|record| record.proposal.as_ref());
        if let (Ok(own), Some(theirs)) = (answer, theirs) {
            progress.compared += 1;
            progress.agreed += u32::from(own.signal == theirs.signal);
        }
    }
}

pub(super) fn own_bundle(
    desk: &Desk,
    leader: &Bundle,
    transcript: &Transcript,
    (trader, scene): (Trader, SceneRecord),
    answers: &[(Coin, Answer)],
    rulings: Vec<RulingRecord>,
) -> Option<Bundle> {
    Some(Bundle {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        judged_at: desk.clock.now(),
        trader,
        propose_only: false,
        source: AnswerSource::LanguageModel(transcript.conversation()?),
        scene: Some(scene),
        answers: answers.iter().map(|(coin, answer)| AnswerRecord::of(coin, answer)).collect(),
        rulings,
        // What it was told differs from the trader's brief in the account only, and stands in the prompt.
        brief: None,
        ..leader.clone()
    })
}

fn past_decision(decision: &PaperDecision) -> PastDecision {
    PastDecision {
        coin: decision.coin.clone(),
        signal: decision.signal,
        quantity: decision.quantity,
        quote: decision.quote,
        status: decision.status,
        reason: decision.reason.clone(),
    }
}
