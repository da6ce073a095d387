//! Argon2id, off the async threads and a few at a time: each hash takes some 20 MB and tens of milliseconds.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes computed at the same time: bounds what a flood of logins costs to about 80 MB.
const CONCURRENT_HASHES: usize = 4;
/// A hash of nobody's password, with the parameters in use: unknown users take as long as known ones.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y291bnRlcnNpZ24tbm9ib2R5$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The hash function refused.
    #[error("hashing a password failed: {0}")]
    Hash(argon2::password_hash::Error),
    /// A stored hash is not a PHC string.
    #[error("a stored password hash is unreadable")]
    StoredHash,
    /// The thread that computes hashes went away, which only happens when the process ends.
    #[error("hashing was interrupted")]
    Interrupted,
}

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub struct Passwords {
    slots: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { slots: Arc::new(Semaphore::new(CONCURRENT_HASHES)) }
    }
}

impl Passwords {
    /// The PHC string of a password, with a fresh salt.
    ///
    /// # Errors
    /// When hashing fails.
    pub async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        self.off_thread(move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(PasswordError::Hash)
        })
        .await
    }

    /// Whether the password belongs to the stored hash. Without a stored hash (nobody of that name) it takes as long
    /// and says no.
    ///
    /// # Errors
    /// When the stored hash is unreadable.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, PasswordError> {
        self.off_thread(move || {
            let text = stored.as_deref().unwrap_or(NOBODY);
            let hash = PasswordHash::new(text).map_err(|_| PasswordError::StoredHash)?;
            let matches = Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok();
            Ok(matches && stored.is_some())
        })
        .await
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _slot = self.slots.acquire().await.map_err(|_| PasswordError::Interrupted)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| PasswordError::Interrupted)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse battery".into()).await.unwrap();
        assert!(passwords.verify("correct horse battery".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("correct horse batterz".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("correct horse battery".into(), None).await.unwrap());
    }

    #[test]
    fn nobodys_hash_has_the_parameters_in_use() {
        let real = Argon2::default().hash_password(b"twelve chars").unwrap().to_string();
        let parameters = |hash: &str| hash.rsplitn(3, '$').nth(2).map(str::to_owned);
        assert_eq!(parameters(&real), parameters(NOBODY));
        assert_eq!(real.rsplit('$').next().map(str::len), NOBODY.rsplit('$').next().map(str::len));
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
