//! All records of cycles, one after another: replayed, or written out. Works on a store beside a running server and
//! changes nothing.

use crate::domain::ids::CycleId;
use crate::ports::bundle::{BundleCodec, BundleError};
use crate::ports::language_model::AnswerReader;
use crate::ports::store::{BundleFilter, SharedStore, StoreError};
use crate::services::replay_bundle::{Difference, ReplayError, replay};
use std::sync::Arc;

/// Records that are listed at once; their documents are read one by one.
const BATCH: u32 = 100;

/// What records are read with.
#[derive(Clone)]
pub struct Records {
    /// Where they are.
    pub store: SharedStore,
    /// Turns them from bytes.
    pub bundles: Arc<dyn BundleCodec>,
    /// Reads the answers in them.
    pub answers: Arc<dyn AnswerReader>,
}

/// What was found in one record.
#[derive(Debug)]
pub enum Finding {
    /// Something would be decided otherwise.
    Differs(Difference),
    /// It cannot be read.
    Damaged(BundleError),
}

/// What replaying all records came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayTally {
    /// From which the same decisions follow.
    pub identical: u64,
    /// From which others follow.
    pub differing: u64,
    /// In which nothing was judged.
    pub unanswered: u64,
    /// Which cannot be read.
    pub damaged: u64,
}

impl ReplayTally {
    /// How many there were.
    pub const fn all(&self) -> u64 {
        self.identical + self.differing + self.unanswered + self.damaged
    }

    /// Whether from every record that has an answer the same decisions follow.
    pub const fn is_clean(&self) -> bool {
        self.differing == 0 && self.damaged == 0
    }
}

/// What was written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportTally {
    /// How many records.
    pub written: u64,
    /// How many were left out, because they are damaged.
    pub damaged: u64,
}

/// Why records were not written out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They could not be written.
    #[error("writing the records failed: {0}")]
    Write(#[from] std::io::Error),
}

impl Records {
    /// Replays every record, the oldest first, and tells what is found on the way.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn replay_all(&self, tell: &mut (dyn FnMut(CycleId, Finding) + Send)) -> Result<ReplayTally, StoreError> {
        let mut tally = ReplayTally::default();
        let mut after = 0;
        loop {
            let heads = self.store.bundle_heads(BundleFilter::default(), after, BATCH).await?;
            let Some(last) = heads.last() else { return Ok(tally) };
            after = last.number;
            for head in &heads {
                // One that was removed on schedule in this very moment is none any more.
                let Some(packed) = self.store.bundle(&head.hash).await? else { continue };
                let replayed = self
                    .bundles
                    .unpack(&packed)
                    .map_err(ReplayError::from)
                    .and_then(|bundle| replay(&bundle, self.answers.as_ref()));
                match replayed {
                    Ok(replay) if replay.is_identical() => tally.identical += 1,
                    Ok(replay) => {
                        tally.differing += 1;
                        replay.differences.into_iter().for_each(|found| tell(head.cycle_id, Finding::Differs(found)));
                    }
                    Err(ReplayError::Bundle(error)) => {
                        tally.damaged += 1;
                        tell(head.cycle_id, Finding::Damaged(error));
                    }
                    Err(ReplayError::Store(error)) => return Err(error),
                    Err(ReplayError::NothingJudged | ReplayError::Gone(_) | ReplayError::NotConnected) => {
                        tally.unanswered += 1;
                    }
                }
            }
        }
    }

    /// Hands out the documents of some records, the oldest first, each on one line without its end.
    ///
    /// # Errors
    /// When the store or `write` fails.
    pub async fn export(
        &self,
        filter: BundleFilter,
        write: &mut (dyn FnMut(&str) -> std::io::Result<()> + Send),
        tell: &mut (dyn FnMut(CycleId, BundleError) + Send),
    ) -> Result<ExportTally, ExportError> {
        let mut tally = ExportTally::default();
        let mut after = 0;
        loop {
            let heads = self.store.bundle_heads(filter, after, BATCH).await?;
            let Some(last) = heads.last() else { return Ok(tally) };
            after = last.number;
            for head in &heads {
                let Some(packed) = self.store.bundle(&head.hash).await? else { continue };
                match self.bundles.document(&packed) {
                    Ok(document) => {
                        write(&document)?;
                        tally.written += 1;
                    }
                    Err(error) => {
                        tally.damaged += 1;
                        tell(head.cycle_id, error);
                    }
                }
            }
        }
    }
}
