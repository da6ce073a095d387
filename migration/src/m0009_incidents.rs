//! What a person should know: incidents, notifications and the audit trail.

use crate::{SEVERITIES, at, at_null, drop_tables, id, indexes, number, number_null, text, text_null, word};
use sea_orm_migration::prelude::*;

/// Creates the tables of incidents, notifications and the audit trail.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(incidents()).await?;
        manager.create_table(notifications()).await?;
        manager.create_table(audit_trail()).await?;
        indexes(
            manager,
            &[
                // What is not resolved exists once: a repeated one is folded into it.
                "CREATE UNIQUE INDEX incidents_unresolved ON incidents (kind, trader_key, fingerprint) \
                 WHERE resolved_at IS NULL",
                "CREATE INDEX incidents_by_status ON incidents (status, id)",
                "CREATE INDEX incidents_by_trader ON incidents (trader_id, id)",
                "CREATE INDEX notifications_unread ON notifications (id) WHERE read_at IS NULL",
                "CREATE INDEX notifications_by_trader ON notifications (trader_id, id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["audit_trail", "notifications", "incidents"]).await
    }
}

const INCIDENT_KINDS: &[&str] = &[
    "ENVIRONMENT_CHANGE",
    "AUTOMATION_CHANGE",
    "EXCHANGE_ENV_CHANGE",
    "EXCHANGE_NOT_CONFIGURED",
    "EXECUTION_ERROR",
    "TRADE_REJECTED",
    "ORDER_OUTCOME_UNKNOWN",
    "RECONCILIATION_DRIFT",
    "CIRCUIT_BREAKER",
    "AUTO_PAUSE",
    "EMERGENCY_PAUSE",
    "EMERGENCY_STOP_ALL",
    "MODEL_ERROR",
    "STALE_MARKET_DATA",
    "POSITION_UNPROTECTED",
];
const NOTIFICATION_KINDS: &[&str] =
    &["decision_waits", "trade_executed", "order_failed", "auto_pause", "risk_trigger", "incident", "daily_summary"];

/// `trader_key` is the trader's id or 0: an absent id equals nothing, not even another absent one.
fn incidents() -> TableCreateStatement {
    Table::create()
        .table("incidents")
        .col(id())
        .col(word("kind", INCIDENT_KINDS))
        .col(word("severity", SEVERITIES))
        .col(number_null("trader_id"))
        .col(number("trader_key"))
        .col(text("fingerprint"))
        .col(text("title"))
        .col(text("detail"))
        .col(number("occurrences"))
        .col(word("status", &["open", "acknowledged", "resolved"]))
        .col(at("first_at"))
        .col(at("last_at"))
        .col(text_null("acknowledged_by"))
        .col(at_null("acknowledged_at"))
        .col(text_null("resolved_by"))
        .col(at_null("resolved_at"))
        .col(text("note"))
        .check(Expr::cust("(status = 'resolved') = (resolved_at IS NOT NULL)"))
        .to_owned()
}

fn notifications() -> TableCreateStatement {
    Table::create()
        .table("notifications")
        .col(id())
        .col(word("kind", NOTIFICATION_KINDS))
        .col(word("severity", SEVERITIES))
        .col(text("title"))
        .col(text("body"))
        .col(number_null("trader_id"))
        .col(number_null("decision_id"))
        .col(at("at"))
        .col(at_null("read_at"))
        .to_owned()
}

fn audit_trail() -> TableCreateStatement {
    Table::create()
        .table("audit_trail")
        .col(id())
        .col(at("at"))
        .col(text("actor"))
        .col(text("action"))
        .col(text("subject"))
        .col(text("detail"))
        .to_owned()
}
