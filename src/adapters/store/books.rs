//! Books and their equity curves: reading and writing.

use super::connect::Db;
use super::entity::{book, equity_snapshot as point};
use super::row::{Row, failed, money, of_money, only, refused};
use super::write::{Tx, insert_all, updated_one};
use super::{decisions, orders, positions};
use crate::domain::book::{Book, BookView};
use crate::domain::cycle::EquitySnapshot;
use crate::domain::ids::{BookId, TraderId};
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{CommitError, StoreError};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{
    AccessMode, ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, ExprTrait,
    FromQueryResult, IntoActiveModel, IsolationLevel, QueryFilter, QueryOrder, QuerySelect, Statement,
    TransactionOptions, TransactionTrait,
};

const READING: &str = "reading books";
const WRITING: &str = "writing books";
const READING_CURVE: &str = "reading an equity curve";

fn row_of(book: &Book) -> book::Model {
    book::Model {
        id: book.id.0,
        trader_id: book.trader_id.0,
        venue: book.venue.as_str().to_owned(),
        initial_capital: of_money(book.initial_capital),
        cash: of_money(book.cash),
        realized: of_money(book.realized),
        fees: of_money(book.fees),
        high_water_mark: of_money(book.high_water_mark),
        day: book.day.0,
        day_start_equity: of_money(book.day_start_equity),
        opened_at: book.opened_at.0,
        version: book.version,
    }
}

fn book_of(model: book::Model) -> Result<Book, StoreError> {
    let row = Row::new("books", model.id);
    Ok(Book {
        id: BookId(model.id),
        trader_id: TraderId(model.trader_id),
        venue: row.word("venue", &model.venue, VenueKind::parse)?,
        initial_capital: money(model.initial_capital),
        cash: money(model.cash),
        realized: money(model.realized),
        fees: money(model.fees),
        high_water_mark: money(model.high_water_mark),
        day: Timestamp(model.day),
        day_start_equity: money(model.day_start_equity),
        opened_at: Timestamp(model.opened_at),
        version: model.version,
    })
}

pub(super) async fn of_trader(
    db: &impl ConnectionTrait,
    trader: TraderId,
    venue: VenueKind,
) -> Result<Option<Book>, StoreError> {
    let query =
        book::Entity::find().filter(book::Column::TraderId.eq(trader.0)).filter(book::Column::Venue.eq(venue.as_str()));
    only(db, query).await.map_err(failed(READING))?.map(book_of).transpose()
}

pub(super) async fn by_id(db: &impl ConnectionTrait, id: BookId) -> Result<Option<Book>, StoreError> {
    only(db, book::Entity::find_by_id(id.0)).await.map_err(failed(READING))?.map(book_of).transpose()
}

pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Book>, StoreError> {
    let rows = book::Entity::find().order_by_asc(book::Column::Id).all(db).await.map_err(failed(READING))?;
    rows.into_iter().map(book_of).collect()
}

/// The ids of the books at a venue.
pub(super) fn ids_at(venue: VenueKind) -> sea_orm::sea_query::SelectStatement {
    use sea_orm::QueryTrait;
    book::Entity::find()
        .select_only()
        .column(book::Column::Id)
        .filter(book::Column::Venue.eq(venue.as_str()))
        .into_query()
}

/// Reads a book and everything in it from one snapshot of the database.
pub(super) async fn view(db: &Db, id: BookId, day_start: Timestamp) -> Result<Option<BookView>, StoreError> {
    let tx = snapshot(db).await?;
    let Some(book) = by_id(&tx, id).await? else { return Ok(None) };
    let view = BookView {
        positions: positions::open_in(&tx, id).await?,
        open_orders: orders::open_in(&tx, id).await?,
        waiting: decisions::waiting_in(&tx, id).await?,
        entries_today: orders::entries_since(&tx, id, day_start).await?,
        book,
    };
    tx.commit().await.map_err(failed("ending a read"))?;
    Ok(Some(view))
}

/// A transaction that sees one moment. SQLite's always do; PostgreSQL has to be asked.
async fn snapshot(db: &Db) -> Result<DatabaseTransaction, StoreError> {
    let options = match db.backend {
        DbBackend::Sqlite => TransactionOptions::default(),
        _ => TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        },
    };
    db.reader.begin_with_options(options).await.map_err(failed("beginning a read"))
}

/// Bumps a book's version: of two commits that are based on the same one, the second changes nothing here.
pub(super) async fn guard(tx: &Tx, id: BookId, version: i64) -> Result<(), CommitError> {
    let update = book::Entity::update_many()
        .col_expr(book::Column::Version, Expr::col(book::Column::Version).add(1_i64))
        .filter(book::Column::Id.eq(id.0))
        .filter(book::Column::Version.eq(version));
    let done = update.exec(tx).await.map_err(refused("checking a book's version", "book"))?;
    updated_one(done.rows_affected, "book")
}

