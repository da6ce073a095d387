//! Table `ai_days`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use crate::adapters::store::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ai_days")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub trader_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i64,
    pub calls: i64,
    pub estimated_calls: i64,
    pub unpriced_calls: i64,
    pub decisions: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost: Amount,
    pub trial_calls: i64,
    pub trial_cost: Amount,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
