//! The store: everything that must survive. Reads are plain queries; every write is one [`Changes`] committed at once.
//!
//! Services read, let the domain decide, and commit. A commit either happens whole, with every guard holding, or not at
//! all: [`CommitError::Conflict`] says that somebody else was first, and the service reads again.

mod accounts;
mod changes;
mod providers;
mod reads;
mod records;
mod shadows;

pub use accounts::{AccountChanges, AccountReads, OrderProbe};
pub use changes::{
    AttemptRecord, AuditEntry, Changes, DecisionEventRecord, Guard, NewAttempt, OrderEventRecord, VaultKeyStep,
};
pub use providers::{KnownMode, ProviderReads};
pub use reads::{
    AuditRow, BarCounts, DecisionFilter, DecisionLine, DecisionTab, HistoryMark, IncidentFilter, LedgerRow,
    NotificationFilter, OrderFilter, Page, Reads, TabCounts, Touched, TradeRow,
};

pub use records::{
    BundleFilter, BundleHead, BundleTotal, CONVERSATIONS_SEARCHED, ConversationFilter, Conversations, RecordReads,
};
pub use shadows::{LeaderRecord, ShadowReads};

use crate::domain::ids::{BookId, CycleId, TraderId};
use crate::domain::order::{IllegalOrderEvent, Order, OrderEvent};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use std::sync::Arc;

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer or refused.
    #[error("the database failed while {action}")]
    Database {
        /// What was attempted, as in "reading orders".
        action: &'static str,
        /// The driver's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stored value is not one of ours: the file was changed by other hands or a newer version.
    #[error("stored {what} is unreadable: {detail}")]
    Corrupt {
        /// Table and column.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else changed something this commit was based on. Nothing was written.
    #[error("{0} changed meanwhile")]
    Conflict(&'static str),
    /// A lease was lost: another process owns it now. Nothing was written.
    #[error("the lease {0} was lost")]
    LeaseLost(String),
    /// The name or key is taken. Nothing was written.
    #[error("{0} is already taken")]
    Duplicate(&'static str),
    /// The database failed. Nothing was written, or (rarely) it was and the answer was lost.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Kinds of ids that are handed out before the commit that uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdKind {
    /// Traders.
    Trader,
    /// Books.
    Book,
    /// Cycles.
    Cycle,
    /// Decisions.
    Decision,
    /// Orders.
    Order,
    /// Fills.
    Fill,
    /// Positions.
    Position,
    /// Providers of language models; the first id is the built-in rules'.
    Provider,
    /// Questions that are put once more.
    Reask,
    /// Candidates on paper.
    Shadow,
}

impl IdKind {
    /// The name of its counter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trader => "trader",
            Self::Book => "book",
            Self::Cycle => "cycle",
            Self::Decision => "decision",
            Self::Order => "order",
            Self::Fill => "fill",
            Self::Position => "position",
            Self::Provider => "provider",
            Self::Reask => "reask",
            Self::Shadow => "shadow",
        }
    }
}

/// A right held for a time by one process, with an epoch that fences off whoever held it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is a right to: `trader:5`, `process:…`.
    pub name: String,
    /// Who holds it.
    pub owner: String,
    /// Grows with each acquisition by anybody: a commit names the epoch it was based on.
    pub epoch: i64,
    /// Wall-clock time at which it lapses unless renewed.
    pub until: Timestamp,
    /// The cycle that runs under it, for "is it still running?".
    pub cycle_id: Option<CycleId>,
}

impl Lease {
    /// What a commit must find: nobody else has taken it.
    pub fn guard(&self) -> Guard {
        Guard::Lease { name: self.name.clone(), owner: self.owner.clone(), epoch: self.epoch }
    }
}

/// Rights and ids: small transactions of their own.
#[async_trait]
pub trait Coordination: Send + Sync {
    /// Hands out `count` ids of a kind, in order, each once in this database's life, whatever process asks.
    async fn reserve_ids(&self, kind: IdKind, count: u32) -> Result<Vec<i64>, StoreError>;

