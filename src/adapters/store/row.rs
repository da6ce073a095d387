//! Turning stored values back into the domain's: whatever does not fit is named by table, row and column.

use super::amount::Amount;
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::time::Timestamp;
use crate::ports::store::{CommitError, Page, StoreError};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryTrait, Select, SqlErr, Statement};
use serde::de::DeserializeOwned;
use std::fmt::Display;

/// A row that is being read, for naming what is wrong with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    table: &'static str,
    id: i64,
}

impl Row {
    /// The row of a table with this id.
    pub(super) const fn new(table: &'static str, id: i64) -> Self {
        Self { table, id }
    }

    /// Says what is wrong with a column.
    pub(super) fn corrupt(self, column: &str, problem: impl Display) -> StoreError {
        StoreError::Corrupt { what: self.table, detail: format!("row {}, column {column}: {problem}", self.id) }
    }

    /// A word of ours.
    pub(super) fn word<T>(self, column: &str, text: &str, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(text).ok_or_else(|| self.corrupt(column, format_args!("{text:?} is not one of its words")))
    }

    /// A word of ours, if any.
    pub(super) fn word_opt<T>(
        self,
        column: &str,
        text: Option<&str>,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.word(column, text, parse)).transpose()
    }

    /// The name of a coin.
    pub(super) fn coin(self, column: &str, text: &str) -> Result<Coin, StoreError> {
        self.word(column, text, Coin::parse)
    }

    /// A price above zero.
    pub(super) fn price(self, column: &str, amount: Amount) -> Result<Price, StoreError> {
        Price::new(amount.0).ok_or_else(|| self.corrupt(column, format_args!("{} is no price", amount.0)))
    }

    /// A price above zero, if any.
    pub(super) fn price_opt(self, column: &str, amount: Option<Amount>) -> Result<Option<Price>, StoreError> {
        amount.map(|amount| self.price(column, amount)).transpose()
    }

    /// A quantity.
    pub(super) fn quantity(self, column: &str, amount: Amount) -> Result<Quantity, StoreError> {
        Quantity::new(amount.0).ok_or_else(|| self.corrupt(column, format_args!("{} is no quantity", amount.0)))
    }

    /// A quantity, if any.
    pub(super) fn quantity_opt(self, column: &str, amount: Option<Amount>) -> Result<Option<Quantity>, StoreError> {
        amount.map(|amount| self.quantity(column, amount)).transpose()
    }

    /// A number that is never negative and never large.
    pub(super) fn count(self, column: &str, number: i64) -> Result<u32, StoreError> {
        u32::try_from(number).map_err(|_| self.corrupt(column, format_args!("{number} is out of range")))
    }

    /// A structure that was stored as JSON text.
    pub(super) fn json<T: DeserializeOwned>(self, column: &str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.corrupt(column, error))
    }

    /// A column that the row's state requires.
    pub(super) fn present<T>(self, column: &str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(column, "is absent, but the row's state requires it"))
    }
}

/// JSON text of a structure of ours.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our structures have text keys and nothing that JSON cannot hold")
}

/// Price as a column.
pub(super) fn of_price(price: Price) -> Amount {
    Amount(price.decimal())
}

/// Quantity as a column.
pub(super) fn of_quantity(quantity: Quantity) -> Amount {
    Amount(quantity.decimal())
}

/// Money as a column.
pub(super) fn of_money(money: Money) -> Amount {
    Amount(money.decimal())
}

/// Column as money.
pub(super) const fn money(amount: Amount) -> Money {
    Money::new(amount.0)
}

/// Symbol as a column.
pub(super) fn of_symbol(symbol: &Symbol) -> String {
    symbol.as_str().to_owned()
}

/// A moment that may be absent as a column.
pub(super) fn of_time(at: Option<Timestamp>) -> Option<i64> {
    at.map(|at| at.0)
}

/// Wraps a driver's error with what was attempted.
pub(super) fn failed(action: &'static str) -> impl Fn(DbErr) -> StoreError + Copy {
    move |source| StoreError::Database { action, source: Box::new(source) }
}

/// Wraps a driver's error inside a commit: a row that exists already means that somebody else was first.
pub(super) fn refused(action: &'static str, what: &'static str) -> impl Fn(DbErr) -> CommitError + Copy {
    move |error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => CommitError::Conflict(what),
        _ => CommitError::Store(failed(action)(error)),
    }
}

/// How many rows a page takes, whatever it asks for.
pub(super) fn rows_of(page: Page) -> u64 {
    u64::from(page.limit.min(Page::MAX_LIMIT))
}

/// The one row that a query by a unique key finds.
///
/// Not the library's `one`, which binds a limit: SQLite looks into a bound limit while it plans a statement, and so it
/// parses and plans that statement anew each time it is used. Neither this nor [`first_rows`] does that.
pub(super) async fn only<E: EntityTrait>(
    db: &impl ConnectionTrait,
    query: Select<E>,
) -> Result<Option<E::Model>, DbErr> {
    Ok(query.all(db).await?.pop())
}

/// The first rows of a query, as many as a page takes.
pub(super) async fn first_rows<E: EntityTrait>(
    db: &impl ConnectionTrait,
    query: &Select<E>,
    page: Page,
) -> Result<Vec<E::Model>, DbErr> {
    E::find().from_raw_sql(limited(db, query, page)).all(db).await
}

/// A query with a page's limit written out. There are few different limits, so its statements stay prepared.
pub(super) fn limited(db: &impl ConnectionTrait, query: &impl QueryTrait, page: Page) -> Statement {
    let mut statement = query.build(db.get_database_backend());
    statement.sql.push_str(&format!(" LIMIT {}", rows_of(page)));
    statement
}
