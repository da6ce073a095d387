//! From an advisor's answers to one commit: each coin is quantized, judged, and routed by the automation level.

use super::{CycleError, Run};
use crate::domain::book::BookView;
use crate::domain::cycle::{Cycle, CycleOutcome, EquitySnapshot};
use crate::domain::decision::{Decision, DecisionEvent, DecisionSource, DecisionState, Impact};
use crate::domain::ids::{BUILT_IN_PROVIDER, DecisionId};
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::market::Coin;
use crate::domain::notification::{NewNotification, NotificationKind};
use crate::domain::order::{OrderCause, OrderIntent};
use crate::domain::risk::{RiskReport, RuleCode, RuleResult};
use crate::domain::signal::Signal;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::ports::advisor::{Advice, JUSTIFICATION_MAX, Proposal};
use crate::ports::store::{Changes, DecisionEventRecord, Guard, IdKind};
use crate::services::cycle_parts::{MarketView, Scene};
use crate::services::journal::journal;
use crate::services::judge::{Ruling, effective_level, judge, set_aside};
use crate::services::live::AccountView;
use crate::services::record;
use crate::services::settle::{SELF, move_decision};
use std::collections::BTreeMap;

/// Warning word: prices sent in with decisions do not count in live trading.
const MARKET_DATA_IGNORED: &str = "market_data_ignored";

