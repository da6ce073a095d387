//! The records of cycles put together for the command line: the store, and what reads them.

use super::House;
use crate::adapters::bundle_codec::JsonBundles;
use crate::adapters::llm::answer::StrictReader;
use crate::adapters::store::SqlStore;
use crate::services::records::Records;
use std::sync::Arc;

impl House {
    /// The records of cycles.
    pub fn records(&self) -> Records {
        Records {
            store: Arc::new(SqlStore::new(self.db.clone())),
            bundles: Arc::new(JsonBundles),
            answers: Arc::new(StrictReader),
        }
    }
}
