//! The sealed form: XChaCha20-Poly1305 twice, with fresh nonces.
//!
//! ```text
//! version 1 | vault key id 8 | nonce 24 | data key, wrapped 32 + 16 | nonce 24 | secret, sealed n + 16
//! ```
//!
//! The secret is sealed with a random data key of its own, that one with the vault key. Both name where they belong
//! as associated data, so neither a blob nor a data key opens in another row. A rotation wraps the data key anew and
//! leaves the rest as it is.

use crate::domain::credential::Sealed;
use crate::ports::vault::{SealContext, SealOwner, VaultError};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 32;
const VERSION: u8 = 1;
const ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const WRAPPED_BYTES: usize = KEY_BYTES + TAG_BYTES;
/// Where the second part, the sealed secret, begins.
const SECRET_AT: usize = 1 + ID_BYTES + NONCE_BYTES + WRAPPED_BYTES;
/// The shortest blob: an empty secret.
const BLOB_MIN: usize = SECRET_AT + NONCE_BYTES + TAG_BYTES;

/// A vault key. It prints as its id.
#[derive(Clone)]
pub(super) struct VaultKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: [u8; ID_BYTES],
}

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VaultKey({})", self.id())
    }
}

impl VaultKey {
    pub(super) fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"countersign vault key 1\n");
        hash.update(bytes.as_slice());
        let digest = hash.finalize();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&digest[..ID_BYTES]);
        Self { bytes, id }
    }

    pub(super) fn random() -> Self {
        Self::new(Zeroizing::new(rand::random()))
    }

    /// Reads 64 hex digits, spaces around them forgiven.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).ok()?;
        Some(Self::new(bytes))
    }

    pub(super) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.bytes.as_slice()))
    }

    pub(super) fn id(&self) -> String {
        hex::encode(self.id)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        cipher(&self.bytes)
    }
}

/// The id of the vault key that sealed a blob.
pub(super) fn sealed_with(sealed: &Sealed) -> Result<String, VaultError> {
    let blob = whole(sealed)?;
    Ok(hex::encode(&blob[1..=ID_BYTES]))
}

pub(super) fn seal(key: &VaultKey, context: SealContext, secret: &SecretString) -> Sealed {
    let data_key = Zeroizing::new(rand::random::<[u8; KEY_BYTES]>());
    let mut blob = wrap(key, context, &data_key);
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let aad = place("secret", context, "");
    let sealed = cipher(&data_key)
        .encrypt(&XNonce::from(nonce), Payload { msg: secret.expose_secret().as_bytes(), aad: aad.as_bytes() })
        .expect("a secret is far shorter than the cipher's limit of 256 GiB");
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(&sealed);
    Sealed(blob)
}

pub(super) fn open(key: &VaultKey, context: SealContext, sealed: &Sealed) -> Result<SecretString, VaultError> {
    let blob = whole(sealed)?;
    let data_key = unwrap(key, context, blob)?;
    let aad = place("secret", context, "");
    let secret = decrypt(&cipher(&data_key), &blob[SECRET_AT..], &aad)?;
    let text = std::str::from_utf8(&secret).map_err(|_| VaultError::Damaged)?;
    Ok(SecretString::from(text))
}

/// Wraps a blob's data key with another vault key.
pub(super) fn rewrap(
    from: &VaultKey,
    to: &VaultKey,
    context: SealContext,
    sealed: &Sealed,
) -> Result<Sealed, VaultError> {
    let blob = whole(sealed)?;
    let data_key = unwrap(from, context, blob)?;
    let mut anew = wrap(to, context, &data_key);
    anew.extend_from_slice(&blob[SECRET_AT..]);
    Ok(Sealed(anew))
}

fn whole(sealed: &Sealed) -> Result<&[u8], VaultError> {
    let blob = sealed.0.as_slice();
    if blob.len() >= BLOB_MIN && blob[0] == VERSION { Ok(blob) } else { Err(VaultError::Damaged) }
}

/// The first part of a blob: version, key id, and the wrapped data key with its nonce.
fn wrap(key: &VaultKey, context: SealContext, data_key: &Zeroizing<[u8; KEY_BYTES]>) -> Vec<u8> {
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let aad = place("data key", context, &key.id());
    let wrapped = key
        .cipher()
        .encrypt(&XNonce::from(nonce), Payload { msg: data_key.as_slice(), aad: aad.as_bytes() })
        .expect("a key is far shorter than the cipher's limit of 256 GiB");
    let mut blob = Vec::with_capacity(SECRET_AT + NONCE_BYTES + TAG_BYTES + KEY_BYTES);
    blob.push(VERSION);
    blob.extend_from_slice(&key.id);
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(&wrapped);
    blob
}

fn unwrap(key: &VaultKey, context: SealContext, blob: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, VaultError> {
    let aad = place("data key", context, &key.id());
    let bytes = decrypt(&key.cipher(), &blob[1 + ID_BYTES..SECRET_AT], &aad)?;
    let mut data_key = Zeroizing::new([0; KEY_BYTES]);
    if bytes.len() != KEY_BYTES {
        return Err(VaultError::Damaged);
    }
    data_key.copy_from_slice(&bytes);
    Ok(data_key)
}

/// Opens a nonce and what follows it.
fn decrypt(cipher: &XChaCha20Poly1305, part: &[u8], aad: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (nonce, text) = part.split_at_checked(NONCE_BYTES).ok_or(VaultError::Damaged)?;
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| VaultError::Damaged)?;
    let payload = Payload { msg: text, aad: aad.as_bytes() };
    cipher.decrypt(&XNonce::from(nonce), payload).map(Zeroizing::new).map_err(|_| VaultError::Damaged)
}