impl Run<'_> {
    /// Builds the whole commit from one reading of the book.
    pub(super) async fn propose(
        &self,
        advice: &Advice,
        market: &MarketView,
        account: &AccountView,
        before: &BookView,
    ) -> Result<Changes, CycleError> {
        let wall = self.desk.clock.now();
        let mut changes = self.frame(market, before);
        let count = u32::try_from(advice.coins.len()).unwrap_or(u32::MAX);
        let ids = self.desk.store.reserve_ids(IdKind::Decision, count).await?;
        let mut view = before.clone();
        let answers: Vec<_> = advice.coins.iter().zip(ids.into_iter().map(DecisionId)).collect();
        for old in set_aside(&mut view, advice.coins.iter().map(|(coin, answer)| (coin, answer))) {
            let newer = answers.iter().find(|((coin, _), _)| coin == &old.coin).map(|(_, id)| *id);
            supersede(&mut changes, old, newer, wall);
        }
        let level = effective_level(&self.trader, self.request.propose_only);
        let mut scene = Scene::new(&self.trader, &view, market, account, None, None);
        let mut rulings = Vec::with_capacity(answers.len());
        for ((coin, answer), id) in answers {
            let mut decision = self.blank(id, coin, account, &view, wall);
            if let Ok(proposal) = answer {
                fill_in(&mut decision, proposal, market);
            }
            let judged = judge(&mut scene, level, coin, answer, OrderCause::Decision(id));
            rulings.push(record::ruling(coin, id, &judged));
            if let Some(intent) = &judged.intent {
                take_terms(&mut decision, intent, judged.impact);
            }
            self.settle(&mut changes, (level, market.now), decision, judged.ruling, wall).await?;
        }
        self.note_unusable_answers(&mut changes, wall);
        self.put_on_bill(&mut changes);
        if self.request.decisions.is_none() && self.trader.provider_id != BUILT_IN_PROVIDER {
            self.count_answer(&mut changes, advice.coins.iter().any(|(_, answer)| answer.is_ok()), wall);
        }
        self.note_circuit_breakers(&mut changes, wall);
        let bundle = self.judged_bundle((market, account, before), &advice.coins, rulings, wall);
        let cycle = Cycle {
            asked: advice.asked.clone(),
            answered: advice.answered.clone(),
            answer: self.grade(&advice.coins),
            ..self.cycle(market, wall)
        };
        self.keep(&mut changes, cycle, Some(&bundle));
        Ok(changes)
    }

    /// What every commit of a cycle carries: guards, rhythm, the book's day and mark, a point of the curve.
    fn frame(&self, market: &MarketView, view: &BookView) -> Changes {
        let trader = &self.trader;
        let mut book = view.book.clone();
        let equity = view.value(&market.fresh_marks(&trader.settings)).map(|valuation| valuation.equity);
        let snapshots =
            equity.map(|equity| EquitySnapshot { book_id: book.id, at: market.now, equity, cash: book.cash });
        if let Some(equity) = equity {
            book.observe(equity, market.now);
        }
        Changes {
            guards: vec![
                Guard::Lease {
                    name: self.lease.name.clone(),
                    owner: self.lease.owner.clone(),
                    epoch: self.lease.epoch,
                },
                Guard::Trader { id: trader.id, version: trader.version },
                Guard::Book { id: book.id, version: view.book.version },
            ],
            reschedules: vec![(trader.id, Some(self.next_run(market.now)), 0)],
            updated_books: vec![book],
            snapshots: snapshots.into_iter().collect(),
            release: vec![(self.lease.name.clone(), self.lease.owner.clone(), self.lease.epoch)],
            ..Changes::default()
        }
    }

    /// Market time of the next scheduled cycle.
    pub(super) fn next_run(&self, market_now: Timestamp) -> Timestamp {
        market_now.plus_ms(i64::from(self.trader.settings.trading_interval_minutes) * MINUTE_MS)
    }

    pub(super) fn cycle(&self, market: &MarketView, wall: Timestamp) -> Cycle {
        let live = self.trader.axes.venue_kind() != VenueKind::Simulation;
        let ignored = live && !self.request.prices.is_empty();
        Cycle {
            id: self.id,
            trader_id: self.trader.id,
            venue: self.trader.axes.venue_kind(),
            automation: self.trader.axes.automation_level,
            trigger: self.request.trigger,
            outcome: CycleOutcome::Completed,
            error: None,
            warnings: ignored.then(|| MARKET_DATA_IGNORED.to_owned()).into_iter().collect(),
            market_at: market.now,
            started_at: self.started_at,
            finished_at: wall,
            asked: String::new(),
            answered: String::new(),
            answer: None,
            bundle: None,
        }
    }

    fn blank(&self, id: DecisionId, coin: &Coin, account: &AccountView, view: &BookView, wall: Timestamp) -> Decision {
        let external = self.request.decisions.is_some();
        Decision {
            id,
            trader_id: self.trader.id,
            book_id: view.book.id,
            venue: view.book.venue,
            account: account.name.clone(),
            cycle_id: self.id,
            source: if external { DecisionSource::External } else { DecisionSource::Advisor },
            coin: coin.clone(),
            symbol: None,
            signal: None,
            quantity: None,
            leverage: 1,
            confidence: None,
            profit_target: None,
            stop_loss: None,
            order_style: self.trader.settings.order_style,
            worst_price: None,
            justification: String::new(),
            explanation: BTreeMap::new(),
            quote: None,
            risk: RiskReport::default(),
            impact: Impact::default(),
            policy_version: self.trader.version,
            edited: false,
            state: DecisionState::Proposed,
            created_at: wall,
            resolved_at: None,
            version: 0,
        }
    }

    /// One coin's ruling becomes a decision. Manual shows what passed, semi asks, full acts.
    async fn settle(
        &self,
        changes: &mut Changes,
        (level, market_now): (AutomationLevel, Timestamp),
        mut decision: Decision,
        ruling: Ruling,
        wall: Timestamp,
    ) -> Result<(), CycleError> {
        let checked = match ruling {
            Ruling::Unusable { why } => {
                self.finish(changes, decision, DecisionEvent::AnswerUnusable { why }, wall);
                return Ok(());
            }
            Ruling::Hold => {
                self.finish(changes, decision, DecisionEvent::Hold, wall);
                return Ok(());
            }
            Ruling::Denied(report) => {
                decision.risk = report;
                self.finish(changes, decision, DecisionEvent::Deny, wall);
                return Ok(());
            }
            Ruling::Passed(checked) => checked,
        };
        decision.risk = checked.report().clone();
        let expires_at = wall.plus_ms(i64::from(self.trader.settings.decision_ttl_minutes) * MINUTE_MS);
        let event = match level {
            AutomationLevel::Manual => DecisionEvent::Show { expires_at },
            AutomationLevel::SemiAutomated => {
                self.notify_waiting(changes, &decision, wall);
                DecisionEvent::Ask { expires_at, digest: checked.get().terms().digest() }
            }
            AutomationLevel::FullyAutomated => {
                DecisionEvent::Act { order: journal(self.desk, changes, checked, wall, market_now).await? }
            }
        };
        self.finish(changes, decision, event, wall);
        Ok(())
    }

    fn finish(&self, changes: &mut Changes, mut decision: Decision, event: DecisionEvent, wall: Timestamp) {
        let name = event.name();
        let detail = match &event {
            DecisionEvent::AnswerUnusable { why } => why.clone(),
            DecisionEvent::Deny => decision.risk.reasons(),
            _ => String::new(),
        };
        if let Err(illegal) = decision.apply(event, wall) {
            crate::observe::invariant_broken("a proposed decision took an event that its table allows", &illegal);
            return;
        }
        changes.decision_events.push(DecisionEventRecord {
            decision_id: decision.id,
            version: decision.version,
            name,
            actor: if self.request.decisions.is_some() { self.request.actor.clone() } else { self.trader.name.clone() },
            detail,
            at: wall,
        });
        changes.new_decisions.push(decision);
    }

    /// Whoever sends decisions in reads the answer; what the trader's own advisor says has nobody but the operator. The
    /// same reason for several coins is one incident: the answer failed as a whole.
    fn note_unusable_answers(&self, changes: &mut Changes, wall: Timestamp) {
        if self.request.decisions.is_some() {
            return;
        }
        let mut reasons: BTreeMap<String, Vec<Coin>> = BTreeMap::new();
        for decision in &changes.new_decisions {
            if let DecisionState::ModelError { why } = &decision.state {
                reasons.entry(why.clone()).or_default().push(decision.coin.clone());
            }
        }
        for (why, coins) in reasons {
            let (coins, fingerprint) = match coins.as_slice() {
                [coin] => (coin.to_string(), coin.to_string()),
                several => (several.iter().map(Coin::as_str).collect::<Vec<_>>().join(", "), "answer".to_owned()),
            };
            changes.incidents.push(NewIncident {
                kind: IncidentKind::ModelError,
                severity: Severity::Medium,
                trader_id: Some(self.trader.id),
                title: format!("{}: the answer for {coins} could not be used", self.trader.name),
                detail: why,
                fingerprint,
                at: wall,
            });
        }
    }

    fn notify_waiting(&self, changes: &mut Changes, decision: &Decision, wall: Timestamp) {
        if !self.trader.settings.notify_approvals {
            return;
        }
        let words = match (decision.signal, decision.quantity) {
            (Some(signal), Some(quantity)) => format!("{} {quantity} {}", verb(signal), decision.coin),
            _ => decision.coin.to_string(),
        };
        changes.notifications.push(NewNotification {
            kind: NotificationKind::DecisionWaits,
            severity: Severity::Medium,
            title: format!("Decision waits: {words}"),
            body: format!("{} asks for approval.", self.trader.name),
            trader_id: Some(self.trader.id),
            decision_id: Some(decision.id),
            at: wall,
        });
    }

    /// The daily loss and drawdown rules are circuit breakers: when they refuse, a person should know.
    fn note_circuit_breakers(&self, changes: &mut Changes, wall: Timestamp) {
        let mut tripped: Vec<RuleResult> = Vec::new();
        for decision in &changes.new_decisions {
            for result in decision.risk.denials() {
                let breaker = matches!(result.rule, RuleCode::DailyLoss | RuleCode::Drawdown) && result.value.is_some();
                if breaker && !tripped.iter().any(|other| other.rule == result.rule) {
                    tripped.push(result.clone());
                }
            }
        }
        for result in tripped {
            let title = format!("{}: {} stops new entries", self.trader.name, result.rule.label().to_lowercase());
            if self.trader.settings.notify_risk_triggers {
                changes.notifications.push(NewNotification {
                    kind: NotificationKind::RiskTrigger,
                    severity: Severity::High,
                    title: title.clone(),
                    body: result.message.clone(),
                    trader_id: Some(self.trader.id),
                    decision_id: None,
                    at: wall,
                });
            }
            changes.incidents.push(NewIncident {
                kind: IncidentKind::CircuitBreaker,
                severity: Severity::High,
                trader_id: Some(self.trader.id),
                title,
                detail: result.message,
                fingerprint: result.rule.to_string(),
                at: wall,
            });
        }
    }
}

