//! Cycles: the runs of traders.

use crate::{AUTOMATION_LEVELS, VENUES, at, drop_tables, foreign, given_id, indexes, reference, text, text_null, word};
use sea_orm_migration::prelude::*;

/// Creates the table of cycles.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(cycles()).await?;
        indexes(manager, &["CREATE INDEX cycles_by_trader ON cycles (trader_id, id)"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["cycles"]).await
    }
}

fn cycles() -> TableCreateStatement {
    Table::create()
        .table("cycles")
        .col(given_id())
        .col(reference("trader_id"))
        .col(word("venue", VENUES))
        .col(word("automation", AUTOMATION_LEVELS))
        .col(word("started_by", &["schedule", "operator", "api"]))
        .col(word("outcome", &["completed", "failed"]))
        .col(text_null("error"))
        .col(text("warnings"))
        .col(at("market_at"))
        .col(at("started_at"))
        .col(at("finished_at"))
        .col(text("asked"))
        .col(text("answered"))
        .foreign_key(&mut foreign("cycles", "trader_id", "traders"))
        .to_owned()
}
