//! Cycles: reading and writing.

use super::entity::cycle::{ActiveModel, Column, Entity, Model};
use super::row::{Row, failed, first_rows, only, to_json};
use super::write::{Tx, insert_all};
use crate::domain::cycle::{AnswerGrade, Cycle, CycleOutcome, CycleTrigger};
use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, TraderId};
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::ports::store::{CONVERSATIONS_SEARCHED, CommitError, ConversationFilter, Conversations, Page, StoreError};
use sea_orm::sea_query::extension::postgres::PgExpr;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Select,
};

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
    first_rows(db, &page_of(trader, page), page).await.map_err(failed(READING))?.into_iter().map(cycle_of).collect()
}

fn page_of(trader: TraderId, page: Page) -> Select<Entity> {
    let query = Entity::find().filter(Column::TraderId.eq(trader.0)).order_by_desc(Column::Id);
    match page.before {
        Some(before) => query.filter(Column::Id.lt(before)),
        None => query,
    }
}

/// A page of what was asked and answered. Texts are read one by one, so that a filter looks at the newest cycles only.
pub(super) async fn conversations(
    db: &impl ConnectionTrait,
    trader: TraderId,
    filter: &ConversationFilter,
    page: Page,
) -> Result<Conversations, StoreError> {
    let mut query = page_of(trader, page);
    let mut unseen = None;
    if !filter.is_empty() {
        unseen = newest_unseen(db, trader).await?;
    }
    if let Some(unseen) = unseen {
        query = query.filter(Column::Id.gt(unseen));
    }
    if let Some(answer) = filter.answer {
        query = query.filter(Column::Answer.eq(answer.as_str()));
    }
    if !filter.text.is_empty() {
        let backend = db.get_database_backend();
        let said = [Column::Asked, Column::Answered].map(|column| contains(backend, column, &filter.text));
        query = query.filter(said.into_iter().fold(Condition::any(), Condition::add));
    }
    let rows = first_rows(db, &query, page).await.map_err(failed(READING))?;
    let cycles = rows.into_iter().map(cycle_of).collect::<Result<_, _>>()?;
    Ok(Conversations { cycles, is_cut: unseen.is_some() })
}

/// The newest cycle of a trader that a search does not look at any more.
async fn newest_unseen(db: &impl ConnectionTrait, trader: TraderId) -> Result<Option<i64>, StoreError> {
    let ids = Entity::find().select_only().column(Column::Id).filter(Column::TraderId.eq(trader.0));
    let query = ids.order_by_desc(Column::Id).offset(u64::from(CONVERSATIONS_SEARCHED)).limit(1);
    query.into_tuple().one(db).await.map_err(failed(READING))
}

/// Whether a column holds a text, in letters of either case: `LIKE` looks away from case on SQLite, `ILIKE` on PostgreSQL,
/// where a backslash escapes without being named.
fn contains(backend: DbBackend, column: Column, text: &str) -> Expr {
    match backend {
        DbBackend::Postgres => Expr::col(column).ilike(format!("%{}%", literal(text, '\\'))),
        _ => Expr::col(column).like(LikeExpr::new(format!("%{}%", literal(text, '!'))).escape('!')),
    }
}

/// A text in a pattern, every character standing for itself.
fn literal(text: &str, escape: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_') || letter == escape {
            escaped.push(escape);
        }
        escaped.push(letter);
    }
    escaped
}

pub(super) async fn insert(tx: &Tx, cycle: &Cycle) -> Result<(), CommitError> {
    let row: ActiveModel = row_of(cycle).into_active_model().reset_all();
    insert_all(tx, vec![row], "writing a cycle", "cycle").await
}
