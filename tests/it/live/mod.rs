//! Live trading as people run it: the program as a process of its own, and a paper exchange in the place of Binance.

pub mod house;

mod bans;
mod fees;
mod kill_nine;
mod many_unknown;
mod protection;
mod round_trip;
mod scene;
mod stop_all;
