//! Table `bundles`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bundles")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub hash: String,
    pub trader_id: i64,
    pub cycle_id: i64,
    pub venue: String,
    pub at: i64,
    pub has_brief: bool,
    pub size: i64,
    pub stored: i64,
    #[sea_orm(column_type = "Blob")]
    pub body: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
