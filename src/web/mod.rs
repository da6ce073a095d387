//! The browser's and the API's door.

pub mod show;
pub mod view;
