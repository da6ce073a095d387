//! Table `fills`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use super::super::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "fills")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub order_id: i64,
    pub trader_id: i64,
    pub book_id: i64,
    pub venue: String,
    pub coin: String,
    pub symbol: String,
    pub trade_id: i64,
    pub side: String,
    pub price: Amount,
    pub quantity: Amount,
    pub fee: Amount,
    pub fee_asset: String,
    pub fee_value: Amount,
    pub is_maker: bool,
    pub at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
