//! A desk's built-in venue.

use countersign::domain::venue_kind::VenueKind;
use countersign::ports::venue::{Venue, VenueDirectory};
use std::sync::Arc;

/// One venue and no other.
pub struct OneVenue(pub Arc<dyn Venue>);

impl VenueDirectory for OneVenue {
    fn find(&self, kind: VenueKind) -> Option<Arc<dyn Venue>> {
        (kind == self.0.kind()).then(|| Arc::clone(&self.0))
    }
}
