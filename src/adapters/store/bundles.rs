//! The records of cycles: documents that are named by their content, and never change.

use super::entity::bundle::{ActiveModel, Column, Entity, Model};
use super::row::{Row, failed, only};
use super::write::{Tx, insert_all};
use super::{SqlStore, ai_costs, cycles, reasks};
use crate::domain::ai_cost::AiCall;
use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, ReaskId, TraderId};
use crate::domain::reask::Reask;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::bundle::PackedBundle;
use crate::ports::store::{
    BundleFilter, BundleHead, BundleTotal, CommitError, ConversationFilter, Conversations, Page, RecordReads,
    StoreError,
};
use async_trait::async_trait;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeSet;

const READING: &str = "reading records of cycles";
const WRITING: &str = "writing records of cycles";

#[async_trait]
impl RecordReads for SqlStore {
    async fn bundle(&self, hash: &Digest) -> Result<Option<PackedBundle>, StoreError> {
        let query = Entity::find().filter(Column::Hash.eq(hash.as_str()));
        only(&self.db.reader, query).await.map_err(failed(READING))?.map(packed_of).transpose()
    }

    async fn bundle_heads(&self, filter: BundleFilter, after: i64, limit: u32) -> Result<Vec<BundleHead>, StoreError> {
        let columns = [Column::Id, Column::TraderId, Column::CycleId, Column::At, Column::Size, Column::Stored];
        let mut query = Entity::find().select_only().column(Column::Hash).columns(columns).filter(Column::Id.gt(after));
        if let Some(trader) = filter.trader {
            query = query.filter(Column::TraderId.eq(trader.0));
        }
        if let Some(since) = filter.since {
            query = query.filter(Column::At.gte(since.0));
        }
        if let Some(before) = filter.before {
            query = query.filter(Column::At.lt(before.0));
        }
        let rows = query.order_by_asc(Column::Id).limit(u64::from(limit)).into_model::<HeadRow>();
        rows.all(&self.db.reader).await.map_err(failed(READING))?.into_iter().map(head_of).collect()
    }

    async fn reask(&self, id: ReaskId) -> Result<Option<Reask>, StoreError> {
        reasks::by_id(&self.db.reader, id).await
    }

    async fn reasks(&self, cycle: CycleId) -> Result<Vec<Reask>, StoreError> {
        reasks::of_cycle(&self.db.reader, cycle).await
    }

    async fn bundle_total(&self) -> Result<BundleTotal, StoreError> {
        let query = Entity::find().select_only().column_as(Column::At.count(), "count");
        // A sum of big integers is a decimal on PostgreSQL.
        let stored = Column::Stored.sum().cast_as("bigint");
        let row = query.column_as(stored, "stored").into_model::<TotalRow>().one(&self.db.reader).await;
        let row = row.map_err(failed(READING))?;
        Ok(row.map_or_else(BundleTotal::default, |row| BundleTotal {
            count: row.count.unsigned_abs(),
            stored: row.stored.unwrap_or(0).unsigned_abs(),
        }))
    }

    async fn conversations(
        &self,
        trader: TraderId,
        filter: &ConversationFilter,
        page: Page,
    ) -> Result<Conversations, StoreError> {
        cycles::conversations(&self.db.reader, trader, filter, page).await
    }

    async fn calls_of_cycles(&self, cycles: &[CycleId]) -> Result<Vec<AiCall>, StoreError> {
        ai_costs::calls_of_cycles(&self.db.reader, cycles).await
    }
}

/// Writes documents that are not there yet, and removes others.
pub(super) async fn write(tx: &Tx, new: &[PackedBundle], removed: &[Digest]) -> Result<(), CommitError> {
    if !new.is_empty() {
        let names = new.iter().map(|bundle| bundle.hash.as_str());
        let query = Entity::find().select_only().column(Column::Hash).filter(Column::Hash.is_in(names));
        let known: Vec<String> = query.into_tuple().all(tx).await.map_err(failed(READING))?;
        let known: BTreeSet<String> = known.into_iter().collect();
        let rows = new.iter().filter(|bundle| !known.contains(bundle.hash.as_str())).map(row_of).collect();
        insert_all::<ActiveModel>(tx, rows, WRITING, "record of a cycle").await?;
    }
    if !removed.is_empty() {
        let names = removed.iter().map(Digest::as_str);
        Entity::delete_many().filter(Column::Hash.is_in(names)).exec(tx).await.map_err(failed(WRITING))?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct HeadRow {
    id: i64,
    hash: String,
    trader_id: i64,
    cycle_id: i64,
    at: i64,
    size: i64,
    stored: i64,
}

#[derive(FromQueryResult)]
struct TotalRow {
    count: i64,
    stored: Option<i64>,
}

fn head_of(found: HeadRow) -> Result<BundleHead, StoreError> {
    let row = Row::new("bundles", found.id);
    Ok(BundleHead {
        number: found.id,
        hash: row.word("hash", &found.hash, Digest::parse)?,
        trader_id: TraderId(found.trader_id),
        cycle_id: CycleId(found.cycle_id),
        at: Timestamp(found.at),
        size: found.size.unsigned_abs(),
        stored: found.stored.unsigned_abs(),
    })
}

fn packed_of(model: Model) -> Result<PackedBundle, StoreError> {
    let row = Row::new("bundles", model.id);
    Ok(PackedBundle {
        hash: row.word("hash", &model.hash, Digest::parse)?,
        trader_id: TraderId(model.trader_id),
        cycle_id: CycleId(model.cycle_id),
        venue: row.word("venue", &model.venue, VenueKind::parse)?,
        at: Timestamp(model.at),
        has_brief: model.has_brief,
        size: model.size.unsigned_abs(),
        body: model.body,
    })
}

fn row_of(bundle: &PackedBundle) -> ActiveModel {
    ActiveModel {
        id: NotSet,
        hash: Set(bundle.hash.as_str().to_owned()),
        trader_id: Set(bundle.trader_id.0),
        cycle_id: Set(bundle.cycle_id.0),
        venue: Set(bundle.venue.as_str().to_owned()),
        at: Set(bundle.at.0),
        has_brief: Set(bundle.has_brief),
        size: Set(i64::try_from(bundle.size).unwrap_or(i64::MAX)),
        stored: Set(i64::try_from(bundle.body.len()).unwrap_or(i64::MAX)),
        body: Set(bundle.body.clone()),
    }
}
