//! How equity curves grow old: every point while it is young, then one an hour, then one a day.
//!
//! Age is counted back from a curve's own newest point, so that a market that runs faster than the wall clock, or stood
//! still for a year, keeps its recent past like any other.

use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::ports::store::StoreError;
use crate::services::desk::Desk;

/// Points beyond this age, in milliseconds, are kept one for each span, the newest of it.
const AGES: [(i64, i64); 2] = [(90 * DAY_MS, HOUR_MS), (2 * 365 * DAY_MS, DAY_MS)];
/// Points that one statement removes: a few milliseconds during which nobody else writes.
const BATCH: u32 = 2_000;
/// Full batches in one round over all curves; the next round takes the rest.
const BATCHES: u32 = 10;

/// Thins every curve. Returns whether all of them are done, or another round has more to do.
///
/// # Errors
/// When the store fails.
pub async fn thin_curves(desk: &Desk) -> Result<bool, StoreError> {
    let mut full = 0;
    for book in desk.store.books().await? {
        let Some(newest) = desk.store.last_snapshot(book.id).await? else { continue };
        for (age, step) in AGES {
            let before = newest.at.plus_ms(-age).floor_to(step);
            while desk.store.thin_curve(book.id, before, step, BATCH).await? == u64::from(BATCH) {
                full += 1;
                if full == BATCHES {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_points_are_never_kept_closer_than_younger_ones() {
        for pair in AGES.windows(2) {
            assert!(pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
            assert_eq!(pair[1].1 % pair[0].1, 0, "a kept point of a coarse span is one of a fine span");
        }
    }
}
