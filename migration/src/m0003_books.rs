//! Account books and the points of their equity curves.

use crate::{VENUES, at, drop_tables, foreign, given_id, id, indexes, money, number, reference, word};
use sea_orm_migration::prelude::*;

/// Creates the tables of books and equity points.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        manager.create_table(books(backend)).await?;
        manager.create_table(equity_snapshots(backend)).await?;
        indexes(
            manager,
            &[
                "CREATE UNIQUE INDEX books_trader_venue ON books (trader_id, venue)",
                "CREATE INDEX equity_snapshots_by_time ON equity_snapshots (book_id, at, id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["equity_snapshots", "books"]).await
    }
}

fn books(backend: sea_orm::DbBackend) -> TableCreateStatement {
    Table::create()
        .table("books")
        .col(given_id())
        .col(reference("trader_id"))
        .col(word("venue", VENUES))
        .col(money(backend, "initial_capital"))
        .col(money(backend, "cash"))
        .col(money(backend, "realized"))
        .col(money(backend, "fees"))
        .col(money(backend, "high_water_mark"))
        .col(at("day"))
        .col(money(backend, "day_start_equity"))
        .col(at("opened_at"))
        .col(number("version"))
        .foreign_key(&mut foreign("books", "trader_id", "traders"))
        .to_owned()
}

fn equity_snapshots(backend: sea_orm::DbBackend) -> TableCreateStatement {
    Table::create()
        .table("equity_snapshots")
        .col(id())
        .col(reference("book_id"))
        .col(at("at"))
        .col(money(backend, "equity"))
        .col(money(backend, "cash"))
        .foreign_key(&mut foreign("equity_snapshots", "book_id", "books"))
        .to_owned()
}
