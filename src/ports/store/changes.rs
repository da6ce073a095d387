//! One transaction's worth of changes.

use super::accounts::AccountChanges;
use super::providers::KnownMode;
use crate::domain::ai_cost::AiCall;
use crate::domain::arming::Arm;
use crate::domain::book::Book;
use crate::domain::credential::Credential;
use crate::domain::cycle::{Cycle, EquitySnapshot};
use crate::domain::decision::Decision;
use crate::domain::digest::Digest;
use crate::domain::fill::Fill;
use crate::domain::ids::{BookId, DecisionId, IncidentId, NotificationId, OrderId, ProviderId, TraderId};
use crate::domain::incident::{IncidentStatus, NewIncident};
use crate::domain::ledger::LedgerTransaction;
use crate::domain::notification::NewNotification;
use crate::domain::order::Order;
use crate::domain::position::Position;
use crate::domain::prompt_template::PromptTemplate;
use crate::domain::provider::Provider;
use crate::domain::reask::Reask;
use crate::domain::shadow::{Shadow, ShadowStep};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::ExchangeEnvironment;
use crate::ports::bundle::PackedBundle;
use crate::ports::venue::VenueAnswer;

/// Something that must still hold when the transaction commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The lease is still ours: same owner and epoch. Whether its time has lapsed does not matter as long as nobody
    /// else took it (taking it grows the epoch).
    Lease {
        /// What it is a right to.
        name: String,
        /// Who should hold it.
        owner: String,
        /// The epoch this work was based on.
        epoch: i64,
    },
    /// The trader's axes, state and settings are unchanged.
    Trader {
        /// Whose.
        id: TraderId,
        /// The version this work was based on.
        version: i64,
    },
    /// Nothing in the book changed. The book's version is then bumped by this commit, so that of two commits based on
    /// the same book only one succeeds.
    Book {
        /// Which.
        id: BookId,
        /// The version this work was based on.
        version: i64,
    },
    /// The provider is unchanged, and so not deleted.
    Provider {
        /// Which.
        id: ProviderId,
        /// The version this work was based on.
        version: i64,
    },
}

/// One line of a decision's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionEventRecord {
    /// Which decision.
    pub decision_id: DecisionId,
    /// The version it led to.
    pub version: i64,
    /// The event's word.
    pub name: &'static str,
    /// Who did it: an operator, a token, or `countersign`.
    pub actor: String,
    /// In words, old and new values for an edit.
    pub detail: String,
    /// Wall-clock time.
    pub at: Timestamp,
}

/// One line of an order's time line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEventRecord {
    /// Which order.
    pub order_id: OrderId,
    /// The event's word.
    pub name: &'static str,
    /// In words.
    pub detail: String,
    /// Wall-clock time.
    pub at: Timestamp,
}

/// An attempt to send, journaled before it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttempt {
    /// Which order.
    pub order_id: OrderId,
    /// From 1.
    pub number: u32,
    /// Wall-clock time.
    pub sent_at: Timestamp,
    /// The sender's lease epoch.
    pub epoch: i64,
    /// The name of the sender's lease: tells whether the sender is alive.
    pub sender: String,
}

/// An attempt with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// As journaled.
    pub attempt: NewAttempt,
    /// What was seen, in words; empty while open.
    pub outcome: String,
}

/// One line of the audit trail: who changed what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Wall-clock time.
    pub at: Timestamp,
    /// An operator, a token or `countersign`.
    pub actor: String,
    /// A stable word: `model.settings`.
    pub action: &'static str,
    /// What it was done to: `model 3`.
    pub subject: String,
    /// Old and new values; never a secret.
    pub detail: String,
}

/// The vault key in use, by id. A commit that seals names the key it used twice; a rotation replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultKeyStep {
    /// What must be in use; none before the first.
    pub from: Option<String>,
    /// What is in use from now on.
    pub to: String,
}

