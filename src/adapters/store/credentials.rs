//! Sealed exchange keys, and which models are armed. Nothing here can open a seal.

use super::entity::credential::{ActiveModel, Column, Entity, Model};
use super::entity::{arm, meta};
use super::row::{Row, failed, refused, to_json};
use super::write::{Tx, updated_one};
use crate::domain::arming::Arm;
use crate::domain::credential::{AccountFingerprint, CheckCode, Credential, KeyCheck, KeyPermissions, Sealed};
use crate::domain::ids::TraderId;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::{ExchangeEnvironment, ExchangeType};
use crate::ports::store::{CommitError, StoreError, VaultKeyStep};
use crate::ports::vault::VAULT_KEY_IN_USE;
use sea_orm::ActiveValue::{self, Set};
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

const READING: &str = "reading credentials";
const WRITING: &str = "writing credentials";
const WHAT: &str = "credential";
const ARMS: &str = "writing which models are armed";

fn credential_of(model: Model) -> Result<Credential, StoreError> {
    let row = Row::new("credentials", model.trader_id);
    let fingerprint = row.word("fingerprint", &model.fingerprint, AccountFingerprint::parse)?;
    let check = match row.word_opt("check_code", model.check_code.as_deref(), CheckCode::parse)? {
        None => None,
        Some(code) => Some(KeyCheck {
            code,
            message: model.check_message.unwrap_or_default(),
            permissions: KeyPermissions {
                can_trade: model.can_trade.unwrap_or(false),
                ip_restricted: model.ip_restricted,
                can_withdraw: model.can_withdraw,
                granted: row.json("granted", model.granted.as_deref().unwrap_or("[]"))?,
            },
            at: Timestamp(row.present("checked_at", model.checked_at)?),
        }),
    };
    Ok(Credential {
        trader_id: TraderId(model.trader_id),
        environment: row.word("environment", &model.environment, ExchangeEnvironment::parse)?,
        exchange_type: row.word("exchange_type", &model.exchange_type, ExchangeType::parse)?,
        api_key: Sealed(model.api_key),
        api_secret: Sealed(model.api_secret),
        key_last4: model.key_last4,
        fingerprint,
        check,
        saved_at: Timestamp(model.saved_at),
        version: model.version,
    })
}

fn row_of(credential: &Credential) -> Model {
    let check = credential.check.as_ref();
    Model {
        trader_id: credential.trader_id.0,
        environment: credential.environment.as_str().to_owned(),
        exchange_type: credential.exchange_type.as_str().to_owned(),
        api_key: credential.api_key.0.clone(),
        api_secret: credential.api_secret.0.clone(),
        key_last4: credential.key_last4.clone(),
        fingerprint: credential.fingerprint.as_str().to_owned(),
        check_code: check.map(|check| check.code.as_str().to_owned()),
        check_message: check.map(|check| check.message.clone()),
        can_trade: check.map(|check| check.permissions.can_trade),
        ip_restricted: check.and_then(|check| check.permissions.ip_restricted),
        can_withdraw: check.and_then(|check| check.permissions.can_withdraw),
        granted: check.map(|check| to_json(&check.permissions.granted)),
        checked_at: check.map(|check| check.at.0),
        saved_at: credential.saved_at.0,
        version: credential.version,
    }
}

pub(super) async fn all(db: &impl ConnectionTrait, trader: Option<TraderId>) -> Result<Vec<Credential>, StoreError> {
    let mut query = Entity::find().order_by_asc(Column::TraderId).order_by_desc(Column::Environment);
    if let Some(trader) = trader {
        query = query.filter(Column::TraderId.eq(trader.0));
    }
    query.all(db).await.map_err(failed(READING))?.into_iter().map(credential_of).collect()
}

pub(super) async fn one(
    db: &impl ConnectionTrait,
    trader: TraderId,
    environment: ExchangeEnvironment,
) -> Result<Option<Credential>, StoreError> {
    let query = Entity::find_by_id((trader.0, environment.as_str().to_owned()));
    query.one(db).await.map_err(failed(READING))?.map(credential_of).transpose()
}

