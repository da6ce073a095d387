//! Table `reasks`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reasks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub cycle_id: i64,
    pub trader_id: i64,
    pub provider_id: i64,
    pub model_name: String,
    pub template: String,
    pub asked_by: String,
    pub asked_at: i64,
    pub finished_at: Option<i64>,
    pub error: Option<String>,
    pub bundle: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
