//! Table `positions`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use super::super::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "positions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub trader_id: i64,
    pub book_id: i64,
    pub coin: String,
    pub symbol: String,
    pub side: String,
    pub quantity: Amount,
    pub cost: Amount,
    pub margin: Amount,
    pub leverage: i64,
    pub entered: Amount,
    pub entered_value: Amount,
    pub exited_value: Amount,
    pub realized: Amount,
    pub fees: Amount,
    pub stop_loss: Option<Amount>,
    pub profit_target: Option<Amount>,
    pub opened_at: i64,
    pub closed_at: Option<i64>,
    pub watched_until: i64,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