    /// Takes a lease that is free or has lapsed at `now`; `None` when somebody holds it.
    async fn acquire_lease(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        cycle_id: Option<CycleId>,
    ) -> Result<Option<Lease>, StoreError>;

    /// Extends a lease that is still ours (same owner and epoch); false when it was lost.
    async fn renew_lease(&self, lease: &Lease, until: Timestamp) -> Result<bool, StoreError>;

    /// Gives a lease back; nothing happens when it was lost.
    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError>;

    /// The lease of a name, lapsed or not.
    async fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError>;

    /// The names of traders whose cycles run now.
    async fn running_cycles(&self, now: Timestamp) -> Result<Vec<(TraderId, CycleId)>, StoreError>;

    /// Whether a process other than `owner` is alive at `now`: it holds a lease called `process:…`.
    async fn others_live(&self, owner: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// A small named value (`installation`, `market_clock`); `None` when it was never set.
    async fn meta(&self, key: &str) -> Result<Option<String>, StoreError>;

    /// Sets a small named value.
    async fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError>;

    /// Sets a small named value only if it has none yet, and returns the one that holds.
    async fn init_meta(&self, key: &str, value: &str) -> Result<String, StoreError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Everything that must survive.
#[async_trait]
pub trait Store: Reads + AccountReads + ProviderReads + RecordReads + ShadowReads + Coordination {
    /// Writes everything in one transaction, durable when this returns, with every guard holding.
    ///
    /// # Errors
    /// [`CommitError`]; nothing was written.
    async fn commit(&self, changes: Changes) -> Result<(), CommitError>;

    /// Thins a book's curve: of the points before `before`, each span of `step_ms` keeps its newest. At most `limit`
    /// points go. Returns how many did.
    ///
    /// # Errors
    /// When the database fails; nothing is gone then.
    async fn thin_curve(&self, book: BookId, before: Timestamp, step_ms: i64, limit: u32) -> Result<u64, StoreError>;
}

/// Proof that an order's attempt is durable: only [`journal_submit`] makes one, and only after its commit.
#[derive(Debug)]
pub struct JournaledOrder {
    order: Order,
}

impl JournaledOrder {
    /// The order as committed, in state `Submitted`.
    pub const fn order(&self) -> &Order {
        &self.order
    }

    /// Gives the order back after the attempt.
    pub fn into_order(self) -> Order {
        self.order
    }
}

/// Why an attempt was not journaled.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The order's state does not allow an attempt.
    #[error(transparent)]
    Illegal(#[from] IllegalOrderEvent),
    /// The commit did not happen.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Commits `Submitted` with the attempt's send time and the sender's epoch. Nothing may be sent before this returns.
///
/// # Errors
/// When the order cannot be submitted, or somebody else changed it, or the sender's lease is lost.
pub async fn journal_submit(
    store: &dyn Store,
    mut order: Order,
    sent_at: Timestamp,
    sender: &Lease,
) -> Result<JournaledOrder, JournalError> {
    let expected = order.version;
    let attempt = order.attempts + 1;
    order.apply(OrderEvent::Submit { sent_at, epoch: sender.epoch, attempt }, sent_at)?;
    let changes = Changes {
        guards: vec![sender.guard()],
        updated_orders: vec![(order.clone(), expected)],
        new_attempts: vec![NewAttempt {
            order_id: order.id,
            number: attempt,
            sent_at,
            epoch: sender.epoch,
            sender: sender.name.clone(),
        }],
        order_events: vec![OrderEventRecord {
            order_id: order.id,
            name: "submit",
            detail: format!("attempt {attempt}"),
            at: sent_at,
        }],
        ..Changes::default()
    };
    store.commit(changes).await?;
    Ok(JournaledOrder { order })
}

/// A shared store.
pub type SharedStore = Arc<dyn Store>;
