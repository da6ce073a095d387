//! Table `providers`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use crate::adapters::store::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "providers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub name: String,
    pub kind: String,
    pub base_url: String,
    pub api_key: Option<Vec<u8>>,
    pub key_last4: Option<String>,
    pub input_price: Option<Amount>,
    pub output_price: Option<Amount>,
    pub max_concurrency: i64,
    pub timeout_seconds: i64,
    pub created_at: i64,
    pub deleted_at: Option<i64>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
