//! Incidents: what a person should know. Open -> acknowledged -> resolved; repeated identical ones are folded with a count.

use crate::domain::ids::{IncidentId, TraderId};
use crate::domain::time::Timestamp;
use crate::word_enum;

word_enum! {
    /// How much it matters.
    Severity {
        /// For the record.
        Low = "low",
        /// Worth a look.
        Medium = "medium",
        /// Needs a person soon.
        High = "high",
        /// Needs a person now.
        Critical = "critical",
    }
}

word_enum! {
    /// What happened.
    IncidentKind {
        /// Simulation to live or back.
        EnvironmentChange = "ENVIRONMENT_CHANGE",
        /// The automation level changed.
        AutomationChange = "AUTOMATION_CHANGE",
        /// Testnet to mainnet or back.
        ExchangeEnvChange = "EXCHANGE_ENV_CHANGE",
        /// A model may spend real money from now on.
        MainnetArmed = "MAINNET_ARMED",
        /// Exchange keys were saved or replaced.
        CredentialsUpdated = "CREDENTIALS_UPDATED",
        /// Exchange keys were deleted.
        CredentialsDeleted = "CREDENTIALS_DELETED",
        /// Live without usable credentials.
        ExchangeNotConfigured = "EXCHANGE_NOT_CONFIGURED",
        /// The exchange answered with an error, or not at all.
        ExchangeApiError = "EXCHANGE_API_ERROR",
        /// A cycle or an order failed in a way nobody foresaw.
        ExecutionError = "EXECUTION_ERROR",
        /// A venue refused an order.
        TradeRejected = "TRADE_REJECTED",
        /// A reply was lost.
        OrderOutcomeUnknown = "ORDER_OUTCOME_UNKNOWN",
        /// Ours and the venue's books differ.
        ReconciliationDrift = "RECONCILIATION_DRIFT",
        /// The daily loss or drawdown rule tripped.
        CircuitBreaker = "CIRCUIT_BREAKER",
        /// Full automation fell back to asking.
        AutoPause = "AUTO_PAUSE",
        /// A model was paused by an emergency.
        EmergencyPause = "EMERGENCY_PAUSE",
        /// The red button.
        EmergencyStopAll = "EMERGENCY_STOP_ALL",
        /// The advisor gave nothing usable.
        ModelError = "MODEL_ERROR",
        /// Several answers in a row were unusable: exits only.
        SafeMode = "SAFE_MODE",
        /// No fresh price.
        StaleMarketData = "STALE_MARKET_DATA",
        /// A stop could not be placed or executed.
        PositionUnprotected = "POSITION_UNPROTECTED",
    }
}

impl IncidentKind {
    /// Whether it tells of an error rather than of a choice somebody made.
    pub const fn is_error(self) -> bool {
        !matches!(
            self,
            Self::EnvironmentChange
                | Self::AutomationChange
                | Self::ExchangeEnvChange
                | Self::MainnetArmed
                | Self::CredentialsUpdated
                | Self::CredentialsDeleted
                | Self::EmergencyStopAll
                | Self::EmergencyPause
        )
    }
}

word_enum! {
    /// Where it stands.
    IncidentStatus {
        /// Nobody has looked.
        Open = "open",
        /// Somebody has.
        Acknowledged = "acknowledged",
        /// Over.
        Resolved = "resolved",
    }
}

/// An incident as it is raised. The same kind, trader and fingerprint folds into the one that is not resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIncident {
    /// What happened.
    pub kind: IncidentKind,
    /// How much it matters.
    pub severity: Severity,
    /// Whose, if anybody's.
    pub trader_id: Option<TraderId>,
    /// One line.
    pub title: String,
    /// Everything a person needs to act.
    pub detail: String,
    /// What makes two of them the same; the title is not part of it.
    pub fingerprint: String,
    /// Wall-clock time.
    pub at: Timestamp,
}

/// An incident in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Identity.
    pub id: IncidentId,
    /// What happened.
    pub kind: IncidentKind,
    /// How much it matters.
    pub severity: Severity,
    /// Whose, if anybody's.
    pub trader_id: Option<TraderId>,
    /// One line.
    pub title: String,
    /// Everything a person needs to act.
    pub detail: String,
    /// How often it happened while unresolved.
    pub count: u32,
    /// Where it stands.
    pub status: IncidentStatus,
    /// Wall-clock time.
    pub first_at: Timestamp,
    /// Wall-clock time.
    pub last_at: Timestamp,
    /// Who looked, and when.
    pub acknowledged: Option<(String, Timestamp)>,
    /// Who or what ended it, and when.
    pub resolved: Option<(String, Timestamp)>,
    /// What the person wrote.
    pub note: String,
}
