//! What the venue last answered about an order, as it came: for the record, and for whoever asks what was said.

use crate::text_null;
use sea_orm_migration::prelude::*;

/// Adds the column; orders that were answered before have none.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("orders").add_column(text_null("venue_answer")).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("orders").drop_column("venue_answer").to_owned()).await
    }
}
