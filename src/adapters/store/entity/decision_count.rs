//! Table `decision_counts`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "decision_counts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub trader_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tab: String,
    pub n: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
