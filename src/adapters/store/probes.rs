//! The evidence about orders whose outcome is unknown: reading and writing.

use super::entity::order_probe::{Column, Entity, Model};
use super::row::{Row, failed, of_time};
use super::write::Tx;
use crate::domain::absence::{Probe, ProbeAnswer};
use crate::domain::ids::OrderId;
use crate::domain::time::Timestamp;
use crate::ports::store::{CommitError, OrderProbe, StoreError};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
};
use std::collections::BTreeMap;

/// Lines in one statement.
const ROWS_MAX: usize = 500;

pub(super) async fn of_orders(
    db: &impl ConnectionTrait,
    ids: &[OrderId],
) -> Result<BTreeMap<OrderId, Vec<Probe>>, StoreError> {
    let mut found: BTreeMap<OrderId, Vec<Probe>> = BTreeMap::new();
    for chunk in ids.chunks(ROWS_MAX) {
        let query = Entity::find()
            .filter(Column::OrderId.is_in(chunk.iter().map(|id| id.0)))
            .order_by_asc(Column::OrderId)
            .order_by_asc(Column::Place);
        for row in query.all(db).await.map_err(failed("reading orders' evidence"))? {
            found.entry(OrderId(row.order_id)).or_default().push(probe_of(row)?);
        }
    }
    Ok(found)
}

fn probe_of(model: Model) -> Result<Probe, StoreError> {
    let row = Row::new("order_probes", model.order_id);
    Ok(Probe {
        answer: row.word("answer", &model.answer, ProbeAnswer::parse)?,
        detail: model.detail,
        count: row.count("count", model.count)?,
        spaced: row.count("spaced", model.spaced)?,
        spaced_at: Timestamp(model.spaced_at),
        first_at: Timestamp(model.first_at),
        last_at: Timestamp(model.last_at),
        venue_at: model.venue_at.map(Timestamp),
    })
}

/// Writes lines; one that is there already only counts up.
pub(super) async fn write(tx: &Tx, probes: &[OrderProbe]) -> Result<(), CommitError> {
    for chunk in probes.chunks(ROWS_MAX) {
        let rows = chunk.iter().map(|line| row_of(line).into_active_model().reset_all());
        let grow = OnConflict::columns([Column::OrderId, Column::Place])
            .update_columns([Column::Count, Column::Spaced, Column::SpacedAt, Column::LastAt, Column::VenueAt])
            // Two processes that ask at the same moment never count under each other's answer.
            .action_and_where(Expr::col((Entity, Column::Answer)).eq(Expr::col(("excluded", Column::Answer))))
            .to_owned();
        let upsert = Entity::insert_many(rows).on_conflict(grow);
        upsert.exec_without_returning(tx).await.map_err(failed("writing an order's evidence"))?;
    }
    Ok(())
}

fn row_of(line: &OrderProbe) -> Model {
    let probe = &line.probe;
    Model {
        order_id: line.order_id.0,
        place: i64::try_from(line.place).unwrap_or(i64::MAX),
        answer: probe.answer.as_str().to_owned(),
        detail: probe.detail.clone(),
        count: probe.count.into(),
        spaced: probe.spaced.into(),
        spaced_at: probe.spaced_at.0,
        first_at: probe.first_at.0,
        last_at: probe.last_at.0,
        venue_at: of_time(probe.venue_at),
    }
}
