//! Templates of prompts, every saved one; and an index for what a language model is told of its earlier decisions.

use crate::{at, drop_tables, foreign, indexes, number, reference, text, text_null};
use sea_orm_migration::prelude::*;

/// Creates the table of templates.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(templates()).await?;
        indexes(
            manager,
            &[
                "CREATE INDEX prompt_templates_by_version ON prompt_templates (trader_id, version)",
                // Holds are most of what a model decides, and nothing becomes of them.
                "CREATE INDEX decisions_told ON decisions (book_id, id) \
                 WHERE expires_at IS NULL AND status <> 'no_action'",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        indexes(manager, &["DROP INDEX decisions_told"]).await?;
        drop_tables(manager, &["prompt_templates"]).await
    }
}

/// Numbered for each trader from 1; the highest is in force. Without a text it is the default of the program.
fn templates() -> TableCreateStatement {
    Table::create()
        .table("prompt_templates")
        .col(reference("trader_id"))
        .col(number("number"))
        .col(text_null("template"))
        .col(text("version"))
        .col(text("saved_by"))
        .col(at("saved_at"))
        .primary_key(Index::create().col("trader_id").col("number"))
        .foreign_key(&mut foreign("prompt_templates", "trader_id", "traders"))
        .to_owned()
}
