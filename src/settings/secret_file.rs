//! The data directory and the key that signs session cookies: made at first start, refused when others could touch them.

use super::SettingsError;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// The file inside the data directory.
const SECRET_FILE: &str = "session.key";
/// Bytes of the signing key.
const SECRET_BYTES: usize = 64;
/// Different byte values that 64 random bytes have at the very least: fewer means that somebody typed it.
const DISTINCT_BYTES_MIN: usize = 24;

/// The key that signs cookies and login forms.
pub struct SessionSecret(Zeroizing<Vec<u8>>);

impl SessionSecret {
    /// Reads the key from the data directory, or makes it at first start.
    ///
    /// # Errors
    /// When the file is readable by others, too short, or too regular to be random.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, SettingsError> {
        let path = data_dir.join(SECRET_FILE);
        let mut secret = Zeroizing::new(Vec::with_capacity(SECRET_BYTES));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                secret.extend_from_slice(&rand::random::<[u8; 32]>());
                secret.extend_from_slice(&rand::random::<[u8; 32]>());
                file.write_all(&secret)
                    .and_then(|()| file.sync_all())
                    .map_err(|error| cannot(&path, "written", &error))?;
                return Ok(Self(secret));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot(&path, "created", &error)),
        }
        let file = OpenOptions::new().read(true).open(&path).map_err(|error| cannot(&path, "read", &error))?;
        let metadata = file.metadata().map_err(|error| cannot(&path, "read", &error))?;
        if metadata.mode() & 0o077 != 0 {
            let problem =
                "is the key that signs sessions, and other accounts of this machine may open it: run chmod 600 on it";
            return Err(unsafe_path(&path, problem));
        }
        let limit = SECRET_BYTES as u64 + 1;
        file.take(limit).read_to_end(&mut secret).map_err(|error| cannot(&path, "read", &error))?;
        let mut distinct = secret.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        if secret.len() != SECRET_BYTES || distinct.len() < DISTINCT_BYTES_MIN {
            let problem = "is not 64 random bytes, so sessions could be forged: delete it and start again (everyone then logs in anew)";
            return Err(unsafe_path(&path, problem));
        }
        Ok(Self(secret))
    }

    /// The 64 bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Makes the data directory for this account alone, and refuses one that others may change.
///
/// # Errors
/// When it cannot be made or others may write to it.
pub fn secure_data_dir(data_dir: &Path) -> Result<(), SettingsError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|error| cannot(data_dir, "created", &error))?;
    let metadata = std::fs::metadata(data_dir).map_err(|error| cannot(data_dir, "read", &error))?;
    if metadata.permissions().mode() & 0o022 != 0 {
        let problem =
            "may be changed by other accounts of this machine: run chmod 700 on it, or choose another --data-dir";
        return Err(unsafe_path(data_dir, problem));
    }
    Ok(())
}

/// Makes a missing SQLite file readable for this account alone (its companions inherit that), and refuses one that
/// others may write.
///
/// # Errors
/// When it cannot be made or others may write to it.
pub fn secure_database_file(file: &Path) -> Result<(), SettingsError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(cannot(file, "created", &error)),
    }
    OpenOptions::new().read(true).write(true).open(file).map_err(|error| cannot(file, "opened", &error))?;
    let metadata = std::fs::metadata(file).map_err(|error| cannot(file, "read", &error))?;
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(unsafe_path(
            file,
            "is the database, and other accounts of this machine may write to it: run chmod 600 on it",
        ));
    }
    Ok(())
}

fn cannot(path: &Path, verb: &str, error: &std::io::Error) -> SettingsError {
    unsafe_path(path, &format!("cannot be {verb}: {error}"))
}

fn unsafe_path(path: &Path, problem: &str) -> SettingsError {
    SettingsError::Unsafe { path: path.display().to_string(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};

    #[test]
    fn the_key_is_made_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let first = SessionSecret::load_or_create(dir.path()).unwrap();
        let second = SessionSecret::load_or_create(dir.path()).unwrap();
        assert_eq!(first.bytes(), second.bytes());
        let mode = std::fs::metadata(dir.path().join(SECRET_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_weak_or_open_key_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SECRET_FILE);
        for weak in [vec![7; 64], b"short".to_vec(), b"changeme".repeat(8), vec![1; 65]] {
            write(&path, weak).unwrap();
            set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let error = SessionSecret::load_or_create(dir.path()).err().unwrap().to_string();
            assert!(error.contains("delete it"), "{error}");
        }
        write(&path, (0..64).collect::<Vec<u8>>()).unwrap();
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let error = SessionSecret::load_or_create(dir.path()).err().unwrap().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_directory_that_others_may_change_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(secure_data_dir(&dir.path().join("new/deep")).is_ok());
        set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
        let error = secure_data_dir(dir.path()).unwrap_err().to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }
}
