//! Both environments of Binance: an address each, its prices, and the accounts that are open on it.

use super::client::{BinanceClient, PairError};
use super::host::{Host, HostConfig, HostError};
use super::venue::BinanceAccount;
use crate::adapters::market::binance::BinanceMarket;
use crate::domain::credential::{Credential, KeyField, Sealed};
use crate::domain::ids::TraderId;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use crate::ports::clock::Clock;
use crate::ports::exchange::{ExchangeAccount, ExchangeError, Exchanges};
use crate::ports::market_data::MarketData;
use crate::ports::vault::{SealContext, Vault};
use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Accounts that are kept open; beyond it all are opened anew when they are asked for.
const ACCOUNTS_MAX: usize = 1_024;

/// An account and the version of the credential it was opened with.
type OpenAccounts = HashMap<(TraderId, ExchangeEnvironment), (i64, Arc<BinanceAccount>)>;

/// Opens accounts at Binance.
pub struct BinanceExchanges {
    testnet: Environment,
    mainnet: Environment,
    vault: Arc<dyn Vault>,
    open: Mutex<OpenAccounts>,
}

struct Environment {
    host: Arc<Host>,
    market: Arc<BinanceMarket>,
}

impl BinanceExchanges {
    /// Sets both addresses up; nothing is called yet.
    ///
    /// # Errors
    /// When one of the addresses or TLS is not usable.
    pub fn new(
        testnet_url: &str,
        mainnet_url: &str,
        vault: Arc<dyn Vault>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, HostError> {
        let environment = |url: &str| {
            let host = Arc::new(Host::new(HostConfig::new(url), Arc::clone(clock))?);
            let market = Arc::new(BinanceMarket::over(Arc::clone(&host), Arc::clone(clock)));
            Ok(Environment { host, market })
        };
        let (testnet, mainnet) = (environment(testnet_url)?, environment(mainnet_url)?);
        Ok(Self { testnet, mainnet, vault, open: Mutex::default() })
    }

    const fn at(&self, venue: VenueKind) -> Option<&Environment> {
        match venue {
            VenueKind::Simulation => None,
            VenueKind::Testnet => Some(&self.testnet),
            VenueKind::Mainnet => Some(&self.mainnet),
        }
    }

    const fn of(&self, environment: ExchangeEnvironment) -> &Environment {
        match environment {
            ExchangeEnvironment::Testnet => &self.testnet,
            ExchangeEnvironment::Mainnet => &self.mainnet,
        }
    }

    fn unseal(&self, credential: &Credential, field: KeyField, sealed: &Sealed) -> Result<SecretString, ExchangeError> {
        let (trader_id, environment) = (credential.trader_id, credential.environment);
        let opened = self.vault.open(SealContext::of(trader_id, environment, field), sealed);
        opened.map_err(|error| ExchangeError::VaultLocked(error.to_string()))
    }

    fn make(&self, credential: &Credential) -> Result<Arc<BinanceAccount>, ExchangeError> {
        let environment = credential.environment;
        let key = self.unseal(credential, KeyField::ApiKey, &credential.api_key)?;
        let secret = self.unseal(credential, KeyField::ApiSecret, &credential.api_secret)?;
        let host = Arc::clone(&self.of(environment).host);
        let client = BinanceClient::new(host, environment, &key, &secret)
            .map_err(|error: PairError| ExchangeError::BadKey(error.to_string()))?;
        if *client.fingerprint() != credential.fingerprint {
            return Err(ExchangeError::VaultLocked("the sealed key is not the one of this account".to_owned()));
        }
        Ok(Arc::new(BinanceAccount::new(client, environment)))
    }
}

#[async_trait]
impl Exchanges for BinanceExchanges {
    async fn open(&self, credential: &Credential) -> Result<Arc<dyn ExchangeAccount>, ExchangeError> {
        let place = (credential.trader_id, credential.environment);
        // Each change is one insertion or a clearing, so a poisoned lock is still good.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, account)) = open.get(&place)
            && *version == credential.version
        {
            return Ok(Arc::clone(account) as Arc<dyn ExchangeAccount>);
        }
        let account = self.make(credential)?;
        if open.len() >= ACCOUNTS_MAX && !open.contains_key(&place) {
            open.clear();
        }
        open.insert(place, (credential.version, Arc::clone(&account)));
        Ok(account)
    }

    fn banned_until(&self, venue: VenueKind) -> Option<Timestamp> {
        self.at(venue)?.host.banned_until()
    }

    fn restore_ban(&self, venue: VenueKind, until: Timestamp) {
        if let Some(environment) = self.at(venue) {
            environment.host.restore_ban(until);
        }
    }

    fn market(&self, venue: VenueKind) -> Option<Arc<dyn MarketData>> {
        Some(Arc::clone(&self.at(venue)?.market) as Arc<dyn MarketData>)
    }
}
