//! Exchange credentials, sealed, and which models are armed for real money; and the incidents that tell of both.

use crate::{at, at_null, drop_tables, flag_null, foreign, number, text, text_null, word, word_null};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Creates the tables of credentials and arming, and widens the words of incidents.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(credentials()).await?;
        manager.create_table(arms()).await?;
        let connection = manager.get_connection();
        for statement in widen_incidents(manager.get_database_backend()) {
            connection.execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    /// The words of incidents stay wide: rows that use the new ones would not fit the old rule.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["arms", "credentials"]).await
    }
}

const ENVIRONMENTS: &[&str] = &["testnet", "mainnet"];
const CHECK_CODES: &[&str] = &[
    "ok",
    "not_configured",
    "bad_key",
    "wrong_environment",
    "clock_skew",
    "unreachable",
    "rate_limited",
    "unreadable_answer",
    "cannot_trade",
    "key_can_withdraw",
    "permissions_unknown",
    "vault_locked",
];
/// Every kind of incident that there may be, in one rule: the table below is rebuilt for it on SQLite.
const INCIDENT_KINDS: &[&str] = &[
    "ENVIRONMENT_CHANGE",
    "AUTOMATION_CHANGE",
    "EXCHANGE_ENV_CHANGE",
    "MAINNET_ARMED",
    "CREDENTIALS_UPDATED",
    "CREDENTIALS_DELETED",
    "EXCHANGE_NOT_CONFIGURED",
    "EXCHANGE_API_ERROR",
    "EXCHANGE_CLIENT_ERROR",
    "EXECUTION_ERROR",
    "TRADE_REJECTED",
    "ORDER_OUTCOME_UNKNOWN",
    "RECONCILIATION_DRIFT",
    "CIRCUIT_BREAKER",
    "AUTO_PAUSE",
    "SAFE_MODE",
    "EMERGENCY_PAUSE",
    "EMERGENCY_STOP_ALL",
    "MODEL_ERROR",
    "STALE_MARKET_DATA",
    "POSITION_UNPROTECTED",
];

/// One pair for each model and environment. Both halves are sealed; in the clear is only what tells keys apart.
fn credentials() -> TableCreateStatement {
    let sealed = |name: &'static str| {
        let mut column = ColumnDef::new(name);
        column.binary().not_null();
        column
    };
    Table::create()
        .table("credentials")
        .col(number("trader_id"))
        .col(word("environment", ENVIRONMENTS))
        .col(word("exchange_type", &["binance"]))
        .col(sealed("api_key"))
        .col(sealed("api_secret"))
        .col(text("key_last4"))
        .col(text("fingerprint"))
        .col(word_null("check_code", CHECK_CODES))
        .col(text_null("check_message"))
        .col(flag_null("can_trade"))
        .col(flag_null("ip_restricted"))
        .col(flag_null("can_withdraw"))
        .col(text_null("granted"))
        .col(at_null("checked_at"))
        .col(at("saved_at"))
        .col(number("version"))
        .primary_key(Index::create().col("trader_id").col("environment"))
        .foreign_key(&mut foreign("credentials", "trader_id", "traders"))
        .check(Expr::cust("(check_code IS NULL) = (checked_at IS NULL)"))
        .to_owned()
}

/// A model that may spend real money, until when, and by whose word.
fn arms() -> TableCreateStatement {
    let mut trader = number("trader_id");
    trader.primary_key();
    Table::create()
        .table("arms")
        .col(trader)
        .col(text("fingerprint"))
        .col(text("armed_by"))
        .col(at("armed_at"))
        .col(at("until"))
        .foreign_key(&mut foreign("arms", "trader_id", "traders"))
        .to_owned()
}

/// SQLite cannot change a rule of a table, only build the table anew.
fn widen_incidents(backend: DbBackend) -> Vec<String> {
    let kinds: Vec<String> = INCIDENT_KINDS.iter().map(|kind| format!("'{kind}'")).collect();
    let rule = format!("kind IN ({})", kinds.join(", "));
    if backend != DbBackend::Sqlite {
        return vec![format!(
            "ALTER TABLE incidents DROP CONSTRAINT incidents_kind_check, \
             ADD CONSTRAINT incidents_kind_check CHECK ({rule})"
        )];
    }
    const COLUMNS: &str = "id, kind, severity, trader_id, trader_key, fingerprint, title, detail, occurrences, status, \
        first_at, last_at, acknowledged_by, acknowledged_at, resolved_by, resolved_at, note";
    vec![
        format!(
            "CREATE TABLE incidents_wider (\
             id integer NOT NULL PRIMARY KEY AUTOINCREMENT, kind text NOT NULL CHECK ({rule}), \
             severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')), \
             trader_id bigint, trader_key bigint NOT NULL, fingerprint text NOT NULL, title text NOT NULL, \
             detail text NOT NULL, occurrences bigint NOT NULL, \
             status text NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved')), \
             first_at bigint NOT NULL, last_at bigint NOT NULL, acknowledged_by text, acknowledged_at bigint, \
             resolved_by text, resolved_at bigint, note text NOT NULL, \
             CHECK ((status = 'resolved') = (resolved_at IS NOT NULL)))"
        ),
        format!("INSERT INTO incidents_wider ({COLUMNS}) SELECT {COLUMNS} FROM incidents"),
        "DROP TABLE incidents".to_owned(),
        "ALTER TABLE incidents_wider RENAME TO incidents".to_owned(),
        "CREATE UNIQUE INDEX incidents_unresolved ON incidents (kind, trader_key, fingerprint) \
         WHERE resolved_at IS NULL"
            .to_owned(),
        "CREATE INDEX incidents_by_status ON incidents (status, id)".to_owned(),
        "CREATE INDEX incidents_by_trader ON incidents (trader_id, id)".to_owned(),
    ]
}
