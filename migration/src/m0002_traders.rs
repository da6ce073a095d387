//! Traders: the models with their three axes and settings.

use crate::{AUTOMATION_LEVELS, at, at_null, drop_tables, given_id, indexes, number, text, text_null, word};
use sea_orm_migration::prelude::*;

/// Creates the table of traders.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(traders()).await?;
        // A deleted trader's name is free again.
        indexes(manager, &["CREATE UNIQUE INDEX traders_name ON traders (name) WHERE deleted_at IS NULL"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["traders"]).await
    }
}

fn traders() -> TableCreateStatement {
    let paused_says_who = Expr::cust("state <> 'paused' OR (paused_by IS NOT NULL AND paused_at IS NOT NULL)");
    Table::create()
        .table("traders")
        .col(given_id())
        .col(text("name"))
        .col(number("provider_id"))
        .col(text("model_name"))
        .col(word("exchange_type", &["binance"]))
        .col(word("trading_environment", &["simulation", "live"]))
        .col(word("automation_level", AUTOMATION_LEVELS))
        .col(word("exchange_environment", &["testnet", "mainnet"]))
        .col(word("state", &["active", "paused"]))
        .col(text_null("paused_by"))
        .col(text_null("paused_reason"))
        .col(at_null("paused_at"))
        .col(text("settings"))
        .col(at_null("next_run_at"))
        .col(number("api_errors"))
        .col(at("created_at"))
        .col(at_null("deleted_at"))
        .col(number("version"))
        .check(paused_says_who)
        .to_owned()
}
