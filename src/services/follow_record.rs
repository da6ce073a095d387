//! A shadow is shown the next record of the trader that it follows: the same market at the same moment, with its own
//! account in place of the trader's. What it answers is judged by the trader's limits and filled on paper at the prices
//! of that record. Later prices do not exist for it.

use crate::domain::ai_cost::AiPurpose;
use crate::domain::book::BookView;
use crate::domain::decision::DecisionStatus;
use crate::domain::ids::{DecisionId, ShadowId};
use crate::domain::market::Coin;
use crate::domain::money::Price;
use crate::domain::order::OrderCause;
use crate::domain::paper_account::{PaperAccount, PaperDecision, PaperFill, PaperMarket};
use crate::domain::position::{Position, PositionError};
use crate::domain::shadow::{Progress, Shadow, ShadowStep};
use crate::domain::trader::Trader;
use crate::domain::venue_kind::AutomationLevel;
use crate::ports::advisor::{Brief, ClosedTrade, CoinBrief, PastDecision, PositionBrief};
use crate::ports::bundle::{
    AnswerRecord, AnswerSource, Bundle, BundleError, RulingRecord, RulingWord, SceneRecord, Turn,
};
use crate::ports::store::{Changes, CommitError, LeaderRecord, Lease, StoreError};
use crate::services::consult::{ConsultError, Question, Transcript, consult};
use crate::services::cycle_parts::{MarketView, Scene};
use crate::services::desk::Desk;
use crate::services::judge::{Answer, judge};
use crate::services::lease_keeper::{LEASE_MS, until_lost};
use crate::services::live::AccountView;
use crate::services::live_feed::Topic;
use crate::services::replay_bundle::{ReplayError, load};
use crate::services::run_cycle::told;
use crate::services::{record, templates};
use rust_decimal::Decimal;

/// Records that a shadow may lag behind. One that is slower skips to the newest: what happened long ago is no test.
pub const LAG_MAX: u64 = 10;

/// Why a shadow was not shown a record. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// Its row or its lease changed hands.
    #[error("another process follows in its place")]
    Overtaken,
    /// Something was not written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Shows a shadow its next record, if there is one. Returns whether there was.
///
/// # Errors
/// [`FollowError`]; nothing is written then.
pub async fn follow(desk: &Desk, id: ShadowId) -> Result<bool, FollowError> {
    let now = desk.clock.now();
    let name = format!("shadow:{id}");
    let lease = desk.store.acquire_lease(&name, &desk.process, now, now.plus_ms(LEASE_MS), None).await?;
    let Some(lease) = lease else { return Ok(false) };
    let outcome = tokio::select! {
        outcome = next(desk, id, &lease) => outcome,
        () = until_lost(desk, &lease) => Err(FollowError::Overtaken),
    };
    desk.store.release_lease(&lease).await?;
    outcome
}

async fn next(desk: &Desk, id: ShadowId, lease: &Lease) -> Result<bool, FollowError> {
    let Some(mut shadow) = desk.store.shadow(id).await?.filter(Shadow::is_active) else { return Ok(false) };
    let Some((leader, skipped)) = next_record(desk, &shadow).await? else { return Ok(false) };
    let expected = shadow.version;
    let step = match load(desk, &leader.hash).await {
        Ok(bundle) => Step::take(desk, &mut shadow, &leader, bundle, skipped).await?,
        // A record that is gone or damaged is passed over.
        Err(ReplayError::Store(error)) => return Err(error.into()),
        Err(_) => Step::default(),
    };
    shadow.seen = leader.number;
    shadow.version = expected + 1;
    let mut changes = step.changes;
    let bill = Changes {
        ai_calls: changes.ai_calls.clone(),
        incidents: changes.incidents.clone(),
        notifications: changes.notifications.clone(),
        ..Changes::default()
    };
    changes.guards.push(lease.guard());
    changes.updated_shadows.push((shadow.clone(), expected));
    match desk.store.commit(changes).await {
        Ok(()) => {
            desk.live.publish(Topic::Model, None, Some(shadow.trader_id));
            Ok(true)
        }
        // Ended or taken over meanwhile: the answer is of no use any more, and was paid for.
        Err(CommitError::Conflict(_) | CommitError::LeaseLost(_)) => {
            desk.store.commit(bill).await?;
            Err(FollowError::Overtaken)
        }
        Err(error) => Err(error.into()),
    }
}

