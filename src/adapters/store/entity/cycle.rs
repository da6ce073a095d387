//! Table `cycles`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cycles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub trader_id: i64,
    pub venue: String,
    pub automation: String,
    pub started_by: String,
    pub outcome: String,
    pub error: Option<String>,
    pub warnings: String,
    pub market_at: i64,
    pub started_at: i64,
    pub finished_at: i64,
    pub asked: String,
    pub answered: String,
    pub answer: Option<String>,
    pub bundle: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
