//! Files that hold a vault key: 64 hex digits, for this account's eyes alone, made whole and durable or not at all.

use super::sealing::VaultKey;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The key in use, inside the data directory.
const CURRENT: &str = "vault.key";
/// The key that a rotation is about to put in its place.
const NEXT: &str = "vault.key.next";
/// The longest file that is read, in bytes: digits, a line end, and some spaces.
const FILE_MAX: u64 = 200;

/// Where a data directory keeps its keys.
#[derive(Clone, Debug)]
pub(super) struct KeyFiles {
    dir: PathBuf,
}

impl KeyFiles {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    pub(super) fn current(&self) -> PathBuf {
        self.dir.join(CURRENT)
    }

    pub(super) fn next(&self) -> PathBuf {
        self.dir.join(NEXT)
    }

    /// Makes a new key unless there is one by now; whoever comes second gets the first one's.
    pub(super) fn create(&self) -> Result<VaultKey, String> {
        let (key, unfinished) = (VaultKey::random(), self.unfinished());
        write(&unfinished, &key)?;
        // A link fails where the file exists; a rename would take its place.
        let linked = std::fs::hard_link(&unfinished, self.current());
        std::fs::remove_file(&unfinished).map_err(|error| cannot(&unfinished, "be removed", &error))?;
        match linked {
            Ok(()) => self.sync_dir().map(|()| key),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                read(&self.current())?.ok_or_else(|| format!("{} vanished", self.current().display()))
            }
            Err(error) => Err(cannot(&self.current(), "be made", &error)),
        }
    }

    /// Writes the next key under a name that nobody reads; [`Self::stage`] gives it its own.
    pub(super) fn write_next(&self, key: &VaultKey) -> Result<PathBuf, String> {
        let unfinished = self.unfinished();
        write(&unfinished, key)?;
        Ok(unfinished)
    }

    /// From here on the next key is accepted beside the current one.
    pub(super) fn stage(&self, written: &Path) -> Result<(), String> {
        self.rename(written, &self.next())
    }

    /// The next key takes the current one's place, if it has not already.
    pub(super) fn finish(&self) -> Result<(), String> {
        self.rename(&self.next(), &self.current())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), String> {
        std::fs::rename(from, to).map_err(|error| cannot(to, "be put in place", &error))?;
        self.sync_dir()
    }

    fn sync_dir(&self) -> Result<(), String> {
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|error| cannot(&self.dir, "be made durable", &error))
    }

    fn unfinished(&self) -> PathBuf {
        self.dir.join(format!("{CURRENT}.{}.tmp", std::process::id()))
    }
}

/// The key in a file; none when there is no file. The text of an error holds no digit of it.
pub(super) fn read(path: &Path) -> Result<Option<VaultKey>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(path, "be read", &error)),
    };
    let metadata = file.metadata().map_err(|error| cannot(path, "be read", &error))?;
    if metadata.mode() & 0o077 != 0 {
        let path = path.display();
        return Err(format!(
            "{path} holds the vault key, and other accounts of this machine may open it: run chmod 600 on it"
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(FILE_MAX as usize));
    file.take(FILE_MAX).read_to_string(&mut text).map_err(|error| cannot(path, "be read", &error))?;
    let key = VaultKey::parse(&text);
    key.map(Some).ok_or_else(|| format!("{} must hold 64 hex digits", path.display()))
}

fn write(path: &Path, key: &VaultKey) -> Result<(), String> {
    let failed = |error: std::io::Error| cannot(path, "be written", &error);
    // What a process of the same number left behind is of no use to anybody.
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(key.to_hex().as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    file.sync_all().map_err(failed)
}

fn cannot(path: &Path, what: &str, error: &std::io::Error) -> String {
    format!("{} cannot {what}: {error}", path.display())
}
