//! Exchange accounts: both sides of every asset, differences, adjustments and runs; the evidence about orders whose
//! outcome is unknown; and what begins anew when a test network was wiped.

use crate::{
    VENUES, at, at_null, drop_tables, flag, foreign, id, indexes, money, number, reference, text, text_null, word,
};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Creates the tables of reconciliation.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        manager.create_table(accounts()).await?;
        manager.create_table(links()).await?;
        manager.create_table(assets(backend)).await?;
        manager.create_table(marks()).await?;
        manager.create_table(differences()).await?;
        manager.create_table(adjustments(backend)).await?;
        manager.create_table(runs()).await?;
        manager.create_table(probes()).await?;
        indexes(
            manager,
            &[
                "CREATE UNIQUE INDEX account_differences_current ON account_differences (fingerprint, key) \
                 WHERE status IN ('open', 'explained')",
                "CREATE INDEX account_differences_by_account ON account_differences (fingerprint, status, id)",
                "CREATE INDEX account_adjustments_by_account ON account_adjustments (fingerprint, id)",
                "CREATE INDEX reconciliation_runs_by_account ON reconciliation_runs (fingerprint, id)",
                "CREATE INDEX orders_by_venue_id ON orders (venue, symbol, venue_order_id)",
            ],
        )
        .await?;
        retire_fills(manager).await?;
        allow_write_offs(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        indexes(
            manager,
            &[
                "DROP INDEX fills_identity",
                "CREATE UNIQUE INDEX fills_identity ON fills (venue, symbol, trade_id)",
                "DROP INDEX orders_by_venue_id",
            ],
        )
        .await?;
        manager.alter_table(Table::alter().table("fills").drop_column("retired").to_owned()).await?;
        let tables = [
            "order_probes",
            "reconciliation_runs",
            "account_adjustments",
            "account_differences",
            "account_marks",
            "account_assets",
            "account_links",
            "exchange_accounts",
        ];
        drop_tables(manager, &tables).await
    }
}

const KINDS: &[&str] =
    &["balance", "foreign_trade", "foreign_order", "unknown_order", "order_missing", "order_state", "trade_missing"];

fn accounts() -> TableCreateStatement {
    let mut fingerprint = text("fingerprint");
    fingerprint.primary_key();
    Table::create()
        .table("exchange_accounts")
        .col(fingerprint)
        .col(word("venue", VENUES))
        .col(at("first_contact"))
        .col(at("since"))
        .col(word("state", &["agreed", "differs", "wiped"]))
        .col(at("checked_at"))
        .col(at_null("failing_since"))
        .col(text("failure"))
        .col(number("version"))
        .to_owned()
}

fn links() -> TableCreateStatement {
    Table::create()
        .table("account_links")
        .col(text("fingerprint"))
        .col(reference("trader_id"))
        .col(at("since"))
        .col(at_null("until"))
        .primary_key(Index::create().col("fingerprint").col("trader_id").col("since"))
        .foreign_key(&mut foreign("account_links", "trader_id", "traders"))
        .to_owned()
}

fn assets(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("account_assets")
        .col(text("fingerprint"))
        .col(text("asset"))
        .col(money(backend, "baseline"))
        .col(money(backend, "ours"))
        .col(money(backend, "adjusted"))
        .col(money(backend, "exchange"))
        .primary_key(Index::create().col("fingerprint").col("asset"))
        .to_owned()
}

fn marks() -> TableCreateStatement {
    Table::create()
        .table("account_marks")
        .col(text("fingerprint"))
        .col(text("symbol"))
        .col(number("trade_id"))
        .primary_key(Index::create().col("fingerprint").col("symbol"))
        .to_owned()
}

/// `effect` holds what adopting the difference adds to the expected balances, as JSON.
fn differences() -> TableCreateStatement {
    Table::create()
        .table("account_differences")
        .col(id())
        .col(text("fingerprint"))
        .col(word("kind", KINDS))
        .col(text("key"))
        .col(text("subject"))
        .col(text("local"))
        .col(text("exchange"))
        .col(text("effect"))
        .col(at("first_at"))
        .col(at("last_at"))
        .col(word("status", &["open", "explained", "adopted", "gone"]))
        .col(text_null("settled_by"))
        .col(at_null("settled_at"))
        .col(text("note"))
        .col(number("version"))
        .to_owned()
}

/// `retired` lines belong to a baseline that no longer counts.
fn adjustments(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("account_adjustments")
        .col(id())
        .col(text("fingerprint"))
        .col(text("asset"))
        .col(money(backend, "amount"))
        .col(text("reason"))
        .col(text("author"))
        .col(at("at"))
        .col(reference("difference_id"))
        .col(flag("retired"))
        .foreign_key(&mut foreign("account_adjustments", "difference_id", "account_differences"))
        .to_owned()
}

