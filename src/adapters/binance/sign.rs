//! Signatures: HMAC-SHA256 over a shared secret, or Ed25519 with a private key. Pure; the payload comes ready made.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The first line of a private key in PEM.
const PEM_HEAD: &str = "-----BEGIN ";
/// How the base64 of every Ed25519 private key in PKCS#8 begins.
const ED25519_DER_HEAD: &str = "MC4CAQAwBQYDK2Vw";
/// The longest secret that is looked at, in characters: an Ed25519 key in PEM has about 120.
pub const SECRET_MAX: usize = 1_024;
/// The longest API key, in characters; Binance's have 64.
pub const KEY_MAX: usize = 256;

/// Why a key or a secret cannot be used. The value itself is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty.
    #[error("is required")]
    Missing,
    /// Longer than any key.
    #[error("is too long to be one")]
    TooLong,
    /// Letters, digits and a few marks only.
    #[error("must not contain spaces, line breaks or characters outside ASCII")]
    NotPlain,
    /// A PEM that is not an Ed25519 private key.
    #[error("must be an Ed25519 private key in PKCS#8 or an HMAC secret; RSA keys are not supported")]
    NotEd25519,
}

/// Whose call it is: travels in a header with each signed call. Printed as its last four characters only.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes a key; surrounding spaces and line breaks are trimmed.
    ///
    /// # Errors
    /// [`KeyError`] names the rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Ok(Self(plain(text, KEY_MAX)?.to_owned()))
    }

    /// The last four characters, for pages and logs.
    pub fn last4(&self) -> &str {
        // Plain ASCII, so every index is a boundary.
        &self.0[self.0.len().saturating_sub(4)..]
    }

    /// The key for the header.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for ApiKey {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKey(...{})", self.last4())
    }
}

/// Signs payloads. Holds what can sign, never the text it came from, and prints nothing of it.
pub struct Signer(Kind);

enum Kind {
    Hmac(Box<Hmac<Sha256>>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl Signer {
    /// Takes an HMAC secret, or an Ed25519 private key in PKCS#8 as PEM or as its base64.
    ///
    /// # Errors
    /// [`KeyError`] names the rule that it breaks.
    pub fn parse(secret: &SecretString) -> Result<Self, KeyError> {
        let text = secret.expose_secret().trim();
        if text.starts_with(PEM_HEAD) {
            let key = ed25519_dalek::SigningKey::from_pkcs8_pem(text).map_err(|_| KeyError::NotEd25519)?;
            return Ok(Self(Kind::Ed25519(Box::new(key))));
        }
        let text = plain(text, SECRET_MAX)?;
        if text.starts_with(ED25519_DER_HEAD) {
            let der = zeroize::Zeroizing::new(STANDARD.decode(text).map_err(|_| KeyError::NotEd25519)?);
            let key = ed25519_dalek::SigningKey::from_pkcs8_der(&der).map_err(|_| KeyError::NotEd25519)?;
            return Ok(Self(Kind::Ed25519(Box::new(key))));
        }
        let mac = Hmac::new_from_slice(text.as_bytes()).expect("HMAC takes a key of any length");
        Ok(Self(Kind::Hmac(Box::new(mac))))
    }

    /// The signature of `payload` as it is sent: hex digits, or base64 with its reserved characters encoded.
    pub fn sign(&self, payload: &[u8]) -> String {
        match &self.0 {
            Kind::Hmac(keyed) => {
                let mut mac = (**keyed).clone();
                mac.update(payload);
                hex::encode(mac.finalize().into_bytes())
            }
            Kind::Ed25519(key) => super::request::encoded(&STANDARD.encode(key.sign(payload).to_bytes())),
        }
    }

    /// The kind of key, for pages.
    pub const fn algorithm(&self) -> &'static str {
        match self.0 {
            Kind::Hmac(_) => "HMAC",
            Kind::Ed25519(_) => "Ed25519",
        }
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.algorithm())
    }
}

fn plain(text: &str, longest: usize) -> Result<&str, KeyError> {
    let text = text.trim();
    if text.is_empty() {
        Err(KeyError::Missing)
    } else if text.len() > longest {
        Err(KeyError::TooLong)
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err(KeyError::NotPlain)
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published by Binance as an example; no account has it.
    const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    /// The only Ed25519 private key that Binance has published.
    const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u";

    fn signer(secret: &str) -> Signer {
        Signer::parse(&secret.to_owned().into()).expect("usable")
    }

    #[test]
    fn the_published_hmac_vectors_come_out() {
        let tail = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        for (payload, expected) in [
            (
                format!("symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&{tail}"),
                "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
            ),
            (
                format!(
                    "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&{tail}"
                ),
                "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
            ),
            // Query and body are signed as one, with nothing between.
            (
                format!("symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC{tail}"),
                "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
            ),
        ] {
            assert_eq!(signer(SECRET).sign(payload.as_bytes()), expected, "{payload}");
        }
    }

    #[test]
    fn the_published_ed25519_vectors_come_out_encoded() {
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{ED25519}\n-----END PRIVATE KEY-----\n");
        for secret in [ED25519.to_owned(), pem, format!("  {ED25519}\n")] {
            let signer = signer(&secret);
            assert_eq!(signer.algorithm(), "Ed25519");
            for (payload, expected) in [
                (
                    "A\u{1}EXAMPLE\u{1}SPOT\u{1}1\u{1}20240627-11:17:25.223",
                    "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM%2B5UdlGPrQHrgtS3CvsRURC1oj73j8gCA%3D%3D",
                ),
                (
                    "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000",
                    "inDT086KVIP8vgUfw5sV3VTkescWztiAGlf4x8FLKHM4NInsn0c1kYVLoGMO8cyjfR6vmTku2YQE0gtfVVlfCw%3D%3D",
                ),
            ] {
                assert_eq!(signer.sign(payload.as_bytes()), expected);
            }
        }
    }

    #[test]
    fn unusable_keys_are_refused_by_rule_and_never_repeated() {
        let rsa = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----";
        for (secret, expected) in [
            ("", KeyError::Missing),
            (" \n", KeyError::Missing),
            ("two words", KeyError::NotPlain),
            ("schlüssel", KeyError::NotPlain),
            (rsa, KeyError::NotEd25519),
            ("MC4CAQAwBQYDK2Vwnonsense", KeyError::NotEd25519),
            ("-----BEGIN nothing", KeyError::NotEd25519),
            (&"x".repeat(SECRET_MAX + 1), KeyError::TooLong),
        ] {
            assert_eq!(Signer::parse(&secret.to_owned().into()).expect_err("refused"), expected, "{secret:?}");
        }
        assert_eq!(ApiKey::parse("a b").expect_err("refused"), KeyError::NotPlain);
        assert_eq!(ApiKey::parse(" abcdEFGH\n").map(|key| key.last4().to_owned()).as_deref(), Ok("EFGH"));
    }

    #[test]
    fn nothing_that_signs_prints_its_secret() {
        let key = ApiKey::parse("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A").expect("plain");
        assert_eq!(format!("{key:?}"), "ApiKey(...Eh8A)");
        for secret in [SECRET, ED25519] {
            let shown = format!("{:?}", signer(secret));
            assert!(shown.starts_with("Signer(") && shown.len() < 20, "{shown}");
        }
    }
}
