//! Candidates on paper and their steps.

use super::SqlStore;
use super::amount::Amount;
use super::entity::shadow::{ActiveModel, Column, Entity, Model};
use super::entity::{bundle, cycle, shadow_step as step};
use super::row::{Row, failed, first_rows, of_money, only, refused, to_json};
use super::write::{Tx, insert_all, updated_one};
use crate::domain::digest::Digest;
use crate::domain::ids::{CycleId, ProviderId, ShadowId, TraderId};
use crate::domain::money::Money;
use crate::domain::shadow::{Shadow, ShadowStep};
use crate::domain::time::Timestamp;
use crate::ports::store::{CommitError, LeaderRecord, Page, ShadowReads, StoreError};
use async_trait::async_trait;
use sea_orm::ActiveValue::NotSet;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
};

const READING: &str = "reading candidates on paper";
const WRITING: &str = "writing candidates on paper";
const WHAT: &str = "candidate";

#[async_trait]
impl ShadowReads for SqlStore {
    async fn shadow(&self, id: ShadowId) -> Result<Option<Shadow>, StoreError> {
        let found = only(&self.db.reader, Entity::find_by_id(id.0)).await;
        found.map_err(failed(READING))?.map(shadow_of).transpose()
    }

    async fn shadows(&self, trader: TraderId, limit: u32) -> Result<Vec<Shadow>, StoreError> {
        let of_trader = Entity::find().filter(Column::TraderId.eq(trader.0));
        // Those that run come first, whatever their age.
        let query = of_trader.order_by_desc(Column::StoppedAt.is_null()).order_by_desc(Column::Id);
        let page = Page::first(limit);
        first_rows(&self.db.reader, &query, page).await.map_err(failed(READING))?.into_iter().map(shadow_of).collect()
    }

    async fn followers(&self, trader: TraderId) -> Result<Vec<Shadow>, StoreError> {
        let query = active().filter(Column::TraderId.eq(trader.0));
        query.all(&self.db.reader).await.map_err(failed(READING))?.into_iter().map(shadow_of).collect()
    }

    async fn active_shadows(&self) -> Result<Vec<Shadow>, StoreError> {
        active().all(&self.db.reader).await.map_err(failed(READING))?.into_iter().map(shadow_of).collect()
    }

    async fn shadows_behind(&self) -> Result<Vec<ShadowId>, StoreError> {
        let of_leader = Expr::col((bundle::Entity, bundle::Column::TraderId)).equals((Entity, Column::TraderId));
        let unseen = Expr::col((bundle::Entity, bundle::Column::Id)).gt(Expr::col((Entity, Column::Seen)));
        let next = questions().select_only().column(bundle::Column::Id).filter(of_leader).filter(unseen).into_query();
        // Whoever has waited longest comes first: where turns are few, none is passed over.
        let waiting = Entity::find().filter(Column::StoppedAt.is_null()).order_by_asc(Column::Seen);
        let query = waiting.select_only().column(Column::Id).filter(Expr::exists(next));
        let ids: Vec<i64> = query.into_tuple().all(&self.db.reader).await.map_err(failed(READING))?;
        Ok(ids.into_iter().map(ShadowId).collect())
    }

    async fn shadow_steps(&self, shadow: ShadowId, page: Page) -> Result<Vec<ShadowStep>, StoreError> {
        let mut query = step::Entity::find().filter(step::Column::ShadowId.eq(shadow.0));
        if let Some(before) = page.before {
            query = query.filter(step::Column::Number.lt(before));
        }
        let query = query.order_by_desc(step::Column::Number);
        first_rows(&self.db.reader, &query, page).await.map_err(failed(READING))?.into_iter().map(step_of).collect()
    }

    async fn next_record(&self, trader: TraderId, after: i64) -> Result<Option<LeaderRecord>, StoreError> {
        one_record(&self.db.reader, questions_of(trader, after).order_by_asc(bundle::Column::Id)).await
    }

    async fn last_record(&self, trader: TraderId, after: i64) -> Result<Option<LeaderRecord>, StoreError> {
        one_record(&self.db.reader, questions_of(trader, after).order_by_desc(bundle::Column::Id)).await
    }

    async fn records_after(&self, trader: TraderId, after: i64) -> Result<u64, StoreError> {
        Ok(questions_of(trader, after).count(&self.db.reader).await.map_err(failed(READING))?)
    }

    async fn newest_record(&self) -> Result<i64, StoreError> {
        let query = bundle::Entity::find().select_only().column_as(bundle::Column::Id.max(), "number");
        let newest: Option<Option<i64>> = query.into_tuple().one(&self.db.reader).await.map_err(failed(READING))?;
        Ok(newest.flatten().unwrap_or(0))
    }
}

fn active() -> Select<Entity> {
    Entity::find().filter(Column::StoppedAt.is_null()).order_by_asc(Column::Id)
}

