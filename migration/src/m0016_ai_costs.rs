//! What language models cost: each call, sums by day; and how many answers in a row were unusable.

use crate::{at, drop_tables, flag, foreign, id, indexes, money, money_null, number, reference, text, word};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Creates the tables of calls and their days, and the traders' counter.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        manager.create_table(calls(backend)).await?;
        manager.create_table(days(backend)).await?;
        let mut counter = number("model_errors");
        counter.default(0);
        manager.alter_table(Table::alter().table("traders").add_column(counter).to_owned()).await?;
        indexes(
            manager,
            &[
                "CREATE INDEX ai_calls_by_trader ON ai_calls (trader_id, id)",
                "CREATE INDEX ai_calls_by_cycle ON ai_calls (cycle_id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("traders").drop_column("model_errors").to_owned()).await?;
        drop_tables(manager, &["ai_days", "ai_calls"]).await
    }
}

/// One row a call. A failed cycle's calls cost as well.
fn calls(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("ai_calls")
        .col(id())
        .col(reference("trader_id"))
        .col(reference("provider_id"))
        .col(text("model_name"))
        .col(reference("cycle_id"))
        .col(word("purpose", &["cycle", "reask", "shadow"]))
        .col(at("at"))
        .col(number("input_tokens"))
        .col(number("output_tokens"))
        .col(flag("is_estimated"))
        .col(money_null(backend, "cost"))
        .col(number("latency_ms"))
        .col(flag("is_answered"))
        .foreign_key(&mut foreign("ai_calls", "trader_id", "traders"))
        .foreign_key(&mut foreign("ai_calls", "provider_id", "providers"))
        .to_owned()
}

/// The sums of one model's UTC day: budgets are read at each cycle, and a month may have a hundred thousand calls.
fn days(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("ai_days")
        .col(reference("trader_id"))
        .col(at("day"))
        .col(number("calls"))
        .col(number("estimated_calls"))
        .col(number("unpriced_calls"))
        .col(number("decisions"))
        .col(number("input_tokens"))
        .col(number("output_tokens"))
        .col(money(backend, "cost"))
        .primary_key(Index::create().col("trader_id").col("day"))
        .foreign_key(&mut foreign("ai_days", "trader_id", "traders"))
        .to_owned()
}
