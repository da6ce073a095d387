//! The database schema of Countersign: one change a file, applied in order at start.
//!
//! Rules of this crate: ids and times (epoch milliseconds, UTC) are `BIGINT`; money goes through [`money`], the one
//! backend-specific column; CHECK constraints name the legal words of every state column.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

mod m0001_access;

pub use sea_orm_migration::MigratorTrait;

/// Applies what a database lacks.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_access::Migration)]
    }
}

/// A required column for an exact decimal: text in the `decimal` collation on SQLite (which has no decimal type and
/// would round through a double), `NUMERIC(38,18)` on PostgreSQL.
pub fn money(backend: DbBackend, name: impl IntoIden) -> ColumnDef {
    let mut column = money_null(backend, name);
    column.not_null();
    column
}

/// Like [`money`], for a value that may be absent.
pub fn money_null(backend: DbBackend, name: impl IntoIden) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::Sqlite => column.custom(Alias::new("text collate decimal")),
        _ => column.decimal_len(38, 18),
    };
    column
}

/// The primary key of every table: a 64-bit number that the database hands out.
pub(crate) fn id() -> ColumnDef {
    let mut column = ColumnDef::new("id");
    column.big_integer().not_null().auto_increment().primary_key();
    column
}

/// A required moment, epoch milliseconds.
pub(crate) fn at(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

/// A moment that may be absent, epoch milliseconds.
pub(crate) fn at_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer();
    column
}

/// A required text.
pub(crate) fn text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    column
}

/// A required text that is one of the given words.
pub(crate) fn word(name: &'static str, words: &[&'static str]) -> ColumnDef {
    let mut column = text(name);
    column.check(Expr::col(name).is_in(words.iter().copied()));
    column
}

/// A required reference to another table's id.
pub(crate) fn reference(name: &'static str) -> ColumnDef {
    at(name)
}