/// Everything one commit writes. Updates carry the version they were based on; a mismatch is a conflict.
///
/// Rows are written in dependency order whatever the order here. A commit that touches a book's decisions, orders or
/// positions carries the book's guard, so that risk checks are serialised per book.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What must hold.
    pub guards: Vec<Guard>,
    /// Created traders.
    pub new_traders: Vec<Trader>,
    /// Changed traders with the version each was based on. Scheduling fields (`next_run_at`, `api_errors`) are *not*
    /// written here, see `reschedules`.
    pub updated_traders: Vec<(Trader, i64)>,
    /// `next_run_at` and `api_errors` of a trader: no version, the lease is their guard.
    pub reschedules: Vec<(TraderId, Option<Timestamp>, u32)>,
    /// Unusable answers in a row of a trader's language model: no version, the lease is their guard.
    pub model_errors: Vec<(TraderId, u32)>,
    /// Calls of language models; the sums of their days grow with them.
    pub ai_calls: Vec<AiCall>,
    /// Opened books.
    pub new_books: Vec<Book>,
    /// Changed books: cash, results, day and mark (never the version, which the guard bumps).
    pub updated_books: Vec<Book>,
    /// The run, when it ends.
    pub new_cycle: Option<Cycle>,
    /// Records of cycles. One that is there already is the same: it is named by its content.
    pub new_bundles: Vec<PackedBundle>,
    /// Records that are removed, by name.
    pub removed_bundles: Vec<Digest>,
    /// Questions of cycles that are put once more.
    pub new_reasks: Vec<Reask>,
    /// Those that have ended; one that had ended before is a conflict.
    pub finished_reasks: Vec<Reask>,
    /// Candidates on paper that are started.
    pub new_shadows: Vec<Shadow>,
    /// Changed ones with the version each was based on.
    pub updated_shadows: Vec<(Shadow, i64)>,
    /// Records that they answered.
    pub new_shadow_steps: Vec<ShadowStep>,
    /// Created decisions.
    pub new_decisions: Vec<Decision>,
    /// Changed decisions with the version each was based on.
    pub updated_decisions: Vec<(Decision, i64)>,
    /// Their history.
    pub decision_events: Vec<DecisionEventRecord>,
    /// Journaled orders; each gets an outbox row in the same transaction.
    pub new_orders: Vec<Order>,
    /// Changed orders with the version each was based on. One that leaves `Initialized` leaves the outbox, one that
    /// comes back to it (not accepted) returns to the outbox.
    pub updated_orders: Vec<(Order, i64)>,
    /// Attempts about to be made.
    pub new_attempts: Vec<NewAttempt>,
    /// What became of attempts: order, number, outcome in words.
    pub attempt_outcomes: Vec<(OrderId, u32, String)>,
    /// Attempts with which nothing left: order, number. They are taken back, and the time line says so.
    pub withdrawn_attempts: Vec<(OrderId, u32)>,
    /// What venues answered about orders, as it came; replaces what was kept before.
    pub venue_answers: Vec<(OrderId, VenueAnswer)>,
    /// Their time line.
    pub order_events: Vec<OrderEventRecord>,
    /// Executions; identity (venue, symbol, trade id) is unique, a repeated one is a conflict.
    pub new_fills: Vec<Fill>,
    /// Lines of the double-entry ledger.
    pub ledger: Vec<LedgerTransaction>,
    /// Positions as they are now; version 1 is inserted, a higher one updates version - 1.
    pub positions: Vec<Position>,
    /// The vault key that this commit relies on or replaces.
    pub vault_key: Option<VaultKeyStep>,
    /// Saved, replaced or checked exchange keys, with the version each was based on; none for the first.
    pub saved_credentials: Vec<(Credential, Option<i64>)>,
    /// Deleted exchange keys, with the version each was based on.
    pub deleted_credentials: Vec<(TraderId, ExchangeEnvironment, i64)>,
    /// Created providers of language models.
    pub new_providers: Vec<Provider>,
    /// Changed providers with the version each was based on. One that is deleted while a living model uses it is a
    /// conflict.
    pub updated_providers: Vec<(Provider, i64)>,
    /// Providers of whose models nothing is known any more; written before `answer_modes`.
    pub forgotten_modes: Vec<ProviderId>,
    /// Answer modes that worked; what was known of the same model is replaced.
    pub answer_modes: Vec<KnownMode>,
    /// Saved templates of prompts; a number that its trader's templates have already is a conflict.
    pub saved_templates: Vec<PromptTemplate>,
    /// Models that may spend real money; an earlier arm of the same model ends.
    pub arms: Vec<Arm>,
    /// Models that may not any more, whether they might or not.
    pub disarmed: Vec<TraderId>,
    /// Points of equity curves.
    pub snapshots: Vec<EquitySnapshot>,
    /// Raised incidents; identical unresolved ones are folded.
    pub incidents: Vec<NewIncident>,
    /// Unresolved incidents that recovery ends: same kind, trader and fingerprint as when raised; with a note.
    pub recovered: Vec<(NewIncident, String)>,
    /// An operator moves an incident: id, new status, who, when, note.
    pub incident_moves: Vec<(IncidentId, IncidentStatus, String, Timestamp, String)>,
    /// Messages behind the bell.
    pub notifications: Vec<NewNotification>,
    /// Messages read, at this time; no ids at all means every message. One that was read before keeps its time.
    pub notifications_read: Option<(Vec<NotificationId>, Timestamp)>,
    /// The audit trail.
    pub audit: Vec<AuditEntry>,
    /// What is known of exchange accounts, and the evidence about orders of unknown outcome.
    pub accounts: AccountChanges,
    /// Leases given back with the commit: name, owner, epoch.
    pub release: Vec<(String, String, i64)>,
}
