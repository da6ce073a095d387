//! What a person does with a decision: approve, edit, reject, ask for approval. And what time does: expire.
//!
//! Approving re-checks everything on current data and creates the order in the same transaction, so that there is
//! exactly one order or none whatever clicks, edits and sweeps happen at the same moment. Whoever comes second gets the
//! row as it truly is.

mod approve;
mod edit;

pub use approve::{ApproveRequest, approve};
pub use edit::{EditRequest, Modifications, edit};

use crate::domain::book::BookView;
use crate::domain::decision::{Decision, DecisionEvent, DecisionStatus, REASON_MAX};
use crate::domain::digest::Digest;
use crate::domain::ids::DecisionId;
use crate::domain::money::Price;
use crate::domain::order::{OrderCause, OrderIntent};
use crate::domain::risk::{RiskChecked, RiskReport};
use crate::domain::time::MINUTE_MS;
use crate::domain::trader::{Trader, TradingState};
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{AuditEntry, Changes, CommitError, Guard, StoreError};
use crate::services::cycle_parts::{MarketView, Scene, Wish, relevant_coins};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::judge::refusal;
use crate::services::live::{AccountView, Balances, Errand, LiveRefusal};
use crate::services::live_feed::Topic;
use crate::services::run_cycle::take_terms;
use crate::services::settle::{SELF, move_decision};
use rust_decimal::Decimal;

/// Decisions expired in one sweep; the next sweep takes the rest.
const EXPIRE_BATCH: u32 = 200;

/// Why a decision was not moved as asked. Those with a row carry it as it truly is now.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// No such decision.
    #[error("decision {0} does not exist")]
    NotFound(DecisionId),
    /// Somebody or something else was first.
    #[error("decision {} is {} already", .0.id, .0.status())]
    AlreadyDecided(Box<Decision>),
    /// Its time is over.
    #[error("decision {} has expired", .0.id)]
    Expired(Box<Decision>),
    /// It still waits, but with other terms than those that were looked at.
    #[error("the terms of decision {} changed; look again", .0.id)]
    TermsChanged(Box<Decision>),
    /// Real money needs version and digest.
    #[error("version and digest are required for real money")]
    TermsRequired(Box<Decision>),
    /// The price moved further than allowed; the row is a new version with a fresh quote.
    #[error("the price moved {} bps, from {old} to {new}; approve the new version to go on", .bps.round_dp(1))]
    PriceDrift {
        /// The row with the fresh quote.
        decision: Box<Decision>,
        /// Price that was shown.
        old: Price,
        /// Price now.
        new: Price,
        /// Signed move in basis points.
        bps: Decimal,
    },
    /// The rules refuse it on current data.
    #[error("risk denied: {}", .report.reasons())]
    RiskDenied {
        /// The row: denied when it was being approved, unchanged when it was being edited.
        decision: Box<Decision>,
        /// Every rule.
        report: RiskReport,
    },
    /// No fresh price to check against; nothing was changed.
    #[error("there is no fresh price of {}; nothing was changed", .0.coin)]
    StalePrice(Box<Decision>),
    /// The live account may not or cannot be used.
    #[error("{refusal}")]
    Live {
        /// The row, unchanged.
        decision: Box<Decision>,
        /// What is missing.
        refusal: LiveRefusal,
    },
    /// The model is paused and the decision would open exposure.
    #[error("the model is paused; entries cannot be approved")]
    Paused(Box<Decision>),
    /// The emergency stop is in force.
    #[error("the emergency stop is in force")]
    Stopped(Box<Decision>),
    /// A field breaks its rule.
    #[error("{field} {rule}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// The rule.
        rule: String,
    },
    /// Others kept changing the account.
    #[error("the account keeps changing; try again")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A decision that waits for approval, with everything that a check needs.
struct Case {
    decision: Decision,
    trader: Trader,
    view: BookView,
    market: MarketView,
    account: AccountView,
}

impl Case {
    /// Reads a decision that is in one of `allowed`; expires it when its time is over.
    async fn open(desk: &Desk, id: DecisionId, allowed: DecisionStatus) -> Result<Self, DecideError> {
        let decision = desk.store.decision(id).await?.ok_or(DecideError::NotFound(id))?;
        if decision.status() != allowed {
            return Err(match decision.status() {
                DecisionStatus::Expired => DecideError::Expired(Box::new(decision)),
                _ => DecideError::AlreadyDecided(Box::new(decision)),
            });
        }
        if decision.state.expires_at().is_some_and(|at| desk.clock.now() >= at) {
            expire(desk, decision).await?;
            let now = desk.store.decision(id).await?.ok_or(DecideError::NotFound(id))?;
            return Err(match now.status() {
                DecisionStatus::Expired => DecideError::Expired(Box::new(now)),
                _ => DecideError::AlreadyDecided(Box::new(now)),
            });
        }
        let trader = desk.store.trader(decision.trader_id).await?.ok_or(DecideError::NotFound(id))?;
        let account = match read_account(desk, &trader, &decision).await {
            Ok(account) => account,
            Err(LiveRefusal::Store(error)) => return Err(error.into()),
            Err(refusal) => return Err(DecideError::Live { decision: Box::new(decision), refusal }),
        };
        let Some(market) = desk.markets.of(decision.venue) else {
            let refusal = LiveRefusal::no_market(decision.venue);
            return Err(DecideError::Live { decision: Box::new(decision), refusal });
        };
        let day = market.now().day_start();
        let view = desk.store.book_view(decision.book_id, day).await?.ok_or(DecideError::NotFound(id))?;
        let Ok(market) = MarketView::read(desk, market.as_ref(), &trader, relevant_coins(&trader, &view)).await else {
            return Err(DecideError::StalePrice(Box::new(decision)));
        };
        if market.fresh_quote(&decision.coin, &trader.settings).is_none() {
            return Err(DecideError::StalePrice(Box::new(decision)));
        }
        Ok(Self { decision, trader, view, market, account })
    }