fn runs() -> TableCreateStatement {
    Table::create()
        .table("reconciliation_runs")
        .col(id())
        .col(text("fingerprint"))
        .col(text("process"))
        .col(text("author"))
        .col(at("started_at"))
        .col(at("finished_at"))
        .col(word("outcome", &["agreed", "differs", "wiped", "failed"]))
        .col(text("summary"))
        .to_owned()
}

fn probes() -> TableCreateStatement {
    Table::create()
        .table("order_probes")
        .col(reference("order_id"))
        .col(number("place"))
        .col(word("answer", &["found", "not_found", "not_listed", "unsure", "no_answer"]))
        .col(text("detail"))
        .col(number("count"))
        .col(number("spaced"))
        .col(at("spaced_at"))
        .col(at("first_at"))
        .col(at("last_at"))
        .col(at_null("venue_at"))
        .primary_key(Index::create().col("order_id").col("place"))
        .foreign_key(&mut foreign("order_probes", "order_id", "orders"))
        .to_owned()
}

/// A wiped exchange counts its trades from the start: identity holds among the fills that still count.
async fn retire_fills(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut retired = flag("retired");
    retired.default(false);
    manager.alter_table(Table::alter().table("fills").add_column(retired).to_owned()).await?;
    indexes(
        manager,
        &[
            "DROP INDEX fills_identity",
            "CREATE UNIQUE INDEX fills_identity ON fills (venue, symbol, trade_id) WHERE NOT retired",
        ],
    )
    .await
}

/// The ledger learns a third kind of transaction. PostgreSQL exchanges the constraint; SQLite cannot, so its table is
/// made anew, and its lines step aside meanwhile because they refer to it.
async fn allow_write_offs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Sqlite {
        let exchange = &[
            "ALTER TABLE ledger_transactions DROP CONSTRAINT IF EXISTS ledger_transactions_kind_check",
            "ALTER TABLE ledger_transactions ADD CONSTRAINT ledger_transactions_kind_check \
             CHECK (kind IN ('deposit', 'fill', 'write_off'))",
        ];
        return indexes(manager, exchange).await;
    }
    indexes(
        manager,
        &[
            "CREATE TABLE ledger_entries_aside AS SELECT * FROM ledger_entries",
            "DROP TABLE ledger_entries",
            "ALTER TABLE ledger_transactions RENAME TO ledger_transactions_aside",
        ],
    )
    .await?;
    manager.create_table(ledger_transactions()).await?;
    manager.create_table(ledger_entries(DbBackend::Sqlite)).await?;
    indexes(
        manager,
        &[
            "INSERT INTO ledger_transactions (id, book_id, kind, fill_id, at) \
             SELECT id, book_id, kind, fill_id, at FROM ledger_transactions_aside",
            "INSERT INTO ledger_entries (id, transaction_id, book_id, account, coin, asset, amount) \
             SELECT id, transaction_id, book_id, account, coin, asset, amount FROM ledger_entries_aside",
            "DROP TABLE ledger_entries_aside",
            "DROP TABLE ledger_transactions_aside",
            "CREATE UNIQUE INDEX ledger_transactions_fill ON ledger_transactions (fill_id)",
            "CREATE INDEX ledger_transactions_by_book ON ledger_transactions (book_id, id)",
            "CREATE INDEX ledger_entries_by_transaction ON ledger_entries (transaction_id, id)",
            "CREATE INDEX ledger_entries_by_book ON ledger_entries (book_id, id)",
        ],
    )
    .await
}

fn ledger_transactions() -> TableCreateStatement {
    let mut number = ColumnDef::new("id");
    number.big_integer().not_null().primary_key();
    Table::create()
        .table("ledger_transactions")
        .col(number)
        .col(reference("book_id"))
        .col(word("kind", &["deposit", "fill", "write_off"]))
        .col(at_null("fill_id"))
        .col(at("at"))
        .check(Expr::cust("(kind = 'fill') = (fill_id IS NOT NULL)"))
        .foreign_key(&mut foreign("ledger_transactions", "book_id", "books"))
        .foreign_key(&mut foreign("ledger_transactions", "fill_id", "fills"))
        .to_owned()
}

fn ledger_entries(backend: DbBackend) -> TableCreateStatement {
    let accounts = ["capital", "cash", "margin", "fees", "realized_pnl", "holding", "venue", "insurance"];
    Table::create()
        .table("ledger_entries")
        .col(id())
        .col(reference("transaction_id"))
        .col(reference("book_id"))
        .col(word("account", &accounts))
        .col(text_null("coin"))
        .col(text("asset"))
        .col(money(backend, "amount"))
        .foreign_key(&mut foreign("ledger_entries", "transaction_id", "ledger_transactions"))
        .to_owned()
}
