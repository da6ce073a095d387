//! Table `orders`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use super::super::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub trader_id: i64,
    pub book_id: i64,
    pub venue: String,
    pub account: String,
    pub cause_kind: String,
    pub cause_id: i64,
    pub sequence: i64,
    pub coin: String,
    pub symbol: String,
    pub is_entry: bool,
    pub position_side: String,
    pub kind: String,
    pub limit_price: Option<Amount>,
    pub quantity: Amount,
    pub leverage: i64,
    pub stop_loss: Option<Amount>,
    pub profit_target: Option<Amount>,
    pub quote_price: Amount,
    pub quote_at: i64,
    pub policy_version: i64,
    pub terms_version: i64,
    pub client_order_id: String,
    pub venue_order_id: Option<i64>,
    pub digest: String,
    pub status: String,
    pub attempt: Option<i64>,
    pub sent_at: Option<i64>,
    pub epoch: Option<i64>,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub attempts: i64,
    pub filled: Amount,
    pub filled_value: Amount,
    pub fees: Amount,
    pub created_at: i64,
    pub market_at: i64,
    pub updated_at: i64,
    pub send_before: Option<i64>,
    pub counts_as_entry: bool,
    pub executed: bool,
    pub closed_at: Option<i64>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