pub(super) async fn insert(tx: &Tx, books: &[Book]) -> Result<(), CommitError> {
    let rows = books.iter().map(|book| row_of(book).into_active_model().reset_all()).collect();
    insert_all::<book::ActiveModel>(tx, rows, WRITING, "book").await
}

/// Writes what can change in a book, never its version, which only the guard moves.
pub(super) async fn update(tx: &Tx, book: &Book) -> Result<(), CommitError> {
    let row = book::ActiveModel {
        cash: Set(of_money(book.cash)),
        realized: Set(of_money(book.realized)),
        fees: Set(of_money(book.fees)),
        high_water_mark: Set(of_money(book.high_water_mark)),
        day: Set(book.day.0),
        day_start_equity: Set(of_money(book.day_start_equity)),
        ..Default::default()
    };
    let update = book::Entity::update_many().set(row).filter(book::Column::Id.eq(book.id.0));
    let done = update.exec(tx).await.map_err(refused(WRITING, "book"))?;
    updated_one(done.rows_affected, "book")
}

pub(super) async fn insert_points(tx: &Tx, points: &[EquitySnapshot]) -> Result<(), CommitError> {
    let rows = points
        .iter()
        .map(|snapshot| point::ActiveModel {
            id: NotSet,
            book_id: Set(snapshot.book_id.0),
            at: Set(snapshot.at.0),
            equity: Set(of_money(snapshot.equity)),
            cash: Set(of_money(snapshot.cash)),
        })
        .collect();
    insert_all::<point::ActiveModel>(tx, rows, "writing equity curves", "equity snapshot").await
}

fn point_of(model: point::Model) -> EquitySnapshot {
    EquitySnapshot {
        book_id: BookId(model.book_id),
        at: Timestamp(model.at),
        equity: money(model.equity),
        cash: money(model.cash),
    }
}

pub(super) async fn last_point(db: &impl ConnectionTrait, book: BookId) -> Result<Option<EquitySnapshot>, StoreError> {
    let query = point::Entity::find()
        .filter(point::Column::BookId.eq(book.0))
        .order_by_desc(point::Column::At)
        .order_by_desc(point::Column::Id);
    Ok(query.one(db).await.map_err(failed(READING_CURVE))?.map(point_of))
}

#[derive(FromQueryResult)]
struct Span {
    first: Option<i64>,
    last: Option<i64>,
}

/// Buckets of equal time are counted back from the newest point, and each gives its latest: the newest is always there,
/// and the rows in between never leave the database.
const THIN: &str = "SELECT * FROM equity_snapshots WHERE id IN (SELECT MAX(id) FROM equity_snapshots \
    WHERE book_id = $1 AND at >= $2 GROUP BY ($3 - at) / $4) ORDER BY at, id";

pub(super) async fn curve(
    db: &impl ConnectionTrait,
    book: BookId,
    from: Timestamp,
    limit: u32,
) -> Result<Vec<EquitySnapshot>, StoreError> {
    let backend = db.get_database_backend();
    let bounds = "SELECT MIN(at) AS first, MAX(at) AS last FROM equity_snapshots WHERE book_id = $1 AND at >= $2";
    let bounds = Statement::from_sql_and_values(backend, bounds, [book.0.into(), from.0.into()]);
    let span = Span::find_by_statement(bounds).one(db).await.map_err(failed(READING_CURVE))?;
    let Some(Span { first: Some(first), last: Some(last) }) = span else { return Ok(Vec::new()) };
    if limit == 0 {
        return Ok(Vec::new());
    }
    let width = last.saturating_sub(first) / i64::from(limit) + 1;
    let values = [book.0.into(), from.0.into(), last.into(), width.into()];
    let query = point::Entity::find().from_raw_sql(Statement::from_sql_and_values(backend, THIN, values));
    Ok(query.all(db).await.map_err(failed(READING_CURVE))?.into_iter().map(point_of).collect())
}

/// Spans are counted from the epoch, so that each look finds the same ones.
const FORGET: &str = "DELETE FROM equity_snapshots WHERE id IN (SELECT id FROM equity_snapshots \
    WHERE book_id = $1 AND at < $2 AND id NOT IN (SELECT MAX(id) FROM equity_snapshots \
    WHERE book_id = $1 AND at < $2 GROUP BY at / $3) LIMIT $4)";

/// Thins what is older than `before`; see [`crate::ports::store::Store::thin_curve`].
pub(super) async fn thin_curve(
    db: &impl ConnectionTrait,
    book: BookId,
    before: Timestamp,
    step_ms: i64,
    limit: u32,
) -> Result<u64, StoreError> {
    let values = [book.0.into(), before.0.into(), step_ms.into(), i64::from(limit).into()];
    let forget = Statement::from_sql_and_values(db.get_database_backend(), FORGET, values);
    Ok(db.execute_raw(forget).await.map_err(failed("thinning an equity curve"))?.rows_affected())
}
