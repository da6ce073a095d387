//! "Exactly once", shown against the whole chain: our services, the real client, real HTTP, the paper exchange, the wall
//! clock. Nothing here is faked, and the rule of proven absence waits as long as it waits in earnest.

pub mod check;
mod crash_loop;
mod faults;
mod fuse;
mod plan;
pub mod world;
