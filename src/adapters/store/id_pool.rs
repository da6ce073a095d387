//! Ids in memory: the database hands out blocks, so that most ids cost nothing. A restart skips the rest of a block.

use super::connect::Db;
use super::leases;
use crate::ports::store::{IdKind, StoreError};
use std::collections::BTreeMap;
use std::ops::Range;
use tokio::sync::Mutex;

/// Ids in one block of what is made often.
const BLOCK: i64 = 64;
/// Ids in one block of what a person makes and sees: no gaps there.
const BLOCK_OF_RARE: i64 = 1;
/// The counter of ledger transactions, which nobody outside asks for.
pub(super) const LEDGER_TRANSACTION: &str = "ledger_transaction";
/// What comes into being so rarely that a block of ids would mostly be thrown away.
const RARE: [IdKind; 5] = [IdKind::Trader, IdKind::Book, IdKind::Provider, IdKind::Reask, IdKind::Shadow];

/// The rest of each counter's block.
#[derive(Debug, Default)]
pub(super) struct IdPool {
    blocks: Mutex<BTreeMap<&'static str, Range<i64>>>,
}

impl IdPool {
    /// Hands out `count` ids, ascending. Whoever asks at the same moment waits rather than reserves a block of its own.
    pub(super) async fn take(&self, db: &Db, counter: &'static str, count: usize) -> Result<Vec<i64>, StoreError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let rare = RARE.iter().any(|kind| kind.as_str() == counter);
        let mut blocks = self.blocks.lock().await;
        let block = blocks.entry(counter).or_default();
        let mut ids: Vec<i64> = block.by_ref().take(count).collect();
        let missing = i64::try_from(count - ids.len()).unwrap_or(i64::MAX);
        if missing > 0 {
            let size = missing.max(if rare { BLOCK_OF_RARE } else { BLOCK });
            let last = leases::advance(db, counter, size).await?;
            *block = last - size + 1..last + 1;
            ids.extend(block.by_ref().take(count - ids.len()));
        }
        Ok(ids)
    }
}
