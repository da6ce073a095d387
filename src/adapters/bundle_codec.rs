//! Bundles as JSON, compressed with gzip, named by the SHA-256 of the JSON.

use crate::domain::digest::Digest;
use crate::ports::bundle::{BUNDLE_FORMAT, BUNDLE_MAX_BYTES, Bundle, BundleCodec, BundleError, PackedBundle};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use std::io::{Read, Write};

/// Fast compression: what is left to gain by more effort is a tenth.
const LEVEL: Compression = Compression::new(3);

/// JSON and gzip.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonBundles;

impl BundleCodec for JsonBundles {
    fn pack(&self, bundle: &Bundle) -> Result<PackedBundle, BundleError> {
        // Fields are written in the order of their declaration and maps in the order of their keys: one content has one
        // name.
        let document = serde_json::to_vec(bundle).expect("every key is a text and every value can be written");
        let size = document.len() as u64;
        if size > BUNDLE_MAX_BYTES {
            return Err(BundleError::TooLarge { bytes: size });
        }
        let mut gzip = GzEncoder::new(Vec::with_capacity(document.len() / 4), LEVEL);
        gzip.write_all(&document).expect("memory takes what is written to it");
        Ok(PackedBundle {
            hash: name(&document),
            trader_id: bundle.trader.id,
            cycle_id: bundle.cycle_id,
            venue: bundle.trader.axes.venue_kind(),
            at: bundle.judged_at,
            has_brief: bundle.brief.is_some(),
            size,
            body: gzip.finish().expect("memory takes what is written to it"),
        })
    }

    fn document(&self, packed: &PackedBundle) -> Result<String, BundleError> {
        let mut document = Vec::new();
        let damaged = || BundleError::Damaged(packed.hash.clone());
        let mut bounded = GzDecoder::new(packed.body.as_slice()).take(BUNDLE_MAX_BYTES + 1);
        bounded.read_to_end(&mut document).map_err(|_| damaged())?;
        if document.len() as u64 > BUNDLE_MAX_BYTES {
            return Err(BundleError::TooLarge { bytes: document.len() as u64 });
        }
        if name(&document) != packed.hash {
            return Err(damaged());
        }
        String::from_utf8(document).map_err(|_| damaged())
    }

    fn unpack(&self, packed: &PackedBundle) -> Result<Bundle, BundleError> {
        let document = self.document(packed)?;
        let unreadable = |why: String| BundleError::Unreadable { hash: packed.hash.clone(), why };
        let bundle: Bundle = serde_json::from_str(&document).map_err(|error| unreadable(error.to_string()))?;
        if bundle.format > BUNDLE_FORMAT {
            return Err(unreadable(format!("it has form {}, this program knows {BUNDLE_FORMAT}", bundle.format)));
        }
        Ok(bundle)
    }
}

fn name(document: &[u8]) -> Digest {
    Digest::parse(&hex::encode(Sha256::digest(document))).expect("SHA-256 in hexadecimal is a digest")
}
