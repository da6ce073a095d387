//! Providers of language models, with their sealed keys, and the answer mode that worked with each of their models.

use crate::{at, at_null, drop_tables, foreign, given_id, indexes, money_null, number, text, text_null, word};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Creates the tables of providers.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(providers(manager.get_database_backend())).await?;
        manager.create_table(modes()).await?;
        indexes(manager, INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        indexes(manager, &["DELETE FROM counters WHERE name = 'provider'"]).await?;
        drop_tables(manager, &["provider_modes", "providers"]).await
    }
}

/// A name is free again when its provider is deleted. The first id is taken: it names the built-in rules.
const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX providers_name ON providers (name) WHERE deleted_at IS NULL",
    "INSERT INTO counters (name, last) VALUES ('provider', 1)",
];
const KINDS: &[&str] =
    &["openai", "openrouter", "deepseek", "anthropic", "gemini", "llama_cpp", "vllm", "ollama", "other"];
const MODES: &[&str] = &["json_schema", "json_object", "plain"];

/// A key that is absent is none; what is deleted keeps no key.
fn providers(backend: DbBackend) -> TableCreateStatement {
    let mut api_key = ColumnDef::new("api_key");
    api_key.binary();
    Table::create()
        .table("providers")
        .col(given_id())
        .col(text("name"))
        .col(word("kind", KINDS))
        .col(text("base_url"))
        .col(api_key)
        .col(text_null("key_last4"))
        .col(money_null(backend, "input_price"))
        .col(money_null(backend, "output_price"))
        .col(number("max_concurrency"))
        .col(number("timeout_seconds"))
        .col(at("created_at"))
        .col(at_null("deleted_at"))
        .col(number("version"))
        .check(Expr::cust("(input_price IS NULL) = (output_price IS NULL)"))
        .check(Expr::cust("deleted_at IS NULL OR api_key IS NULL"))
        .check(Expr::cust("id > 1"))
        .to_owned()
}

fn modes() -> TableCreateStatement {
    Table::create()
        .table("provider_modes")
        .col(number("provider_id"))
        .col(text("model_name"))
        .col(word("mode", MODES))
        .col(at("at"))
        .primary_key(Index::create().col("provider_id").col("model_name"))
        .foreign_key(&mut foreign("provider_modes", "provider_id", "providers"))
        .to_owned()
}
