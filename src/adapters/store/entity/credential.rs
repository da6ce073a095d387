//! Table `credentials`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credentials")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub trader_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub environment: String,
    pub exchange_type: String,
    pub api_key: Vec<u8>,
    pub api_secret: Vec<u8>,
    pub key_last4: String,
    pub fingerprint: String,
    pub check_code: Option<String>,
    pub check_message: Option<String>,
    pub can_trade: Option<bool>,
    pub ip_restricted: Option<bool>,
    pub can_withdraw: Option<bool>,
    pub granted: Option<String>,
    pub checked_at: Option<i64>,
    pub saved_at: i64,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