/// The verb of a signal as traders say it.
pub(crate) const fn verb(signal: Signal) -> &'static str {
    match signal {
        Signal::BuyToEnter => "BUY",
        Signal::SellToEnter => "SELL SHORT",
        Signal::ClosePosition => "CLOSE",
        Signal::Hold => "HOLD",
    }
}

/// A newer wish to act replaces what still waits for its coin.
fn supersede(changes: &mut Changes, mut old: Decision, by: Option<DecisionId>, wall: Timestamp) {
    let Some(by) = by else { return };
    let detail = format!("decision {by} is newer");
    // A waiting decision can always be superseded; the table of the state machine says so.
    let moved = move_decision(changes, &mut old, DecisionEvent::Supersede { by }, SELF, &detail, wall);
    debug_assert!(moved.is_ok());
}

/// What the model said, as it said it.
fn fill_in(decision: &mut Decision, proposal: &Proposal, market: &MarketView) {
    decision.signal = Some(proposal.signal);
    decision.quantity = proposal.quantity;
    decision.leverage = proposal.leverage;
    decision.confidence = proposal.confidence;
    decision.profit_target = proposal.profit_target;
    decision.stop_loss = proposal.stop_loss;
    decision.justification = cut(&proposal.justification);
    decision.explanation = proposal.explanation.clone();
    decision.quote = market.quotes.get(&decision.coin).copied();
    decision.symbol = market.instruments.of_coin(&decision.coin).map(|instrument| instrument.symbol.clone());
}

/// The terms on the venue's grid, as they would be approved.
pub(crate) fn take_terms(decision: &mut Decision, intent: &OrderIntent, impact: Impact) {
    decision.symbol = Some(intent.symbol.clone());
    decision.account = intent.account.clone();
    decision.quantity = Some(intent.quantity);
    decision.leverage = intent.leverage;
    decision.stop_loss = intent.stop_loss;
    decision.profit_target = intent.profit_target;
    decision.quote = Some(intent.quote);
    decision.policy_version = intent.policy_version;
    let terms = intent.terms();
    decision.order_style = terms.order_style;
    decision.worst_price = terms.worst_price;
    decision.impact = impact;
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(JUSTIFICATION_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} … [cut at {JUSTIFICATION_MAX} characters]", &text[..end]),
    }
}
