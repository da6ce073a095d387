//! Table `ai_calls`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use crate::adapters::store::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ai_calls")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub trader_id: i64,
    pub provider_id: i64,
    pub model_name: String,
    pub cycle_id: i64,
    pub purpose: String,
    pub at: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub is_estimated: bool,
    pub cost: Option<Amount>,
    pub latency_ms: i64,
    pub is_answered: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
