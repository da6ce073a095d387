//! Positions: reading and writing.

use super::books;
use super::entity::position::{ActiveModel, Column, Entity, Model};
use super::row::{Row, failed, money, of_money, of_price, of_quantity, of_symbol, of_time, only, refused};
use super::write::{Tx, insert_all, updated_one};
use crate::domain::ids::{BookId, PositionId, TraderId};
use crate::domain::market::Symbol;
use crate::domain::position::Position;
use crate::domain::signal::PositionSide;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{CommitError, StoreError};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Select,
};

const READING: &str = "reading positions";
const WRITING: &str = "writing positions";

fn row_of(position: &Position) -> Model {
    Model {
        id: position.id.0,
        trader_id: position.trader_id.0,
        book_id: position.book_id.0,
        coin: position.coin.as_str().to_owned(),
        symbol: of_symbol(&position.symbol),
        side: position.side.as_str().to_owned(),
        quantity: of_quantity(position.quantity),
        cost: of_money(position.cost),
        margin: of_money(position.margin),
        leverage: position.leverage.into(),
        entered: of_quantity(position.entered),
        entered_value: of_money(position.entered_value),
        exited_value: of_money(position.exited_value),
        realized: of_money(position.realized),
        fees: of_money(position.fees),
        stop_loss: position.stop_loss.map(of_price),
        profit_target: position.profit_target.map(of_price),
        opened_at: position.opened_at.0,
        closed_at: of_time(position.closed_at),
        watched_until: position.watched_until.0,
        version: position.version,
    }
}

fn position_of(model: Model) -> Result<Position, StoreError> {
    let row = Row::new("positions", model.id);
    Ok(Position {
        id: PositionId(model.id),
        trader_id: TraderId(model.trader_id),
        book_id: BookId(model.book_id),
        coin: row.coin("coin", &model.coin)?,
        side: row.word("side", &model.side, PositionSide::parse)?,
        quantity: row.quantity("quantity", model.quantity)?,
        cost: money(model.cost),
        margin: money(model.margin),
        leverage: row.count("leverage", model.leverage)?,
        entered: row.quantity("entered", model.entered)?,
        entered_value: money(model.entered_value),
        exited_value: money(model.exited_value),
        realized: money(model.realized),
        fees: money(model.fees),
        stop_loss: row.price_opt("stop_loss", model.stop_loss)?,
        profit_target: row.price_opt("profit_target", model.profit_target)?,
        opened_at: Timestamp(model.opened_at),
        closed_at: model.closed_at.map(Timestamp),
        watched_until: Timestamp(model.watched_until),
        version: model.version,
        symbol: Symbol(model.symbol),
    })
}

async fn read(db: &impl ConnectionTrait, query: Select<Entity>) -> Result<Vec<Position>, StoreError> {
    query.all(db).await.map_err(failed(READING))?.into_iter().map(position_of).collect()
}

fn open() -> Select<Entity> {
    Entity::find().filter(Column::ClosedAt.is_null()).order_by_asc(Column::Id)
}

pub(super) async fn by_id(db: &impl ConnectionTrait, id: PositionId) -> Result<Option<Position>, StoreError> {
    only(db, Entity::find_by_id(id.0)).await.map_err(failed(READING))?.map(position_of).transpose()
}

pub(super) async fn open_in(db: &impl ConnectionTrait, book: BookId) -> Result<Vec<Position>, StoreError> {
    read(db, open().filter(Column::BookId.eq(book.0))).await
}

pub(super) async fn open_at(db: &impl ConnectionTrait, venue: VenueKind) -> Result<Vec<Position>, StoreError> {
    read(db, open().filter(Column::BookId.in_subquery(books::ids_at(venue)))).await
}

pub(super) async fn closed_in(
    db: &impl ConnectionTrait,
    book: BookId,
    limit: u32,
) -> Result<Vec<Position>, StoreError> {
    let query = Entity::find()
        .filter(Column::BookId.eq(book.0))
        .filter(Column::ClosedAt.is_not_null())
        .order_by_desc(Column::ClosedAt)
        .order_by_desc(Column::Id)
        .limit(u64::from(limit));
    read(db, query).await
}

/// Writes positions in the given order: one that closes frees its coin for one that opens after it.
pub(super) async fn write(tx: &Tx, positions: &[Position]) -> Result<(), CommitError> {
    for position in positions {
        let mut row: ActiveModel = row_of(position).into_active_model().reset_all();
        if position.version <= 1 {
            insert_all(tx, vec![row], WRITING, "position").await?;
            continue;
        }
        row.not_set(Column::Id);
        let update = Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(position.id.0))
            .filter(Column::Version.eq(position.version - 1));
        let done = update.exec(tx).await.map_err(refused(WRITING, "position"))?;
        updated_one(done.rows_affected, "position")?;
    }
    Ok(())
}
