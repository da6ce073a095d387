//! The double-entry ledger.

use crate::{at, drop_tables, foreign, given_id, id, indexes, money, number_null, reference, text, text_null, word};
use sea_orm_migration::prelude::*;

/// Creates the tables of ledger transactions and their lines.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(transactions()).await?;
        manager.create_table(entries(manager.get_database_backend())).await?;
        indexes(
            manager,
            &[
                // A fill is booked once.
                "CREATE UNIQUE INDEX ledger_transactions_fill ON ledger_transactions (fill_id)",
                "CREATE INDEX ledger_transactions_by_book ON ledger_transactions (book_id, id)",
                "CREATE INDEX ledger_entries_by_transaction ON ledger_entries (transaction_id, id)",
                "CREATE INDEX ledger_entries_by_book ON ledger_entries (book_id, id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["ledger_entries", "ledger_transactions"]).await
    }
}

const ACCOUNTS: &[&str] = &["capital", "cash", "margin", "fees", "realized_pnl", "holding", "venue", "insurance"];

fn transactions() -> TableCreateStatement {
    Table::create()
        .table("ledger_transactions")
        .col(given_id())
        .col(reference("book_id"))
        .col(word("kind", &["deposit", "fill"]))
        .col(number_null("fill_id"))
        .col(at("at"))
        .check(Expr::cust("(kind = 'fill') = (fill_id IS NOT NULL)"))
        .foreign_key(&mut foreign("ledger_transactions", "book_id", "books"))
        .foreign_key(&mut foreign("ledger_transactions", "fill_id", "fills"))
        .to_owned()
}

fn entries(backend: sea_orm::DbBackend) -> TableCreateStatement {
    Table::create()
        .table("ledger_entries")
        .col(id())
        .col(reference("transaction_id"))
        .col(reference("book_id"))
        .col(word("account", ACCOUNTS))
        .col(text_null("coin"))
        .col(text("asset"))
        .col(money(backend, "amount"))
        .foreign_key(&mut foreign("ledger_entries", "transaction_id", "ledger_transactions"))
        .to_owned()
}
