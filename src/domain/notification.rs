//! Notifications: the messages behind the bell.

use crate::domain::ids::{DecisionId, NotificationId, TraderId};
use crate::domain::incident::Severity;
use crate::domain::time::Timestamp;
use crate::word_enum;

word_enum! {
    /// What it is about.
    NotificationKind {
        /// A decision waits for a person.
        DecisionWaits = "decision_waits",
        /// An order was executed, at least in part.
        TradeExecuted = "trade_executed",
        /// An order was not executed.
        OrderFailed = "order_failed",
        /// Full automation paused itself.
        AutoPause = "auto_pause",
        /// A circuit breaker tripped.
        RiskTrigger = "risk_trigger",
        /// An incident was raised.
        Incident = "incident",
        /// The day's result.
        DailySummary = "daily_summary",
    }
}

/// A message as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotification {
    /// What it is about.
    pub kind: NotificationKind,
    /// How much it matters.
    pub severity: Severity,
    /// One line: `Trade executed: BUY 0.001 BTC`.
    pub title: String,
    /// A sentence or two.
    pub body: String,
    /// Whose, if anybody's.
    pub trader_id: Option<TraderId>,
    /// Which decision, if any.
    pub decision_id: Option<DecisionId>,
    /// Wall-clock time.
    pub at: Timestamp,
}

/// A message in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Identity.
    pub id: NotificationId,
    /// The message.
    pub message: NewNotification,
    /// Wall-clock time; `None` while unread.
    pub read_at: Option<Timestamp>,
}
