//! Candidates on paper: who they are, how they have done, and each record that they answered. No order, no position and
//! no book of theirs is a row of those that trade.

use crate::{
    at, at_null, drop_tables, foreign, given_id, indexes, money, money_null, number, reference, text, text_null,
};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Creates the tables.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(shadows()).await?;
        manager.create_table(steps(manager.get_database_backend())).await?;
        indexes(
            manager,
            &[
                "CREATE UNIQUE INDEX shadows_by_name ON shadows (trader_id, name)",
                // Each cycle of rules asks whether somebody follows it.
                "CREATE INDEX shadows_active ON shadows (trader_id) WHERE stopped_at IS NULL",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["shadow_steps", "shadows"]).await
    }
}

fn shadows() -> TableCreateStatement {
    Table::create()
        .table("shadows")
        .col(given_id())
        .col(reference("trader_id"))
        .col(text("name"))
        .col(reference("provider_id"))
        .col(text("model_name"))
        .col(text_null("template"))
        .col(text("created_by"))
        .col(at("created_at"))
        .col(at_null("stopped_at"))
        .col(number("seen"))
        .col(text_null("progress"))
        .col(number("version"))
        .foreign_key(&mut foreign("shadows", "trader_id", "traders"))
        .foreign_key(&mut foreign("shadows", "provider_id", "providers"))
        .to_owned()
}

fn steps(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("shadow_steps")
        .col(reference("shadow_id"))
        .col(number("number"))
        .col(reference("cycle_id"))
        .col(at("market_at"))
        .col(at("at"))
        .col(money(backend, "equity"))
        .col(money(backend, "leader_equity"))
        .col(text("fills"))
        .col(text_null("error"))
        .col(text_null("bundle"))
        .col(money_null(backend, "cost"))
        .primary_key(Index::create().col("shadow_id").col("number"))
        .foreign_key(&mut foreign("shadow_steps", "shadow_id", "shadows"))
        .to_owned()
}
