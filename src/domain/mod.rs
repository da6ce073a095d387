//! The pure heart: no async, IO, clock, randomness, database or web.
