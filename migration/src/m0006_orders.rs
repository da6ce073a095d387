//! Orders, the attempts at sending them, their time lines, and the outbox.

use crate::{
    VENUES, at, at_null, drop_tables, flag, foreign, given_id, id, indexes, money, money_null, number, number_null,
    reference, text, text_null, word,
};
use sea_orm_migration::prelude::*;

/// Creates the tables of orders.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(orders(manager.get_database_backend())).await?;
        manager.create_table(order_attempts()).await?;
        manager.create_table(order_events()).await?;
        manager.create_table(outbox()).await?;
        // `closed_at` is absent exactly while an order is open: partial indexes on it stay small.
        indexes(
            manager,
            &[
                "CREATE UNIQUE INDEX orders_cause ON orders (cause_kind, cause_id, sequence)",
                "CREATE UNIQUE INDEX orders_client_order_id ON orders (client_order_id)",
                "CREATE INDEX orders_by_trader ON orders (trader_id, id)",
                "CREATE INDEX orders_by_status ON orders (status, id)",
                "CREATE INDEX orders_executed ON orders (trader_id, venue, executed, id)",
                "CREATE INDEX orders_entries ON orders (book_id, counts_as_entry, market_at)",
                "CREATE INDEX orders_open ON orders (id) WHERE closed_at IS NULL",
                "CREATE INDEX orders_open_by_book ON orders (book_id, id) WHERE closed_at IS NULL",
                "CREATE INDEX order_events_by_order ON order_events (order_id, id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["outbox", "order_events", "order_attempts", "orders"]).await
    }
}

const STATUSES: &[&str] = &[
    "initialized",
    "submitted",
    "unknown",
    "accepted",
    "partially_filled",
    "pending_cancel",
    "filled",
    "canceled",
    "expired",
    "rejected",
    "denied",
];
const CAUSES: &[&str] = &["decision", "protective", "operator_close", "flatten", "liquidation"];

fn orders(backend: sea_orm::DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table.table("orders").col(given_id()).col(reference("trader_id")).col(reference("book_id"));
    table
        .col(word("venue", VENUES))
        .col(word("cause_kind", CAUSES))
        .col(number("cause_id"))
        .col(number("sequence"))
        .col(text("coin"))
        .col(text("symbol"))
        .col(flag("is_entry"))
        .col(word("position_side", &["long", "short"]))
        .col(word("kind", &["market", "limit_ioc"]))
        .col(money_null(backend, "limit_price"))
        .col(money(backend, "quantity"))
        .col(number("leverage"))
        .col(money_null(backend, "stop_loss"))
        .col(money_null(backend, "profit_target"))
        .col(money(backend, "quote_price"))
        .col(at("quote_at"))
        .col(number("policy_version"))
        .col(number("terms_version"))
        .col(text("client_order_id"))
        .col(number_null("venue_order_id"))
        .col(text("digest"));
    state_columns(&mut table);
    table
        .col(number("attempts"))
        .col(money(backend, "filled"))
        .col(money(backend, "filled_value"))
        .col(money(backend, "fees"))
        .col(at("created_at"))
        .col(at("market_at"))
        .col(at("updated_at"))
        .col(at_null("send_before"))
        .col(flag("counts_as_entry"))
        .col(flag("executed"))
        .col(at_null("closed_at"))
        .col(number("version"))
        .check(Expr::cust("(kind = 'limit_ioc') = (limit_price IS NOT NULL)"))
        .foreign_key(&mut foreign("orders", "trader_id", "traders"))
        .foreign_key(&mut foreign("orders", "book_id", "books"));
    table
}

/// Each status with the data that belongs to it, and none without.
fn state_columns(table: &mut TableCreateStatement) {
    table
        .col(word("status", STATUSES))
        .col(number_null("attempt"))
        .col(at_null("sent_at"))
        .col(number_null("epoch"))
        .col(text_null("code"))
        .col(text_null("reason"))
        .check(Expr::cust("(status = 'submitted') = (attempt IS NOT NULL)"))
        .check(Expr::cust("(status = 'submitted') = (epoch IS NOT NULL)"))
        .check(Expr::cust("(status IN ('submitted', 'unknown')) = (sent_at IS NOT NULL)"))
        .check(Expr::cust("(status = 'rejected') = (code IS NOT NULL)"));
}

fn order_attempts() -> TableCreateStatement {
    Table::create()
        .table("order_attempts")
        .col(reference("order_id"))
        .col(number("number"))
        .col(at("sent_at"))
        .col(number("epoch"))
        .col(text("sender"))
        .col(text("outcome"))
        .primary_key(Index::create().col("order_id").col("number"))
        .foreign_key(&mut foreign("order_attempts", "order_id", "orders"))
        .to_owned()
}

fn order_events() -> TableCreateStatement {
    Table::create()
        .table("order_events")
        .col(id())
        .col(reference("order_id"))
        .col(text("name"))
        .col(text("detail"))
        .col(at("at"))
        .foreign_key(&mut foreign("order_events", "order_id", "orders"))
        .to_owned()
}

/// Orders that are journaled and not sent.
fn outbox() -> TableCreateStatement {
    let mut order_id = reference("order_id");
    order_id.primary_key();
    Table::create().table("outbox").col(order_id).foreign_key(&mut foreign("outbox", "order_id", "orders")).to_owned()
}
