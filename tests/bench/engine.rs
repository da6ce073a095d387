//! The paper exchange's matching engine alone: no network, no disk.

use countersign::adapters::paper_exchange::engine::workload::Workload;
use std::time::{Duration, Instant};

/// Pairs of orders in one timing.
const PAIRS: u64 = 20_000;
/// Timings of which the middle one counts.
const ROUNDS: usize = 9;

/// Orders that were matched in a second of one thread.
pub fn matched_per_second() -> f64 {
    let mut workload = Workload::new();
    workload.run(PAIRS);
    let round = |_| {
        let begun = Instant::now();
        assert_eq!(workload.run(PAIRS), 2 * PAIRS, "every order meets one");
        begun.elapsed()
    };
    let middle: Duration = super::median((0..ROUNDS).map(round).collect());
    (2 * PAIRS) as f64 / middle.as_secs_f64()
}
