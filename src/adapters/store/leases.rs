//! Leases, id counters and small named values: each a single statement, atomic on both databases.

use super::connect::Db;
use super::entity::lease::{Column, Entity, Model};
use super::entity::meta;
use super::row::{failed, only, refused};
use super::write::Tx;
use crate::domain::ids::{CycleId, TraderId};
use crate::domain::time::Timestamp;
use crate::ports::store::{CommitError, Lease, StoreError};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Statement,
};

/// Leases of traders are called by their ids.
const TRADER_PREFIX: &str = "trader:";
/// Leases of processes are called by their names.
const PROCESS_PREFIX: &str = "process:";
const TAKING: &str = "taking a lease";
const READING: &str = "reading leases";
const NAMED: &str = "reading a named value";

/// Takes a lease that nobody holds at `now`. The epoch grows with every taking, so that whoever held it before is
/// told apart from whoever holds it now, however often it changes hands.
const ACQUIRE: &str = "INSERT INTO leases (name, owner, epoch, lapses_at, cycle_id) VALUES ($1, $2, 1, $3, $4) \
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = leases.epoch + 1, \
    lapses_at = excluded.lapses_at, cycle_id = excluded.cycle_id WHERE leases.lapses_at <= $5 \
    RETURNING name, owner, epoch, lapses_at, cycle_id";

/// Moves a counter on and tells where it stands.
const RESERVE: &str = "INSERT INTO counters (name, last) VALUES ($1, $2) \
    ON CONFLICT (name) DO UPDATE SET last = counters.last + excluded.last RETURNING last";

fn lease_of(model: Model) -> Lease {
    Lease {
        name: model.name,
        owner: model.owner,
        epoch: model.epoch,
        until: Timestamp(model.lapses_at),
        cycle_id: model.cycle_id.map(CycleId),
    }
}

pub(super) async fn acquire(
    db: &Db,
    name: &str,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
    cycle_id: Option<CycleId>,
) -> Result<Option<Lease>, StoreError> {
    let cycle_id = cycle_id.map(|cycle| cycle.0);
    let values = [name.into(), owner.into(), until.0.into(), cycle_id.into(), now.0.into()];
    let upsert = Statement::from_sql_and_values(db.backend, ACQUIRE, values);
    let row = Model::find_by_statement(upsert).one(&db.writer).await.map_err(failed(TAKING))?;
    Ok(row.map(lease_of))
}

pub(super) async fn renew(db: &Db, lease: &Lease, until: Timestamp) -> Result<bool, StoreError> {
    let update = Entity::update_many()
        .col_expr(Column::LapsesAt, until.0.into())
        .filter(Column::Name.eq(lease.name.as_str()))
        .filter(Column::Owner.eq(lease.owner.as_str()))
        .filter(Column::Epoch.eq(lease.epoch));
    Ok(update.exec(&db.writer).await.map_err(failed("renewing a lease"))?.rows_affected == 1)
}

/// Gives a lease back. The epoch stays, so that it never repeats.
pub(super) async fn release(db: &impl ConnectionTrait, name: &str, owner: &str, epoch: i64) -> Result<(), StoreError> {
    let update = Entity::update_many()
        .col_expr(Column::Owner, "".into())
        .col_expr(Column::LapsesAt, 0_i64.into())
        .col_expr(Column::CycleId, Option::<i64>::None.into())
        .filter(Column::Name.eq(name))
        .filter(Column::Owner.eq(owner))
        .filter(Column::Epoch.eq(epoch));
    update.exec(db).await.map_err(failed("giving a lease back"))?;
    Ok(())
}

/// Checks that a lease is still held as it was, and keeps it so until the transaction ends.
pub(super) async fn guard(tx: &Tx, name: &str, owner: &str, epoch: i64) -> Result<(), CommitError> {
    let held: Option<(String, i64)> = Entity::find_by_id(name)
        .select_only()
        .columns([Column::Owner, Column::Epoch])
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .one(tx)
        .await
        .map_err(refused("checking a lease", "lease"))?;
    match held {
        Some((holder, current)) if holder == owner && current == epoch => Ok(()),
        _ => Err(CommitError::LeaseLost(name.to_owned())),
    }
}

pub(super) async fn by_name(db: &impl ConnectionTrait, name: &str) -> Result<Option<Lease>, StoreError> {
    Ok(only(db, Entity::find_by_id(name)).await.map_err(failed(READING))?.map(lease_of))
}

pub(super) async fn others_live(db: &impl ConnectionTrait, owner: &str, now: Timestamp) -> Result<bool, StoreError> {
    let query = Entity::find()
        .filter(Column::LapsesAt.gt(now.0))
        .filter(Column::Name.starts_with(PROCESS_PREFIX))
        .filter(Column::Owner.ne(owner));
    Ok(query.one(db).await.map_err(failed(READING))?.is_some())
}

pub(super) async fn running_cycles(
    db: &impl ConnectionTrait,
    now: Timestamp,
) -> Result<Vec<(TraderId, CycleId)>, StoreError> {
    let query = Entity::find()
        .filter(Column::LapsesAt.gt(now.0))
        .filter(Column::CycleId.is_not_null())
        .filter(Column::Name.starts_with(TRADER_PREFIX))
        .order_by_asc(Column::Name);
    let rows = query.all(db).await.map_err(failed(READING))?;
    let running = |row: Model| {
        let trader = row.name.strip_prefix(TRADER_PREFIX)?.parse().ok()?;
        Some((TraderId(trader), CycleId(row.cycle_id?)))
    };
    Ok(rows.into_iter().filter_map(running).collect())
}

#[derive(FromQueryResult)]
struct Counter {
    last: i64,
}

/// Moves a counter on by `by` and returns its new value: the last of `by` ids that are now the caller's.
pub(super) async fn advance(db: &Db, counter: &str, by: i64) -> Result<i64, StoreError> {
    let action = "reserving ids";
    let upsert = Statement::from_sql_and_values(db.backend, RESERVE, [counter.into(), by.into()]);
    let row = Counter::find_by_statement(upsert).one(&db.writer).await.map_err(failed(action))?;
    row.map(|row| row.last).ok_or(StoreError::Corrupt { what: "counters", detail: format!("{counter} did not answer") })
}

pub(super) async fn meta(db: &impl ConnectionTrait, key: &str) -> Result<Option<String>, StoreError> {
    Ok(only(db, meta::Entity::find_by_id(key)).await.map_err(failed(NAMED))?.map(|row| row.value))
}

fn named(key: &str, value: &str) -> meta::ActiveModel {
    meta::ActiveModel { name: Set(key.to_owned()), value: Set(value.to_owned()) }
}

pub(super) async fn set_meta(db: &Db, key: &str, value: &str) -> Result<(), StoreError> {
    let replace = OnConflict::column(meta::Column::Name).update_column(meta::Column::Value).to_owned();
    let upsert = meta::Entity::insert(named(key, value)).on_conflict(replace);
    upsert.exec_without_returning(&db.writer).await.map_err(failed("writing a named value"))?;
    Ok(())
}

pub(super) async fn init_meta(db: &Db, key: &str, value: &str) -> Result<String, StoreError> {
    let keep = OnConflict::column(meta::Column::Name).do_nothing().to_owned();
    let insert = meta::Entity::insert(named(key, value)).on_conflict(keep);
    insert.exec_without_returning(&db.writer).await.map_err(failed("writing a named value"))?;
    // From the writer: what another process has just set is not to be missed.
    let holds = meta(&db.writer, key).await?;
    holds.ok_or_else(|| StoreError::Corrupt { what: "meta", detail: format!("{key} vanished while it was set") })
}
