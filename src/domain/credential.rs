//! Exchange credentials as they are kept: sealed, with just enough in the clear to recognise them.

mod given;

pub use given::{KeyField, KeyPair, KeyProblem, PASTED_MAX};

use crate::domain::ids::TraderId;
use crate::domain::time::{HOUR_MS, Timestamp};
use crate::domain::venue_kind::{ExchangeEnvironment, ExchangeType};
use crate::word_enum;
use sha2::{Digest as _, Sha256};

/// A verification older than this no longer arms real money.
pub const VERIFIED_WITHIN_MS: i64 = 24 * HOUR_MS;
/// The environment variable that may hold the vault key, instead of a file in the data directory.
pub const VAULT_KEY_VARIABLE: &str = "COUNTERSIGN_VAULT_KEY";
/// Hex digits of a fingerprint: 64 bits, enough to tell accounts apart and no way back to the key.
const FINGERPRINT_LEN: usize = 16;

/// Names an exchange account: the same key in the same environment always gives the same one, whichever model uses it.
/// Digests carry it, so that what was approved for one account is never sent to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountFingerprint(String);

impl AccountFingerprint {
    /// The fingerprint of an API key (not of its secret).
    pub fn of_key(environment: ExchangeEnvironment, api_key: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"countersign account 1\n");
        hash.update(environment.as_str().as_bytes());
        hash.update(b"\n");
        hash.update(api_key.as_bytes());
        let mut digits = hex::encode(hash.finalize());
        digits.truncate(FINGERPRINT_LEN);
        Self(digits)
    }

    /// Takes a fingerprint back from storage; `None` when it is not 16 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let ok =
            text.len() == FINGERPRINT_LEN && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        ok.then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AccountFingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes that only the vault can open.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

word_enum! {
    /// How the last check of a key ended.
    CheckCode {
        /// It works and may be used.
        Ok = "ok",
        /// There is no key.
        NotConfigured = "not_configured",
        /// The exchange does not know the key, or the secret does not fit it.
        BadKey = "bad_key",
        /// The key belongs to the exchange's other environment.
        WrongEnvironment = "wrong_environment",
        /// Our clock and the exchange's differ too much.
        ClockSkew = "clock_skew",
        /// The exchange did not answer.
        Unreachable = "unreachable",
        /// The exchange asked us to wait.
        RateLimited = "rate_limited",
        /// The exchange's answer could not be read.
        UnreadableAnswer = "unreadable_answer",
        /// The key may not trade on spot.
        CannotTrade = "cannot_trade",
        /// The key can withdraw or transfer: it is refused.
        KeyCanWithdraw = "key_can_withdraw",
        /// What the key may do could not be read, so it is refused (mainnet).
        PermissionsUnknown = "permissions_unknown",
        /// The vault cannot open it: its key is missing or another one.
        VaultLocked = "vault_locked",
    }
}

impl CheckCode {
    /// Whether the check found something out about the key. An exchange that did not answer says nothing, and takes
    /// nothing back from a key that passed before.
    pub const fn is_conclusive(self) -> bool {
        match self {
            Self::Ok
            | Self::BadKey
            | Self::WrongEnvironment
            | Self::CannotTrade
            | Self::KeyCanWithdraw
            | Self::PermissionsUnknown => true,
            Self::NotConfigured
            | Self::ClockSkew
            | Self::Unreachable
            | Self::RateLimited
            | Self::UnreadableAnswer
            | Self::VaultLocked => false,
        }
    }
}

/// What a key may do, as far as the exchange tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPermissions {
    /// The account may trade on spot.
    pub can_trade: bool,
    /// The key works from named addresses only; `None` when the exchange does not tell (testnet).
    pub ip_restricted: Option<bool>,
    /// The key can withdraw or transfer; `None` when the exchange does not tell (testnet).
    pub can_withdraw: Option<bool>,
    /// The exchange's words for what is allowed: `SPOT`, `reading`, ...
    pub granted: Vec<String>,
}

/// A check of a key and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCheck {
    /// How it ended.
    pub code: CheckCode,
    /// In words, fit for a person.
    pub message: String,
    /// What the key may do, where that was learned.
    pub permissions: KeyPermissions,
    /// Wall-clock time.
    pub at: Timestamp,
}

