//! Differences between our books and an exchange's, and the adjustments that people adopted: reading and writing.

use super::amount::Amount;
use super::entity::account_adjustment as adjustment;
use super::entity::account_difference::{ActiveModel, Column, Entity, Model};
use super::reconciliation::{fingerprint_of, of_amounts};
use super::row::{Row, failed, refused};
use super::write::{Tx, insert_all, updated_one};
use crate::domain::credential::AccountFingerprint;
use crate::domain::reconciliation::{Adjustment, Difference, DifferenceKind, DifferenceStatus, Finding};
use crate::domain::time::Timestamp;
use crate::ports::store::{AccountChanges, CommitError, StoreError};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

const READING: &str = "reading differences";
const WRITING: &str = "writing differences";
const CURRENT: [&str; 2] = [DifferenceStatus::Open.as_str(), DifferenceStatus::Explained.as_str()];

fn difference_of(model: Model) -> Result<Difference, StoreError> {
    let row = Row::new("account_differences", model.id);
    Ok(Difference {
        id: model.id,
        fingerprint: fingerprint_of(row, &model.fingerprint)?,
        finding: Finding {
            kind: row.word("kind", &model.kind, DifferenceKind::parse)?,
            effect: row.json("effect", &model.effect)?,
            key: model.key,
            subject: model.subject,
            local: model.local,
            exchange: model.exchange,
        },
        first_at: Timestamp(model.first_at),
        last_at: Timestamp(model.last_at),
        status: row.word("status", &model.status, DifferenceStatus::parse)?,
        settled: model.settled_by.zip(model.settled_at.map(Timestamp)),
        note: model.note,
        version: model.version,
    })
}

fn row_of(difference: &Difference) -> ActiveModel {
    let finding = &difference.finding;
    ActiveModel {
        id: NotSet,
        fingerprint: Set(difference.fingerprint.to_string()),
        kind: Set(finding.kind.as_str().to_owned()),
        key: Set(finding.key.clone()),
        subject: Set(finding.subject.clone()),
        local: Set(finding.local.clone()),
        exchange: Set(finding.exchange.clone()),
        effect: Set(of_amounts(&finding.effect)),
        first_at: Set(difference.first_at.0),
        last_at: Set(difference.last_at.0),
        status: Set(difference.status.as_str().to_owned()),
        settled_by: Set(difference.settled.as_ref().map(|(by, _)| by.clone())),
        settled_at: Set(difference.settled.as_ref().map(|(_, at)| at.0)),
        note: Set(difference.note.clone()),
        version: Set(difference.version),
    }
}

pub(super) async fn current(
    db: &impl ConnectionTrait,
    account: &AccountFingerprint,
) -> Result<Vec<Difference>, StoreError> {
    let query = Entity::find().filter(Column::Fingerprint.eq(account.as_str())).filter(Column::Status.is_in(CURRENT));
    let rows = query.order_by_asc(Column::Id).all(db).await.map_err(failed(READING))?;
    rows.into_iter().map(difference_of).collect()
}

pub(super) async fn past(
    db: &impl ConnectionTrait,
    account: &AccountFingerprint,
    limit: u32,
) -> Result<Vec<Difference>, StoreError> {
    let query = Entity::find()
        .filter(Column::Fingerprint.eq(account.as_str()))
        .filter(Column::Status.is_not_in(CURRENT))
        .order_by_desc(Column::LastAt)
        .order_by_desc(Column::Id)
        .limit(u64::from(limit));
    query.all(db).await.map_err(failed(READING))?.into_iter().map(difference_of).collect()
}

pub(super) async fn by_id(db: &impl ConnectionTrait, id: i64) -> Result<Option<Difference>, StoreError> {
    Entity::find_by_id(id).one(db).await.map_err(failed(READING))?.map(difference_of).transpose()
}

pub(super) async fn adjustments(
    db: &impl ConnectionTrait,
    account: &AccountFingerprint,
) -> Result<Vec<Adjustment>, StoreError> {
    let query = adjustment::Entity::find()
        .filter(adjustment::Column::Fingerprint.eq(account.as_str()))
        .filter(adjustment::Column::Retired.eq(false))
        .order_by_desc(adjustment::Column::Id);
    let read = |model: adjustment::Model| {
        let row = Row::new("account_adjustments", model.id);
        Ok(Adjustment {
            fingerprint: fingerprint_of(row, &model.fingerprint)?,
            asset: row.coin("asset", &model.asset)?,
            amount: model.amount.0,
            reason: model.reason,
            by: model.author,
            at: Timestamp(model.at),
            difference: model.difference_id,
        })
    };
    query.all(db).await.map_err(failed(READING))?.into_iter().map(read).collect()
}

pub(super) async fn write(tx: &Tx, changes: &AccountChanges) -> Result<(), CommitError> {
    for difference in &changes.differences {
        if difference.id == 0 {
            insert_all::<ActiveModel>(tx, vec![row_of(difference)], WRITING, "difference").await?;
            continue;
        }
        let update = Entity::update_many()
            .set(row_of(difference))
            .filter(Column::Id.eq(difference.id))
            .filter(Column::Version.eq(difference.version - 1));
        let done = update.exec(tx).await.map_err(refused(WRITING, "difference"))?;
        updated_one(done.rows_affected, "difference")?;
    }
    let rows = changes.adjustments.iter().map(|line| adjustment::ActiveModel {
        id: NotSet,
        fingerprint: Set(line.fingerprint.to_string()),
        asset: Set(line.asset.to_string()),
        amount: Set(Amount(line.amount)),
        reason: Set(line.reason.clone()),
        author: Set(line.by.clone()),
        at: Set(line.at.0),
        difference_id: Set(line.difference),
        retired: Set(false),
    });
    insert_all::<adjustment::ActiveModel>(tx, rows.collect(), WRITING, "adjustment").await
}
