//! The accounts that a paper exchange opens, as they are said on the command line:
//! `KEY:SECRET:USDT=100000,BTC=1:withdraw`.
//!
//! Behind key, secret and balances come options, separated by commas. A secret that begins with `@` is the name of a
//! file, which keeps it out of the process list and is the way to give an Ed25519 public key in PEM.

use super::auth::{Verifier, VerifierError, is_key};
use super::params::plain;
use rust_decimal::Decimal;
use secrecy::SecretString;
use std::collections::BTreeMap;

/// What an account begins with that says nothing else.
const BALANCES_DEFAULT: &str = "USDT=100000,BTC=1";
/// The most assets that one account begins with.
const ASSETS_MAX: usize = 100;
/// The longest name of an asset, in characters.
const ASSET_MAX: usize = 20;
/// The largest balance: a thousand billions.
const BALANCE_MAX: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);
/// Decimal places of a balance.
const SCALE_MAX: u32 = 8;
/// The longest secret file, in bytes.
const FILE_MAX: u64 = 16 * 1_024;
/// Letters of a generated key and secret: as many as the real ones have.
pub const KEY_LETTERS: usize = 64;

/// What an API key may do, as `apiRestrictions` tells it. The default is a key that is safe to trade with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPermissions {
    /// May trade.
    pub trade: bool,
    /// May withdraw.
    pub withdraw: bool,
    /// May move funds between accounts of one owner.
    pub internal_transfer: bool,
    /// May move funds anywhere inside.
    pub universal_transfer: bool,
    /// May trade on margin.
    pub margin: bool,
    /// May trade futures.
    pub futures: bool,
    /// Only accepted from known addresses.
    pub ip_restricted: bool,
}

impl Default for KeyPermissions {
    fn default() -> Self {
        Self {
            trade: true,
            withdraw: false,
            internal_transfer: false,
            universal_transfer: false,
            margin: false,
            futures: false,
            ip_restricted: true,
        }
    }
}

/// An account to be opened, with the key that uses it.
#[derive(Clone, Debug)]
pub struct AccountSpec {
    /// The API key; the account is found again by it.
    pub key: String,
    /// The secret, or an Ed25519 public key in PEM.
    pub secret: SecretString,
    /// What the account begins with, when it is opened for the first time.
    pub balances: BTreeMap<String, Decimal>,
    /// What the key may do.
    pub permissions: KeyPermissions,
    /// Whether commission is paid in BNB.
    pub bnb_burn: bool,
}

/// Why an account is refused. Neither key nor secret is repeated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountSpecError {
    /// Not enough parts.
    #[error("an account is KEY:SECRET, KEY:SECRET:USDT=100000,BTC=1 or KEY:SECRET:USDT=100000:OPTION,OPTION")]
    Shape,
    /// The key holds something else than letters, digits, "-" and "_".
    #[error("an API key is 1 to 128 letters, digits, \"-\" or \"_\"")]
    Key,
    /// The secret cannot check signatures.
    #[error("the account's secret is refused: {0}")]
    Secret(#[from] VerifierError),
    /// The secret's file cannot be read.
    #[error("the account's secret file cannot be read: {0}")]
    SecretFile(String),
    /// A balance cannot be read.
    #[error("a balance is ASSET=AMOUNT with a plain number of at most 8 decimals, such as USDT=100000")]
    Balance,
    /// Too many balances.
    #[error("an account begins with at most {ASSETS_MAX} assets")]
    TooManyAssets,
    /// An option is not known.
    #[error(
        "an account's options are bnb-burn, no-trade, withdraw, internal-transfer, universal-transfer, margin, futures and \
         any-ip"
    )]
    Option,
}

impl AccountSpec {
    /// Reads an account, and its secret's file if it names one.
    ///
    /// # Errors
    /// What is wrong, without the key and the secret.
    pub fn parse(text: &str) -> Result<Self, AccountSpecError> {
        let mut parts = text.splitn(4, ':');
        let (Some(key), Some(secret)) = (parts.next(), parts.next()) else { return Err(AccountSpecError::Shape) };
        let secret = match secret.strip_prefix('@') {
            Some(file) => read_secret(file)?,
            None => SecretString::from(secret.to_owned()),
        };
        let mut spec = Self::new(key, secret)?;
        match parts.next() {
            Some(balances) if !balances.is_empty() => spec.balances = read_balances(balances)?,
            _ => {}
        }
        for option in parts.next().unwrap_or_default().split(',').filter(|option| !option.is_empty()) {
            spec.apply(option)?;
        }
        Ok(spec)
    }

