//! The files' side of a rotation. The order of its steps is the service's; here each is durable before it returns.

use super::key_file::{KeyFiles, read};
use super::sealing::{self, VaultKey};
use super::{VaultSource, VaultUse};
use crate::domain::credential::Sealed;
use crate::ports::vault::{AtStep, KeyRotation, RotationStep, SealContext, VaultError};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// The longest file with a new key that is read, in bytes.
const FILE_MAX: u64 = 200;

/// Replaces the key of a data directory by the one in another file.
#[derive(Debug)]
pub struct FileKeyRotation {
    files: KeyFiles,
    at_hand: Vec<VaultKey>,
    next: VaultKey,
}

impl FileKeyRotation {
    /// Reads the new key and everything at hand. A rotation that an earlier process did not finish is finished first,
    /// when the store already relies on its key.
    ///
    /// # Errors
    /// When the new key cannot be read, or an unfinished rotation cannot be finished.
    pub fn prepare(source: &VaultSource, known: &VaultUse, new_key_file: &Path) -> Result<Self, VaultError> {
        let next = read_new(new_key_file).map_err(VaultError::Locked)?;
        let (files, at_hand) = (source.files(), source.find().keys);
        let unfinished = read(&files.next()).map_err(VaultError::Locked)?;
        if let Some(staged) = unfinished
            && staged.id() != next.id()
            && known.key_id.as_deref() == Some(staged.id().as_str())
        {
            files.finish().map_err(VaultError::Locked)?;
        }
        Ok(Self { files, at_hand, next })
    }
}

/// The key in somebody's file; unlike our own it may be open to others, since it is only read once.
fn read_new(path: &Path) -> Result<VaultKey, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("{shown} cannot be read: {error}");
    let mut text = Zeroizing::new(String::with_capacity(FILE_MAX as usize));
    File::open(path).and_then(|file| file.take(FILE_MAX).read_to_string(&mut text)).map_err(failed)?;
    VaultKey::parse(&text)
        .ok_or_else(|| format!("{shown} must hold 64 hex digits, as openssl rand -hex 32 prints them"))
}

impl KeyRotation for FileKeyRotation {
    fn next_id(&self) -> String {
        self.next.id()
    }

    fn stage(&self, step: AtStep<'_>) -> Result<(), VaultError> {
        let written = self.files.write_next(&self.next).map_err(VaultError::Locked)?;
        step(RotationStep::NextWritten);
        self.files.stage(&written).map_err(VaultError::Locked)
    }

    fn rewrap(&self, context: SealContext, sealed: &Sealed) -> Result<Sealed, VaultError> {
        let id = sealing::sealed_with(sealed)?;
        if id == self.next.id() {
            return Ok(sealed.clone());
        }
        let from = self.at_hand.iter().find(|key| key.id() == id).ok_or(VaultError::OtherKey(id))?;
        sealing::rewrap(from, &self.next, context, sealed)
    }

    fn finish(&self) -> Result<(), VaultError> {
        self.files.finish().map_err(VaultError::Locked)
    }
}
