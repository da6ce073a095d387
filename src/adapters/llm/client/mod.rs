//! How providers are asked.
