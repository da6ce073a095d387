//! Templates of prompts: every saved one of a trader, the newest in force.

use super::entity::prompt_template::{ActiveModel, Column, Entity, Model};
use super::row::{failed, first_rows};
use super::write::{Tx, insert_all};
use crate::domain::ids::TraderId;
use crate::domain::prompt_template::PromptTemplate;
use crate::domain::time::Timestamp;
use crate::ports::store::{CommitError, Page, StoreError};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

fn template_of(model: Model) -> PromptTemplate {
    PromptTemplate {
        trader_id: TraderId(model.trader_id),
        number: model.number,
        text: model.template,
        version: model.version,
        saved_by: model.saved_by,
        saved_at: Timestamp(model.saved_at),
    }
}

fn row_of(template: &PromptTemplate) -> ActiveModel {
    ActiveModel {
        trader_id: Set(template.trader_id.0),
        number: Set(template.number),
        template: Set(template.text.clone()),
        version: Set(template.version.clone()),
        saved_by: Set(template.saved_by.clone()),
        saved_at: Set(template.saved_at.0),
    }
}

pub(super) async fn newest(
    db: &impl ConnectionTrait,
    trader: TraderId,
    limit: u32,
) -> Result<Vec<PromptTemplate>, StoreError> {
    let query = Entity::find().filter(Column::TraderId.eq(trader.0)).order_by_desc(Column::Number);
    let rows = first_rows(db, &query, Page::first(limit)).await.map_err(failed("reading templates of prompts"))?;
    Ok(rows.into_iter().map(template_of).collect())
}

/// A number that is taken already means that somebody else was first.
pub(super) async fn save(tx: &Tx, templates: &[PromptTemplate]) -> Result<(), CommitError> {
    let rows = templates.iter().map(row_of).collect();
    insert_all(tx, rows, "writing templates of prompts", "prompt template").await
}
