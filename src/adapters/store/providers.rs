//! Providers of language models, their sealed keys, and which answer mode worked. Nothing here can open a seal.

use super::amount::Amount;
use super::entity::provider::{ActiveModel, Column, Entity, Model};
use super::entity::{provider_mode as mode, shadow, trader};
use super::row::{Row, failed, of_time, only, refused};
use super::write::{Tx, insert_all, updated_one};
use super::{SqlStore, ai_costs};
use crate::domain::ai_cost::{AiCall, AiDay};
use crate::domain::credential::Sealed;
use crate::domain::ids::{CycleId, ProviderId, TraderId};
use crate::domain::provider::{AnswerMode, Provider, ProviderKind, TokenPrice};
use crate::domain::time::Timestamp;
use crate::ports::store::{Changes, CommitError, Guard, KnownMode, ProviderReads, StoreError};
use async_trait::async_trait;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

const READING: &str = "reading providers";
const READING_MODES: &str = "reading which answer modes worked";
const WRITING: &str = "writing providers";
const WRITING_MODES: &str = "writing which answer modes worked";
const WHAT: &str = "provider";

#[async_trait]
impl ProviderReads for SqlStore {
    async fn provider(&self, id: ProviderId) -> Result<Option<Provider>, StoreError> {
        let found = only(&self.db.reader, Entity::find_by_id(id.0)).await;
        found.map_err(failed(READING))?.map(provider_of).transpose()
    }

    async fn providers(&self) -> Result<Vec<Provider>, StoreError> {
        let query = Entity::find().filter(Column::DeletedAt.is_null()).order_by_asc(Column::Id);
        query.all(&self.db.reader).await.map_err(failed(READING))?.into_iter().map(provider_of).collect()
    }

    async fn answer_mode(&self, provider: ProviderId, model_name: &str) -> Result<Option<AnswerMode>, StoreError> {
        let query = mode::Entity::find_by_id((provider.0, model_name.to_owned()));
        let found = only(&self.db.reader, query).await.map_err(failed(READING_MODES))?;
        Ok(found.map(mode_of).transpose()?.map(|known| known.mode))
    }

    async fn answer_modes(&self, provider: ProviderId) -> Result<Vec<KnownMode>, StoreError> {
        let query =
            mode::Entity::find().filter(mode::Column::ProviderId.eq(provider.0)).order_by_asc(mode::Column::ModelName);
        query.all(&self.db.reader).await.map_err(failed(READING_MODES))?.into_iter().map(mode_of).collect()
    }

    async fn ai_days(&self, trader: Option<TraderId>, since: Timestamp) -> Result<Vec<AiDay>, StoreError> {
        ai_costs::days(&self.db.reader, trader, since).await
    }

    async fn ai_calls(&self, cycle: CycleId) -> Result<Vec<AiCall>, StoreError> {
        ai_costs::calls_of_cycle(&self.db.reader, cycle).await
    }
}

/// Writes providers and what is known of their models, and checks the guards of those that a commit relies on.
pub(super) async fn write(tx: &Tx, changes: &Changes) -> Result<(), CommitError> {
    let mut guards: Vec<_> = changes
        .guards
        .iter()
        .filter_map(|guard| match guard {
            Guard::Provider { id, version } => Some((*id, *version)),
            Guard::Lease { .. } | Guard::Trader { .. } | Guard::Book { .. } => None,
        })
        .collect();
    guards.sort_unstable();
    for (id, version) in guards {
        hold(tx, id, version).await?;
    }
    let rows = changes.new_providers.iter().map(|provider| row_of(provider).into_active_model().reset_all()).collect();
    insert_all::<ActiveModel>(tx, rows, WRITING, WHAT).await.map_err(taken)?;
    for (provider, expected) in &changes.updated_providers {
        update(tx, provider, *expected).await?;
    }
    for id in &changes.forgotten_modes {
        let delete = mode::Entity::delete_many().filter(mode::Column::ProviderId.eq(id.0));
        delete.exec(tx).await.map_err(failed(WRITING_MODES))?;
    }
    for known in &changes.answer_modes {
        remember(tx, known).await?;
    }
    Ok(())
}

/// Checks that a provider is there as it was read, and keeps it so until the transaction ends.
async fn hold(tx: &Tx, id: ProviderId, version: i64) -> Result<(), CommitError> {
    let stored: Option<i64> = Entity::find_by_id(id.0)
        .select_only()
        .column(Column::Version)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .one(tx)
        .await
        .map_err(failed("checking a provider's version"))?;
    if stored == Some(version) { Ok(()) } else { Err(CommitError::Conflict(WHAT)) }
}

