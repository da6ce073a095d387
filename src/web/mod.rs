//! The browser's and the API's door.

pub mod assets;
pub mod show;
pub mod view;
