//! How a cycle that did not complete is recorded: with an incident, the next run, and nothing half done.

use super::{CycleError, Run};
use crate::domain::auto_pause::AutoPause;
use crate::domain::cycle::{AnswerGrade, Cycle, CycleOutcome};
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::notification::{NewNotification, NotificationKind};
use crate::domain::time::Timestamp;
use crate::domain::trader::SAFE_MODE_AFTER;
use crate::domain::venue_kind::AutomationLevel;
use crate::ports::store::{AuditEntry, Changes, Guard};
use crate::services::consult::ConsultError;
use crate::services::live::LiveRefusal;
use crate::services::live_feed::Topic;
use crate::services::settle::SELF;

impl Run<'_> {
    /// Records the failure. What was lost to another process is theirs to record.
    pub(super) async fn fail(&self, error: &CycleError) {
        crate::observe::cycle_failed(&self.trader, self.id, error);
        if !matches!(error, CycleError::AutoPaused(_)) {
            let changes = self.failure(error);
            let bare = bare(&changes);
            if let Err(commit) = self.desk.store.commit(changes).await {
                crate::observe::commit_failed("recording a failed cycle", &commit);
                // Whatever could not be written, the calls were made and the next run is not now.
                let Err(again) = self.desk.store.commit(bare).await else { return self.publish() };
                crate::observe::commit_failed("recording what a failed cycle cost", &again);
                if let Err(release) = self.desk.store.release_lease(&self.lease).await {
                    crate::observe::store_failed("releasing a cycle's lease", &release);
                }
            }
        }
        self.publish();
        self.desk.live.publish(Topic::Incident, None, Some(self.trader.id));
    }

    /// Tells open pages.
    pub(super) fn publish(&self) {
        self.desk.submit_wake.notify_one();
        for topic in [Topic::Decision, Topic::Equity, Topic::Notification, Topic::Model] {
            self.desk.live.publish(topic, None, Some(self.trader.id));
        }
    }

    fn failure(&self, error: &CycleError) -> Changes {
        let wall = self.desk.clock.now();
        let market = self.desk.markets.of(self.trader.axes.venue_kind()).map_or(wall, |market| market.now());
        let errors =
            if counts_as_api_error(error) { self.trader.api_errors.saturating_add(1) } else { self.trader.api_errors };
        let incident = incident(self, error, wall);
        let notifications = if self.trader.settings.notify_errors { vec![told(&incident)] } else { Vec::new() };
        let mut changes = Changes {
            guards: vec![self.lease_guard()],
            reschedules: vec![(self.trader.id, Some(self.next_run(market)), errors)],
            incidents: vec![incident],
            notifications,
            release: vec![self.lease_release()],
            ..Changes::default()
        };
        self.put_on_bill(&mut changes);
        let mut cycle = ended(self, CycleOutcome::Failed, Some(error.to_string()), market, wall);
        if matches!(error, CycleError::Consult(consult) if consult.is_the_models()) {
            self.count_answer(&mut changes, false, wall);
            cycle.answer = Some(AnswerGrade::None);
        }
        self.keep(&mut changes, cycle, self.failed_bundle(wall).as_ref());
        changes
    }

    /// What the calls of language models cost, and what a person should know about it.
    pub(super) fn put_on_bill(&self, changes: &mut Changes) {
        let warnings = self.transcript.warnings();
        changes.ai_calls.extend(self.transcript.calls());
        if self.trader.settings.notify_errors {
            changes.notifications.extend(warnings.iter().map(told));
        }
        changes.incidents.extend(warnings);
    }

    /// Counts unusable answers in a row: enough of them are safe mode, and a usable one ends it.
    pub(super) fn count_answer(&self, changes: &mut Changes, is_usable: bool, wall: Timestamp) {
        let before = self.trader.model_errors;
        let now = if is_usable { 0 } else { before.saturating_add(1) };
        if now != before {
            changes.model_errors.push((self.trader.id, now));
        }
        let incident = NewIncident {
            kind: IncidentKind::SafeMode,
            severity: Severity::High,
            trader_id: Some(self.trader.id),
            title: format!("{}: safe mode", self.trader.name),
            detail: format!(
                "{SAFE_MODE_AFTER} answers in a row could not be used. The model is asked on and may close positions; it \
                 opens nothing until an answer can be used."
            ),
            fingerprint: "safe mode".to_owned(),
            at: wall,
        };
        if is_usable && self.trader.is_in_safe_mode() {
            changes.recovered.push((incident, "an answer could be used again".to_owned()));
        } else if now == SAFE_MODE_AFTER {
            if self.trader.settings.notify_errors {
                changes.notifications.push(told(&incident));
            }
            changes.incidents.push(incident);
        }
    }

    fn lease_guard(&self) -> Guard {
        self.lease.guard()
    }

    fn lease_release(&self) -> (String, String, i64) {
        (self.lease.name.clone(), self.lease.owner.clone(), self.lease.epoch)
    }
}

/// The part of a failure that holds no text from outside: bill, rhythm, incident, lease.
fn bare(changes: &Changes) -> Changes {
    let mut incidents = changes.incidents.clone();
    for incident in &mut incidents {
        incident.detail = "the cycle could not be recorded; the log says why".to_owned();
    }
    Changes {
        guards: changes.guards.clone(),
        reschedules: changes.reschedules.clone(),
        model_errors: changes.model_errors.clone(),
        ai_calls: changes.ai_calls.clone(),
        incidents,
        release: changes.release.clone(),
        ..Changes::default()
    }
}

