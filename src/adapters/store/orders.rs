//! Orders with their attempts, time lines and the outbox: reading and writing.

use super::entity::order::{ActiveModel, Column, Entity};
use super::entity::{order_answer as answer, order_attempt as attempt, order_event as event, outbox};
use super::order_rows::{order_of, row_of};
use super::row::{Row, failed, first_rows, only, refused};
use super::write::{Tx, insert_all, updated_one};
use crate::domain::ids::{BookId, OrderId, TraderId};
use crate::domain::market::Symbol;
use crate::domain::order::{Order, OrderCause, OrderStatus};
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{AttemptRecord, CommitError, NewAttempt, OrderEventRecord, OrderFilter, Page, StoreError};
use crate::ports::venue::VenueAnswer;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
};

const READING: &str = "reading orders";
const WRITING: &str = "writing orders";
const QUEUEING: &str = "writing the outbox";

async fn read(db: &impl ConnectionTrait, query: Select<Entity>) -> Result<Vec<Order>, StoreError> {
    query.all(db).await.map_err(failed(READING))?.into_iter().map(order_of).collect()
}

pub(super) async fn by_id(db: &impl ConnectionTrait, id: OrderId) -> Result<Option<Order>, StoreError> {
    only(db, Entity::find_by_id(id.0)).await.map_err(failed(READING))?.map(order_of).transpose()
}

pub(super) async fn by_ids(db: &impl ConnectionTrait, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = ids.iter().take(Page::MAX_LIMIT as usize).map(|id| id.0);
    read(db, Entity::find().filter(Column::Id.is_in(ids))).await
}

pub(super) async fn page(db: &impl ConnectionTrait, filter: OrderFilter, page: Page) -> Result<Vec<Order>, StoreError> {
    let mut query = Entity::find().order_by_desc(Column::Id);
    if let Some(before) = page.before {
        query = query.filter(Column::Id.lt(before));
    }
    if let Some(trader) = filter.trader_id {
        query = query.filter(Column::TraderId.eq(trader.0));
    }
    if let Some(venue) = filter.venue {
        query = query.filter(Column::Venue.eq(venue.as_str()));
    }
    if let Some(status) = filter.status {
        query = query.filter(Column::Status.eq(status.as_str()));
    }
    if filter.open_only {
        query = query.filter(Column::ClosedAt.is_null());
    }
    first_rows(db, &query, page).await.map_err(failed(READING))?.into_iter().map(order_of).collect()
}

fn open() -> Select<Entity> {
    Entity::find().filter(Column::ClosedAt.is_null()).order_by_asc(Column::Id)
}

pub(super) async fn open_of(db: &impl ConnectionTrait, trader: Option<TraderId>) -> Result<Vec<Order>, StoreError> {
    let query = open();
    read(db, if let Some(id) = trader { query.filter(Column::TraderId.eq(id.0)) } else { query }).await
}

pub(super) async fn open_in(db: &impl ConnectionTrait, book: BookId) -> Result<Vec<Order>, StoreError> {
    read(db, open().filter(Column::BookId.eq(book.0))).await
}

