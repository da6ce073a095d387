//! The JSON API: each handler reads an [`super::form::Input`], calls a service, answers JSON.

pub mod whoami;
