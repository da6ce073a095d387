//! The last gate before real money. An administrator types a model's name; for some hours the model may then open
//! positions on mainnet. Closing them never asks here.

use crate::domain::arming::{Arm, Unarmed};
use crate::domain::credential::Credential;
use crate::domain::ids::TraderId;
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{Axes, ExchangeEnvironment, VenueKind};
use crate::observe;
use crate::ports::store::{AuditEntry, Changes, CommitError, Guard, StoreError};
use crate::services::desk::{Desk, is_conflict};
use crate::services::live_feed::Topic;
use crate::services::run_cycle::told;

/// Why arming did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    /// There is no such model (any more).
    #[error("there is no model {0}")]
    NotFound(TraderId),
    /// Another name was typed.
    #[error("the name typed is not the model's")]
    NameMismatch,
    /// Something is missing; arming is the last step.
    #[error(transparent)]
    NotReady(Unarmed),
    /// The model or its key changed at the same moment.
    #[error("the model changed meanwhile; look again")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What stands between a model and real money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The mainnet key, if there is one.
    pub credential: Option<Credential>,
    /// The arm in force, if there is one.
    pub arm: Option<Arm>,
    /// What is missing before the model can be armed; nothing when it can.
    pub missing: Option<Unarmed>,
}

impl Gate {
    /// Whether the model may open positions with real money, and if not, why.
    ///
    /// # Errors
    /// [`Unarmed`] names what is missing.
    pub fn verdict(&self) -> Result<&Arm, Unarmed> {
        if let Some(missing) = self.missing {
            return Err(missing);
        }
        let arm = self.arm.as_ref().ok_or(Unarmed::NotArmed)?;
        let same = self.credential.as_ref().is_some_and(|credential| credential.fingerprint == arm.account);
        if same { Ok(arm) } else { Err(Unarmed::OtherAccount) }
    }
}

/// Looks at everything that must hold before a model may open positions with real money.
///
/// # Errors
/// When the store fails.
pub async fn gate(desk: &Desk, trader: &Trader, now: Timestamp) -> Result<Gate, StoreError> {
    let credential = desk.store.credential(trader.id, ExchangeEnvironment::Mainnet).await?;
    let arms = desk.store.arms().await?;
    let of_trader = |arm: &Arm| desk.policy.allow_mainnet && arm.trader_id == trader.id && arm.holds(now);
    let arm = arms.into_iter().find(of_trader);
    let missing = if !desk.policy.allow_mainnet {
        Some(Unarmed::SwitchedOff)
    } else if trader.axes.venue_kind() != VenueKind::Mainnet || trader.deleted_at.is_some() {
        Some(Unarmed::NotOnMainnet)
    } else {
        match &credential {
            None => Some(Unarmed::NoKey),
            Some(credential) if !credential.is_usable(now) => Some(Unarmed::NotVerified),
            Some(_) => None,
        }
    };
    Ok(Gate { credential, arm, missing })
}

/// Whether a model may open positions with real money at this moment. Ask for entries only: an exit is never held back.
///
/// # Errors
/// When the store fails; nobody is armed then.
pub async fn is_armed(desk: &Desk, trader: &Trader, now: Timestamp) -> Result<bool, StoreError> {
    Ok(gate(desk, trader, now).await?.verdict().is_ok())
}

/// Whether a change of axes ends an arm: it was given for one place and one level of freedom. Less freedom ends
/// nothing.
pub fn must_be_armed_anew(before: Axes, after: Axes) -> bool {
    before.venue_kind() != after.venue_kind() || after.automation_level > before.automation_level
}

