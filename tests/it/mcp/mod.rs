//! AI agents at the desk: what they may read, the one thing they may do, and that a client written by others gets along.

mod clients;
mod hostile;
mod protocol;
mod shorthand;
mod tools;