pub(super) async fn save(tx: &Tx, changes: &[(Credential, Option<i64>)]) -> Result<(), CommitError> {
    for (credential, expected) in changes {
        let mut row: ActiveModel = row_of(credential).into_active_model().reset_all();
        let Some(expected) = expected else {
            Entity::insert(row).exec_without_returning(tx).await.map_err(refused(WRITING, WHAT))?;
            continue;
        };
        row.trader_id = ActiveValue::NotSet;
        row.environment = ActiveValue::NotSet;
        let update = Entity::update_many()
            .set(row)
            .filter(Column::TraderId.eq(credential.trader_id.0))
            .filter(Column::Environment.eq(credential.environment.as_str()))
            .filter(Column::Version.eq(*expected));
        let done = update.exec(tx).await.map_err(refused(WRITING, WHAT))?;
        updated_one(done.rows_affected, WHAT)?;
    }
    Ok(())
}

pub(super) async fn delete(tx: &Tx, changes: &[(TraderId, ExchangeEnvironment, i64)]) -> Result<(), CommitError> {
    for (trader, environment, expected) in changes {
        let delete = Entity::delete_many()
            .filter(Column::TraderId.eq(trader.0))
            .filter(Column::Environment.eq(environment.as_str()))
            .filter(Column::Version.eq(*expected));
        let done = delete.exec(tx).await.map_err(refused("deleting credentials", WHAT))?;
        updated_one(done.rows_affected, WHAT)?;
    }
    Ok(())
}

/// Checks which vault key is in use, and moves it on. The row is locked until the transaction ends: what is sealed
/// under a key and the rotation away from it cannot both commit.
pub(super) async fn step_vault_key(tx: &Tx, step: &VaultKeyStep) -> Result<(), CommitError> {
    let attempt = "checking the vault key in use";
    let held = meta::Entity::find_by_id(VAULT_KEY_IN_USE).lock(LockType::NoKeyUpdate).one(tx).await;
    let held = held.map_err(failed(attempt))?.map(|row| row.value);
    if held != step.from {
        return Err(CommitError::Conflict(VAULT_KEY_IN_USE));
    }
    let row = meta::ActiveModel { name: Set(VAULT_KEY_IN_USE.to_owned()), value: Set(step.to.clone()) };
    let replace = OnConflict::column(meta::Column::Name).update_column(meta::Column::Value).to_owned();
    let upsert = meta::Entity::insert(row).on_conflict(replace);
    upsert.exec_without_returning(tx).await.map_err(failed(attempt))?;
    Ok(())
}

pub(super) async fn arms(db: &impl ConnectionTrait) -> Result<Vec<Arm>, StoreError> {
    let rows = arm::Entity::find().order_by_asc(arm::Column::TraderId).all(db).await;
    let arm_of = |model: arm::Model| {
        let row = Row::new("arms", model.trader_id);
        Ok(Arm {
            trader_id: TraderId(model.trader_id),
            account: row.word("fingerprint", &model.fingerprint, AccountFingerprint::parse)?,
            by: model.armed_by,
            at: Timestamp(model.armed_at),
            until: Timestamp(model.until),
        })
    };
    rows.map_err(failed("reading which models are armed"))?.into_iter().map(arm_of).collect()
}

pub(super) async fn arm(tx: &Tx, arms: &[Arm]) -> Result<(), CommitError> {
    for arm in arms {
        let row = arm::ActiveModel {
            trader_id: Set(arm.trader_id.0),
            fingerprint: Set(arm.account.as_str().to_owned()),
            armed_by: Set(arm.by.clone()),
            armed_at: Set(arm.at.0),
            until: Set(arm.until.0),
        };
        let replace = OnConflict::column(arm::Column::TraderId)
            .update_columns([arm::Column::Fingerprint, arm::Column::ArmedBy, arm::Column::ArmedAt, arm::Column::Until])
            .to_owned();
        let upsert = arm::Entity::insert(row).on_conflict(replace);
        upsert.exec_without_returning(tx).await.map_err(failed(ARMS))?;
    }
    Ok(())
}

/// Takes arms away; a model that has none stays as it is.
pub(super) async fn disarm(tx: &Tx, traders: &[TraderId]) -> Result<(), CommitError> {
    for trader in traders {
        arm::Entity::delete_by_id(trader.0).exec(tx).await.map_err(failed(ARMS))?;
    }
    Ok(())
}
