//! What is kept about exchange accounts: both sides of every asset, differences, adjustments, runs, and the evidence
//! about orders whose outcome is unknown.

use super::StoreError;
use crate::domain::absence::Probe;
use crate::domain::credential::AccountFingerprint;
use crate::domain::ids::OrderId;
use crate::domain::market::Symbol;
use crate::domain::order::Order;
use crate::domain::reconciliation::{
    AccountLink, Adjustment, Amounts, AssetLine, Difference, KnownAccount, ReconciliationRun, Standing,
};
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use async_trait::async_trait;
use std::collections::BTreeMap;

/// One line of the evidence about an order: its place from 0, and what it says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderProbe {
    /// Which order.
    pub order_id: OrderId,
    /// Its place.
    pub place: usize,
    /// What it says.
    pub probe: Probe,
}

/// The part of a commit that concerns exchange accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChanges {
    /// Accounts as they are now; version 1 is inserted, a higher one updates version - 1.
    pub accounts: Vec<KnownAccount>,
    /// Models that begin to trade on an account; one that goes on is left as it is.
    pub links_opened: Vec<AccountLink>,
    /// Links that ended, with their end.
    pub links_closed: Vec<AccountLink>,
    /// Both sides of every asset of an account: replaces what was there.
    pub assets: Option<(AccountFingerprint, Vec<AssetLine>)>,
    /// The last trade seen in a market.
    pub marks: Vec<(AccountFingerprint, Symbol, i64)>,
    /// Accounts that begin anew: their fills, adjustments and marks no longer count, but stay readable.
    pub retired: Vec<KnownAccount>,
    /// Differences as they are now; id 0 is inserted, another one updates version - 1.
    pub differences: Vec<Difference>,
    /// Lines of accounts' own ledgers.
    pub adjustments: Vec<Adjustment>,
    /// Runs that ended; those that began before the time beside them are forgotten.
    pub runs: Vec<(ReconciliationRun, Timestamp)>,
    /// The evidence about orders.
    pub probes: Vec<OrderProbe>,
}

/// Reads about exchange accounts.
#[async_trait]
pub trait AccountReads: Send + Sync {
    /// Every account that was ever met, by first contact.
    async fn known_accounts(&self) -> Result<Vec<KnownAccount>, StoreError>;
    /// Which models traded on which account, and when; oldest first.
    async fn account_links(&self) -> Result<Vec<AccountLink>, StoreError>;
    /// Both sides of every asset, as they stood at the last run.
    async fn account_assets(&self, account: &AccountFingerprint) -> Result<Vec<AssetLine>, StoreError>;
    /// The last trade seen in each market; 0 for none.
    async fn account_marks(&self, account: &AccountFingerprint) -> Result<BTreeMap<Symbol, i64>, StoreError>;
    /// Differences that are open or explained, oldest first.
    async fn current_differences(&self, account: &AccountFingerprint) -> Result<Vec<Difference>, StoreError>;
    /// Differences that were adopted or are gone, newest first.
    async fn past_differences(&self, account: &AccountFingerprint, limit: u32) -> Result<Vec<Difference>, StoreError>;
    /// One difference.
    async fn difference(&self, id: i64) -> Result<Option<Difference>, StoreError>;
    /// An account's own ledger since its baseline, newest first.
    async fn adjustments(&self, account: &AccountFingerprint) -> Result<Vec<Adjustment>, StoreError>;
    /// The latest runs, newest first.
    async fn reconciliation_runs(
        &self,
        account: &AccountFingerprint,
        limit: u32,
    ) -> Result<Vec<ReconciliationRun>, StoreError>;
    /// What decides whether entries may go to an account; `process` asks.
    async fn account_standing(&self, account: &AccountFingerprint, process: &str) -> Result<Standing, StoreError>;
    /// What the fills of an account's models did to its balances since its baseline, and how many they were.
    async fn own_movements(&self, account: &AccountFingerprint) -> Result<(Amounts, u64), StoreError>;
    /// The order of a name at a venue.
    async fn order_by_name(&self, client_order_id: &str) -> Result<Option<Order>, StoreError>;
    /// Orders of a market by the venue's ids; at most a page of ids at once.
    async fn orders_by_venue_ids(
        &self,
        venue: VenueKind,
        symbol: &Symbol,
        ids: &[i64],
    ) -> Result<Vec<Order>, StoreError>;
    /// The evidence about orders, each in order; an order without any is missing.
    async fn probes(&self, ids: &[OrderId]) -> Result<BTreeMap<OrderId, Vec<Probe>>, StoreError>;
}