/// Entry orders of a book since a moment of market time that were not refused and did not end unfilled.
pub(super) async fn entries_since(
    db: &impl ConnectionTrait,
    book: BookId,
    day_start: Timestamp,
) -> Result<u32, StoreError> {
    let count = Entity::find()
        .filter(Column::BookId.eq(book.0))
        .filter(Column::CountsAsEntry.eq(true))
        .filter(Column::MarketAt.gte(day_start.0))
        .count(db)
        .await
        .map_err(failed("counting entries"))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(super) async fn last_sequence(db: &impl ConnectionTrait, cause: OrderCause) -> Result<u32, StoreError> {
    let last: Option<i64> = Entity::find()
        .select_only()
        .column(Column::Sequence)
        .filter(Column::CauseKind.eq(cause.kind()))
        .filter(Column::CauseId.eq(cause.id()))
        .order_by_desc(Column::Sequence)
        .into_tuple()
        .one(db)
        .await
        .map_err(failed("reading the orders of a cause"))?;
    last.map_or(Ok(0), |last| Row::new("orders", 0).count("sequence", last))
}

/// The order of a name.
pub(super) async fn by_name(db: &impl ConnectionTrait, name: &str) -> Result<Option<Order>, StoreError> {
    let query = Entity::find().filter(Column::ClientOrderId.eq(name));
    query.one(db).await.map_err(failed(READING))?.map(order_of).transpose()
}

/// Orders of a market by the venue's ids.
pub(super) async fn by_venue_ids(
    db: &impl ConnectionTrait,
    venue: VenueKind,
    symbol: &Symbol,
    ids: &[i64],
) -> Result<Vec<Order>, StoreError> {
    let query = Entity::find()
        .filter(Column::Venue.eq(venue.as_str()))
        .filter(Column::Symbol.eq(symbol.as_str()))
        .filter(Column::VenueOrderId.is_in(ids.iter().copied()))
        .order_by_asc(Column::Id);
    read(db, query).await
}

pub(super) async fn outbox(db: &impl ConnectionTrait, limit: u32) -> Result<Vec<Order>, StoreError> {
    let queued = outbox::Entity::find()
        .select_only()
        .column(outbox::Column::OrderId)
        .order_by_asc(outbox::Column::OrderId)
        .limit(u64::from(limit))
        .into_query();
    read(db, Entity::find().filter(Column::Id.in_subquery(queued)).order_by_asc(Column::Id)).await
}

/// The words of the time line, so that a stored one becomes the same static word again.
const EVENT_WORDS: &[&str] = &[
    "journal",
    "submit",
    "deny",
    "accept",
    "fill",
    "reject",
    "cancel",
    "expire",
    "lose",
    "not_accepted",
    "not_sent",
    "prove_absent",
    "request_cancel",
    "cancel_reject",
    "probe",
];

pub(super) async fn events(
    db: &impl ConnectionTrait,
    id: OrderId,
) -> Result<Vec<(String, OrderEventRecord)>, StoreError> {
    let query = event::Entity::find().filter(event::Column::OrderId.eq(id.0)).order_by_asc(event::Column::Id);
    let rows = query.all(db).await.map_err(failed("reading an order's time line"))?;
    let record = |row: event::Model| {
        let name = EVENT_WORDS.iter().find(|word| **word == row.name).copied().unwrap_or("other");
        let record =
            OrderEventRecord { order_id: OrderId(row.order_id), name, detail: row.detail, at: Timestamp(row.at) };
        (row.name, record)
    };
    Ok(rows.into_iter().map(record).collect())
}

pub(super) async fn attempts(db: &impl ConnectionTrait, id: OrderId) -> Result<Vec<AttemptRecord>, StoreError> {
    let query = attempt::Entity::find().filter(attempt::Column::OrderId.eq(id.0)).order_by_asc(attempt::Column::Number);
    let rows = query.all(db).await.map_err(failed("reading an order's attempts"))?;
    let record = |row: attempt::Model| {
        let number = Row::new("order_attempts", row.order_id).count("number", row.number)?;
        let attempt = NewAttempt {
            order_id: OrderId(row.order_id),
            number,
            sent_at: Timestamp(row.sent_at),
            epoch: row.epoch,
            sender: row.sender,
        };
        Ok(AttemptRecord { attempt, outcome: row.outcome })
    };
    rows.into_iter().map(record).collect()
}

pub(super) async fn venue_answer(db: &impl ConnectionTrait, id: OrderId) -> Result<Option<VenueAnswer>, StoreError> {
    let row = only(db, answer::Entity::find_by_id(id.0)).await.map_err(failed("reading a venue's answer"))?;
    Ok(row.and_then(|row| row.venue_answer).map(VenueAnswer::from_stored))
}

fn is_unsent(order: &Order) -> bool {
    order.status() == OrderStatus::Initialized
}

/// Journals orders, and puts the ones that are to be sent into the outbox.
pub(super) async fn insert(tx: &Tx, orders: &[Order]) -> Result<(), CommitError> {
    let rows = orders.iter().map(|order| row_of(order).into_active_model().reset_all()).collect();
    insert_all::<ActiveModel>(tx, rows, WRITING, "order").await?;
    enqueue(tx, orders.iter().filter(|order| is_unsent(order))).await
}

/// Writes changed orders; the outbox follows their states.
pub(super) async fn update(tx: &Tx, updated: &[(Order, i64)]) -> Result<(), CommitError> {
    if updated.is_empty() {
        return Ok(());
    }
    for (order, expected) in updated {
        let mut row: ActiveModel = row_of(order).into_active_model().reset_all();
        row.not_set(Column::Id);
        let update =
            Entity::update_many().set(row).filter(Column::Id.eq(order.id.0)).filter(Column::Version.eq(*expected));
        let done = update.exec(tx).await.map_err(refused(WRITING, "order"))?;
        updated_one(done.rows_affected, "order")?;
    }
    let orders = || updated.iter().map(|(order, _)| order);
    let left: Vec<i64> = orders().filter(|order| !is_unsent(order)).map(|order| order.id.0).collect();
    if !left.is_empty() {
        let delete = outbox::Entity::delete_many().filter(outbox::Column::OrderId.is_in(left));
        delete.exec(tx).await.map_err(failed(QUEUEING))?;
    }
    enqueue(tx, orders().filter(|order| is_unsent(order))).await
}

async fn enqueue(tx: &Tx, orders: impl Iterator<Item = &Order>) -> Result<(), CommitError> {
    let rows: Vec<_> = orders.map(|order| outbox::ActiveModel { order_id: Set(order.id.0) }).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let once = OnConflict::column(outbox::Column::OrderId).do_nothing().to_owned();
    let insert = outbox::Entity::insert_many(rows).on_conflict(once);
    insert.exec_without_returning(tx).await.map_err(failed(QUEUEING))?;
    Ok(())
}

pub(super) async fn insert_attempts(tx: &Tx, attempts: &[NewAttempt]) -> Result<(), CommitError> {
    let rows = attempts
        .iter()
        .map(|new| attempt::ActiveModel {
            order_id: Set(new.order_id.0),
            number: Set(new.number.into()),
            sent_at: Set(new.sent_at.0),
            epoch: Set(new.epoch),
            sender: Set(new.sender.clone()),
            outcome: Set(String::new()),
        })
        .collect();
    insert_all::<attempt::ActiveModel>(tx, rows, "writing attempts", "attempt").await
}

pub(super) async fn close_attempt(tx: &Tx, id: OrderId, number: u32, outcome: &str) -> Result<(), CommitError> {
    let update = attempt::Entity::update_many()
        .col_expr(attempt::Column::Outcome, outcome.into())
        .filter(attempt::Column::OrderId.eq(id.0))
        .filter(attempt::Column::Number.eq(i64::from(number)));
    let done = update.exec(tx).await.map_err(failed("writing an attempt's outcome"))?;
    updated_one(done.rows_affected, "attempt")
}

/// Takes back an attempt with which nothing left; its number is free again.
pub(super) async fn withdraw_attempt(tx: &Tx, id: OrderId, number: u32) -> Result<(), CommitError> {
    let delete = attempt::Entity::delete_by_id((id.0, i64::from(number)));
    let done = delete.exec(tx).await.map_err(failed("withdrawing an attempt"))?;
    updated_one(done.rows_affected, "attempt")
}

/// Keeps what the venue said last; what it said before is in the time line in our words.
pub(super) async fn keep_answer(tx: &Tx, id: OrderId, words: &VenueAnswer) -> Result<(), CommitError> {
    let update = answer::Entity::update_many()
        .col_expr(answer::Column::VenueAnswer, words.as_str().into())
        .filter(answer::Column::Id.eq(id.0));
    let done = update.exec(tx).await.map_err(failed("keeping a venue's answer"))?;
    updated_one(done.rows_affected, "order")
}

pub(super) async fn insert_events(tx: &Tx, events: &[OrderEventRecord]) -> Result<(), CommitError> {
    let rows = events
        .iter()
        .map(|record| event::ActiveModel {
            id: NotSet,
            order_id: Set(record.order_id.0),
            name: Set(record.name.to_owned()),
            detail: Set(record.detail.clone()),
            at: Set(record.at.0),
        })
        .collect();
    insert_all::<event::ActiveModel>(tx, rows, "writing orders' time lines", "order event").await
}