/// Calls that failed: what the auto-pause counts.
fn counts_as_api_error(error: &CycleError) -> bool {
    match error {
        CycleError::Market(_) | CycleError::Advisor(_) | CycleError::StaleMarketData(_) | CycleError::Live(_) => true,
        CycleError::Consult(consult) => consult.is_the_models(),
        _ => false,
    }
}

fn incident(run: &Run<'_>, error: &CycleError, at: Timestamp) -> NewIncident {
    let (kind, severity, what) = match error {
        CycleError::Live(LiveRefusal::Exchange(_)) => {
            (IncidentKind::ExchangeApiError, Severity::High, "the exchange gave no usable answer")
        }
        CycleError::Live(_) => (IncidentKind::ExchangeNotConfigured, Severity::High, "the exchange is not configured"),
        CycleError::StaleMarketData(_) => (IncidentKind::StaleMarketData, Severity::Medium, "no fresh prices"),
        CycleError::Market(_) => (IncidentKind::StaleMarketData, Severity::Medium, "the market did not answer"),
        CycleError::Consult(ConsultError::ShuttingDown) => {
            (IncidentKind::ExecutionError, Severity::Low, "a cycle was abandoned")
        }
        CycleError::Consult(ConsultError::BudgetSpent { .. } | ConsultError::PriceUnknown { .. }) => {
            (IncidentKind::CircuitBreaker, Severity::High, "the AI budget stops it")
        }
        CycleError::Consult(ConsultError::Busy { .. }) => {
            (IncidentKind::ModelError, Severity::Medium, "its provider had no free place")
        }
        CycleError::Consult(_) => (IncidentKind::ModelError, Severity::High, "the language model gave no answer"),
        CycleError::Advisor(_) | CycleError::UnknownAdvisor(_) => {
            (IncidentKind::ModelError, Severity::Medium, "the advisor gave no answer")
        }
        CycleError::Overtaken(_) => (IncidentKind::ExecutionError, Severity::Low, "a cycle was abandoned"),
        _ => (IncidentKind::ExecutionError, Severity::Critical, "a cycle failed"),
    };
    NewIncident {
        kind,
        severity,
        trader_id: Some(run.trader.id),
        title: format!("{}: {what}", run.trader.name),
        detail: error.to_string(),
        fingerprint: format!("cycle {}", run.trader.axes.venue_kind()),
        at,
    }
}

/// An incident as a message behind the bell.
pub(crate) fn told(incident: &NewIncident) -> NewNotification {
    NewNotification {
        kind: NotificationKind::Incident,
        severity: incident.severity,
        title: incident.title.clone(),
        body: incident.detail.clone(),
        trader_id: incident.trader_id,
        decision_id: None,
        at: incident.at,
    }
}

fn ended(run: &Run<'_>, outcome: CycleOutcome, error: Option<String>, market: Timestamp, wall: Timestamp) -> Cycle {
    Cycle {
        id: run.id,
        trader_id: run.trader.id,
        venue: run.trader.axes.venue_kind(),
        automation: run.trader.axes.automation_level,
        trigger: run.request.trigger,
        outcome,
        error,
        warnings: Vec::new(),
        market_at: market,
        started_at: run.started_at,
        finished_at: wall,
        asked: String::new(),
        answered: String::new(),
        answer: None,
        bundle: None,
    }
}

/// Full automation falls back to asking; the cycle ends here.
pub(super) fn step_down(run: &Run<'_>, pause: &AutoPause) -> Changes {
    let wall = run.desk.clock.now();
    let market = run.desk.markets.of(run.trader.axes.venue_kind()).map_or(wall, |market| market.now());
    let mut trader = run.trader.clone();
    trader.axes.automation_level = AutomationLevel::SemiAutomated;
    trader.version += 1;
    let title = format!("{}: full automation paused itself", trader.name);
    let message = NewNotification {
        kind: NotificationKind::AutoPause,
        severity: Severity::Critical,
        title: title.clone(),
        body: format!("{}. The model now asks before it trades.", pause.reason),
        trader_id: Some(trader.id),
        decision_id: None,
        at: wall,
    };
    Changes {
        guards: vec![run.lease_guard()],
        reschedules: vec![(trader.id, Some(run.next_run(market)), 0)],
        new_cycle: Some(ended(run, CycleOutcome::Failed, Some(format!("auto-pause: {}", pause.reason)), market, wall)),
        incidents: vec![NewIncident {
            kind: IncidentKind::AutoPause,
            severity: Severity::High,
            trader_id: Some(trader.id),
            title,
            detail: pause.reason.clone(),
            fingerprint: pause.code.to_owned(),
            at: wall,
        }],
        notifications: if trader.settings.notify_auto_pause { vec![message] } else { Vec::new() },
        audit: vec![AuditEntry {
            at: wall,
            actor: SELF.to_owned(),
            action: "model.auto_pause",
            subject: format!("model {}", trader.id),
            detail: pause.reason.clone(),
        }],
        updated_traders: vec![(trader, run.trader.version)],
        release: vec![run.lease_release()],
        ..Changes::default()
    }
}
