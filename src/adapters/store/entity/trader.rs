//! Table `traders`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "traders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub name: String,
    pub provider_id: i64,
    pub model_name: String,
    pub exchange_type: String,
    pub trading_environment: String,
    pub automation_level: String,
    pub exchange_environment: String,
    pub state: String,
    pub paused_by: Option<String>,
    pub paused_reason: Option<String>,
    pub paused_at: Option<i64>,
    pub settings: String,
    pub next_run_at: Option<i64>,
    pub api_errors: i64,
    pub model_errors: i64,
    pub created_at: i64,
    pub deleted_at: Option<i64>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
