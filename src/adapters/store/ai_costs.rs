//! Calls of language models and the sums of their days. The sums grow in the commit that writes the call, so that a
//! budget never sees less than what was spent.

use super::amount::Amount;
use super::entity::{ai_call as call, ai_day as day};
use super::row::{Row, failed};
use super::write::{Tx, insert_all, updated_one};
use crate::domain::ai_cost::{AiCall, AiDay, AiPurpose};
use crate::domain::ids::{CycleId, ProviderId, TraderId};
use crate::domain::provider::TokenUsage;
use crate::domain::time::Timestamp;
use crate::ports::store::{CommitError, Page, StoreError};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::BTreeMap;

const READING: &str = "reading what language models cost";
const WRITING: &str = "writing what language models cost";
const WHAT: &str = "sum of a day";

pub(super) async fn days(
    db: &impl ConnectionTrait,
    trader: Option<TraderId>,
    since: Timestamp,
) -> Result<Vec<AiDay>, StoreError> {
    let mut query = day::Entity::find().filter(day::Column::Day.gte(since.0));
    if let Some(trader) = trader {
        query = query.filter(day::Column::TraderId.eq(trader.0));
    }
    let query = query.order_by_desc(day::Column::Day).order_by_asc(day::Column::TraderId);
    query.all(db).await.map_err(failed(READING))?.into_iter().map(day_of).collect()
}

pub(super) async fn calls_of_cycle(db: &impl ConnectionTrait, cycle: CycleId) -> Result<Vec<AiCall>, StoreError> {
    let query = call::Entity::find().filter(call::Column::CycleId.eq(cycle.0)).order_by_asc(call::Column::Id);
    query.all(db).await.map_err(failed(READING))?.into_iter().map(call_of).collect()
}

pub(super) async fn calls_of_cycles(db: &impl ConnectionTrait, cycles: &[CycleId]) -> Result<Vec<AiCall>, StoreError> {
    let some = cycles.iter().take(Page::MAX_LIMIT as usize).map(|cycle| cycle.0);
    let query = call::Entity::find().filter(call::Column::CycleId.is_in(some)).order_by_asc(call::Column::Id);
    query.all(db).await.map_err(failed(READING))?.into_iter().map(call_of).collect()
}

/// Writes calls and adds them, with the decisions of the same commit, to their days.
pub(super) async fn write(tx: &Tx, calls: &[AiCall], decisions: usize) -> Result<(), CommitError> {
    let mut sums: BTreeMap<(TraderId, Timestamp), AiDay> = BTreeMap::new();
    for call in calls {
        let key = (call.trader_id, call.at.day_start());
        sums.entry(key).or_insert_with(|| AiDay::empty(key.0, key.1)).add(call);
    }
    if let Some(sum) = calls.first().and_then(|call| sums.get_mut(&(call.trader_id, call.at.day_start()))) {
        sum.decisions += decisions as u64;
    }
    insert_all::<call::ActiveModel>(tx, calls.iter().map(row_of).collect(), WRITING, "call").await?;
    for sum in sums.into_values() {
        add(tx, sum).await?;
    }
    Ok(())
}

/// Decimals are text on SQLite, so they are added here and not in the statement.
async fn add(tx: &Tx, mut sum: AiDay) -> Result<(), CommitError> {
    let key = (sum.trader_id.0, sum.day.0);
    let read = || day::Entity::find_by_id(key).lock(LockType::NoKeyUpdate);
    let mut stored = read().one(tx).await.map_err(failed(READING))?;
    if stored.is_none() {
        // Two processes may begin the same day: one of them writes its row, and both add to it.
        let empty = day_row(&AiDay::empty(sum.trader_id, sum.day));
        let once = OnConflict::columns([day::Column::TraderId, day::Column::Day]).do_nothing().to_owned();
        let begin = day::Entity::insert(empty).on_conflict(once);
        begin.exec_without_returning(tx).await.map_err(failed(WRITING))?;
        stored = read().one(tx).await.map_err(failed(READING))?;
    }
    let stored = stored.ok_or(CommitError::Conflict(WHAT))?;
    let calls = stored.calls;
    sum.merge(&day_of(stored)?);
    let mut row = day_row(&sum);
    row.not_set(day::Column::TraderId);
    row.not_set(day::Column::Day);
    let update = day::Entity::update_many()
        .set(row)
        .filter(day::Column::TraderId.eq(key.0))
        .filter(day::Column::Day.eq(key.1))
        .filter(day::Column::Calls.eq(calls));
    let done = update.exec(tx).await.map_err(failed(WRITING))?;
    updated_one(done.rows_affected, WHAT)
}

