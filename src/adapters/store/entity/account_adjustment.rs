//! Table `account_adjustments`.
#![allow(missing_docs, reason = "columns are described by the migration and the domain")]

use super::super::amount::Amount;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_adjustments")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub fingerprint: String,
    pub asset: String,
    pub amount: Amount,
    pub reason: String,
    pub author: String,
    pub at: i64,
    pub difference_id: i64,
    pub retired: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
