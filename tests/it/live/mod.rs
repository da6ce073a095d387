//! Live trading as people run it: the program as a process of its own, and a paper exchange in the place of Binance.

pub mod house;

mod kill_nine;
mod round_trip;
