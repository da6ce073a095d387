//! Cycles: reading and writing.

use super::entity::cycle::{ActiveModel, Column, Entity, Model};
use super::row::{Row, failed, first_rows, only, to_json};
use super::write::{Tx, insert_all};
use crate::domain::cycle::{AnswerGrade, Cycle, CycleOutcome, CycleTrigger};
use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, TraderId};
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::ports::store::{CommitError, Page, StoreError};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

const READING: &str = "reading cycles";

fn row_of(cycle: &Cycle) -> Model {
    Model {
        id: cycle.id.0,
        trader_id: cycle.trader_id.0,
        venue: cycle.venue.as_str().to_owned(),
        automation: cycle.automation.as_str().to_owned(),
        started_by: cycle.trigger.as_str().to_owned(),
        outcome: cycle.outcome.as_str().to_owned(),
        error: cycle.error.clone(),
        warnings: to_json(&cycle.warnings),
        market_at: cycle.market_at.0,
        started_at: cycle.started_at.0,
        finished_at: cycle.finished_at.0,
        asked: cycle.asked.clone(),
        answered: cycle.answered.clone(),
        answer: cycle.answer.map(|grade| grade.as_str().to_owned()),
        bundle: cycle.bundle.as_ref().map(|hash| hash.as_str().to_owned()),
    }
}

fn cycle_of(model: Model) -> Result<Cycle, StoreError> {
    let row = Row::new("cycles", model.id);
    Ok(Cycle {
        id: CycleId(model.id),
        trader_id: TraderId(model.trader_id),
        venue: row.word("venue", &model.venue, VenueKind::parse)?,
        automation: row.word("automation", &model.automation, AutomationLevel::parse)?,
        trigger: row.word("started_by", &model.started_by, CycleTrigger::parse)?,
        outcome: row.word("outcome", &model.outcome, CycleOutcome::parse)?,
        warnings: row.json("warnings", &model.warnings)?,
        market_at: Timestamp(model.market_at),
        started_at: Timestamp(model.started_at),
        finished_at: Timestamp(model.finished_at),
        error: model.error,
        asked: model.asked,
        answered: model.answered,
        answer: model.answer.as_deref().map(|word| row.word("answer", word, AnswerGrade::parse)).transpose()?,
        bundle: model.bundle.as_deref().map(|word| row.word("bundle", word, Digest::parse)).transpose()?,
    })
}

pub(super) async fn by_id(db: &impl ConnectionTrait, id: CycleId) -> Result<Option<Cycle>, StoreError> {
    only(db, Entity::find_by_id(id.0)).await.map_err(failed(READING))?.map(cycle_of).transpose()
}

pub(super) async fn page(db: &impl ConnectionTrait, trader: TraderId, page: Page) -> Result<Vec<Cycle>, StoreError> {
    let mut query = Entity::find().filter(Column::TraderId.eq(trader.0)).order_by_desc(Column::Id);
    if let Some(before) = page.before {
        query = query.filter(Column::Id.lt(before));
    }
    first_rows(db, &query, page).await.map_err(failed(READING))?.into_iter().map(cycle_of).collect()
}

pub(super) async fn insert(tx: &Tx, cycle: &Cycle) -> Result<(), CommitError> {
    let row: ActiveModel = row_of(cycle).into_active_model().reset_all();
    insert_all(tx, vec![row], "writing a cycle", "cycle").await
}
