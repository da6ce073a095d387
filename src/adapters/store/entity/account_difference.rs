//! Table `account_differences`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_differences")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub fingerprint: String,
    pub kind: String,
    pub key: String,
    pub subject: String,
    pub local: String,
    pub exchange: String,
    pub effect: String,
    pub first_at: i64,
    pub last_at: i64,
    pub status: String,
    pub settled_by: Option<String>,
    pub settled_at: Option<i64>,
    pub note: String,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
