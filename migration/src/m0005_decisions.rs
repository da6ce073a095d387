//! Decisions, their history, and how many each tab of the inbox holds.

use crate::{
    VENUES, at, at_null, drop_tables, flag, flag_null, foreign, given_id, id, indexes, money_null, number, number_null,
    reference, text, text_null, word, word_null,
};
use sea_orm_migration::prelude::*;

/// Creates the tables of decisions.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(decisions(manager.get_database_backend())).await?;
        manager.create_table(decision_events()).await?;
        manager.create_table(decision_counts()).await?;
        // `expires_at` is set exactly while a decision waits: partial indexes on it stay as small as the inbox.
        indexes(
            manager,
            &[
                "CREATE INDEX decisions_by_trader ON decisions (trader_id, id)",
                "CREATE INDEX decisions_by_tab ON decisions (tab, id)",
                "CREATE INDEX decisions_by_trader_tab ON decisions (trader_id, tab, id)",
                "CREATE INDEX decisions_by_status ON decisions (status, id)",
                "CREATE INDEX decisions_by_trader_status ON decisions (trader_id, status, id)",
                "CREATE INDEX decisions_by_cycle ON decisions (cycle_id, id)",
                "CREATE INDEX decisions_expiring ON decisions (expires_at, id) WHERE expires_at IS NOT NULL",
                "CREATE INDEX decisions_waiting ON decisions (book_id, id) WHERE expires_at IS NOT NULL",
                "CREATE INDEX decision_events_by_decision ON decision_events (decision_id, id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["decision_counts", "decision_events", "decisions"]).await
    }
}

const STATUSES: &[&str] = &[
    "model_error",
    "no_action",
    "denied",
    "displayed",
    "pending",
    "ordered",
    "rejected",
    "expired",
    "superseded",
    "cancelled",
];

fn decisions(backend: sea_orm::DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table.table("decisions").col(given_id()).col(reference("trader_id")).col(reference("book_id"));
    // The cycle is stored when it ends, which may be later than its decisions: no foreign key.
    table.col(word("venue", VENUES)).col(reference("cycle_id")).col(word("source", &["advisor", "external"]));
    table
        .col(text("coin"))
        .col(text_null("symbol"))
        .col(word_null("signal", &["buy_to_enter", "sell_to_enter", "close_position", "hold"]))
        .col(money_null(backend, "quantity"))
        .col(number("leverage"))
        .col(money_null(backend, "confidence"))
        .col(money_null(backend, "profit_target"))
        .col(money_null(backend, "stop_loss"))
        .col(word("order_style", &["market", "protected"]))
        .col(money_null(backend, "worst_price"))
        .col(text("justification"))
        .col(text("explanation"))
        .col(money_null(backend, "quote_price"))
        .col(at_null("quote_at"))
        .col(text("risk"))
        .col(text("impact"))
        .col(number("policy_version"))
        .col(flag("edited"));
    state_columns(&mut table);
    table.col(at("created_at")).col(at_null("resolved_at")).col(number("version"));
    table.foreign_key(&mut foreign("decisions", "trader_id", "traders"));
    table.foreign_key(&mut foreign("decisions", "book_id", "books"));
    table
}

/// Each status with the data that belongs to it, and none without.
fn state_columns(table: &mut TableCreateStatement) {
    table
        .col(word("status", STATUSES))
        .col(word("tab", &["", "pending", "approved", "rejected", "expired", "denied", "displayed"]))
        .col(at_null("expires_at"))
        .col(text_null("digest"))
        .col(number_null("order_id"))
        .col(text_null("approved_by"))
        .col(at_null("approved_at"))
        .col(number_null("approved_version"))
        .col(flag_null("approved_edited"))
        .col(text_null("ended_by"))
        .col(text_null("reason"))
        .col(number_null("superseded_by"))
        .check(Expr::cust("(status IN ('pending', 'displayed')) = (expires_at IS NOT NULL)"))
        .check(Expr::cust("(status = 'pending') = (digest IS NOT NULL)"))
        .check(Expr::cust("(status = 'ordered') = (order_id IS NOT NULL)"))
        .check(Expr::cust("(status = 'superseded') = (superseded_by IS NOT NULL)"))
        .check(Expr::cust("(status IN ('rejected', 'cancelled')) = (ended_by IS NOT NULL)"))
        .check(Expr::cust("approved_by IS NULL OR status IN ('ordered', 'denied')"));
}

fn decision_events() -> TableCreateStatement {
    Table::create()
        .table("decision_events")
        .col(id())
        .col(reference("decision_id"))
        .col(number("version"))
        .col(text("name"))
        .col(text("actor"))
        .col(text("detail"))
        .col(at("at"))
        .foreign_key(&mut foreign("decision_events", "decision_id", "decisions"))
        .to_owned()
}

/// Counting a tab's rows would cost as much as the tab is long; `all` is a tab of its own.
fn decision_counts() -> TableCreateStatement {
    Table::create()
        .table("decision_counts")
        .col(reference("trader_id"))
        .col(word("tab", &["pending", "approved", "rejected", "expired", "denied", "displayed", "all"]))
        .col(number("n"))
        .primary_key(Index::create().col("trader_id").col("tab"))
        .foreign_key(&mut foreign("decision_counts", "trader_id", "traders"))
        .to_owned()
}
