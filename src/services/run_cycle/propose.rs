//! From an advisor's answers to one commit: each coin is quantized, judged, and routed by the automation level.

use super::{CycleError, Run};
use crate::domain::book::BookView;
use crate::domain::cycle::{Cycle, CycleOutcome, EquitySnapshot};
use crate::domain::decision::{Decision, DecisionEvent, DecisionSource, DecisionState, Impact};
use crate::domain::ids::{BUILT_IN_PROVIDER, DecisionId, OrderId};
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::market::Coin;
use crate::domain::money::Quantity;
use crate::domain::notification::{NewNotification, NotificationKind};
use crate::domain::order::{OrderCause, OrderIntent};
use crate::domain::risk::{RiskChecked, RiskReport, RuleCode, RuleResult, Verdict};
use crate::domain::signal::Signal;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::ports::advisor::{Advice, JUSTIFICATION_MAX, Proposal, UnusableAnswer};
use crate::ports::store::{Changes, DecisionEventRecord, Guard, IdKind};
use crate::services::cycle_parts::{IntentError, MarketView, Scene, Wish};
use crate::services::journal::journal;
use crate::services::live::AccountView;
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
        view: &BookView,
    ) -> Result<Changes, CycleError> {
        let wall = self.desk.clock.now();
        let mut changes = self.frame(market, view);
        let count = u32::try_from(advice.coins.len()).unwrap_or(u32::MAX);
        let ids = self.desk.store.reserve_ids(IdKind::Decision, count).await?;
        let mut view = view.clone();
        let answers: Vec<_> = advice.coins.iter().zip(ids.into_iter().map(DecisionId)).collect();
        for ((coin, answer), id) in &answers {
            self.supersede(&mut changes, &mut view, coin, answer, *id, wall);
        }
        let mut scene = Scene::new(&self.trader, &view, market, account, None, None);
        let mut orders = Vec::new();
        for ((coin, answer), id) in answers {
            let decision = self.blank(id, coin, scene.account, &view, wall);
            let order = self.decide_one(&mut changes, &mut scene, decision, answer, wall).await?;
            orders.extend(order);
        }
        self.note_unusable_answers(&mut changes, wall);
        self.put_on_bill(&mut changes);
        if self.request.decisions.is_none() && self.trader.provider_id != BUILT_IN_PROVIDER {
            self.count_answer(&mut changes, advice.coins.iter().any(|(_, answer)| answer.is_ok()), wall);
        }
        self.note_circuit_breakers(&mut changes, wall);
        changes.new_cycle =
            Some(Cycle { asked: advice.asked.clone(), answered: advice.answered.clone(), ..self.cycle(market, wall) });
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
        }
    }

    /// A newer wish to act replaces what still waits for the coin. Holding does not: what was asked still stands.
    fn supersede(
        &self,
        changes: &mut Changes,
        view: &mut BookView,
        coin: &Coin,
        answer: &Result<Proposal, UnusableAnswer>,
        by: DecisionId,
        wall: Timestamp,
    ) {
        if !answer.as_ref().is_ok_and(|proposal| proposal.signal.is_actionable()) {
            return;
        }
        let (old, rest) =
            std::mem::take(&mut view.waiting).into_iter().partition(|decision: &Decision| &decision.coin == coin);
        view.waiting = rest;
        for mut decision in old {
            let detail = format!("decision {by} is newer");
            // A waiting decision can always be superseded; the table of the state machine says so.
            let moved = move_decision(changes, &mut decision, DecisionEvent::Supersede { by }, SELF, &detail, wall);
            debug_assert!(moved.is_ok());
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

    /// One coin: read, judged, routed. Returns the order when the trader acts by itself.
    async fn decide_one(
        &self,
        changes: &mut Changes,
        scene: &mut Scene<'_>,
        mut decision: Decision,
        answer: &Result<Proposal, UnusableAnswer>,
        wall: Timestamp,
    ) -> Result<Option<OrderId>, CycleError> {
        let proposal = match answer {
            Ok(proposal) => proposal,
            Err(unusable) => {
                self.finish(changes, decision, DecisionEvent::AnswerUnusable { why: unusable.message.clone() }, wall);
                return Ok(None);
            }
        };
        fill_in(&mut decision, proposal, scene);
        if proposal.signal == Signal::Hold {
            self.finish(changes, decision, DecisionEvent::Hold, wall);
            return Ok(None);
        }
        let wish = match wish(&decision.coin, proposal, scene) {
            Ok(wish) => wish,
            Err(error) => {
                decision.risk = refusal(&error);
                self.finish(changes, decision, DecisionEvent::Deny, wall);
                return Ok(None);
            }
        };
        // The decision's first stored version is 1: its terms carry it.
        let intent = match scene.intent(&wish, OrderCause::Decision(decision.id), 1) {
            Ok(intent) => intent,
            Err(IntentError::QuantityMissing) => {
                let why = IntentError::QuantityMissing.to_string();
                self.finish(changes, decision, DecisionEvent::AnswerUnusable { why }, wall);
                return Ok(None);
            }
            Err(error) => {
                decision.risk = refusal(&error);
                self.finish(changes, decision, DecisionEvent::Deny, wall);
                return Ok(None);
            }
        };
        take_terms(&mut decision, &intent, scene);
        match scene.check(intent, scene.view.entries_today) {
            Err(report) => {
                decision.risk = report;
                self.finish(changes, decision, DecisionEvent::Deny, wall);
                Ok(None)
            }
            Ok(checked) => self.route(changes, scene, decision, checked, wall).await,
        }
    }

    /// Manual shows, semi asks, full acts. Decisions from outside ask on a full trader unless it allows them to act.
    async fn route(
        &self,
        changes: &mut Changes,
        scene: &mut Scene<'_>,
        mut decision: Decision,
        checked: RiskChecked<OrderIntent>,
        wall: Timestamp,
    ) -> Result<Option<OrderId>, CycleError> {
        decision.risk = checked.report().clone();
        let level = match self.trader.axes.automation_level {
            AutomationLevel::FullyAutomated if self.request.propose_only && !self.trader.settings.external_autonomy => {
                AutomationLevel::SemiAutomated
            }
            level => level,
        };
        let expires_at = wall.plus_ms(i64::from(self.trader.settings.decision_ttl_minutes) * MINUTE_MS);
        if level != AutomationLevel::Manual {
            scene.exposure.add_intent(checked.get(), &self.trader.settings);
        }
        match level {
            AutomationLevel::Manual => {
                self.finish(changes, decision, DecisionEvent::Show { expires_at }, wall);
                Ok(None)
            }
            AutomationLevel::SemiAutomated => {
                let digest = checked.get().terms().digest();
                self.notify_waiting(changes, &decision, wall);
                self.finish(changes, decision, DecisionEvent::Ask { expires_at, digest }, wall);
                Ok(None)
            }
            AutomationLevel::FullyAutomated => {
                let order = journal(self.desk, changes, checked, wall, scene.market.now).await?;
                self.finish(changes, decision, DecisionEvent::Act { order }, wall);
                Ok(Some(order))
            }
        }
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

/// What the model said, as it said it.
fn fill_in(decision: &mut Decision, proposal: &Proposal, scene: &Scene<'_>) {
    decision.signal = Some(proposal.signal);
    decision.quantity = proposal.quantity;
    decision.leverage = proposal.leverage;
    decision.confidence = proposal.confidence;
    decision.profit_target = proposal.profit_target;
    decision.stop_loss = proposal.stop_loss;
    decision.justification = cut(&proposal.justification);
    decision.explanation = proposal.explanation.clone();
    decision.quote = scene.market.quotes.get(&decision.coin).copied();
    decision.symbol = scene.market.instruments.of_coin(&decision.coin).map(|instrument| instrument.symbol.clone());
}

/// The terms on the venue's grid, as they would be approved.
pub(crate) fn take_terms(decision: &mut Decision, intent: &OrderIntent, scene: &Scene<'_>) {
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
    decision.impact = scene.impact(intent);
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(JUSTIFICATION_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} … [cut at {JUSTIFICATION_MAX} characters]", &text[..end]),
    }
}

/// A wish that could not even be written down, as the rule it breaks.
pub(crate) fn refusal(error: &IntentError) -> RiskReport {
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
