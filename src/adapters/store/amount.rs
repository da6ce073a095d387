//! An exact decimal as a column: text on SQLite, which has no decimal type and would round through a double, and
//! `NUMERIC` on PostgreSQL.

use rust_decimal::Decimal;
use sea_orm::sea_query::{ArrayType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, ColumnType, DbErr, QueryResult, TryGetError, TryGetable, Value};
use std::str::FromStr;

/// A decimal that survives storage unchanged. Filters compare it by value on both databases, because it is normalised
/// on the way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub Decimal);

impl From<Amount> for Value {
    fn from(amount: Amount) -> Self {
        Self::Decimal(Some(amount.0.normalize()))
    }
}

impl Nullable for Amount {
    fn null() -> Value {
        Value::Decimal(None)
    }
}

impl ValueType for Amount {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        match value {
            Value::Decimal(Some(decimal)) => Ok(Self(decimal)),
            _ => Err(ValueTypeErr),
        }
    }

    fn type_name() -> String {
        "Amount".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::Decimal
    }

    fn column_type() -> ColumnType {
        ColumnType::Decimal(None)
    }
}

impl TryGetable for Amount {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        if row.try_as_pg_row().is_some() {
            return Decimal::try_get_by(row, index).map(|decimal| Self(decimal.normalize()));
        }
        let text = String::try_get_by(row, index)?;
        Decimal::from_str(&text).map(Self).map_err(|error| {
            TryGetError::DbErr(DbErr::Type(format!("column {index:?}: {text:?} is not a decimal: {error}")))
        })
    }
}
