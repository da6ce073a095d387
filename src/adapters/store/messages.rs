//! Notifications and the audit trail: reading and writing.

use super::entity::{audit_line as audit, notification};
use super::row::{Row, failed, first_rows, rows_of};
use super::write::{Tx, insert_all};
use crate::domain::ids::{DecisionId, NotificationId, TraderId};
use crate::domain::incident::Severity;
use crate::domain::notification::{NewNotification, Notification, NotificationKind};
use crate::domain::time::Timestamp;
use crate::ports::store::{AuditEntry, AuditRow, CommitError, NotificationFilter, Page, StoreError};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

const READING: &str = "reading notifications";
/// Ids in one statement.
const READ_AT_ONCE_MAX: usize = 10_000;

fn notification_of(model: notification::Model) -> Result<Notification, StoreError> {
    let row = Row::new("notifications", model.id);
    Ok(Notification {
        id: NotificationId(model.id),
        message: NewNotification {
            kind: row.word("kind", &model.kind, NotificationKind::parse)?,
            severity: row.word("severity", &model.severity, Severity::parse)?,
            title: model.title,
            body: model.body,
            trader_id: model.trader_id.map(TraderId),
            decision_id: model.decision_id.map(DecisionId),
            at: Timestamp(model.at),
        },
        read_at: model.read_at.map(Timestamp),
    })
}

pub(super) async fn page(
    db: &impl ConnectionTrait,
    filter: NotificationFilter,
    page: Page,
) -> Result<Vec<Notification>, StoreError> {
    let mut query = notification::Entity::find().order_by_desc(notification::Column::Id);
    if let Some(before) = page.before {
        query = query.filter(notification::Column::Id.lt(before));
    }
    if let Some(trader) = filter.trader_id {
        query = query.filter(notification::Column::TraderId.eq(trader.0));
    }
    if filter.unread {
        query = query.filter(notification::Column::ReadAt.is_null());
    }
    first_rows(db, &query, page).await.map_err(failed(READING))?.into_iter().map(notification_of).collect()
}

pub(super) async fn unread_count(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let unread = notification::Entity::find().filter(notification::Column::ReadAt.is_null());
    let count = unread.count(db).await.map_err(failed("counting notifications"))?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

pub(super) async fn insert(tx: &Tx, messages: &[NewNotification]) -> Result<(), CommitError> {
    let rows = messages
        .iter()
        .map(|message| notification::ActiveModel {
            id: NotSet,
            kind: Set(message.kind.as_str().to_owned()),
            severity: Set(message.severity.as_str().to_owned()),
            title: Set(message.title.clone()),
            body: Set(message.body.clone()),
            trader_id: Set(message.trader_id.map(|trader| trader.0)),
            decision_id: Set(message.decision_id.map(|decision| decision.0)),
            at: Set(message.at.0),
            read_at: Set(None),
        })
        .collect();
    insert_all::<notification::ActiveModel>(tx, rows, "writing notifications", "notification").await
}

/// Marks messages as read; those that are read already keep their time. No ids at all means every message.
pub(super) async fn mark_read(tx: &Tx, ids: &[NotificationId], at: Timestamp) -> Result<(), CommitError> {
    let unread = || {
        notification::Entity::update_many()
            .col_expr(notification::Column::ReadAt, at.0.into())
            .filter(notification::Column::ReadAt.is_null())
    };
    let marking = failed("marking notifications as read");
    if ids.is_empty() {
        unread().exec(tx).await.map_err(marking)?;
    }
    for chunk in ids.chunks(READ_AT_ONCE_MAX) {
        let update = unread().filter(notification::Column::Id.is_in(chunk.iter().map(|id| id.0)));
        update.exec(tx).await.map_err(marking)?;
    }
    Ok(())
}

pub(super) async fn insert_audit(tx: &Tx, entries: &[AuditEntry]) -> Result<(), CommitError> {
    let rows = entries
        .iter()
        .map(|line| audit::ActiveModel {
            id: NotSet,
            at: Set(line.at.0),
            actor: Set(line.actor.clone()),
            action: Set(line.action.to_owned()),
            subject: Set(line.subject.clone()),
            detail: Set(line.detail.clone()),
        })
        .collect();
    insert_all::<audit::ActiveModel>(tx, rows, "writing the audit trail", "audit trail").await
}

pub(super) async fn audit_page(db: &impl ConnectionTrait, page: Page) -> Result<Vec<AuditRow>, StoreError> {
    let mut query = audit::Entity::find().order_by_desc(audit::Column::Id).limit(rows_of(page));
    if let Some(before) = page.before {
        query = query.filter(audit::Column::Id.lt(before));
    }
    let rows = query.all(db).await.map_err(failed("reading the audit trail"))?;
    let line = |row: audit::Model| AuditRow {
        id: row.id,
        at: Timestamp(row.at),
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        detail: row.detail,
    };
    Ok(rows.into_iter().map(line).collect())
}
