//! Table `arms`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "arms")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub trader_id: i64,
    pub fingerprint: String,
    pub armed_by: String,
    pub armed_at: i64,
    pub until: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
