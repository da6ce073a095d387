//! The records of cycles, named by their content; and how much of a language model's answer could be used.

use crate::{VENUES, at, drop_tables, foreign, id, indexes, number, reference, text, text_null, word, word_null};
use sea_orm_migration::prelude::*;

/// Creates the table of bundles and the two columns of cycles.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(bundles()).await?;
        let grade = word_null("answer", &["used", "partly", "unusable", "no_answer"]);
        for column in [grade, text_null("bundle")] {
            manager.alter_table(Table::alter().table("cycles").add_column(column).to_owned()).await?;
        }
        indexes(
            manager,
            &[
                "CREATE UNIQUE INDEX bundles_by_hash ON bundles (hash)",
                "CREATE INDEX bundles_by_trader ON bundles (trader_id, id)",
                // Age and size are summed up without reading the documents.
                "CREATE INDEX bundles_by_age ON bundles (at, stored)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["bundle", "answer"] {
            manager.alter_table(Table::alter().table("cycles").drop_column(column).to_owned()).await?;
        }
        drop_tables(manager, &["bundles"]).await
    }
}

/// One row a document. It may be removed after a while; the cycle keeps its name.
fn bundles() -> TableCreateStatement {
    Table::create()
        .table("bundles")
        .col(id())
        .col(text("hash"))
        .col(reference("trader_id"))
        .col(reference("cycle_id"))
        .col(word("venue", VENUES))
        .col(at("at"))
        .col(number("size"))
        .col(number("stored"))
        .col(ColumnDef::new("body").blob().not_null())
        .foreign_key(&mut foreign("bundles", "trader_id", "traders"))
        .to_owned()
}
