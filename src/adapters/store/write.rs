//! What every write shares: multi-row inserts and compare-and-set.

use super::row::refused;
use crate::ports::store::CommitError;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, Iterable};

/// The transaction of a commit.
pub(super) type Tx = DatabaseTransaction;

/// Values in one statement: SQLite takes 32,766, PostgreSQL twice as many.
const STATEMENT_VALUES_MAX: usize = 30_000;
/// Rows in one statement: beyond this, longer statements gain nothing.
const STATEMENT_ROWS_MAX: usize = 500;

/// Writes rows with as few statements as the databases allow. `what` is named when one of them exists already.
pub(super) async fn insert_all<A>(
    tx: &Tx,
    rows: Vec<A>,
    action: &'static str,
    what: &'static str,
) -> Result<(), CommitError>
where
    A: ActiveModelTrait + Send,
{
    let columns = <A::Entity as EntityTrait>::Column::iter().count().max(1);
    let size = (STATEMENT_VALUES_MAX / columns).clamp(1, STATEMENT_ROWS_MAX);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<A> = rows.by_ref().take(size).collect();
        A::Entity::insert_many(chunk).exec_without_returning(tx).await.map_err(refused(action, what))?;
    }
    Ok(())
}

/// A compare-and-set that changed nothing was based on something old.
pub(super) const fn updated_one(rows: u64, what: &'static str) -> Result<(), CommitError> {
    if rows == 1 { Ok(()) } else { Err(CommitError::Conflict(what)) }
}