    /// An account with the usual balances and a safe key.
    ///
    /// # Errors
    /// When key or secret cannot be used.
    pub fn new(key: &str, secret: SecretString) -> Result<Self, AccountSpecError> {
        if !is_key(key) {
            return Err(AccountSpecError::Key);
        }
        Verifier::new(&secret)?;
        let balances = read_balances(BALANCES_DEFAULT)?;
        Ok(Self { key: key.to_owned(), secret, balances, permissions: KeyPermissions::default(), bnb_burn: false })
    }

    /// What checks the key's signatures.
    ///
    /// # Errors
    /// When the secret cannot be used.
    pub fn verifier(&self) -> Result<Verifier, AccountSpecError> {
        Ok(Verifier::new(&self.secret)?)
    }

    fn apply(&mut self, option: &str) -> Result<(), AccountSpecError> {
        let permissions = &mut self.permissions;
        match option {
            "bnb-burn" => self.bnb_burn = true,
            "no-trade" => permissions.trade = false,
            "withdraw" => permissions.withdraw = true,
            "internal-transfer" => permissions.internal_transfer = true,
            "universal-transfer" => permissions.universal_transfer = true,
            "margin" => permissions.margin = true,
            "futures" => permissions.futures = true,
            "any-ip" => permissions.ip_restricted = false,
            _ => return Err(AccountSpecError::Option),
        }
        Ok(())
    }
}

fn read_secret(file: &str) -> Result<SecretString, AccountSpecError> {
    use std::io::Read;
    let mut text = zeroize::Zeroizing::new(String::new());
    let read = std::fs::File::open(file).and_then(|opened| opened.take(FILE_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(SecretString::from(text.trim().to_owned())),
        Err(error) => Err(AccountSpecError::SecretFile(error.to_string())),
    }
}

fn read_balances(text: &str) -> Result<BTreeMap<String, Decimal>, AccountSpecError> {
    let mut balances = BTreeMap::new();
    for part in text.split(',') {
        let (asset, amount) = part.split_once('=').ok_or(AccountSpecError::Balance)?;
        let is_asset = (1..=ASSET_MAX).contains(&asset.chars().count())
            && asset.chars().all(|letter| letter.is_alphanumeric() && !letter.is_lowercase());
        let amount = plain(amount).filter(|amount| amount.scale() <= SCALE_MAX && *amount <= BALANCE_MAX);
        let (true, Some(amount)) = (is_asset, amount) else { return Err(AccountSpecError::Balance) };
        if balances.insert(asset.to_owned(), amount).is_some() {
            return Err(AccountSpecError::Balance);
        }
    }
    if balances.len() > ASSETS_MAX { Err(AccountSpecError::TooManyAssets) } else { Ok(balances) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn an_account_is_read_with_its_balances_and_options() {
        let spec = AccountSpec::parse("abc:s3cret:USDT=100000,BTC=1.5:withdraw,bnb-burn").expect("an account");
        assert_eq!((spec.key.as_str(), spec.secret.expose_secret()), ("abc", "s3cret"));
        assert_eq!(spec.balances["BTC"], Decimal::new(15, 1));
        assert!(spec.permissions.withdraw && spec.bnb_burn && spec.permissions.ip_restricted);
        let bare = AccountSpec::parse("abc:s3cret").expect("an account");
        assert_eq!(bare.balances["USDT"], Decimal::from(100_000));
        assert_eq!(bare.permissions, KeyPermissions::default());
    }

    #[test]
    fn a_secret_can_come_from_a_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("secret");
        std::fs::write(&file, "from a file\n").expect("written");
        let spec = AccountSpec::parse(&format!("abc:@{}:USDT=1", file.display())).expect("an account");
        assert_eq!(spec.secret.expose_secret(), "from a file");
        assert!(matches!(AccountSpec::parse("abc:@/no/such/file"), Err(AccountSpecError::SecretFile(_))));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let refused = |text: &str| AccountSpec::parse(text).map(drop).expect_err("refused");
        assert_eq!(refused("abc"), AccountSpecError::Shape);
        assert_eq!(refused("a b:canary"), AccountSpecError::Key);
        assert_eq!(refused("abc:"), AccountSpecError::Secret(VerifierError::Empty));
        for balances in ["USDT", "USDT=", "usdt=1", "USDT=1e5", "USDT=-1", "USDT=0.000000001", "USDT=1,USDT=2"] {
            assert_eq!(refused(&format!("abc:canary:{balances}")), AccountSpecError::Balance, "{balances}");
        }
        assert_eq!(refused("abc:canary:USDT=1:fly"), AccountSpecError::Option);
        let spec = AccountSpec::parse("abc:canary:USDT=1").expect("an account");
        assert!(!format!("{spec:?}").contains("canary"));
    }
}