fn cipher(key: &Zeroizing<[u8; KEY_BYTES]>) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(**key))
}

/// Where something belongs, as associated data. Stored seals depend on every byte of it.
fn place(what: &str, context: SealContext, key_id: &str) -> String {
    let field = context.field;
    match context.owner {
        SealOwner::Exchange { trader_id, environment } => {
            format!("countersign {what} 1\nmodel {trader_id}\n{environment}\n{field}\n{key_id}")
        }
        SealOwner::Provider(id) => format!("countersign {what} 1\nprovider {id}\n{field}\n{key_id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::KeyField;
    use crate::domain::ids::{ProviderId, TraderId};
    use crate::domain::venue_kind::ExchangeEnvironment::{self, Mainnet, Testnet};

    fn here() -> SealContext {
        SealContext::of(TraderId(7), Testnet, KeyField::ApiSecret)
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let key = VaultKey::random();
        let sealed = seal(&key, here(), &"open sesame".into());
        assert_eq!(open(&key, here(), &sealed).unwrap().expose_secret(), "open sesame");
        assert_eq!(sealed_with(&sealed).unwrap(), key.id());
        let elsewhere = |trader, environment: ExchangeEnvironment, field| {
            open(&key, SealContext::of(TraderId(trader), environment, field), &sealed).err()
        };
        for other in [
            elsewhere(8, Testnet, KeyField::ApiSecret),
            elsewhere(7, Mainnet, KeyField::ApiSecret),
            elsewhere(7, Testnet, KeyField::ApiKey),
        ] {
            assert_eq!(other, Some(VaultError::Damaged));
        }
        assert_eq!(open(&VaultKey::random(), here(), &sealed).err(), Some(VaultError::Damaged));
    }

    #[test]
    fn a_providers_key_opens_for_that_provider_only() {
        let key = VaultKey::random();
        let here = SealContext::provider(ProviderId(7));
        let sealed = seal(&key, here, &"open sesame".into());
        assert_eq!(open(&key, here, &sealed).unwrap().expose_secret(), "open sesame");
        for other in [
            SealContext::provider(ProviderId(8)),
            SealContext::of(TraderId(7), Testnet, KeyField::ApiKey),
            SealContext::of(TraderId(7), Mainnet, KeyField::ApiKey),
        ] {
            assert_eq!(open(&key, other, &sealed).err(), Some(VaultError::Damaged));
            let theirs = seal(&key, other, &"open sesame".into());
            assert_eq!(open(&key, here, &theirs).err(), Some(VaultError::Damaged));
        }
    }

    #[test]
    fn the_place_of_an_exchange_key_never_changes() {
        // Seals that are stored somewhere name it: other bytes would lock them for ever.
        assert_eq!(place("data key", here(), "0011"), "countersign data key 1\nmodel 7\ntestnet\napi_secret\n0011");
        assert_eq!(place("secret", here(), ""), "countersign secret 1\nmodel 7\ntestnet\napi_secret\n");
    }

    #[test]
    fn no_byte_may_change() {
        let key = VaultKey::random();
        let sealed = seal(&key, here(), &"open sesame".into());
        for at in 0..sealed.0.len() {
            let mut other = sealed.clone();
            other.0[at] ^= 1;
            // The id only says which key to take; it is bound into the wrapping by that key.
            let opened = open(&key, here(), &other);
            assert!(opened.is_err() || (1..=ID_BYTES).contains(&at), "byte {at}");
        }
        for length in 0..sealed.0.len() {
            assert!(open(&key, here(), &Sealed(sealed.0[..length].to_vec())).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn the_same_secret_never_seals_to_the_same_bytes() {
        let key = VaultKey::random();
        let (one, two) = (seal(&key, here(), &"x".into()), seal(&key, here(), &"x".into()));
        assert_ne!(one.0[1 + ID_BYTES..SECRET_AT], two.0[1 + ID_BYTES..SECRET_AT]);
        assert_ne!(one.0[SECRET_AT..], two.0[SECRET_AT..]);
    }

    #[test]
    fn wrapping_anew_changes_the_vault_key_and_leaves_the_secret_sealed() {
        let (old, new) = (VaultKey::random(), VaultKey::random());
        let sealed = seal(&old, here(), &"open sesame".into());
        let anew = rewrap(&old, &new, here(), &sealed).unwrap();
        assert_eq!(open(&new, here(), &anew).unwrap().expose_secret(), "open sesame");
        assert!(open(&old, here(), &anew).is_err());
        assert_eq!(anew.0[SECRET_AT..], sealed.0[SECRET_AT..]);
        let elsewhere = SealContext::of(TraderId(8), Testnet, KeyField::ApiSecret);
        assert!(rewrap(&old, &new, elsewhere, &sealed).is_err());
    }

    #[test]
    fn a_key_reads_back_from_its_digits_and_prints_as_its_id() {
        let key = VaultKey::random();
        let again = VaultKey::parse(&format!(" {}\n", key.to_hex().as_str())).unwrap();
        assert_eq!(again.id(), key.id());
        assert!(!format!("{key:?}").contains(&key.to_hex()[..8]));
        for bad in ["", "00", &"g".repeat(64), &"0".repeat(63), &"0".repeat(65)] {
            assert!(VaultKey::parse(bad).is_none(), "{bad:?}");
        }
    }
}
