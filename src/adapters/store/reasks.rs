//! Questions that were put once more. A row is written when the question is put and finished once.

use super::entity::reask::{ActiveModel, Column, Entity, Model};
use super::row::{Row, failed, first_rows, only};
use super::write::{Tx, insert_all, updated_one};
use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, ProviderId, ReaskId, TraderId};
use crate::domain::reask::{REASKS_MAX, Reask, ReaskTemplate};
use crate::domain::time::Timestamp;
use crate::ports::store::{CommitError, Page, StoreError};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

const READING: &str = "reading questions that were put again";
const WRITING: &str = "writing questions that were put again";
const WHAT: &str = "question";

pub(super) async fn by_id(db: &impl ConnectionTrait, id: ReaskId) -> Result<Option<Reask>, StoreError> {
    only(db, Entity::find_by_id(id.0)).await.map_err(failed(READING))?.map(reask_of).transpose()
}

pub(super) async fn of_cycle(db: &impl ConnectionTrait, cycle: CycleId) -> Result<Vec<Reask>, StoreError> {
    let query = Entity::find().filter(Column::CycleId.eq(cycle.0)).order_by_desc(Column::Id);
    let limit = u32::try_from(REASKS_MAX).unwrap_or(u32::MAX);
    first_rows(db, &query, Page::first(limit)).await.map_err(failed(READING))?.into_iter().map(reask_of).collect()
}

/// Ended ones first: a new one is refused while the same is being asked.
pub(super) async fn write(tx: &Tx, new: &[Reask], finished: &[Reask]) -> Result<(), CommitError> {
    for reask in finished {
        let row = row_of(reask);
        let end = ActiveModel {
            finished_at: Set(row.finished_at),
            error: Set(row.error),
            bundle: Set(row.bundle),
            ..<ActiveModel as ActiveModelTrait>::default()
        };
        let open = Entity::update_many().set(end).filter(Column::Id.eq(row.id)).filter(Column::FinishedAt.is_null());
        updated_one(open.exec(tx).await.map_err(failed(WRITING))?.rows_affected, WHAT)?;
    }
    let rows = new.iter().map(|reask| row_of(reask).into_active_model().reset_all()).collect();
    insert_all::<ActiveModel>(tx, rows, WRITING, WHAT).await.map_err(being_asked)
}

fn being_asked(error: CommitError) -> CommitError {
    match error {
        CommitError::Conflict(_) => CommitError::Duplicate(WHAT),
        other => other,
    }
}

fn row_of(reask: &Reask) -> Model {
    Model {
        id: reask.id.0,
        cycle_id: reask.cycle_id.0,
        trader_id: reask.trader_id.0,
        provider_id: reask.provider_id.0,
        model_name: reask.model_name.clone(),
        template: reask.template.as_str().to_owned(),
        asked_by: reask.asked_by.clone(),
        asked_at: reask.asked_at.0,
        finished_at: reask.finished_at.map(|at| at.0),
        error: reask.error.clone(),
        bundle: reask.bundle.as_ref().map(|hash| hash.as_str().to_owned()),
    }
}

fn reask_of(model: Model) -> Result<Reask, StoreError> {
    let row = Row::new("reasks", model.id);
    Ok(Reask {
        id: ReaskId(model.id),
        cycle_id: CycleId(model.cycle_id),
        trader_id: TraderId(model.trader_id),
        provider_id: ProviderId(model.provider_id),
        template: row.word("template", &model.template, ReaskTemplate::parse)?,
        asked_at: Timestamp(model.asked_at),
        finished_at: model.finished_at.map(Timestamp),
        bundle: model.bundle.as_deref().map(|word| row.word("bundle", word, Digest::parse)).transpose()?,
        model_name: model.model_name,
        asked_by: model.asked_by,
        error: model.error,
    })
}
