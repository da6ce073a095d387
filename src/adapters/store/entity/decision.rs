//! Table `decisions`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use super::super::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "decisions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub trader_id: i64,
    pub book_id: i64,
    pub venue: String,
    pub account: String,
    pub cycle_id: i64,
    pub source: String,
    pub coin: String,
    pub symbol: Option<String>,
    pub signal: Option<String>,
    pub quantity: Option<Amount>,
    pub leverage: i64,
    pub confidence: Option<Amount>,
    pub profit_target: Option<Amount>,
    pub stop_loss: Option<Amount>,
    pub order_style: String,
    pub worst_price: Option<Amount>,
    pub justification: String,
    pub explanation: String,
    pub quote_price: Option<Amount>,
    pub quote_at: Option<i64>,
    pub risk: String,
    pub impact: String,
    pub policy_version: i64,
    pub edited: bool,
    pub status: String,
    pub tab: String,
    pub expires_at: Option<i64>,
    pub digest: Option<String>,
    pub order_id: Option<i64>,
    pub approved_by: Option<String>,
    pub approved_at: Option<i64>,
    pub approved_version: Option<i64>,
    pub approved_edited: Option<bool>,
    pub ended_by: Option<String>,
    pub reason: Option<String>,
    pub superseded_by: Option<i64>,
    pub created_at: i64,
    pub resolved_at: Option<i64>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
