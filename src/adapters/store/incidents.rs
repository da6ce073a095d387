//! Incidents: reading, folding repeated ones, and moving them on.

use super::entity::incident::{ActiveModel, Column, Entity, Model};
use super::row::{Row, failed, first_rows, only};
use super::write::{Tx, updated_one};
use crate::domain::ids::{IncidentId, TraderId};
use crate::domain::incident::{Incident, IncidentKind, IncidentStatus, NewIncident, Severity};
use crate::domain::time::Timestamp;
use crate::ports::store::{CommitError, IncidentFilter, Page, StoreError};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder};

const READING: &str = "reading incidents";
const WRITING: &str = "writing incidents";
/// Who ends an incident that ended by itself.
const RECOVERY: &str = "recovery";

fn incident_of(model: Model) -> Result<Incident, StoreError> {
    let row = Row::new("incidents", model.id);
    let signed = |by: Option<String>, at: Option<i64>| by.zip(at.map(Timestamp));
    Ok(Incident {
        id: IncidentId(model.id),
        kind: row.word("kind", &model.kind, IncidentKind::parse)?,
        severity: row.word("severity", &model.severity, Severity::parse)?,
        trader_id: model.trader_id.map(TraderId),
        count: row.count("occurrences", model.occurrences)?,
        status: row.word("status", &model.status, IncidentStatus::parse)?,
        first_at: Timestamp(model.first_at),
        last_at: Timestamp(model.last_at),
        acknowledged: signed(model.acknowledged_by, model.acknowledged_at),
        resolved: signed(model.resolved_by, model.resolved_at),
        title: model.title,
        detail: model.detail,
        note: model.note,
    })
}

pub(super) async fn by_id(db: &impl ConnectionTrait, id: IncidentId) -> Result<Option<Incident>, StoreError> {
    only(db, Entity::find_by_id(id.0)).await.map_err(failed(READING))?.map(incident_of).transpose()
}

pub(super) async fn page(
    db: &impl ConnectionTrait,
    filter: IncidentFilter,
    page: Page,
) -> Result<Vec<Incident>, StoreError> {
    let mut query = Entity::find().order_by_desc(Column::Id);
    if let Some(before) = page.before {
        query = query.filter(Column::Id.lt(before));
    }
    if let Some(trader) = filter.trader_id {
        query = query.filter(Column::TraderId.eq(trader.0));
    }
    if let Some(status) = filter.status {
        query = query.filter(Column::Status.eq(status.as_str()));
    }
    first_rows(db, &query, page).await.map_err(failed(READING))?.into_iter().map(incident_of).collect()
}

pub(super) async fn open_count(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let open = Entity::find().filter(Column::Status.eq(IncidentStatus::Open.as_str()));
    let count = open.count(db).await.map_err(failed("counting incidents"))?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

fn trader_key(trader: Option<TraderId>) -> i64 {
    trader.map_or(0, |trader| trader.0)
}

/// Raises an incident, or folds it into the same one that is not resolved yet. One that somebody had acknowledged is
/// open again: it happened after they looked.
pub(super) async fn raise(tx: &Tx, new: &NewIncident) -> Result<(), CommitError> {
    let row = ActiveModel {
        id: NotSet,
        kind: Set(new.kind.as_str().to_owned()),
        severity: Set(new.severity.as_str().to_owned()),
        trader_id: Set(new.trader_id.map(|trader| trader.0)),
        trader_key: Set(trader_key(new.trader_id)),
        fingerprint: Set(new.fingerprint.clone()),
        title: Set(new.title.clone()),
        detail: Set(new.detail.clone()),
        occurrences: Set(1),
        status: Set(IncidentStatus::Open.as_str().to_owned()),
        first_at: Set(new.at.0),
        last_at: Set(new.at.0),
        acknowledged_by: Set(None),
        acknowledged_at: Set(None),
        resolved_by: Set(None),
        resolved_at: Set(None),
        note: Set(String::new()),
    };
    let again = Expr::col((Entity, Column::Occurrences)).add(1_i64);
    let fold = OnConflict::columns([Column::Kind, Column::TraderKey, Column::Fingerprint])
        .target_and_where(Column::ResolvedAt.is_null())
        .update_columns([
            Column::Severity,
            Column::Title,
            Column::Detail,
            Column::Status,
            Column::LastAt,
            Column::AcknowledgedBy,
            Column::AcknowledgedAt,
        ])
        .value(Column::Occurrences, again)
        .to_owned();
    let upsert = Entity::insert(row).on_conflict(fold);
    upsert.exec_without_returning(tx).await.map_err(failed(WRITING))?;
    Ok(())
}

/// Ends the unresolved incident that recovery ends, if there is one.
pub(super) async fn recover(tx: &Tx, raised: &NewIncident, note: &str) -> Result<(), CommitError> {
    let update = Entity::update_many()
        .col_expr(Column::Status, IncidentStatus::Resolved.as_str().into())
        .col_expr(Column::ResolvedBy, RECOVERY.into())
        .col_expr(Column::ResolvedAt, raised.at.0.into())
        .col_expr(Column::Note, note.into())
        .filter(Column::Kind.eq(raised.kind.as_str()))
        .filter(Column::TraderKey.eq(trader_key(raised.trader_id)))
        .filter(Column::Fingerprint.eq(raised.fingerprint.as_str()))
        .filter(Column::ResolvedAt.is_null());
    update.exec(tx).await.map_err(failed(WRITING))?;
    Ok(())
}

/// Moves an incident on for a person. One that is resolved stays so, and one can be acknowledged once.
pub(super) async fn step(
    tx: &Tx,
    id: IncidentId,
    status: IncidentStatus,
    by: &str,
    at: Timestamp,
    note: &str,
) -> Result<(), CommitError> {
    let mut update = Entity::update_many()
        .col_expr(Column::Status, status.as_str().into())
        .filter(Column::Id.eq(id.0))
        .filter(Column::ResolvedAt.is_null());
    update = match status {
        IncidentStatus::Open => return Err(CommitError::Conflict("incident")),
        IncidentStatus::Acknowledged => update
            .col_expr(Column::AcknowledgedBy, by.into())
            .col_expr(Column::AcknowledgedAt, at.0.into())
            .filter(Column::Status.eq(IncidentStatus::Open.as_str())),
        IncidentStatus::Resolved => {
            update.col_expr(Column::ResolvedBy, by.into()).col_expr(Column::ResolvedAt, at.0.into())
        }
    };
    if !note.is_empty() {
        update = update.col_expr(Column::Note, note.into());
    }
    let done = update.exec(tx).await.map_err(failed(WRITING))?;
    updated_one(done.rows_affected, "incident")
}
