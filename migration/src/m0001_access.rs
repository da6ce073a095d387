//! Who may come in: users, their sessions, API tokens, and the state of the first-start page.

use crate::{at, at_null, id, reference, text, word};
use sea_orm_migration::prelude::*;

/// Creates the access tables.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(users()).await?;
        manager.create_table(sessions()).await?;
        manager.create_index(index("sessions_by_user", "sessions", "user_id")).await?;
        manager.create_index(index("sessions_by_idle_expiry", "sessions", "idle_expires_at")).await?;
        manager.create_table(tokens()).await?;
        manager.create_index(index("tokens_by_user", "tokens", "user_id")).await?;
        manager.create_table(setup_state()).await?;
        let only_row = Query::insert().into_table("setup_state").columns(["id"]).values_panic([1.into()]).to_owned();
        manager.exec_stmt(only_row).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["setup_state", "tokens", "sessions", "users"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// `username_key` is the name in lower case: `Ada` and `ada` are one person.
fn users() -> TableCreateStatement {
    let mut username_key = text("username_key");
    username_key.unique_key();
    Table::create()
        .table("users")
        .col(id())
        .col(text("username"))
        .col(username_key)
        .col(word("role", &["admin", "operator", "viewer"]))
        .col(text("password_hash"))
        .col(at("created_at"))
        .col(at("password_changed_at"))
        .to_owned()
}

/// Only the SHA-256 of a session's key is stored: a stolen copy of the database opens no session.
fn sessions() -> TableCreateStatement {
    let mut key_hash = text("key_hash");
    key_hash.primary_key();
    Table::create()
        .table("sessions")
        .col(key_hash)
        .col(reference("user_id"))
        .col(text("state"))
        .col(text("agent"))
        .col(text("address"))
        .col(at("created_at"))
        .col(at("seen_at"))
        .col(at("idle_expires_at"))
        .col(at("expires_at"))
        .foreign_key(
            ForeignKey::create()
                .name("sessions_user")
                .from("sessions", "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

/// Tokens are random, so a plain SHA-256 is enough to keep them unreadable.
fn tokens() -> TableCreateStatement {
    let mut token_hash = text("token_hash");
    token_hash.unique_key();
    Table::create()
        .table("tokens")
        .col(id())
        .col(reference("user_id"))
        .col(text("label"))
        .col(word("scope", &["admin", "operate", "read", "propose"]))
        .col(token_hash)
        .col(at("created_at"))
        .col(at_null("used_at"))
        .col(at_null("revoked_at"))
        .foreign_key(
            ForeignKey::create()
                .name("tokens_user")
                .from("tokens", "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

/// One row: the hash of the setup token in force, and when setup closed for ever.
fn setup_state() -> TableCreateStatement {
    let mut only = ColumnDef::new("id");
    only.integer().not_null().primary_key().check(Expr::col("id").eq(1));
    let mut token_hash = ColumnDef::new("token_hash");
    token_hash.text();
    Table::create().table("setup_state").col(only).col(token_hash).col(at_null("closed_at")).to_owned()
}

fn index(name: &'static str, table: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create().name(name).table(table).col(column).to_owned()
}