/// Arms a model for the installation's number of hours, counted from now.
///
/// # Errors
/// [`ArmError::NotReady`] says what comes first.
pub async fn arm(desk: &Desk, id: TraderId, typed_name: &str, by: &str) -> Result<Arm, ArmError> {
    let trader = living(desk, id).await?;
    let now = desk.clock.now();
    let gate = gate(desk, &trader, now).await?;
    if let Some(missing) = gate.missing {
        return Err(ArmError::NotReady(missing));
    }
    if trader.name != typed_name.trim() {
        return Err(ArmError::NameMismatch);
    }
    let credential = gate.credential.ok_or(ArmError::NotReady(Unarmed::NoKey))?;
    let arm = Arm::for_hours(id, credential.fingerprint, by, now, desk.policy.arm_hours);
    let hours = desk.policy.arm_hours;
    let incident = NewIncident {
        kind: IncidentKind::MainnetArmed,
        severity: Severity::Critical,
        trader_id: Some(id),
        title: format!("{} may spend real money", trader.name),
        detail: format!(
            "Armed for {hours} h by {by}, for the account {} (key ending in {}). Closing positions needs no arming.",
            arm.account, credential.key_last4
        ),
        fingerprint: now.0.to_string(),
        at: now,
    };
    let changes = Changes {
        guards: vec![Guard::Trader { id, version: trader.version }],
        arms: vec![arm.clone()],
        notifications: vec![told(&incident)],
        audit: vec![line(now, by, "model.arm", id, format!("{hours} h, account {}", arm.account))],
        incidents: vec![incident],
        ..Changes::default()
    };
    commit(desk, changes, id).await?;
    observe::model_armed(&trader, by, hours);
    Ok(arm)
}

/// Takes an arm away at once; false when there was none in force.
///
/// # Errors
/// [`ArmError::NotFound`] for a model that is gone.
pub async fn disarm(desk: &Desk, id: TraderId, by: &str) -> Result<bool, ArmError> {
    let trader = living(desk, id).await?;
    let now = desk.clock.now();
    let armed = desk.store.arms().await?.iter().any(|arm| arm.trader_id == id && arm.holds(now));
    if !armed {
        return Ok(false);
    }
    let audit = vec![line(now, by, "model.disarm", id, String::new())];
    commit(desk, Changes { disarmed: vec![id], audit, ..Changes::default() }, id).await?;
    observe::model_disarmed(&trader, by);
    Ok(true)
}

async fn living(desk: &Desk, id: TraderId) -> Result<Trader, ArmError> {
    let trader = desk.store.trader(id).await?.filter(|trader| trader.deleted_at.is_none());
    trader.ok_or(ArmError::NotFound(id))
}

fn line(at: Timestamp, by: &str, action: &'static str, id: TraderId, detail: String) -> AuditEntry {
    AuditEntry { at, actor: by.to_owned(), action, subject: format!("model {id}"), detail }
}

async fn commit(desk: &Desk, changes: Changes, id: TraderId) -> Result<(), ArmError> {
    match desk.store.commit(changes).await {
        Ok(()) => {
            for topic in [Topic::Model, Topic::Incident, Topic::Notification] {
                desk.live.publish(topic, Some(id.0), Some(id));
            }
            Ok(())
        }
        Err(error) if is_conflict(&error) => Err(ArmError::Contended),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(_) => Err(ArmError::Contended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::venue_kind::{AutomationLevel, TradingEnvironment};

    #[test]
    fn another_place_or_more_freedom_needs_another_arm() {
        let live = Axes {
            trading_environment: TradingEnvironment::Live,
            automation_level: AutomationLevel::SemiAutomated,
            exchange_environment: ExchangeEnvironment::Mainnet,
        };
        let with = |change: fn(&mut Axes)| {
            let mut axes = live;
            change(&mut axes);
            must_be_armed_anew(live, axes)
        };
        assert!(with(|axes| axes.exchange_environment = ExchangeEnvironment::Testnet));
        assert!(with(|axes| axes.trading_environment = TradingEnvironment::Simulation));
        assert!(with(|axes| axes.automation_level = AutomationLevel::FullyAutomated));
        assert!(!with(|axes| axes.automation_level = AutomationLevel::Manual));
        assert!(!with(|_| {}));
    }
}
