//! What was asked beside a model's cycles: its own part of the cost, each question once at a time, and which records hold
//! a question that can be put to others.

use crate::{flag, indexes, money, number};
use sea_orm_migration::prelude::*;

/// Adds the columns, and the index that refuses a second click.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (mut calls, mut cost) = (number("trial_calls"), money(manager.get_database_backend(), "trial_cost"));
        for column in [calls.default(0), cost.default("0")] {
            manager.alter_table(Table::alter().table("ai_days").add_column(column.to_owned()).to_owned()).await?;
        }
        let mut told = flag("has_brief");
        let told = told.default(true).to_owned();
        manager.alter_table(Table::alter().table("bundles").add_column(told).to_owned()).await?;
        indexes(
            manager,
            &[
                // Nobody asks while the tables change.
                "UPDATE reasks SET finished_at = asked_at, error = 'the desk was stopped before the answer came' \
                 WHERE finished_at IS NULL",
                "CREATE UNIQUE INDEX reasks_being_asked ON reasks (cycle_id, provider_id, model_name, template) \
                 WHERE finished_at IS NULL",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        indexes(manager, &["DROP INDEX reasks_being_asked"]).await?;
        manager.alter_table(Table::alter().table("bundles").drop_column("has_brief").to_owned()).await?;
        for column in ["trial_cost", "trial_calls"] {
            manager.alter_table(Table::alter().table("ai_days").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
