//! What processes share: leases, id counters, small named values, and the stop switch of PostgreSQL deployments.

use crate::{at, at_null, drop_tables, number, number_null, text, text_null};
use sea_orm_migration::prelude::*;

/// Creates the tables of coordination.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(leases()).await?;
        manager.create_table(named("counters", number("last"))).await?;
        manager.create_table(named("meta", text("value"))).await?;
        manager.create_table(stop_switch()).await?;
        let only_row = Query::insert().into_table("stop_switch").columns(["id"]).values_panic([1.into()]).to_owned();
        manager.exec_stmt(only_row).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["stop_switch", "meta", "counters", "leases"]).await
    }
}

/// `epoch` only ever grows, so that whoever held the lease before can be told apart from whoever holds it now.
fn leases() -> TableCreateStatement {
    named("leases", text("owner")).col(number("epoch")).col(at("lapses_at")).col(number_null("cycle_id")).to_owned()
}

fn named(table: &'static str, value: ColumnDef) -> TableCreateStatement {
    let mut name = text("name");
    name.primary_key();
    Table::create().table(table).col(name).col(value).to_owned()
}

/// One row: the stop in force, or nothing.
fn stop_switch() -> TableCreateStatement {
    let mut only = ColumnDef::new("id");
    only.integer().not_null().primary_key().check(Expr::col("id").eq(1));
    Table::create()
        .table("stop_switch")
        .col(only)
        .col(text_null("raised_by"))
        .col(at_null("raised_at"))
        .col(text_null("reason"))
        .to_owned()
}
