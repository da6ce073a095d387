//! How the records of cycles end: those that are too old go, then the oldest until the rest takes no more room than it
//! may. A cycle keeps the name of its record, and with it the knowledge that there was one.

use crate::domain::time::DAY_MS;
use crate::observe;
use crate::ports::store::{BundleFilter, BundleHead, Changes, CommitError};
use crate::services::desk::Desk;

/// Records that one commit removes: a few milliseconds during which nobody else writes.
const BATCH: u32 = 100;
/// Commits in one pass; the next pass takes the rest.
const BATCHES: u32 = 20;
/// A megabyte, in bytes.
const MB: u64 = 1_024 * 1_024;

/// How many records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLimits {
    /// For how many days; 0 for ever.
    pub keep_days: u32,
    /// How many megabytes of the store they may take; 0 for any number.
    pub max_mb: u32,
}

impl Default for RecordLimits {
    fn default() -> Self {
        Self { keep_days: 90, max_mb: 1_024 }
    }
}

impl RecordLimits {
    /// The most bytes that are kept.
    pub fn max_bytes(self) -> Option<u64> {
        (self.max_mb > 0).then(|| u64::from(self.max_mb) * MB)
    }
}

/// What one pass removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many records.
    pub count: u64,
    /// Bytes that they took in the store.
    pub bytes: u64,
    /// Whether the next pass has more to do.
    pub has_more: bool,
}

/// Removes what is kept no longer, at most 2,000 records, the oldest first.
///
/// # Errors
/// When the store fails; what earlier commits of the pass removed stays removed.
pub async fn prune_bundles(desk: &Desk) -> Result<Pruned, CommitError> {
    let limits = desk.policy.records;
    let keep_ms = i64::from(limits.keep_days) * DAY_MS;
    let oldest = (keep_ms > 0).then(|| desk.clock.now().plus_ms(-keep_ms));
    let mut excess = match limits.max_bytes() {
        Some(max) => desk.store.bundle_total().await?.stored.saturating_sub(max),
        None => 0,
    };
    let mut pruned = Pruned::default();
    let mut after = 0;
    for _ in 0..BATCHES {
        // They are numbered in the order in which they were kept, so that the front of the list is the oldest part of it.
        let heads = desk.store.bundle_heads(BundleFilter::default(), after, BATCH).await?;
        after = heads.last().map_or(after, |last| last.number);
        let is_full = heads.len() == BATCH as usize;
        let due: Vec<BundleHead> = heads
            .into_iter()
            .filter(|head| {
                let is_due = excess > 0 || oldest.is_some_and(|oldest| head.at < oldest);
                if is_due {
                    excess = excess.saturating_sub(head.stored);
                }
                is_due
            })
            .collect();
        pruned.has_more = is_full && !due.is_empty();
        if !due.is_empty() {
            pruned.count += due.len() as u64;
            pruned.bytes += due.iter().map(|head| head.stored).sum::<u64>();
            let removed_bundles = due.into_iter().map(|head| head.hash).collect();
            desk.store.commit(Changes { removed_bundles, ..Changes::default() }).await?;
        }
        if !pruned.has_more {
            break;
        }
    }
    if pruned.count > 0 {
        observe::bundles_removed(pruned.count, pruned.bytes);
    }
    Ok(pruned)
}