fn row_of(call: &AiCall) -> call::ActiveModel {
    call::ActiveModel {
        id: NotSet,
        trader_id: Set(call.trader_id.0),
        provider_id: Set(call.provider_id.0),
        model_name: Set(call.model_name.clone()),
        cycle_id: Set(call.cycle_id.0),
        purpose: Set(call.purpose.as_str().to_owned()),
        at: Set(call.at.0),
        input_tokens: Set(signed(call.usage.input)),
        output_tokens: Set(signed(call.usage.output)),
        is_estimated: Set(call.is_estimated),
        cost: Set(call.cost.map(Amount)),
        latency_ms: Set(signed(call.latency_ms)),
        is_answered: Set(call.is_answered),
    }
}

fn call_of(model: call::Model) -> Result<AiCall, StoreError> {
    let row = Row::new("ai_calls", model.id);
    Ok(AiCall {
        trader_id: TraderId(model.trader_id),
        provider_id: ProviderId(model.provider_id),
        cycle_id: CycleId(model.cycle_id),
        purpose: row.word("purpose", &model.purpose, AiPurpose::parse)?,
        at: Timestamp(model.at),
        usage: usage_of(row, model.input_tokens, model.output_tokens)?,
        is_estimated: model.is_estimated,
        cost: model.cost.map(|amount| amount.0),
        latency_ms: unsigned(row, "latency_ms", model.latency_ms)?,
        is_answered: model.is_answered,
        model_name: model.model_name,
    })
}

fn day_row(sum: &AiDay) -> day::ActiveModel {
    day::Model {
        trader_id: sum.trader_id.0,
        day: sum.day.0,
        calls: signed(sum.calls),
        estimated_calls: signed(sum.estimated_calls),
        unpriced_calls: signed(sum.unpriced_calls),
        decisions: signed(sum.decisions),
        input_tokens: signed(sum.usage.input),
        output_tokens: signed(sum.usage.output),
        cost: Amount(sum.cost),
        trial_calls: signed(sum.trial_calls),
        trial_cost: Amount(sum.trial_cost),
    }
    .into_active_model()
    .reset_all()
}

fn day_of(model: day::Model) -> Result<AiDay, StoreError> {
    let row = Row::new("ai_days", model.trader_id);
    Ok(AiDay {
        trader_id: TraderId(model.trader_id),
        day: Timestamp(model.day),
        calls: unsigned(row, "calls", model.calls)?,
        estimated_calls: unsigned(row, "estimated_calls", model.estimated_calls)?,
        unpriced_calls: unsigned(row, "unpriced_calls", model.unpriced_calls)?,
        decisions: unsigned(row, "decisions", model.decisions)?,
        usage: usage_of(row, model.input_tokens, model.output_tokens)?,
        cost: model.cost.0,
        trial_calls: unsigned(row, "trial_calls", model.trial_calls)?,
        trial_cost: model.trial_cost.0,
    })
}

fn usage_of(row: Row, input: i64, output: i64) -> Result<TokenUsage, StoreError> {
    Ok(TokenUsage { input: unsigned(row, "input_tokens", input)?, output: unsigned(row, "output_tokens", output)? })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: Row, column: &str, number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| row.corrupt(column, "it is negative"))
}