    /// What an operator may still do with the model in its present state.
    async fn require_trading(&self, desk: &Desk) -> Result<(), DecideError> {
        if desk.stop.in_force().await.is_some() {
            return Err(DecideError::Stopped(Box::new(self.decision.clone())));
        }
        let entry = self.decision.signal.is_some_and(|signal| signal.is_entry());
        if entry && matches!(self.trader.state, TradingState::Paused { .. }) {
            return Err(DecideError::Paused(Box::new(self.decision.clone())));
        }
        Ok(())
    }

    /// Whoever names a version or a digest must have looked at this one. Real money must name both.
    fn require_terms(&self, version: Option<i64>, digest: Option<&str>) -> Result<(), DecideError> {
        let row = || Box::new(self.decision.clone());
        if self.decision.venue == VenueKind::Mainnet && (version.is_none() || digest.is_none()) {
            return Err(DecideError::TermsRequired(row()));
        }
        let other_version = version.is_some_and(|version| version != self.decision.version);
        let other_digest = digest.is_some_and(|digest| self.decision.digest().map(Digest::as_str) != Some(digest));
        if other_version || other_digest { Err(DecideError::TermsChanged(row())) } else { Ok(()) }
    }

    /// The guards of a commit that is based on this reading.
    fn guards(&self) -> Vec<Guard> {
        vec![
            Guard::Trader { id: self.trader.id, version: self.trader.version },
            Guard::Book { id: self.view.book.id, version: self.view.book.version },
        ]
    }

    /// Judges terms for this decision on current data, with a fresh quote, as its version `version`.
    fn judge(&self, wish: &Wish, version: i64) -> Result<Judgement, RiskReport> {
        let scene = Scene::new(&self.trader, &self.view, &self.market, &self.account, Some(self.decision.id), None);
        let cause = OrderCause::Decision(self.decision.id);
        let intent = scene.intent(wish, cause, version).map_err(|error| refusal(&error))?;
        let mut decision = self.decision.clone();
        take_terms(&mut decision, &intent, scene.impact(&intent));
        let digest = intent.terms().digest();
        let checked = scene.check(intent, self.view.entries_today)?;
        decision.risk = checked.report().clone();
        Ok(Judgement { decision, digest })
    }

    /// Judges exactly the terms that were approved, on current data.
    fn judge_as_approved(&self, intent: OrderIntent) -> Result<RiskChecked<OrderIntent>, RiskReport> {
        let scene = Scene::new(&self.trader, &self.view, &self.market, &self.account, Some(self.decision.id), None);
        scene.check(intent, self.view.entries_today)
    }

    /// The decision's own terms as a wish.
    fn wish(&self) -> Option<Wish> {
        let decision = &self.decision;
        Some(Wish {
            coin: decision.coin.clone(),
            signal: decision.signal?,
            quantity: decision.quantity,
            leverage: decision.leverage,
            stop_loss: decision.stop_loss,
            profit_target: decision.profit_target,
        })
    }
}

/// The account as it is now. A close needs to know what is really free; for an entry the exchange decides.
async fn read_account(desk: &Desk, trader: &Trader, decision: &Decision) -> Result<AccountView, LiveRefusal> {
    let (errand, balances) = match decision.signal.is_some_and(|signal| signal.is_entry()) {
        true => (Errand::Propose, Balances::Skip),
        false => (Errand::Exit, Balances::Read),
    };
    AccountView::read(desk, trader, (decision.book_id, decision.venue), errand, balances).await
}

/// Terms that passed, and the decision as it would read with them.
struct Judgement {
    decision: Decision,
    digest: Digest,
}

