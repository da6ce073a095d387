//! The database schema of Countersign: one change a file, applied in order at start.
//!
//! Rules of this crate: ids and times (epoch milliseconds, UTC) are `BIGINT`; money goes through [`money`], the one
//! backend-specific column; CHECK constraints name the legal words of every state column.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

mod m0001_access;
mod m0002_traders;
mod m0003_books;
mod m0004_cycles;
mod m0005_decisions;
mod m0006_orders;
mod m0007_fills;
mod m0008_ledger;
mod m0009_incidents;
mod m0010_coordination;
mod m0011_credentials;
mod m0012_accounts;
mod m0013_reconciliation;
mod m0014_venue_answers;
mod m0015_providers;
mod m0016_ai_costs;
mod m0017_prompt_templates;
mod m0018_bundles;
mod m0019_reasks;
mod m0020_shadows;
mod m0021_trials;

pub use sea_orm_migration::MigratorTrait;

/// Applies what a database lacks.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_access::Migration),
            Box::new(m0002_traders::Migration),
            Box::new(m0003_books::Migration),
            Box::new(m0004_cycles::Migration),
            Box::new(m0005_decisions::Migration),
            Box::new(m0006_orders::Migration),
            Box::new(m0007_fills::Migration),
            Box::new(m0008_ledger::Migration),
            Box::new(m0009_incidents::Migration),
            Box::new(m0010_coordination::Migration),
            Box::new(m0011_credentials::Migration),
            Box::new(m0012_accounts::Migration),
            Box::new(m0013_reconciliation::Migration),
            Box::new(m0014_venue_answers::Migration),
            Box::new(m0015_providers::Migration),
            Box::new(m0016_ai_costs::Migration),
            Box::new(m0017_prompt_templates::Migration),
            Box::new(m0018_bundles::Migration),
            Box::new(m0019_reasks::Migration),
            Box::new(m0020_shadows::Migration),
            Box::new(m0021_trials::Migration),
        ]
    }
}

/// A required column for an exact decimal: text in the `decimal` collation on SQLite (which has no decimal type and
/// would round through a double), unconstrained `NUMERIC` on PostgreSQL (a fixed scale would round in silence, and the
/// two databases would disagree).
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
        _ => column.decimal(),
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

/// A text that may be absent.
pub(crate) fn text_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text();
    column
}

/// A text that is one of the given words or absent.
pub(crate) fn word_null(name: &'static str, words: &[&'static str]) -> ColumnDef {
    let mut column = text_null(name);
    column.check(Expr::col(name).is_in(words.iter().copied()));
    column
}

/// A required whole number.
pub(crate) fn number(name: &'static str) -> ColumnDef {
    at(name)
}

/// A whole number that may be absent.
pub(crate) fn number_null(name: &'static str) -> ColumnDef {
    at_null(name)
}

/// A required yes or no.
pub(crate) fn flag(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.boolean().not_null();
    column
}

/// A yes or no that may be absent.
pub(crate) fn flag_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.boolean();
    column
}

/// A primary key whose values the program hands out before the row is written.
pub(crate) fn given_id() -> ColumnDef {
    let mut column = ColumnDef::new("id");
    column.big_integer().not_null().primary_key();
    column
}

/// A reference that the database enforces; history is never deleted, so nothing cascades.
pub(crate) fn foreign(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().name(format!("{table}_{column}")).from(table, column).to(to, "id").to_owned()
}

/// Creates indexes; their text is the same on both databases, partial ones included.
pub(crate) async fn indexes(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Drops tables, the dependent ones first.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}

/// The words of a venue.
pub(crate) const VENUES: &[&str] = &["simulation", "testnet", "mainnet"];
/// The words of an automation level.
pub(crate) const AUTOMATION_LEVELS: &[&str] = &["manual", "semi_automated", "fully_automated"];
/// The words of a severity.
pub(crate) const SEVERITIES: &[&str] = &["low", "medium", "high", "critical"];
