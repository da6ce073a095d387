//! The questions about exchange accounts, each answered by the module of its table.

use super::SqlStore;
use super::{differences, orders, probes, reconciliation};
use crate::domain::absence::Probe;
use crate::domain::credential::AccountFingerprint;
use crate::domain::ids::OrderId;
use crate::domain::market::Symbol;
use crate::domain::order::Order;
use crate::domain::reconciliation::{
    AccountLink, Adjustment, Amounts, AssetLine, Difference, KnownAccount, ReconciliationRun, Standing,
};
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{AccountReads, StoreError};
use async_trait::async_trait;
use std::collections::BTreeMap;

#[async_trait]
impl AccountReads for SqlStore {
    async fn known_accounts(&self) -> Result<Vec<KnownAccount>, StoreError> {
        reconciliation::all(&self.db.reader).await
    }

    async fn account_links(&self) -> Result<Vec<AccountLink>, StoreError> {
        reconciliation::links(&self.db.reader).await
    }

    async fn account_assets(&self, account: &AccountFingerprint) -> Result<Vec<AssetLine>, StoreError> {
        reconciliation::assets(&self.db.reader, account).await
    }

    async fn account_marks(&self, account: &AccountFingerprint) -> Result<BTreeMap<Symbol, i64>, StoreError> {
        reconciliation::marks(&self.db.reader, account).await
    }

    async fn current_differences(&self, account: &AccountFingerprint) -> Result<Vec<Difference>, StoreError> {
        differences::current(&self.db.reader, account).await
    }

    async fn past_differences(&self, account: &AccountFingerprint, limit: u32) -> Result<Vec<Difference>, StoreError> {
        differences::past(&self.db.reader, account, limit).await
    }

    async fn difference(&self, id: i64) -> Result<Option<Difference>, StoreError> {
        differences::by_id(&self.db.reader, id).await
    }

    async fn adjustments(&self, account: &AccountFingerprint) -> Result<Vec<Adjustment>, StoreError> {
        differences::adjustments(&self.db.reader, account).await
    }

    async fn reconciliation_runs(
        &self,
        account: &AccountFingerprint,
        limit: u32,
    ) -> Result<Vec<ReconciliationRun>, StoreError> {
        reconciliation::runs(&self.db.reader, account, limit).await
    }

    async fn account_standing(&self, account: &AccountFingerprint, process: &str) -> Result<Standing, StoreError> {
        reconciliation::standing(&self.db.reader, account, process).await
    }

    async fn own_movements(&self, account: &AccountFingerprint) -> Result<(Amounts, u64), StoreError> {
        reconciliation::own_movements(&self.db.reader, account).await
    }

    async fn order_by_name(&self, client_order_id: &str) -> Result<Option<Order>, StoreError> {
        orders::by_name(&self.db.reader, client_order_id).await
    }

    async fn orders_by_venue_ids(
        &self,
        venue: VenueKind,
        symbol: &Symbol,
        ids: &[i64],
    ) -> Result<Vec<Order>, StoreError> {
        orders::by_venue_ids(&self.db.reader, venue, symbol, ids).await
    }

    async fn probes(&self, ids: &[OrderId]) -> Result<BTreeMap<OrderId, Vec<Probe>>, StoreError> {
        probes::of_orders(&self.db.reader, ids).await
    }
}