async fn update(tx: &Tx, provider: &Provider, expected: i64) -> Result<(), CommitError> {
    let mut row: ActiveModel = row_of(provider).into_active_model().reset_all();
    row.id = NotSet;
    let update =
        Entity::update_many().set(row).filter(Column::Id.eq(provider.id.0)).filter(Column::Version.eq(expected));
    let done = update.exec(tx).await.map_err(refused(WRITING, WHAT)).map_err(taken)?;
    updated_one(done.rows_affected, WHAT)?;
    if provider.deleted_at.is_some() {
        refuse_used(tx, provider.id).await?;
    }
    Ok(())
}

/// A model may have chosen the provider since it was looked at; its guard and this update wait for each other.
async fn refuse_used(tx: &Tx, id: ProviderId) -> Result<(), CommitError> {
    let users = trader::Entity::find()
        .filter(trader::Column::ProviderId.eq(id.0))
        .filter(trader::Column::DeletedAt.is_null())
        .count(tx)
        .await
        .map_err(failed("counting who uses a provider"))?;
    let followers = shadow::Entity::find()
        .filter(shadow::Column::ProviderId.eq(id.0))
        .filter(shadow::Column::StoppedAt.is_null())
        .count(tx)
        .await
        .map_err(failed("counting who uses a provider"))?;
    if users + followers == 0 { Ok(()) } else { Err(CommitError::Conflict(WHAT)) }
}

async fn remember(tx: &Tx, known: &KnownMode) -> Result<(), CommitError> {
    let row = mode::ActiveModel {
        provider_id: Set(known.provider_id.0),
        model_name: Set(known.model_name.clone()),
        mode: Set(known.mode.as_str().to_owned()),
        at: Set(known.at.0),
    };
    let replace = OnConflict::columns([mode::Column::ProviderId, mode::Column::ModelName])
        .update_columns([mode::Column::Mode, mode::Column::At])
        .to_owned();
    let upsert = mode::Entity::insert(row).on_conflict(replace);
    upsert.exec_without_returning(tx).await.map_err(failed(WRITING_MODES))?;
    Ok(())
}

/// The only thing about a provider that can exist already is its name.
fn taken(error: CommitError) -> CommitError {
    match error {
        CommitError::Conflict(_) => CommitError::Duplicate("name"),
        other => other,
    }
}

fn row_of(provider: &Provider) -> Model {
    Model {
        id: provider.id.0,
        name: provider.name.clone(),
        kind: provider.kind.as_str().to_owned(),
        base_url: provider.base_url.clone(),
        api_key: provider.api_key.as_ref().map(|sealed| sealed.0.clone()),
        key_last4: provider.key_last4.clone(),
        input_price: provider.price.map(|price| Amount(price.input)),
        output_price: provider.price.map(|price| Amount(price.output)),
        max_concurrency: provider.max_concurrency.into(),
        timeout_seconds: provider.timeout_seconds.into(),
        created_at: provider.created_at.0,
        deleted_at: of_time(provider.deleted_at),
        version: provider.version,
    }
}

fn provider_of(model: Model) -> Result<Provider, StoreError> {
    let row = Row::new("providers", model.id);
    let price = model.input_price.zip(model.output_price);
    Ok(Provider {
        id: ProviderId(model.id),
        kind: row.word("kind", &model.kind, ProviderKind::parse)?,
        api_key: model.api_key.map(Sealed),
        key_last4: model.key_last4,
        price: price.map(|(input, output)| TokenPrice { input: input.0, output: output.0 }),
        max_concurrency: row.count("max_concurrency", model.max_concurrency)?,
        timeout_seconds: row.count("timeout_seconds", model.timeout_seconds)?,
        created_at: Timestamp(model.created_at),
        deleted_at: model.deleted_at.map(Timestamp),
        version: model.version,
        name: model.name,
        base_url: model.base_url,
    })
}

fn mode_of(model: mode::Model) -> Result<KnownMode, StoreError> {
    let row = Row::new("provider_modes", model.provider_id);
    Ok(KnownMode {
        provider_id: ProviderId(model.provider_id),
        mode: row.word("mode", &model.mode, AnswerMode::parse)?,
        at: Timestamp(model.at),
        model_name: model.model_name,
    })
}
