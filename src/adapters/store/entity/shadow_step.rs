//! Table `shadow_steps`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use crate::adapters::store::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shadow_steps")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shadow_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub cycle_id: i64,
    pub market_at: i64,
    pub at: i64,
    pub equity: Amount,
    pub leader_equity: Amount,
    pub fills: String,
    pub error: Option<String>,
    pub bundle: Option<String>,
    pub cost: Option<Amount>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