/// The next record, and how many were left out because the shadow is too slow.
async fn next_record(desk: &Desk, shadow: &Shadow) -> Result<Option<(LeaderRecord, u32)>, StoreError> {
    let behind = desk.store.leader_records_after(shadow.trader_id, shadow.seen).await?;
    if behind <= LAG_MAX {
        let next = desk.store.leader_records(shadow.trader_id, shadow.seen, 1).await?.pop();
        return Ok(next.map(|record| (record, 0)));
    }
    let limit = u32::try_from(behind).unwrap_or(u32::MAX);
    let newest = desk.store.leader_records(shadow.trader_id, shadow.seen, limit).await?.pop();
    Ok(newest.map(|record| (record, limit.saturating_sub(1))))
}

/// One record, taken in.
#[derive(Default)]
struct Step {
    changes: Changes,
}

impl Step {
    async fn take(
        desk: &Desk,
        shadow: &mut Shadow,
        leader: &LeaderRecord,
        bundle: Bundle,
        skipped: u32,
    ) -> Result<Self, FollowError> {
        // A cycle that was told nothing, or whose model's worth is not known, is no moment to compare.
        let (Some(brief), Some(scene)) = (&bundle.brief, &bundle.scene) else { return Ok(Self::default()) };
        let (market, _) = record::seen(scene);
        let Some(leader_equity) = scene.view.value(&market.fresh_marks(&bundle.trader.settings)) else {
            return Ok(Self::default());
        };
        let leader_equity = leader_equity.equity;
        let begin = || Progress::begin(shadow.trader_id, scene.view.book.venue, leader_equity, market.now);
        let mut progress = shadow.progress.take().unwrap_or_else(begin);
        progress.skipped += skipped;
        progress.steps += 1;
        progress.observe_leader(leader_equity);
        progress.leader_cost +=
            cost_of(bundle.conversation().into_iter().flat_map(|said| &said.turns)).unwrap_or_default();

        let mut show = Show { trader: &bundle.trader, brief, scene, market: &market, fills: Vec::new() };
        show.protect(&mut progress.account);
        let transcript = Transcript::default();
        let asked = show.ask(desk, shadow, &progress, leader, &transcript).await?;
        let (bundle_hash, error) = match asked {
            Ok(answers) => {
                let judged_as = show.judged_as(progress.model_errors);
                let (own_scene, rulings) = show.act(&judged_as, &mut progress, &answers);
                compare(&mut progress, &bundle, &answers);
                let own = own_bundle(desk, &bundle, &transcript, (judged_as, own_scene), &answers, rulings);
                match own.map(|own| desk.bundles.pack(&own)) {
                    Some(Ok(packed)) => (Some(packed), None),
                    Some(Err(error)) => (None, Some(BundleError::to_string(&error))),
                    None => (None, None),
                }
            }
            Err(error) => {
                progress.failed += 1;
                progress.model_errors += u32::from(error.is_the_models());
                (None, Some(error.to_string()))
            }
        };
        progress.account.observe(market.now);
        let calls = transcript.calls();
        let cost = calls.iter().filter_map(|call| call.cost).reduce(Decimal::saturating_add);
        progress.cost = progress.cost.saturating_add(cost.unwrap_or_default());
        let step = ShadowStep {
            shadow_id: shadow.id,
            number: progress.steps,
            cycle_id: leader.cycle_id,
            market_at: market.now,
            at: desk.clock.now(),
            equity: progress.account.equity(),
            leader_equity,
            fills: show.fills,
            error,
            bundle: bundle_hash.as_ref().map(|packed| packed.hash.clone()),
            cost,
        };
        let warnings = transcript.warnings();
        let tells = bundle.trader.settings.notify_errors;
        shadow.progress = Some(progress);
        Ok(Self {
            changes: Changes {
                new_bundles: bundle_hash.into_iter().collect(),
                new_shadow_steps: vec![step],
                ai_calls: calls,
                notifications: if tells { warnings.iter().map(told).collect() } else { Vec::new() },
                incidents: warnings,
                ..Changes::default()
            },
        })
    }
}

