//! Traders: reading and writing.

use super::entity::trader::{ActiveModel, Column, Entity, Model};
use super::row::{Row, failed, of_time, only, refused, to_json};
use super::write::{Tx, insert_all, updated_one};
use crate::domain::ids::{ProviderId, TraderId};
use crate::domain::time::Timestamp;
use crate::domain::trader::{Trader, TradingState};
use crate::domain::trader_settings::{SPECS, TraderSettings};
use crate::domain::venue_kind::{AutomationLevel, Axes, ExchangeEnvironment, ExchangeType, TradingEnvironment};
use crate::ports::store::{CommitError, StoreError};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::BTreeMap;

const READING: &str = "reading models";
const WRITING: &str = "writing models";

fn row_of(trader: &Trader) -> Model {
    let (state, by, reason, at) = match &trader.state {
        TradingState::Active => ("active", None, None, None),
        TradingState::Paused { by, reason, at } => ("paused", Some(by.clone()), Some(reason.clone()), Some(at.0)),
    };
    let settings: BTreeMap<&str, String> =
        SPECS.iter().filter_map(|spec| Some((spec.key, trader.settings.get(spec.key)?))).collect();
    Model {
        id: trader.id.0,
        name: trader.name.clone(),
        provider_id: trader.provider_id.0,
        model_name: trader.model_name.clone(),
        exchange_type: trader.exchange_type.as_str().to_owned(),
        trading_environment: trader.axes.trading_environment.as_str().to_owned(),
        automation_level: trader.axes.automation_level.as_str().to_owned(),
        exchange_environment: trader.axes.exchange_environment.as_str().to_owned(),
        state: state.to_owned(),
        paused_by: by,
        paused_reason: reason,
        paused_at: at,
        settings: to_json(&settings),
        next_run_at: of_time(trader.next_run_at),
        api_errors: trader.api_errors.into(),
        model_errors: trader.model_errors.into(),
        created_at: trader.created_at.0,
        deleted_at: of_time(trader.deleted_at),
        version: trader.version,
    }
}

fn trader_of(model: Model) -> Result<Trader, StoreError> {
    let row = Row::new("traders", model.id);
    let state = match model.state.as_str() {
        "active" => TradingState::Active,
        "paused" => TradingState::Paused {
            by: row.present("paused_by", model.paused_by)?,
            reason: model.paused_reason.unwrap_or_default(),
            at: Timestamp(row.present("paused_at", model.paused_at)?),
        },
        other => return Err(row.corrupt("state", format_args!("{other:?} is not one of its words"))),
    };
    Ok(Trader {
        id: TraderId(model.id),
        provider_id: ProviderId(model.provider_id),
        exchange_type: row.word("exchange_type", &model.exchange_type, ExchangeType::parse)?,
        axes: Axes {
            trading_environment: row.word(
                "trading_environment",
                &model.trading_environment,
                TradingEnvironment::parse,
            )?,
            automation_level: row.word("automation_level", &model.automation_level, AutomationLevel::parse)?,
            exchange_environment: row.word(
                "exchange_environment",
                &model.exchange_environment,
                ExchangeEnvironment::parse,
            )?,
        },
        state,
        settings: settings_of(row, &model.settings)?,
        next_run_at: model.next_run_at.map(Timestamp),
        api_errors: row.count("api_errors", model.api_errors)?,
        model_errors: row.count("model_errors", model.model_errors)?,
        created_at: Timestamp(model.created_at),
        deleted_at: model.deleted_at.map(Timestamp),
        version: model.version,
        name: model.name,
        model_name: model.model_name,
    })
}

/// A setting that is not stored takes its default: it is newer than the row. One that is stored and unknown is a
/// newer version's, and running without it could break a limit that somebody relies on.
fn settings_of(row: Row, text: &str) -> Result<TraderSettings, StoreError> {
    let stored: BTreeMap<String, String> = row.json("settings", text)?;
    let mut settings = TraderSettings::default();
    for (key, value) in &stored {
        settings.set(key, value).map_err(|error| row.corrupt("settings", format_args!("{key} {error}")))?;
    }
    Ok(settings)
}

pub(super) async fn by_id(db: &impl ConnectionTrait, id: TraderId) -> Result<Option<Trader>, StoreError> {
    only(db, Entity::find_by_id(id.0)).await.map_err(failed(READING))?.map(trader_of).transpose()
}

pub(super) async fn all(db: &impl ConnectionTrait, include_deleted: bool) -> Result<Vec<Trader>, StoreError> {
    let mut query = Entity::find().order_by_asc(Column::Id);
    if !include_deleted {
        query = query.filter(Column::DeletedAt.is_null());
    }
    query.all(db).await.map_err(failed(READING))?.into_iter().map(trader_of).collect()
}

/// Checks a trader's version and keeps it from changing until the transaction ends.
pub(super) async fn guard(tx: &Tx, id: TraderId, version: i64) -> Result<(), CommitError> {
    let stored: Option<i64> = Entity::find_by_id(id.0)
        .select_only()
        .column(Column::Version)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .one(tx)
        .await
        .map_err(failed("checking a model's version"))?;
    if stored == Some(version) { Ok(()) } else { Err(CommitError::Conflict("trader")) }
}

pub(super) async fn insert(tx: &Tx, traders: &[Trader]) -> Result<(), CommitError> {
    let rows = traders.iter().map(|trader| row_of(trader).into_active_model().reset_all()).collect();
    insert_all::<ActiveModel>(tx, rows, WRITING, "trader").await.map_err(taken)
}

pub(super) async fn update(tx: &Tx, trader: &Trader, expected: i64) -> Result<(), CommitError> {
    let mut row: ActiveModel = row_of(trader).into_active_model().reset_all();
    // Scheduling is not the settings' business: a cycle may be moving it at this moment.
    row.not_set(Column::Id);
    row.next_run_at = ActiveValue::NotSet;
    row.api_errors = ActiveValue::NotSet;
    row.model_errors = ActiveValue::NotSet;
    let update = Entity::update_many().set(row).filter(Column::Id.eq(trader.id.0)).filter(Column::Version.eq(expected));
    let done = update.exec(tx).await.map_err(refused(WRITING, "trader")).map_err(taken)?;
    updated_one(done.rows_affected, "trader")
}

/// The only thing about a trader that can exist already is its name.
fn taken(error: CommitError) -> CommitError {
    match error {
        CommitError::Conflict(_) => CommitError::Duplicate("name"),
        other => other,
    }
}

pub(super) async fn reschedule(
    tx: &Tx,
    id: TraderId,
    next_run_at: Option<Timestamp>,
    api_errors: u32,
) -> Result<(), CommitError> {
    let update = Entity::update_many()
        .col_expr(Column::NextRunAt, of_time(next_run_at).into())
        .col_expr(Column::ApiErrors, i64::from(api_errors).into())
        .filter(Column::Id.eq(id.0));
    update.exec(tx).await.map_err(failed("moving a model's next run"))?;
    Ok(())
}

pub(super) async fn set_model_errors(tx: &Tx, id: TraderId, model_errors: u32) -> Result<(), CommitError> {
    let update =
        Entity::update_many().col_expr(Column::ModelErrors, i64::from(model_errors).into()).filter(Column::Id.eq(id.0));
    update.exec(tx).await.map_err(failed("counting a model's unusable answers"))?;
    Ok(())
}
