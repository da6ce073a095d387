//! One contract for every place that orders go to: the fill model, our client at the paper exchange over real HTTP, and
//! our client against recorded answers. What holds at one holds at all, so that what was practised is what happens.
//!
//! ```text
//! cases      the contract: each case knows a venue and a bench, and not which
//! bench      what a case may ask of the surroundings: a market, an order that lies open, what was taken
//! simulation, paper, recorded   the three benches
//! journal    a real store: only what it journaled can be sent
//! vectors    requests that public clients sent, held against ours
//! ```

mod bench;
mod cases;
mod journal;
mod paper;
mod recorded;
mod simulation;
mod vectors;