/// Says no, with a reason.
///
/// # Errors
/// [`DecideError`]; with the true row when somebody else was first.
pub async fn reject(
    desk: &Desk,
    id: DecisionId,
    version: Option<i64>,
    reason: &str,
    by: &str,
) -> Result<Decision, DecideError> {
    let reason = reason.trim();
    if reason.chars().count() > REASON_MAX {
        return Err(DecideError::Invalid { field: "reason", rule: format!("must be at most {REASON_MAX} characters") });
    }
    for _ in 0..COMMIT_ATTEMPTS {
        let mut decision = desk.store.decision(id).await?.ok_or(DecideError::NotFound(id))?;
        match decision.status() {
            DecisionStatus::Pending => {}
            DecisionStatus::Expired => return Err(DecideError::Expired(Box::new(decision))),
            _ => return Err(DecideError::AlreadyDecided(Box::new(decision))),
        }
        if version.is_some_and(|version| version != decision.version) {
            return Err(DecideError::TermsChanged(Box::new(decision)));
        }
        let at = desk.clock.now();
        let mut changes = Changes { audit: vec![audit(at, by, "decision.reject", id, reason)], ..Changes::default() };
        let event = DecisionEvent::Reject { by: by.to_owned(), reason: reason.to_owned() };
        if move_decision(&mut changes, &mut decision, event, by, reason, at).is_err() {
            continue;
        }
        match desk.store.commit(changes).await {
            Ok(()) => {
                crate::observe::decision_moved(&decision, by);
                desk.live.publish(Topic::Decision, Some(id.0), Some(decision.trader_id));
                return Ok(decision);
            }
            Err(error) if is_conflict(&error) => {}
            Err(error) => return Err(as_decide_error(error)),
        }
    }
    Err(DecideError::Contended)
}

/// Turns a displayed decision into one that waits for approval, re-checked on current data.
///
/// # Errors
/// [`DecideError`]; [`DecideError::RiskDenied`] carries the row, which is denied then.
pub async fn request_approval(desk: &Desk, id: DecisionId, by: &str) -> Result<Decision, DecideError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let case = Case::open(desk, id, DecisionStatus::Displayed).await?;
        case.require_trading(desk).await?;
        let at = desk.clock.now();
        let wish = case.wish().ok_or_else(|| DecideError::AlreadyDecided(Box::new(case.decision.clone())))?;
        let mut changes = Changes {
            guards: case.guards(),
            audit: vec![audit(at, by, "decision.request_approval", id, "")],
            ..Changes::default()
        };
        let judged = case.judge(&wish, case.decision.version + 1);
        let (mut decision, event, denied) = match judged {
            Ok(judgement) => {
                let expires_at = at.plus_ms(i64::from(case.trader.settings.decision_ttl_minutes) * MINUTE_MS);
                (judgement.decision, DecisionEvent::Ask { expires_at, digest: judgement.digest }, None)
            }
            Err(report) => {
                let decision = Decision { risk: report.clone(), ..case.decision.clone() };
                (decision, DecisionEvent::Deny, Some(report))
            }
        };
        let detail = denied.as_ref().map(RiskReport::reasons).unwrap_or_default();
        if move_decision(&mut changes, &mut decision, event, by, &detail, at).is_err() {
            continue;
        }
        match desk.store.commit(changes).await {
            Ok(()) => {
                crate::observe::decision_moved(&decision, by);
                desk.live.publish(Topic::Decision, Some(id.0), Some(decision.trader_id));
                return match denied {
                    None => Ok(decision),
                    Some(report) => Err(DecideError::RiskDenied { decision: Box::new(decision), report }),
                };
            }
            Err(error) if is_conflict(&error) => {}
            Err(error) => return Err(as_decide_error(error)),
        }
    }
    Err(DecideError::Contended)
}

/// Expires what has waited too long. Returns how many.
///
/// # Errors
/// When the store fails; a decision that somebody else moved meanwhile is no error.
pub async fn expire_due(desk: &Desk) -> Result<usize, StoreError> {
    let due = desk.store.expired_decisions(desk.clock.now(), EXPIRE_BATCH).await?;
    let mut count = 0;
    for decision in due {
        count += usize::from(expire(desk, decision).await?);
    }
    Ok(count)
}

async fn expire(desk: &Desk, mut decision: Decision) -> Result<bool, StoreError> {
    let mut changes = Changes::default();
    let (id, trader) = (decision.id, decision.trader_id);
    if move_decision(&mut changes, &mut decision, DecisionEvent::Expire, SELF, "", desk.clock.now()).is_err() {
        return Ok(false);
    }
    match desk.store.commit(changes).await {
        Ok(()) => {
            crate::observe::decision_moved(&decision, SELF);
            desk.live.publish(Topic::Decision, Some(id.0), Some(trader));
            Ok(true)
        }
        Err(CommitError::Store(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

fn audit(
    at: crate::domain::time::Timestamp,
    actor: &str,
    action: &'static str,
    id: DecisionId,
    detail: &str,
) -> AuditEntry {
    AuditEntry { at, actor: actor.to_owned(), action, subject: format!("decision {id}"), detail: detail.to_owned() }
}

fn as_decide_error(error: CommitError) -> DecideError {
    match error {
        CommitError::Store(error) => DecideError::Store(error),
        CommitError::Conflict(_) | CommitError::LeaseLost(_) | CommitError::Duplicate(_) => DecideError::Contended,
    }
}
