//! Decisions and orders name the account they were made for, and fills what their fee was worth.

use crate::money;
use sea_orm_migration::prelude::*;

/// Adds the columns.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for table in ["decisions", "orders"] {
            let mut account = ColumnDef::new("account");
            account.text().not_null().default("");
            manager.alter_table(Table::alter().table(table).add_column(account).to_owned()).await?;
            db.execute_unprepared(&format!("UPDATE {table} SET account = venue || ':' || book_id")).await?;
        }
        let mut fee_value = money(manager.get_database_backend(), "fee_value");
        fee_value.default("0");
        manager.alter_table(Table::alter().table("fills").add_column(fee_value).to_owned()).await?;
        // Until now every fee was taken in the quote asset.
        db.execute_unprepared("UPDATE fills SET fee_value = fee").await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [("fills", "fee_value"), ("orders", "account"), ("decisions", "account")] {
            manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