/// A record as a shadow sees it.
struct Show<'a> {
    trader: &'a Trader,
    brief: &'a Brief,
    scene: &'a SceneRecord,
    market: &'a MarketView,
    fills: Vec<PaperFill>,
}

impl Show<'_> {
    /// Prices of this record, then whatever stops and targets demand at them.
    fn protect(&mut self, account: &mut PaperAccount) {
        for (coin, quote) in &self.market.quotes {
            account.mark(coin, quote.price);
        }
        for coin in held(account) {
            let Some(market) = self.prices(&coin) else { continue };
            match account.protect(&coin, market, &self.trader.settings, self.market.now) {
                Ok(fill) => self.fills.extend(fill),
                Err(error) => misfit(&error),
            }
        }
        account.observe(self.market.now);
    }

    /// Fresh prices of a coin in this record.
    fn prices(&self, coin: &Coin) -> Option<PaperMarket<'_>> {
        let instrument = self.market.instruments.of_coin(coin)?;
        let quote = self.market.fresh_quote(coin, &self.trader.settings)?;
        let candles = self.brief.coins.iter().find(|brief| &brief.coin == coin);
        Some(PaperMarket { instrument, quote, candles: candles.map_or(&[], |brief| &brief.recent_candles) })
    }

    async fn ask(
        &self,
        desk: &Desk,
        shadow: &Shadow,
        progress: &Progress,
        leader: &LeaderRecord,
        transcript: &Transcript,
    ) -> Result<Result<Vec<(Coin, Answer)>, ConsultError>, FollowError> {
        let template = match &shadow.template {
            Some(own) => own.clone(),
            None => templates::current(desk, shadow.trader_id).await?.text,
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
    fn judged_as(&self, model_errors: u32) -> Trader {
        let mut trader = Trader { model_errors, ..self.trader.clone() };
        trader.axes.automation_level = AutomationLevel::FullyAutomated;
        trader
    }

    /// Judges the answers as those of a model that acts by itself, and fills what passes.
    fn act(
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
fn compare(progress: &mut Progress, leader: &Bundle, answers: &[(Coin, Answer)]) {
    for (coin, answer) in answers {
        let theirs =
            leader.answers.iter().find(|record| &record.coin == coin).and_then(|record| record.proposal.as_ref());
        if let (Ok(own), Some(theirs)) = (answer, theirs) {
            progress.compared += 1;
            progress.agreed += u32::from(own.signal == theirs.signal);
        }
    }
}

fn own_bundle(
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

fn cost_of<'a>(turns: impl Iterator<Item = &'a Turn>) -> Option<Decimal> {
    turns.filter_map(|turn| turn.call.cost).reduce(Decimal::saturating_add)
}

fn position_brief(position: &Position, price: Price) -> Option<PositionBrief> {
    Some(PositionBrief {
        side: position.side,
        quantity: position.quantity,
        average_price: position.average_price()?,
        unrealized: position.unrealized(price),
        leverage: position.leverage,
        stop_loss: position.stop_loss,
        profit_target: position.profit_target,
        opened_at: position.opened_at,
    })
}

fn closed_trade(position: &Position) -> Option<ClosedTrade> {
    Some(ClosedTrade {
        coin: position.coin.clone(),
        side: position.side,
        quantity: position.entered,
        result: position.net_result(),
        opened_at: position.opened_at,
        closed_at: position.closed_at?,
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
