//! The double-entry ledger: reading and writing. Sums are made here, in decimals: SQLite sums texts as floats.

use super::amount::Amount;
use super::entity::{ledger_entry as entry, ledger_transaction as transaction};
use super::row::{Row, failed};
use super::write::{Tx, insert_all};
use crate::domain::ids::{BookId, OrderId};
use crate::domain::ledger::{LedgerAccount, LedgerKind, LedgerTransaction};
use crate::domain::market::Coin;
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::ports::store::{CommitError, LedgerRow, StoreError};
use rust_decimal::Decimal;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use std::collections::BTreeMap;

const READING: &str = "reading the ledger";
const WRITING: &str = "writing the ledger";
/// Lines held in memory while a book's ledger is summed.
const SUM_CHUNK: u64 = 5_000;

/// Writes transactions under the given ids, one for each.
pub(super) async fn insert(tx: &Tx, transactions: &[LedgerTransaction], ids: &[i64]) -> Result<(), CommitError> {
    let heads = transactions
        .iter()
        .zip(ids)
        .map(|(head, id)| transaction::ActiveModel {
            id: Set(*id),
            book_id: Set(head.book_id.0),
            kind: Set(head.kind.as_str().to_owned()),
            fill_id: Set(head.fill_id.map(|fill| fill.0)),
            at: Set(head.at.0),
        })
        .collect();
    insert_all::<transaction::ActiveModel>(tx, heads, WRITING, "ledger").await?;
    let lines = transactions.iter().zip(ids).flat_map(|(head, id)| {
        head.entries().iter().map(move |line| entry::ActiveModel {
            id: NotSet,
            transaction_id: Set(*id),
            book_id: Set(head.book_id.0),
            account: Set(line.account.as_str().to_owned()),
            coin: Set(line.coin.as_ref().map(|coin| coin.as_str().to_owned())),
            asset: Set(line.asset.as_str().to_owned()),
            amount: Set(Amount(line.amount)),
        })
    });
    insert_all::<entry::ActiveModel>(tx, lines.collect(), WRITING, "ledger").await
}

/// Sums a book's lines per account, coin and asset, a bounded number of lines at a time.
pub(super) async fn sums(
    db: &impl ConnectionTrait,
    book: BookId,
) -> Result<Vec<(LedgerAccount, Option<Coin>, Coin, Decimal)>, StoreError> {
    let mut sums: BTreeMap<(String, Option<String>, String), Decimal> = BTreeMap::new();
    let (mut after, mut last_id) = (i64::MIN, 0);
    loop {
        let lines = entry::Entity::find()
            .filter(entry::Column::BookId.eq(book.0))
            .filter(entry::Column::Id.gt(after))
            .order_by_asc(entry::Column::Id)
            .limit(SUM_CHUNK)
            .all(db)
            .await
            .map_err(failed(READING))?;
        let Some(last) = lines.last() else { break };
        (after, last_id) = (last.id, last.id);
        for line in lines {
            *sums.entry((line.account, line.coin, line.asset)).or_default() += line.amount.0;
        }
    }
    let row = Row::new("ledger_entries", last_id);
    let read = |((account, coin, asset), sum): ((String, Option<String>, String), Decimal)| {
        Ok((
            row.word("account", &account, LedgerAccount::parse)?,
            row.word_opt("coin", coin.as_deref(), Coin::parse)?,
            row.coin("asset", &asset)?,
            sum.normalize(),
        ))
    };
    sums.into_iter().map(read).collect()
}

#[derive(FromQueryResult)]
struct Line {
    id: i64,
    transaction_id: i64,
    kind: String,
    account: String,
    coin: Option<String>,
    asset: String,
    amount: Amount,
    at: i64,
}

const OF_ORDER: &str = "SELECT e.id, e.transaction_id, t.kind, e.account, e.coin, e.asset, e.amount, t.at \
    FROM fills f JOIN ledger_transactions t ON t.fill_id = f.id JOIN ledger_entries e ON e.transaction_id = t.id \
    WHERE f.order_id = $1 ORDER BY e.id";

pub(super) async fn of_order(db: &impl ConnectionTrait, id: OrderId) -> Result<Vec<LedgerRow>, StoreError> {
    let query = Statement::from_sql_and_values(db.get_database_backend(), OF_ORDER, [id.0.into()]);
    let lines = Line::find_by_statement(query).all(db).await.map_err(failed(READING))?;
    let read = |line: Line| {
        let row = Row::new("ledger_entries", line.id);
        Ok(LedgerRow {
            id: line.id,
            transaction: line.transaction_id,
            kind: row.word("kind", &line.kind, LedgerKind::parse)?,
            account: row.word("account", &line.account, LedgerAccount::parse)?,
            coin: row.word_opt("coin", line.coin.as_deref(), Coin::parse)?,
            asset: row.coin("asset", &line.asset)?,
            amount: line.amount.0,
            at: Timestamp(line.at),
        })
    };
    lines.into_iter().map(read).collect()
}

#[derive(FromQueryResult)]
struct Realized {
    order_id: i64,
    amount: Amount,
}

/// What each of the orders realised: income and what the venue bore stand on the ledger with the opposite sign.
pub(super) async fn realized_by_order(
    db: &impl ConnectionTrait,
    orders: &[i64],
) -> Result<BTreeMap<i64, Money>, StoreError> {
    // Ids are numbers of ours, so they may stand in the text; a page has few of them.
    let ids = orders.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let text = format!(
        "SELECT f.order_id, e.amount FROM fills f JOIN ledger_transactions t ON t.fill_id = f.id \
         JOIN ledger_entries e ON e.transaction_id = t.id \
         WHERE f.order_id IN ({ids}) AND e.account IN ('realized_pnl', 'insurance')"
    );
    let query = Statement::from_string(db.get_database_backend(), text);
    let mut realized: BTreeMap<i64, Money> = BTreeMap::new();
    for line in Realized::find_by_statement(query).all(db).await.map_err(failed(READING))? {
        *realized.entry(line.order_id).or_default() += Money::new(-line.amount.0);
    }
    Ok(realized)
}
