//! What must hold when things happen at the same moment: clicks, processes that share a database, a lock that is held.

mod approvals;
mod house;
mod processes;
mod real_processes;
mod red_button;

pub(crate) use house::on_shared;
