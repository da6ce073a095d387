//! The account behind a book, as digests name it: what was approved for one account is never sent to another.

use crate::domain::credential::AccountFingerprint;
use crate::domain::ids::BookId;
use crate::domain::venue_kind::VenueKind;
use serde::{Deserialize, Serialize};

/// Names the account that an order changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccountName(String);

impl AccountName {
    /// The fill model's account of one book.
    pub fn simulation(book: BookId) -> Self {
        Self(format!("{}:{book}", VenueKind::Simulation))
    }

    /// An account at an exchange.
    pub fn exchange(venue: VenueKind, fingerprint: &AccountFingerprint) -> Self {
        Self(format!("{venue}:{fingerprint}"))
    }

    /// Takes a name back from storage.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AccountName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
