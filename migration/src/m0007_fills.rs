//! Fills, and the positions that are folded from them.

use crate::{
    VENUES, at, at_null, drop_tables, flag, foreign, given_id, indexes, money, money_null, number, reference, text,
    word,
};
use sea_orm_migration::prelude::*;

/// Creates the tables of fills and positions.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        manager.create_table(fills(backend)).await?;
        manager.create_table(positions(backend)).await?;
        indexes(
            manager,
            &[
                "CREATE UNIQUE INDEX fills_identity ON fills (venue, symbol, trade_id)",
                "CREATE INDEX fills_by_order ON fills (order_id, id)",
                "CREATE UNIQUE INDEX positions_open ON positions (book_id, coin) WHERE closed_at IS NULL",
                "CREATE INDEX positions_closed ON positions (book_id, closed_at, id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["positions", "fills"]).await
    }
}

fn fills(backend: sea_orm::DbBackend) -> TableCreateStatement {
    Table::create()
        .table("fills")
        .col(given_id())
        .col(reference("order_id"))
        .col(reference("trader_id"))
        .col(reference("book_id"))
        .col(word("venue", VENUES))
        .col(text("coin"))
        .col(text("symbol"))
        .col(number("trade_id"))
        .col(word("side", &["buy", "sell"]))
        .col(money(backend, "price"))
        .col(money(backend, "quantity"))
        .col(money(backend, "fee"))
        .col(text("fee_asset"))
        .col(flag("is_maker"))
        .col(at("at"))
        .foreign_key(&mut foreign("fills", "order_id", "orders"))
        .foreign_key(&mut foreign("fills", "book_id", "books"))
        .to_owned()
}

fn positions(backend: sea_orm::DbBackend) -> TableCreateStatement {
    Table::create()
        .table("positions")
        .col(given_id())
        .col(reference("trader_id"))
        .col(reference("book_id"))
        .col(text("coin"))
        .col(text("symbol"))
        .col(word("side", &["long", "short"]))
        .col(money(backend, "quantity"))
        .col(money(backend, "cost"))
        .col(money(backend, "margin"))
        .col(number("leverage"))
        .col(money(backend, "entered"))
        .col(money(backend, "entered_value"))
        .col(money(backend, "exited_value"))
        .col(money(backend, "realized"))
        .col(money(backend, "fees"))
        .col(money_null(backend, "stop_loss"))
        .col(money_null(backend, "profit_target"))
        .col(at("opened_at"))
        .col(at_null("closed_at"))
        .col(at("watched_until"))
        .col(number("version"))
        .foreign_key(&mut foreign("positions", "trader_id", "traders"))
        .foreign_key(&mut foreign("positions", "book_id", "books"))
        .to_owned()
}
