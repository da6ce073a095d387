//! Remembers until when an exchange wants no call at all: a restart is no reason to call again.

use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::exchange::Exchanges;
use crate::ports::store::{Coordination, Store, StoreError};
use std::collections::BTreeMap;

/// Live venues, each with the name under which its moment is remembered.
const REMEMBERED: [(VenueKind, &str); 2] =
    [(VenueKind::Testnet, "exchange_ban_testnet"), (VenueKind::Mainnet, "exchange_ban_mainnet")];

/// What has been remembered so far.
pub type Remembered = BTreeMap<VenueKind, Timestamp>;

/// Tells the exchange's client what an earlier process was told.
///
/// # Errors
/// When the store fails. A value that is not a moment is no ban.
pub async fn restore_bans(store: &dyn Store, exchanges: &dyn Exchanges) -> Result<(), StoreError> {
    for (venue, name) in REMEMBERED {
        if let Some(until) = store.meta(name).await?.and_then(|text| text.parse().ok()) {
            exchanges.restore_ban(venue, Timestamp(until));
        }
    }
    Ok(())
}

/// Writes down what changed since the last look.
///
/// # Errors
/// When the store fails.
pub async fn keep_bans(
    store: &dyn Coordination,
    exchanges: &dyn Exchanges,
    remembered: &mut Remembered,
) -> Result<(), StoreError> {
    for (venue, name) in REMEMBERED {
        let Some(until) = exchanges.banned_until(venue) else { continue };
        if remembered.get(&venue) != Some(&until) {
            store.set_meta(name, &until.0.to_string()).await?;
            remembered.insert(venue, until);
        }
    }
    Ok(())
}