/// One pair of key and secret for one model and exchange environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Whose.
    pub trader_id: TraderId,
    /// For which of the exchange's environments.
    pub environment: ExchangeEnvironment,
    /// For which exchange.
    pub exchange_type: ExchangeType,
    /// The API key, sealed.
    pub api_key: Sealed,
    /// The secret, sealed.
    pub api_secret: Sealed,
    /// Last four characters of the API key, for recognition.
    pub key_last4: String,
    /// Names the account.
    pub fingerprint: AccountFingerprint,
    /// The last check; a replaced key has none.
    pub check: Option<KeyCheck>,
    /// Wall-clock time.
    pub saved_at: Timestamp,
    /// Grows with each replacement and check: compare-and-set.
    pub version: i64,
}

/// Judges what an exchange said about a key. A key that can withdraw or transfer is refused; on mainnet so is one of
/// which that is not known.
pub const fn judge(environment: ExchangeEnvironment, permissions: &KeyPermissions) -> CheckCode {
    match (environment, permissions.can_withdraw) {
        (_, Some(true)) => CheckCode::KeyCanWithdraw,
        (ExchangeEnvironment::Mainnet, None) => CheckCode::PermissionsUnknown,
        _ if !permissions.can_trade => CheckCode::CannotTrade,
        _ => CheckCode::Ok,
    }
}

impl Credential {
    /// Whether the pair may be used for trading: on testnet unless its last check failed, on mainnet only when a check
    /// of the last day passed.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        match (&self.check, self.environment) {
            (Some(check), ExchangeEnvironment::Mainnet) => {
                check.code == CheckCode::Ok && now.since(check.at) <= VERIFIED_WITHIN_MS
            }
            (None, ExchangeEnvironment::Mainnet) => false,
            (check, ExchangeEnvironment::Testnet) => check.as_ref().is_none_or(|check| check.code == CheckCode::Ok),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(environment: ExchangeEnvironment, check: Option<(CheckCode, i64)>) -> Credential {
        Credential {
            trader_id: TraderId(1),
            environment,
            exchange_type: ExchangeType::Binance,
            api_key: Sealed(vec![1]),
            api_secret: Sealed(vec![2]),
            key_last4: "abcd".into(),
            fingerprint: AccountFingerprint::of_key(environment, "key"),
            check: check.map(|(code, at)| KeyCheck {
                code,
                message: String::new(),
                permissions: KeyPermissions::default(),
                at: Timestamp(at),
            }),
            saved_at: Timestamp(0),
            version: 1,
        }
    }

    #[test]
    fn mainnet_needs_a_check_of_the_last_day_and_testnet_no_failed_one() {
        use CheckCode::{KeyCanWithdraw, Ok};
        use ExchangeEnvironment::{Mainnet, Testnet};
        let now = Timestamp(VERIFIED_WITHIN_MS + 10);
        for (environment, check, usable) in [
            (Testnet, None, true),
            (Testnet, Some((Ok, 0)), true),
            (Testnet, Some((KeyCanWithdraw, 10)), false),
            (Mainnet, None, false),
            (Mainnet, Some((Ok, 10)), true),
            (Mainnet, Some((Ok, 9)), false),
            (Mainnet, Some((KeyCanWithdraw, 10)), false),
        ] {
            assert_eq!(credential(environment, check).is_usable(now), usable, "{environment} {check:?}");
        }
    }

    #[test]
    fn a_key_that_can_withdraw_or_may_be_able_to_is_refused() {
        use CheckCode::{CannotTrade, KeyCanWithdraw, Ok, PermissionsUnknown};
        use ExchangeEnvironment::{Mainnet, Testnet};
        for (environment, can_trade, can_withdraw, code) in [
            (Testnet, true, None, Ok),
            (Testnet, false, None, CannotTrade),
            (Testnet, true, Some(true), KeyCanWithdraw),
            (Mainnet, true, Some(false), Ok),
            (Mainnet, true, None, PermissionsUnknown),
            (Mainnet, false, Some(false), CannotTrade),
            (Mainnet, false, Some(true), KeyCanWithdraw),
        ] {
            let permissions = KeyPermissions { can_trade, can_withdraw, ..KeyPermissions::default() };
            assert_eq!(judge(environment, &permissions), code, "{environment} {permissions:?}");
        }
    }

    #[test]
    fn a_fingerprint_tells_keys_and_environments_apart() {
        let of = AccountFingerprint::of_key;
        let testnet = of(ExchangeEnvironment::Testnet, "key");
        assert_eq!(testnet, of(ExchangeEnvironment::Testnet, "key"));
        assert_ne!(testnet, of(ExchangeEnvironment::Mainnet, "key"));
        assert_ne!(testnet, of(ExchangeEnvironment::Testnet, "kez"));
        assert_eq!(AccountFingerprint::parse(testnet.as_str()), Some(testnet));
        assert_eq!(AccountFingerprint::parse("0123"), None);
    }
}
