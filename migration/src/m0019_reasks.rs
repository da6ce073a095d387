//! Questions of cycles that were put once more, to another language model or in other words.

use crate::{at, at_null, drop_tables, foreign, given_id, indexes, reference, text, text_null, word};
use sea_orm_migration::prelude::*;

/// Creates the table.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("reasks")
            .col(given_id())
            .col(reference("cycle_id"))
            .col(reference("trader_id"))
            .col(reference("provider_id"))
            .col(text("model_name"))
            .col(word("template", &["recorded", "current", "default"]))
            .col(text("asked_by"))
            .col(at("asked_at"))
            .col(at_null("finished_at"))
            .col(text_null("error"))
            .col(text_null("bundle"))
            .foreign_key(&mut foreign("reasks", "cycle_id", "cycles"))
            .foreign_key(&mut foreign("reasks", "trader_id", "traders"))
            .foreign_key(&mut foreign("reasks", "provider_id", "providers"))
            .to_owned();
        manager.create_table(table).await?;
        indexes(manager, &["CREATE INDEX reasks_by_cycle ON reasks (cycle_id, id)"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["reasks"]).await
    }
}
