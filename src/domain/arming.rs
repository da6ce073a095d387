//! Arming: the last gate before real money. A person types a model's name, and for some hours the model may open
//! positions at the exchange account it was armed for. Exits never need it.

use crate::domain::credential::AccountFingerprint;
use crate::domain::ids::TraderId;
use crate::domain::time::{HOUR_MS, Timestamp};

/// How long an arm holds unless the installation says otherwise.
pub const ARM_HOURS_DEFAULT: u32 = 12;
/// The longest that an installation may choose.
pub const ARM_HOURS_MAX: u32 = 7 * 24;

/// A model that may spend real money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Which model.
    pub trader_id: TraderId,
    /// The account it was armed for: another key needs another arm.
    pub account: AccountFingerprint,
    /// Who armed it.
    pub by: String,
    /// Wall-clock time.
    pub at: Timestamp,
    /// Wall-clock time at which it ends by itself.
    pub until: Timestamp,
}

impl Arm {
    /// An arm from now on for some hours.
    pub fn for_hours(trader_id: TraderId, account: AccountFingerprint, by: &str, at: Timestamp, hours: u32) -> Self {
        Self { trader_id, account, by: by.to_owned(), at, until: at.plus_ms(i64::from(hours) * HOUR_MS) }
    }

    /// Whether it is in force.
    pub const fn holds(&self, now: Timestamp) -> bool {
        now.0 < self.until.0
    }
}

/// Why a model may not spend real money now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unarmed {
    /// The server was started without `--allow-mainnet`.
    #[error("real money is switched off for this installation; start the server with --allow-mainnet")]
    SwitchedOff,
    /// The model does not trade there.
    #[error("the model does not trade live on mainnet")]
    NotOnMainnet,
    /// There is no key.
    #[error("there is no mainnet key")]
    NoKey,
    /// The key was not verified within a day, or did not pass.
    #[error("the mainnet key must have been verified within the last 24 hours")]
    NotVerified,
    /// Nobody armed it, or its time is over.
    #[error("the model is not armed")]
    NotArmed,
    /// It was armed for another key.
    #[error("the model was armed for another key; arm it again")]
    OtherAccount,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::venue_kind::ExchangeEnvironment;

    #[test]
    fn an_arm_ends_by_itself() {
        let account = AccountFingerprint::of_key(ExchangeEnvironment::Mainnet, "key");
        let arm = Arm::for_hours(TraderId(1), account, "ada", Timestamp(5), 2);
        assert!(arm.holds(Timestamp(5)) && arm.holds(Timestamp(2 * HOUR_MS + 4)));
        assert!(!arm.holds(Timestamp(2 * HOUR_MS + 5)));
    }
}