/// Records that hold a question and that cycles point to: not those of re-asks, nor those of shadows.
fn questions() -> Select<bundle::Entity> {
    let own = Query::select()
        .expr(Expr::val(1))
        .from(cycle::Entity)
        .and_where(Expr::col((cycle::Entity, cycle::Column::Id)).equals((bundle::Entity, bundle::Column::CycleId)))
        .and_where(Expr::col((cycle::Entity, cycle::Column::Bundle)).equals((bundle::Entity, bundle::Column::Hash)))
        .to_owned();
    bundle::Entity::find().filter(bundle::Column::HasBrief.eq(true)).filter(Expr::exists(own))
}

fn questions_of(trader: TraderId, after: i64) -> Select<bundle::Entity> {
    questions().filter(bundle::Column::TraderId.eq(trader.0)).filter(bundle::Column::Id.gt(after))
}

async fn one_record(
    db: &impl ConnectionTrait,
    query: Select<bundle::Entity>,
) -> Result<Option<LeaderRecord>, StoreError> {
    let columns = [bundle::Column::Id, bundle::Column::CycleId];
    let query = query.select_only().columns(columns).column(bundle::Column::Hash).limit(1);
    let row: Option<(i64, i64, String)> = query.into_tuple().one(db).await.map_err(failed(READING))?;
    let record = |(number, cycle, hash): (i64, i64, String)| {
        let hash = Row::new("bundles", number).word("hash", &hash, Digest::parse)?;
        Ok(LeaderRecord { number, cycle_id: CycleId(cycle), hash })
    };
    row.map(record).transpose()
}

pub(super) async fn write(
    tx: &Tx,
    new: &[Shadow],
    updated: &[(Shadow, i64)],
    steps: &[ShadowStep],
) -> Result<(), CommitError> {
    let rows = new.iter().map(|shadow| row_of(shadow).into_active_model().reset_all()).collect();
    insert_all::<ActiveModel>(tx, rows, WRITING, "name").await.map_err(taken)?;
    for (shadow, expected) in updated {
        let mut row: ActiveModel = row_of(shadow).into_active_model().reset_all();
        row.id = NotSet;
        let update = Entity::update_many().set(row).filter(Column::Id.eq(shadow.id.0));
        let done = update.filter(Column::Version.eq(*expected)).exec(tx).await.map_err(refused(WRITING, WHAT))?;
        updated_one(done.rows_affected, WHAT)?;
    }
    let rows = steps.iter().map(|step| step_row(step).into_active_model().reset_all()).collect();
    insert_all::<step::ActiveModel>(tx, rows, WRITING, "step").await
}

fn taken(error: CommitError) -> CommitError {
    match error {
        CommitError::Conflict(_) => CommitError::Duplicate("name"),
        other => other,
    }
}

fn row_of(shadow: &Shadow) -> Model {
    Model {
        id: shadow.id.0,
        trader_id: shadow.trader_id.0,
        name: shadow.name.clone(),
        provider_id: shadow.provider_id.0,
        model_name: shadow.model_name.clone(),
        template: shadow.template.clone(),
        created_by: shadow.created_by.clone(),
        created_at: shadow.created_at.0,
        stopped_at: shadow.stopped_at.map(|at| at.0),
        seen: shadow.seen,
        progress: shadow.progress.as_ref().map(to_json),
        version: shadow.version,
    }
}

fn shadow_of(model: Model) -> Result<Shadow, StoreError> {
    let row = Row::new("shadows", model.id);
    Ok(Shadow {
        id: ShadowId(model.id),
        trader_id: TraderId(model.trader_id),
        name: model.name,
        provider_id: ProviderId(model.provider_id),
        model_name: model.model_name,
        template: model.template,
        created_by: model.created_by,
        created_at: Timestamp(model.created_at),
        stopped_at: model.stopped_at.map(Timestamp),
        seen: model.seen,
        progress: model.progress.as_deref().map(|text| row.json("progress", text)).transpose()?,
        version: model.version,
    })
}

fn step_row(step: &ShadowStep) -> step::Model {
    step::Model {
        shadow_id: step.shadow_id.0,
        number: i64::from(step.number),
        cycle_id: step.cycle_id.0,
        market_at: step.market_at.0,
        at: step.at.0,
        equity: of_money(step.equity),
        leader_equity: of_money(step.leader_equity),
        fills: to_json(&step.fills),
        error: step.error.clone(),
        bundle: step.bundle.as_ref().map(|hash| hash.as_str().to_owned()),
        cost: step.cost.map(Amount),
    }
}

fn step_of(model: step::Model) -> Result<ShadowStep, StoreError> {
    let row = Row::new("shadow_steps", model.number);
    Ok(ShadowStep {
        shadow_id: ShadowId(model.shadow_id),
        number: row.count("number", model.number)?,
        cycle_id: CycleId(model.cycle_id),
        market_at: Timestamp(model.market_at),
        at: Timestamp(model.at),
        equity: Money::new(model.equity.0),
        leader_equity: Money::new(model.leader_equity.0),
        fills: row.json("fills", &model.fills)?,
        error: model.error,
        bundle: row.word_opt("bundle", model.bundle.as_deref(), Digest::parse)?,
        cost: model.cost.map(|cost| cost.0),
    })
}
