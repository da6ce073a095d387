//! Table `books`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use super::super::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "books")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub trader_id: i64,
    pub venue: String,
    pub initial_capital: Amount,
    pub cash: Amount,
    pub realized: Amount,
    pub fees: Amount,
    pub high_water_mark: Amount,
    pub day: i64,
    pub day_start_equity: Amount,
    pub opened_at: i64,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
