//! The vault: seals exchange keys with a key that lives outside the database.
//!
//! The vault key comes from `COUNTERSIGN_VAULT_KEY` or from `vault.key` in the data directory, made at first start. The
//! store remembers the id of the key in use, so the right one is taken from whatever is at hand: during and after a
//! rotation that may be `vault.key.next`. Without it the program runs and live trading does not.

mod key_file;
mod rotation;
mod sealing;

pub use rotation::FileKeyRotation;

use crate::domain::credential::{Sealed, VAULT_KEY_VARIABLE};
use crate::observe;
use crate::ports::vault::{SealContext, Vault, VaultError};
use key_file::KeyFiles;
use sealing::VaultKey;
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};

/// Where a vault's key may come from.
#[derive(Clone, Debug)]
pub struct VaultSource {
    /// What the environment says, if anything.
    pub given: Option<SecretString>,
    /// The data directory.
    pub data_dir: PathBuf,
}

/// What the store knows about the key.
#[derive(Clone, Debug, Default)]
pub struct VaultUse {
    /// The id of the key under which secrets are sealed; none before the first.
    pub key_id: Option<String>,
    /// Whether anything is sealed.
    pub has_secrets: bool,
}

/// The keys at hand, in the order in which they were found, and what was wrong with the others.
#[derive(Debug, Default)]
struct Found {
    keys: Vec<VaultKey>,
    problems: Vec<String>,
}

impl VaultSource {
    /// A data directory and nothing from the environment.
    pub fn in_dir(data_dir: &Path) -> Self {
        Self { given: None, data_dir: data_dir.to_owned() }
    }

    fn files(&self) -> KeyFiles {
        KeyFiles::new(&self.data_dir)
    }

    fn find(&self) -> Found {
        let mut found = Found::default();
        if let Some(text) = &self.given {
            match VaultKey::parse(text.expose_secret()) {
                Some(key) => found.keys.push(key),
                None => found.problems.push(format!("{VAULT_KEY_VARIABLE} must be 64 hex digits")),
            }
        }
        let files = self.files();
        for path in [files.current(), files.next()] {
            match key_file::read(&path) {
                Ok(key) => found.keys.extend(key),
                Err(problem) => found.problems.push(problem),
            }
        }
        found
    }
}

/// A vault over keys from the environment and files.
#[derive(Debug)]
pub struct FileVault {
    keys: Vec<VaultKey>,
    /// Index of the key that seals, or why there is none.
    in_use: Result<usize, VaultError>,
}

impl FileVault {
    /// Opens the vault; makes a key when none was ever used and none is there. A vault without its key is locked, which
    /// is no error: [`Vault::key_id`] says why.
    pub fn open(source: &VaultSource, known: &VaultUse) -> Self {
        let Found { mut keys, problems } = source.find();
        let in_use = if known.has_secrets {
            let wanted = known.key_id.as_deref().unwrap_or_default();
            keys.iter().position(|key| key.id() == wanted).ok_or_else(|| missing(wanted, &keys, &problems))
        } else if keys.is_empty() && problems.is_empty() {
            make(source, &mut keys)
        } else if keys.is_empty() || (source.given.is_some() && !problems.is_empty()) {
            Err(VaultError::Locked(problems.join("; ")))
        } else {
            Ok(0)
        };
        if let (Ok(at), Some(_)) = (&in_use, &source.given)
            && *at != 0
        {
            observe::vault_key_variable_is_old(VAULT_KEY_VARIABLE);
        }
        Self { keys, in_use }
    }

    fn key(&self) -> Result<&VaultKey, VaultError> {
        match &self.in_use {
            Ok(at) => self.keys.get(*at).ok_or_else(|| VaultError::Locked("the vault key vanished".to_owned())),
            Err(error) => Err(error.clone()),
        }
    }

    /// The key that sealed a blob.
    fn key_of(&self, sealed: &Sealed) -> Result<&VaultKey, VaultError> {
        self.key()?;
        let id = sealing::sealed_with(sealed)?;
        self.keys.iter().find(|key| key.id() == id).ok_or(VaultError::OtherKey(id))
    }
}

fn make(source: &VaultSource, keys: &mut Vec<VaultKey>) -> Result<usize, VaultError> {
    let files = source.files();
    let key = files.create().map_err(VaultError::Locked)?;
    observe::vault_key_made(&files.current());
    keys.push(key);
    Ok(0)
}

fn missing(wanted: &str, keys: &[VaultKey], problems: &[String]) -> VaultError {
    let mut why = if keys.is_empty() {
        format!("saved keys were sealed with the vault key {wanted}, which is not here")
    } else {
        let here: Vec<String> = keys.iter().map(VaultKey::id).collect();
        format!("saved keys were sealed with the vault key {wanted}, and here is {}", here.join(", "))
    };
    for problem in problems {
        why.push_str("; ");
        why.push_str(problem);
    }
    why.push_str(&format!(
        ". Put that key back (vault.key in the data directory, or {VAULT_KEY_VARIABLE}) and start again; \
         if it is lost, delete the saved keys, start again and save them anew"
    ));
    VaultError::Locked(why)
}

impl Vault for FileVault {
    fn key_id(&self) -> Result<String, VaultError> {
        self.key().map(VaultKey::id)
    }

    fn seal(&self, context: SealContext, secret: &SecretString) -> Result<Sealed, VaultError> {
        Ok(sealing::seal(self.key()?, context, secret))
    }

    fn check(&self, sealed: &Sealed) -> Result<(), VaultError> {
        self.key_of(sealed).map(|_| ())
    }

    fn open(&self, context: SealContext, sealed: &Sealed) -> Result<SecretString, VaultError> {
        sealing::open(self.key_of(sealed)?, context, sealed)
    }
}

#[cfg(test)]
mod tests;
